"""The Open Inference Protocol, by hand and by an existing client."""

import json
import math
from collections.abc import Iterator

import numpy as np
import pytest
import tritonclient.http as triton
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from losses.contract.registry import catalogue
from losses.errors import Refusal
from service.uploads.json_bodies import simd as json_simd
from service.uploads.json_bodies.text import parsed
from tests.conftest import Client
from tests.service.processes import serving

pytestmark = pytest.mark.anyio
Z, Y = np.array([2.0, -1.0, 0.5], np.float32), np.array([1.0, 0.0, 1.0], np.float32)


@pytest.fixture(scope="module")
def server() -> Iterator[triton.InferenceServerClient]:
    with serving() as running, triton.InferenceServerClient(f"127.0.0.1:{running.port}") as client:
        yield client


def sent(name: str, array: np.ndarray, datatype: str, *, binary: bool = True) -> triton.InferInput:
    tensor = triton.InferInput(name, list(array.shape), datatype)
    tensor.set_data_from_numpy(array, binary_data=binary)
    return tensor


def pair(*, binary: bool = True) -> list[triton.InferInput]:
    return [sent("predictions", Z, "FP32", binary=binary), sent("targets", Y, "FP32", binary=binary)]


def test_the_client_finds_the_server_and_its_models_ready(server: triton.InferenceServerClient) -> None:
    assert server.is_server_live()
    assert server.is_server_ready()
    assert server.is_model_ready("dice")
    assert not server.is_model_ready("dyce")
    assert "binary_tensor_data" in server.get_server_metadata()["extensions"]
    assert {model["name"] for model in server.get_model_repository_index()} == {"objective", *catalogue()}
    roles = server.get_model_metadata("sparse_categorical_ce", "1")["inputs"]
    assert [(role["name"], role["datatype"]) for role in roles][:2] == [("predictions", "FP32"), ("targets", "INT64")]


@pytest.mark.parametrize("binary", [True, False])
def test_the_client_evaluates_a_loss_in_bytes_and_in_json(
    server: triton.InferenceServerClient,
    binary: bool,  # noqa: FBT001 - a case
) -> None:
    wanted = [triton.InferRequestedOutput("value", binary_data=binary), triton.InferRequestedOutput("kept")]

    answer = server.infer(
        "focal", pair(binary=binary), outputs=wanted, parameters={"gamma": 3, "alpha": 0.5}, request_id="seven"
    )

    p = 1 / (1 + np.exp(-Z.astype(float)))
    hit = np.where(Y > 0, p, 1 - p)
    assert answer.as_numpy("value") == pytest.approx([(-0.5 * (1 - hit) ** 3 * np.log(hit)).mean()], rel=1e-6)
    assert answer.as_numpy("kept").tolist() == [3]
    assert answer.get_response()["id"] == "seven"


def test_the_client_evaluates_an_expression_per_item(server: triton.InferenceServerClient) -> None:
    parameters = {"loss": "mse + 2*mae", "reduction": "none"}

    answer = server.infer("objective", pair(), parameters=parameters)

    error = np.abs(Z - Y)
    assert answer.as_numpy("values") == pytest.approx(error**2 + 2 * error)
    assert answer.as_numpy("values").dtype == np.float32


def test_the_client_gets_gradients_of_half_precision(server: triton.InferenceServerClient) -> None:
    halves = [sent("predictions", Z.astype(np.float16), "FP16"), sent("targets", Y.astype(np.float16), "FP16")]

    answer = server.infer("mse", halves, parameters={"gradient": "full"})

    assert answer.as_numpy("gradients.predictions") == pytest.approx(2 * (Z - Y) / 3, rel=1e-3)


def test_the_client_reads_our_refusals(server: triton.InferenceServerClient) -> None:
    with pytest.raises(triton.InferenceServerException, match="it has gamma"):
        server.infer("focal", pair(), parameters={"gama": 2})
    with pytest.raises(triton.InferenceServerException, match="Did you mean focal"):
        server.infer("focl", pair())


HEADER = "inference-header-content-length"
TENSORS: list[dict[str, object]] = [
    {"name": "predictions", "shape": [2], "datatype": "FP64", "data": [1.0, 2.0]},
    {"name": "targets", "shape": [2], "datatype": "FP64", "data": [1.5, 0.0]},
]


