"""What is sent where it means nothing: query parameters that do not exist, facts and options one level off."""

from typing import Any

import pytest

from recommender.tasks import Task
from tests.conftest import Client

pytestmark = pytest.mark.anyio
QUESTION = {"task": "regression"}


@pytest.mark.parametrize("path", ["/v1/rules", "/v1/losses", "/v1/losses/mse", "/v1/losses/mse/curve", "/v1/recommend"])
async def test_a_query_parameter_that_does_not_exist_is_refused_by_its_name(client: Client, path: str) -> None:
    async with client() as http:
        answer = await (
            http.post(f"{path}?reductoin=sum", json=QUESTION)
            if "recommend" in path
            else http.get(f"{path}?reductoin=sum")
        )

    assert answer.status_code == 422
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["parameter"] == "reductoin"
    assert "reductoin" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("asked", "near"),
    [("rules?tasks=binary", "task"), ("losses?traits=robust", "trait"), ("losses/mse/curve?point=9", "points")],
)
async def test_the_near_name_of_a_query_parameter_is_told(client: Client, asked: str, near: str) -> None:
    async with client() as http:
        answer = await http.get(f"/v1/{asked}")

    assert answer.json()["did_you_mean"] == near


async def test_a_long_or_foreign_name_is_cut_and_made_plain(client: Client) -> None:
    async with client() as http:
        answer = await http.get("/v1/rules", params={"<\x07é" + "a" * 5000: "1"})

    assert answer.json()["parameter"] == "<??" + "a" * 57
    assert len(answer.content) < 4096


@pytest.mark.parametrize("task", [*Task])
async def test_rules_are_those_of_the_task_asked_for(client: Client, task: str) -> None:
    async with client() as http:
        every = (await http.get("/v1/rules")).json()
        page = (await http.get(f"/v1/rules?task={task}")).json()

    assert page["rules"] == [row for row in every["rules"] if task in row["tasks"]]
    assert page["rules_hash"] == every["rules_hash"]
    used = {condition["threshold"] for row in page["rules"] for condition in (*row["when"], *row["unless"])} - {None}
    assert {threshold["name"] for threshold in page["thresholds"]} == used


async def test_rules_of_one_book_and_of_no_task(client: Client) -> None:
    async with client() as http:
        page = (await http.get("/v1/rules?rulebook=article")).json()
        unknown = await http.get("/v1/rules?task=regresion")

    assert {row["book"] for row in page["rules"]} == {"article"}
    assert (unknown.status_code, unknown.json()["did_you_mean"]) == (422, "regression")


ARRAYS: dict[str, Any] = {"predictions": [1.0], "targets": [0.0]}


@pytest.mark.parametrize(
    ("path", "body", "said"),
    [
        ("recommend", {**QUESTION, "outlier_rate": 0.08}, "`outlier_rate` belongs inside `profile`"),
        ("recommend", {**QUESTION, "functional": "mean"}, "`functional` belongs inside `goal`"),
        ("recommend", {**QUESTION, "profile": {"decision": "ranking"}}, "`decision` belongs inside `goal`"),
        ("recommend", {"goal": {"task": "binary"}}, "`task` belongs at the top level"),
        ("advise", {**ARRAYS, "outlier_rate": 0.08}, "`outlier_rate` belongs inside `profile`"),
        ("evaluate", {**ARRAYS, "loss": "mse", "reduction": "sum"}, "`reduction` belongs inside `options`"),
        ("evaluate", {**ARRAYS, "options": {"loss": "mse"}}, "`loss` belongs at the top level"),
    ],
)
async def test_a_field_in_the_wrong_place_is_told_its_place(
    client: Client, path: str, body: dict[str, Any], said: str
) -> None:
    async with client() as http:
        answer = await http.post(f"/v1/{path}", json=body)

    assert answer.status_code == 422
    assert said in answer.text
    assert "did_you_mean" not in answer.text


async def test_a_share_in_place_of_a_ratio_is_told_both_ways_to_write_it(client: Client) -> None:
    async with client() as http:
        answer = await http.post("/v1/recommend", json={"task": "binary", "profile": {"class_imbalance": 0.02}})

    assert answer.status_code == 422
    assert "2 % positives are a class_imbalance of 49 (98 to 2), or a positive_share of 0.02" in answer.json()["detail"]


async def test_percent_in_place_of_a_share_is_told_how_to_write_it(client: Client) -> None:
    async with client() as http:
        answer = await http.post("/v1/recommend", json={"task": "regression", "profile": {"outlier_rate": 8}})

    assert "8 % is 0.08" in answer.json()["detail"]
