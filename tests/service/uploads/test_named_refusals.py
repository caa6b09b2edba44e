"""What is refused is named: as a JSON pointer, cut and made plain, with the name that was meant."""

import io
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pytest
from safetensors.numpy import save

from losses.errors import pointer
from tests.conftest import Client
from tests.service.files import Files, npy
from tests.service.problem import is_problem
from tests.service.wire import Body, as_bytes, as_json, as_multipart

pytestmark = pytest.mark.anyio
Arrays = Mapping[str, Any]
PREDICTIONS, TARGETS = [1.0, 2.0], [1.5, 0.0]
VALUE = 2.125  # of mse
ARROW = "application/vnd.apache.arrow.stream"


def as_arrow(arrays: Arrays) -> Body:
    table = pa.table({name: pa.array(values) for name, values in arrays.items()})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    return {"content": bytes(sink.getvalue()), "headers": {"Content-Type": ARROW}}


def as_chunks(arrays: Arrays) -> Body:
    body = as_arrow(arrays)

    async def chunks() -> Any:  # noqa: ANN401 - what httpx streams
        for start in range(0, len(body["content"]), 100):
            yield body["content"][start : start + 100]

    return {**body, "content": chunks()}


def as_safetensors(arrays: Arrays) -> Body:
    content = save({name: np.asarray(values) for name, values in arrays.items()})
    return {"content": content, "headers": {"Content-Type": "application/x-safetensors"}}


async def evaluated(http: httpx.AsyncClient, body: Body) -> httpx.Response:
    return await http.post("/v1/evaluate?loss=mse", **body)


BODIES: dict[str, Callable[[Arrays], Body]] = {
    "json": as_json,
    "multipart": as_multipart,
    "npz": as_bytes("npz"),
    "safetensors": as_safetensors,
    "arrow": as_arrow,
    "arrow in chunks": as_chunks,
}
every_body = pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)


def named_in(problem: dict[str, Any]) -> str:
    """Return the pointer that a refusal gives."""
    told = problem["errors"][0] if "errors" in problem else problem
    return str(told["pointer"])


@every_body
@pytest.mark.parametrize("name", ["fold", "__index_level_0__", "id", "x" * 200, "ungefähr", "naïve"])
async def test_an_input_that_means_nothing_is_named(client: Client, body: Callable[[Arrays], Body], name: str) -> None:
    async with client() as http:
        answer = await evaluated(http, body({"predictions": PREDICTIONS, "targets": TARGETS, name: PREDICTIONS}))

    problem = is_problem(answer, 422)
    assert named_in(problem) == pointer(name)
    assert pointer(name) in problem["detail"]
    assert name.isascii() or name not in answer.text


@every_body
@pytest.mark.parametrize(
    ("names", "meant"),
    [
        (("y_pred", "targets"), "predictions"),
        (("Predictions", "targets"), "predictions"),
        (("predcitions", "targets"), "predictions"),
        (("predictions", "y_true"), "targets"),
        (("predictions", "ground_truth"), "targets"),
        (("predictions", "tragets"), "targets"),
    ],
)
async def test_a_name_that_means_an_input_works_or_is_told_the_one_that_does(
    client: Client, body: Callable[[Arrays], Body], names: tuple[str, str], meant: str
) -> None:
    arrays = dict(zip(names, (PREDICTIONS, TARGETS), strict=True))

    async with client() as http:
        answer = await evaluated(http, body(arrays))
        if not answer.is_success:
            problem = is_problem(answer, 422)
            told = problem["errors"][0] if "errors" in problem else problem
            wrong = told["pointer"].removeprefix("/")
            assert f"Did you mean {meant}?" in problem["detail"]
            mended = {told["did_you_mean"] if name == wrong else name: values for name, values in arrays.items()}
            answer = await evaluated(http, body(mended))

    assert answer.json()["results"][0]["value"] == VALUE


@pytest.mark.parametrize("body", [as_arrow, as_chunks])
@pytest.mark.parametrize(
    "column",
    [
        pa.array(["a", "b"]),
        pa.array(["a", "b"]).dictionary_encode(),
        pa.array([1, None], pa.int64()),
        pa.array([1, 2], pa.timestamp("s")),
    ],
    ids=["text", "dictionary", "nulls", "times"],
)
async def test_a_column_that_is_no_input_is_left_out_and_not_cast(
    client: Client, body: Callable[[Arrays], Body], column: pa.Array
) -> None:
    async with client() as http:
        answer = await evaluated(http, body({"predictions": PREDICTIONS, "targets": TARGETS, "id": column}))

    problem = is_problem(answer, 422)
    assert problem["pointer"] == "/id"
    assert "Leave it out" in problem["detail"]
    assert "Cast" not in problem["detail"]


async def test_the_index_of_pandas_is_told_how_it_is_left_out(client: Client) -> None:
    async with client() as http:
        answer = await evaluated(http, as_arrow({"predictions": PREDICTIONS, "__index_level_0__": [0, 1]}))

    assert "preserve_index=False" in is_problem(answer, 422)["detail"]


async def test_arrays_without_names_are_told_how_they_get_some(client: Client) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, PREDICTIONS, TARGETS)

    async with client() as http:
        answer = await evaluated(http, {"content": buffer.getvalue(), "headers": {"Content-Type": "application/x-npz"}})

    problem = is_problem(answer, 422)
    assert problem["pointer"] == "/arr_0"
    assert "numpy.savez(file, predictions=..., targets=...)" in problem["detail"]


async def test_an_array_beside_is_refused_before_its_kind_is(client: Client) -> None:
    arrays = {"predictions": PREDICTIONS, "targets": TARGETS, "ids": np.array(["a", None], object)}

    async with client() as http:
        answer = await evaluated(http, as_bytes("npz")(arrays))

    assert is_problem(answer, 422)["pointer"] == "/ids"