async def test_json_alone_is_answered_in_json(client: Client) -> None:
    async with client() as http:
        answer = (await http.post("/v2/models/mse/infer", json={"inputs": TENSORS})).json()

    assert answer["outputs"][0] == {"name": "value", "datatype": "FP64", "shape": [1], "data": [2.125]}
    assert (answer["model_name"], answer["model_version"]) == ("mse", "1")


async def test_a_value_that_is_undefined_is_null_with_its_reason(client: Client) -> None:
    mask = {"name": "mask", "shape": [2], "datatype": "BOOL", "data": [False, False]}

    async with client() as http:
        in_json = await http.post("/v2/models/mse/infer", json={"inputs": [*TENSORS, mask]})
        body = {"inputs": [*TENSORS, mask], "parameters": {"binary_data_output": True}}
        in_bytes = await http.post("/v2/models/mse/infer", json=body)

    assert in_json.json()["outputs"][0]["data"] == [None]
    assert "every item is masked" in in_json.json()["parameters"]["reason"]
    length = int(in_bytes.headers[HEADER])
    assert math.isnan(np.frombuffer(in_bytes.content[length : length + 8])[0])


def body(inputs: object, behind: bytes = b"", **more: object) -> tuple[bytes, dict[str, str]]:
    text = json.dumps({"inputs": inputs, **more}).encode()
    headers = {"content-type": "application/octet-stream", HEADER: str(len(text))}
    return text + behind, headers


def announced(size: object, shape: list[int] | None = None, datatype: str = "FP64") -> list[dict[str, object]]:
    described = {"name": "predictions", "shape": shape or [2], "datatype": datatype}
    return [{**described, "parameters": {"binary_data_size": size}}, TENSORS[1]]


UNKNOWN = {"model_name": "mse", "model_version": None, "parameters": None, "id": None, "outputs": None}


