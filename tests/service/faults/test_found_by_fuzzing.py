"""What fuzzing over HTTP found: requests that were answered by a fault of the service."""

import pytest

from tests.conftest import Client
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio


async def test_an_empty_name_of_a_metric_is_none(client: Client) -> None:
    body = {"scenario": "tumour_segmentation", "task": "binary", "goal": {"metric": ""}}
    async with client() as http:
        answer = await http.post("/v1/recommend", json=body)

    assert is_problem(answer, 422)["type"] == "urn:lossary:unknown-metric"


@pytest.mark.parametrize("number", [2**63, 10**30])
async def test_rows_of_json_with_a_whole_number_that_no_column_holds_are_refused(client: Client, number: int) -> None:
    rows = f'[{{"predictions": 1.5, "targets": 1, "id": {number}}}]'
    async with client() as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=rows, headers={"content-type": "application/json"})

    assert "2^63" in is_problem(answer, 422)["detail"]


@pytest.mark.parametrize("path", ["/v1/experiments/ex_0123", "/v1/evaluations/ev_0123"])
async def test_events_of_a_job_that_is_not_there_are_refused_before_they_begin(client: Client, path: str) -> None:
    async with client() as http:
        answer = await http.get(f"{path}/events")

    is_problem(answer, 404)