@pytest.mark.parametrize("name", ["fold id", "a/b", "a~b", "<b>", "é", ""])
async def test_a_column_whose_name_is_none_is_named_too(client: Client, name: str) -> None:
    async with client() as http:
        answer = await evaluated(http, as_arrow({"predictions": PREDICTIONS, name: TARGETS}))

    assert named_in(is_problem(answer, 422)) == pointer(name)


async def test_an_input_of_the_open_inference_protocol_is_named_with_those_of_the_model(client: Client) -> None:
    inputs = [
        {"name": name, "shape": [2], "datatype": "FP64", "data": PREDICTIONS} for name in ("INPUT__0<é>", "targets")
    ]

    async with client() as http:
        answer = await http.post("/v2/models/mse/infer", json={"inputs": inputs})

    problem = is_problem(answer, 422)
    assert problem["pointer"] == pointer("INPUT__0<é>") == "/INPUT__0<?>"
    assert problem["roles"] == ["predictions", "targets", "weights", "mask"]


@pytest.mark.parametrize(
    ("query", "told"),
    [("roles=y_pred,targets", "/y_pred"), ("roles=predictions,predictions", "/predictions"), ("roles=a%2Fb", "/a~1b")],
)
async def test_a_role_of_the_query_is_named(client: Client, query: str, told: str) -> None:
    body = as_bytes("npy")({"predictions": PREDICTIONS, "targets": TARGETS})

    async with client() as http:
        answer = await http.post(f"/v1/evaluate?loss=mse&{query}", **body)

    assert is_problem(answer, 422)["pointer"] == told


async def test_an_input_among_the_query_parameters_belongs_in_the_body(client: Client) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate?loss=mse&weights=[1,2]", **as_json({"predictions": PREDICTIONS}))

    problem = is_problem(answer, 422)
    assert problem["errors"][0]["pointer"] == "/weights"
    assert "belongs in the body" in problem["detail"]


@pytest.mark.parametrize("path", ["profile", "advise"])
async def test_what_a_measuring_route_has_no_use_for_is_named(client: Client, path: str) -> None:
    arrays = {"targets": TARGETS, "predicitons": PREDICTIONS}

    async with client() as http:
        answer = await http.post(f"/v1/{path}?task=regression", **as_arrow(arrays))
        unused = await http.post("/v1/profile?task=regression", **as_json({"targets": TARGETS, "mask": [1, 1]}))

    assert is_problem(answer, 422)["did_you_mean"] == "predictions"
    assert is_problem(unused, 422)["pointer"] == "/mask"


@pytest.mark.parametrize("name", ["outliers.sme", "x" * 500, "<é>"])
async def test_a_threshold_is_named(client: Client, name: str) -> None:
    async with client() as http:
        answer = await http.post("/v1/recommend", json={"task": "regression", "thresholds": {name: 0.1}})

    assert is_problem(answer, 422)["pointer"] == pointer(name)


@pytest.mark.parametrize(("name", "told"), [("delta", "/delta"), ("é" * 300, "/" + "?" * 60), ("a/b~c", "/a~1b~0c")])
async def test_a_parameter_that_a_loss_has_not_is_named(client: Client, name: str, told: str) -> None:
    inputs = [
        {"name": role, "shape": [2], "datatype": "FP64", "data": PREDICTIONS} for role in ("predictions", "targets")
    ]

    async with client() as http:
        answer = await http.post("/v2/models/smooth_l1/infer", json={"inputs": inputs, "parameters": {name: 1}})

    problem = is_problem(answer, 422)
    assert problem["parameter"] == told
    assert problem["detail"] == f"smooth_l1: {told} is no parameter; it has beta, convention."


async def test_of_several_objectives_the_wrong_one_is_pointed_at(client: Client) -> None:
    arrays = {"predictions": PREDICTIONS, "targets": TARGETS}

    async with client() as http:
        several = await http.post("/v1/evaluate", **as_json(arrays, loss=["mse", "mae + focl"]))
        alone = await http.post("/v1/evaluate", **as_json(arrays, loss="focl"))

    assert (several.json()["pointer"], several.json()["position"]) == ("/loss/1", 6)
    assert "pointer" not in alone.json()


async def test_a_file_with_a_name_that_means_nothing_beside_good_ones_is_named(client: Client) -> None:
    files: Files = {"predictions": npy(PREDICTIONS), "targets": npy(TARGETS), "sample_weight": npy([1.0, 1.0])}

    async with client() as http:
        refused = await evaluated(http, {"files": files})
        files["weights"] = files.pop("sample_weight")
        answer = await evaluated(http, {"files": files})

    problem = is_problem(refused, 422)
    assert (problem["pointer"], problem["did_you_mean"]) == ("/sample_weight", "weights")
    assert answer.json()["results"][0]["value"] == VALUE


@pytest.mark.parametrize("name", ["BCELoss", "bce(from_logits=false)", "torch.nn.BCELoss"])
async def test_a_model_answers_to_every_name_of_its_loss(client: Client, name: str) -> None:
    probabilities = {"name": "predictions", "shape": [2], "datatype": "FP64", "data": [0.25, 0.5]}
    truth = {"name": "targets", "shape": [2], "datatype": "FP64", "data": [1.0, 0.0]}
    text = {"parameters": {"loss": name}} if "(" in name else {}
    model = "objective" if text else name

    async with client() as http:
        answer = await http.post(f"/v2/models/{model}/infer", json={**text, "inputs": [probabilities, truth]})

    assert answer.json()["outputs"][0]["data"][0] == pytest.approx((np.log(4) + np.log(2)) / 2)