@pytest.mark.parametrize("unknown", [UNKNOWN, {"model_name": "other", "notes": {"a": [1, "]"]}}])
@pytest.mark.parametrize("items", [2, 2000])
async def test_members_that_the_protocol_does_not_have_are_ignored(
    client: Client, unknown: dict[str, object], items: int
) -> None:
    inputs = [{**tensor, "shape": [items], "data": [1.0, 2.0] * (items // 2), "parameters": None} for tensor in TENSORS]

    async with client() as http:
        answer = await http.post("/v2/models/mse/infer", json={**unknown, "inputs": inputs})

    assert answer.json()["outputs"][0]["data"] == [0.0]


NUMBERS = st.one_of(
    st.lists(st.integers(-9, 9), min_size=1, max_size=4),
    st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=4),
    st.lists(st.booleans(), max_size=3),
    st.lists(st.lists(st.integers(-9, 9), max_size=3), max_size=3),
    st.none(),
    st.text(max_size=3),
)
PLAIN = st.dictionaries(st.text(max_size=4), st.one_of(st.none(), st.integers(-9, 9), st.text(max_size=4)), max_size=3)
ENTRIES = st.lists(st.builds(lambda entry, data: {**entry, "data": data}, PLAIN, NUMBERS), max_size=3)


@given(PLAIN, ENTRIES)
def test_long_json_is_read_as_short_json_is(members: dict[str, object], entries: list[dict[str, object]]) -> None:
    text = json.dumps({**members, "inputs": entries}).encode()

    try:
        long = json_simd.read_members_of_entries(text, "inputs", "data", 64)
    except (json_simd.Unaccounted, Refusal):
        return

    for entry in long["inputs"]:
        data = entry.setdefault("data", None)
        entry["data"] = data.tolist() if isinstance(data, Tensor) else data
    assert long == parsed(text)


@pytest.mark.parametrize(
    ("data", "says"),
    [([1.0] * 2999 + ["x"], "numbers only"), ([[1.0, 2.0]] * 1500 + [[1.0]], "same length"), ([1.5] * 2999, "3000")],
)
async def test_wrong_numbers_of_long_json_are_refused_by_the_name_of_the_input(
    client: Client, data: list[object], says: str
) -> None:
    inputs = [{"name": "predictions", "shape": [3000], "datatype": "FP64", "data": data}, TENSORS[1]]

    async with client() as http:
        answer = await http.post("/v2/models/mse/infer", json={"inputs": inputs})

    assert answer.status_code == 422
    assert says in answer.json()["detail"]
    assert "predictions" in answer.json()["detail"]


async def test_more_numbers_than_json_may_carry_go_as_bytes(client: Client) -> None:
    inputs = [{**tensor, "shape": [20], "data": [1.5] * 20} for tensor in TENSORS]
    asked = {"inputs": inputs, "parameters": {"reduction": "none"}}

    async with client(max_answer_numbers=10) as http:
        in_json = await http.post("/v2/models/mse/infer", json=asked)
        asked["outputs"] = [{"name": "values", "parameters": {"binary_data": True}}]
        in_bytes = await http.post("/v2/models/mse/infer", json=asked)

    assert in_json.status_code == 413
    assert "binary_data_output" in in_json.json()["error"]
    assert in_bytes.is_success


WRONG = [
    ("fewer bytes than announced", *body(announced(16), b"\0" * 8), 422, "binary_data_size"),
    ("a size that lies", *body(announced(8), b"\0" * 16), 422, "binary_data_size=16"),
    ("a size in words", *body(announced("16"), b"\0" * 16), 422, "binary_data_size"),
    ("bytes left over", *body(announced(16), b"\0" * 17), 400, "1 bytes"),
    ("10^18 numbers", *body(announced(16, [10**9, 10**9]), b"\0" * 16), 422, "binary_data_size"),
    ("text", *body(announced(16, datatype="BYTES"), b"\0" * 16), 422, "datatype"),
    ("a role twice", *body([*TENSORS, TENSORS[0]]), 422, "Two inputs are called predictions"),
    ("numbers too few", *body([{**TENSORS[0], "shape": [3]}, TENSORS[1]]), 422, "3 numbers"),
    ("no inputs", *body([]), 422, "inputs"),
    ("an unknown output", *body(TENSORS, outputs=[{"name": "x"}]), 422, "value"),
    ("an unknown parameter", *body(TENSORS, parameters={"x": 1}), 422, "parameter"),
    ("no shape", *body([{"name": "predictions", "datatype": "FP64", "data": [1]}]), 422, "shape"),
]


@pytest.mark.parametrize(
    ("content", "headers", "status", "says"), [row[1:] for row in WRONG], ids=[r[0] for r in WRONG]
)
async def test_a_wrong_request_is_refused_as_both_protocols_have_it(
    client: Client, content: bytes, headers: dict[str, str], status: int, says: str
) -> None:
    async with client() as http:
        answer = await http.post("/v2/models/mse/infer", content=content, headers=headers)

    problem = answer.json()
    assert answer.status_code == status
    assert says in problem["detail"]
    assert problem["error"] == problem["detail"]


@pytest.mark.parametrize("length", ["-1", "abc", str(2**63), "100000", "1e3", ""])
async def test_a_header_length_that_cannot_be_is_refused(client: Client, length: str) -> None:
    content, headers = body(TENSORS)

    async with client() as http:
        answer = await http.post("/v2/models/mse/infer", content=content, headers={**headers, HEADER: length})

    assert answer.status_code == 400
    assert "Inference-Header-Content-Length" in answer.json()["detail"]


async def test_versions_and_models_that_are_not_there(client: Client) -> None:
    async with client() as http:
        assert (await http.get("/v2/models/mse/versions/1")).is_success
        assert (await http.get("/v2/models/mse/versions/2")).status_code == 404
        assert "Did you mean focal?" in (await http.get("/v2/models/focl")).json()["error"]


@pytest.mark.parametrize("name", ["UINT16", "UINT32", "BF16", "INT8", "BOOL"])
async def test_every_datatype_is_read(client: Client, name: str) -> None:
    ones = {**TENSORS[0], "datatype": name, "data": [1, 1]}

    async with client() as http:
        answer = await http.post("/v2/models/mse/infer", json={"inputs": [ones, TENSORS[1]]})

    assert answer.json()["outputs"][0]["data"] == [(0.25 + 1) / 2]
