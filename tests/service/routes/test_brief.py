"""?brief=1: the same answer without the members that are null."""

from typing import Any

import pytest

from tests.conftest import Client

pytestmark = pytest.mark.anyio
NUMBERS = {"predictions": [1.0, 2.0, 9.0], "targets": [1.5, 0.0, 2.0]}
ASKED: dict[str, dict[str, Any]] = {
    "/v1/recommend": {"task": "regression", "profile": {"outlier_rate": 0.08}},
    "/v1/evaluate": {"loss": ["mse", "mae + 0.5*huber"], **NUMBERS},
    "/v1/advise": {"task": "regression", **NUMBERS},
    "/v1/profile": {"task": "regression", **NUMBERS},
}


def pruned(value: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(value, dict):
        return {name: pruned(entry) for name, entry in value.items() if entry is not None and name != "timing_ms"}
    return [pruned(entry) for entry in value] if isinstance(value, list) else value


@pytest.mark.parametrize("path", ASKED)
async def test_a_brief_answer_is_the_whole_one_without_its_nulls(client: Client, path: str) -> None:
    async with client() as http:
        whole = await http.post(path, json=ASKED[path])
        brief = await http.post(f"{path}?brief=1", json=ASKED[path])
        refused = await http.post(f"{path}?breif=1", json=ASKED[path])

    assert "null" not in brief.text
    assert pruned(brief.json()) == pruned(whole.json())
    assert set(brief.headers) >= set(whole.headers) - {"content-length"}
    assert "Did you mean brief?" in refused.json()["detail"]


async def test_it_may_be_a_field_of_the_body(client: Client) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate", json={**ASKED["/v1/evaluate"], "brief": True})

    assert "terms" not in answer.json()["results"][0]
