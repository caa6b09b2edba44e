"""Fields beside the body: query parameters and parts of a form count like those in it, or are refused by their name."""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from tests.conftest import Client
from tests.service.files import Files, npy
from tests.service.wire import Body, as_bytes, as_json, as_multipart

pytestmark = pytest.mark.anyio
ONES, ZEROS = [1.0, 1.0], [0.0, 0.0]
ARRAYS: Mapping[str, Any] = {"predictions": ONES, "targets": ZEROS}
BODIES = {"json": as_json, "multipart": as_multipart, "npz": as_bytes("npz"), "npy": as_bytes("npy")}
every_body = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)


def parts() -> Files:
    return {"predictions": npy(ONES), "targets": npy(ZEROS)}


@every_body
async def test_a_query_parameter_counts_whatever_the_body_is(
    client: Client, body: Callable[[Mapping[str, Any]], Body]
) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate?loss=mse&loss=mae&reduction=sum", **body(ARRAYS))

    assert [each["loss"] for each in answer.json()["results"]] == ["mse", "mae"]
    assert [each["value"] for each in answer.json()["results"]] == [2.0, 2.0]


@every_body
async def test_an_unknown_query_parameter_is_refused_by_its_name(
    client: Client, body: Callable[[Mapping[str, Any]], Body]
) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate?loss=mse&reductoin=sum", **body(ARRAYS))

    assert answer.status_code == 422
    assert answer.json()["errors"][0]["pointer"] == "/reductoin"
    assert answer.json()["errors"][0]["did_you_mean"] == "reduction"


@pytest.mark.parametrize("path", ["profile", "advise"])
async def test_measuring_routes_take_query_parameters_too(client: Client, path: str) -> None:
    async with client() as http:
        answer = await http.post(f"/v1/{path}?task=regression&features=1", json={**ARRAYS, "targets": [1.0, 2.0]})

    assert answer.json().get("measured", answer.json())["task"] == "regression"


@pytest.mark.parametrize(
    ("fields", "query", "named"),
    [
        ({"loss": "mse"}, "loss=mae", "loss"),
        ({"loss": "mse", "options": {"reduction": "mean"}}, "reduction=sum", "reduction"),
        ({"loss": "mse", "options": {"reduction": "mean"}}, 'options={"reduction":"sum"}', "reduction"),
    ],
)
async def test_two_values_of_one_field_are_refused_by_its_name(
    client: Client, fields: dict[str, Any], query: str, named: str
) -> None:
    async with client() as http:
        of_json = await http.post(f"/v1/evaluate?{query}", **as_json(ARRAYS, **fields))
        of_parts = await http.post(f"/v1/evaluate?{query}", **as_multipart(ARRAYS, **fields))

    for answer in (of_json, of_parts):
        assert answer.status_code == 422
        assert answer.json()["field"] == named


async def test_the_same_value_twice_is_no_contradiction(client: Client) -> None:
    async with client() as http:
        answer = await http.post(
            "/v1/evaluate?loss=mse&reduction=sum&gradient=summary",
            **as_json(ARRAYS, loss="mse", options={"reduction": "sum", "standard_error": False}),
        )

    (result,) = answer.json()["results"]
    assert (result["value"], result["standard_error"]) == (2.0, None)
    assert result["gradient"] is not None


@pytest.mark.parametrize("path", ["evaluate", "profile", "advise"])
async def test_roles_beside_arrays_with_names_are_refused(client: Client, path: str) -> None:
    async with client() as http:
        answers = [
            await http.post(f"/v1/{path}?roles=targets,predictions", **body(ARRAYS))
            for body in (as_json, as_multipart, as_bytes("npz"))
        ]

    assert [answer.status_code for answer in answers] == [422] * 3
    assert all("roles=" in answer.json()["detail"] for answer in answers)


async def test_fields_of_a_form_count_like_the_request_part(client: Client) -> None:
    async with client() as http:
        answer = await http.post(
            "/v1/evaluate", data={"loss": ["mse", "mae"], "reduction": "sum", "standard_error": "false"}, files=parts()
        )

    assert [each["loss"] for each in answer.json()["results"]] == ["mse", "mae"]
    assert {each["value"] for each in answer.json()["results"]} == {2.0}


async def test_fields_of_a_form_go_with_a_request_part(client: Client) -> None:
    request = {"request": (None, '{"options": {"reduction": "sum"}}')}

    async with client() as http:
        answer = await http.post("/v1/evaluate", data={"loss": "mse"}, files={**request, **parts()})

    assert answer.json()["results"][0]["value"] == 2.0


async def test_an_unknown_field_of_a_form_is_refused_by_its_name(client: Client) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate", data={"loss": "mse", "epochs": "3"}, files=parts())

    assert answer.status_code == 422
    assert "/epochs: there is no such field" in answer.json()["detail"]


@pytest.mark.parametrize(("value", "status"), [(b"\xff\xfe", 422), (b"a" * 100_000, 413)])
async def test_a_field_that_is_no_short_text_is_refused_by_its_name(client: Client, value: bytes, status: int) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate", files={"loss": (None, value), **parts()})

    assert answer.status_code == status
    assert "The field loss" in answer.json()["detail"]


@pytest.mark.parametrize("text", ["mse,mae", "mse, mae,", "mse;mae", "quantile(quantile=0.5), mse"])
async def test_objectives_between_commas_are_several(client: Client, text: str) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate", params={"loss": text}, **as_bytes("npy")(ARRAYS))

    assert len(answer.json()["results"]) == 2


async def test_a_classification_of_losses_is_refused(client: Client) -> None:
    inputs = [
        {"name": name, "shape": [2], "datatype": "FP32", "data": np.asarray(values).tolist()}
        for name, values in ARRAYS.items()
    ]
    outputs = [{"name": "value", "parameters": {"classification": 3}}]

    async with client() as http:
        answer = await http.post("/v2/models/mse/infer", json={"inputs": inputs, "outputs": outputs})

    assert answer.status_code == 422
    assert answer.json()["parameter"] == "classification"
    assert "class_count" in answer.json()["error"]


async def test_an_empty_filter_of_the_rules_is_refused(client: Client) -> None:
    async with client() as http:
        answer = await http.get("/v1/rules?task=")

    assert answer.status_code == 422
