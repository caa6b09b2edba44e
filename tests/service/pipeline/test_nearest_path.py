"""A path that there is not is told the nearest, and a media type that clients send by themselves how to change it."""

import pytest
from fastapi.routing import APIRoute
from hypothesis import given
from hypothesis import strategies as st

from service.pipeline.route_table import nearest_path
from service.routes import routers
from tests.conftest import Client
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio
SHOWN = sorted(
    {
        route.path
        for router in routers()
        for route in router.routes
        if isinstance(route, APIRoute) and route.include_in_schema and route.path.count("/") > 1
    }
)
every_path = pytest.mark.parametrize("path", SHOWN)


def filled(path: str) -> str:
    """Return a path with a name in place of every brace."""
    return "/".join("mse" if part.startswith("{") else part for part in path.split("/"))


@every_path
def test_a_slash_more_or_a_version_less_is_the_same_path(path: str) -> None:
    unversioned = "/" + filled(path).split("/", 2)[2]

    assert nearest_path(filled(path) + "/", SHOWN) == path
    assert nearest_path(filled(path).replace("/", "//"), SHOWN) == path
    assert nearest_path(filled(path).upper().replace("MSE", "mse"), SHOWN) == path
    assert nearest_path(f"/api{filled(path)}", SHOWN) == path
    assert nearest_path(unversioned, SHOWN) == path


@given(st.sampled_from(SHOWN), st.data())
def test_a_letter_less_is_the_same_path(path: str, data: st.DataObject) -> None:
    parts = filled(path).split("/")
    place = data.draw(st.sampled_from([n for n, part in enumerate(parts) if len(part) > 4]))
    letter = data.draw(st.integers(0, len(parts[place]) - 1))
    parts[place] = parts[place][:letter] + parts[place][letter + 1 :]

    nearest = nearest_path("/".join(parts), SHOWN)

    assert nearest == path or (nearest is not None and takes(nearest, parts)), parts


def takes(path: str, parts: list[str]) -> bool:
    """Say whether a path takes these parts as they stand: /v1/experiments/erdict may well be an experiment."""
    own = path.split("/")
    return len(own) == len(parts) and all(a == b or a.startswith("{") for a, b in zip(own, parts, strict=True))


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/v1/evaluation", "/v1/evaluations"),
        ("/v1/reccomend", "/v1/recommend"),
        ("/v1/loss/mse", "/v1/losses/{loss_id}"),
        ("/v1/losses/mse/curves", "/v1/losses/{loss_id}/curve"),
        ("/v2/models/mse/inference", "/v2/models/{model}/infer"),
        ("/v2/models", "/v2/models/{model}"),
        ("/v2/evaluate", "/v1/evaluate"),
        ("/", None),
        ("/v1", None),
        ("/v1/wp-login.php", None),
        ("/admin", None),
        ("/v1/recommend/a/b", None),
        ("/" + "a/" * 4000, None),
    ],
)
def test_the_nearest_path_of_some(path: str, meant: str | None) -> None:
    assert nearest_path(path, SHOWN) == meant


async def test_the_answer_has_the_nearest_path_or_the_methods(client: Client) -> None:
    async with client() as http:
        unknown = await http.post("/v1/evaluation", json={})
        wrong = await http.get("/v1/evaluate")

    assert is_problem(unknown, 404)["did_you_mean"] == "/v1/evaluations"
    assert "POST" in is_problem(wrong, 405)["allowed"]
    assert "POST" in wrong.headers["allow"]


@pytest.mark.parametrize(
    ("media", "told"),
    [("application/x-www-form-urlencoded", "curl -H 'Content-Type: application/json'"), ("text/plain", "fetch")],
)
async def test_what_clients_send_by_themselves_is_told_how_to_change_it(client: Client, media: str, told: str) -> None:
    body = '{"loss": "mse", "predictions": [1], "targets": [0]}'

    async with client() as http:
        refused = await http.post("/v1/evaluate", content=body, headers={"Content-Type": media})
        answer = await http.post("/v1/evaluate", content=body, headers={"Content-Type": "application/json"})

    assert told in is_problem(refused, 415)["detail"]
    assert answer.json()["results"][0]["value"] == 1.0
