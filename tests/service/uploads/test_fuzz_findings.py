"""What fuzzing found, each as the least that shows it. The bytes themselves are in tests/fuzz/corpus."""

import io
import json
import struct
import zipfile

import numpy as np
import pytest

from losses.errors import Refusal
from service.uploads import inference_protocol
from service.uploads.contents import SHORT_JSON, from_json
from service.uploads.formats import npy, npz, safetensors
from service.uploads.formats.registry import DecodingLimit
from tests.conftest import Client
from tests.service.files import npy as file_of
from tests.service.files import npy_body

pytestmark = pytest.mark.anyio
NPY, BINARY = "application/x-npy", "application/octet-stream"


def _npy(header: str, *version: int) -> bytearray:
    return bytearray(
        b"\x93NUMPY" + bytes(version or (1, 0)) + struct.pack("<H", len(header)) + header.encode("latin-1")
    )


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (_npy("{'descr': '<<f8', 'fortran_order': False, 'shape': (0,)}"), "dtype"),
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0,), 'more': 1}"), "more than"),
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}\x1f"), "dictionary"),
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0,)}", 1, 127), "version"),
        (_npy("{'descr': '<f8', 'fortran_order': False, 'shape': (0, 2147483648, 4294967295)}"), "shape"),
    ],
)
def test_an_npy_that_numpy_refuses_is_refused(data: bytearray, says: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        np.load(io.BytesIO(data))
    with pytest.raises(Refusal, match=says):
        npy.decode("predictions", data)


@pytest.mark.parametrize("before", [b"'<<f8'", b"PK\x03"])
def test_an_archive_begins_where_the_file_does(before: bytes) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("targets.npy", file_of([1.0])[1])

    with pytest.raises(Refusal, match="damaged"):
        list(npz.FORMAT.decode("The body", bytearray(before + buffer.getvalue()), DecodingLimit(1 << 20)))


def _safetensors(header: bytes, numbers: bytes = b"") -> bytearray:
    return bytearray(struct.pack("<Q", len(header)) + header + numbers)


ENTRY = b'{"dtype":"F16","shape":[0],"data_offsets":[0,0]}'


@pytest.mark.parametrize(
    ("header", "says"),
    [
        (b'{"targets":{"dtype":"F64","shape":[0],"dtype":"F16","data_offsets":[0,0]}}', "twice"),
        (b'{"targets":' + ENTRY + b',"targets":' + ENTRY + b"}", "twice"),
        (b'{"__metadata__":{"answer":2},"targets":' + ENTRY + b"}", "object of texts"),
        (b'{"__metadata__":[],"targets":' + ENTRY + b"}", "object of texts"),
    ],
)
def test_a_header_that_the_safetensors_library_refuses_is_refused(header: bytes, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        list(safetensors.FORMAT.decode("The body", _safetensors(header), DecodingLimit(1 << 20)))


@pytest.mark.parametrize(
    ("datatype", "number"),
    [("UINT8", 300), ("UINT8", -1), ("INT32", 2.5), ("BOOL", 3), ("INT64", 1e300), ("FP16", 70000), ("FP32", 1e39)],
)
def test_a_number_that_its_datatype_cannot_hold_is_refused(datatype: str, number: float) -> None:
    sent = inference_protocol.InputTensor(name="targets", shape=[1], datatype=datatype, data=[number])

    with pytest.raises(Refusal, match="cannot hold"):
        inference_protocol.input_tensors([sent], memoryview(b""))


@pytest.mark.parametrize("size", [0, SHORT_JSON])
@pytest.mark.parametrize(
    ("numbers", "read"),
    [
        ("[9223372036854775808, 1]", None),
        ("[[9223372036854775809], [-1]]", None),
        ("[9223372036854775808, 1.5]", [2.0**63, 1.5]),
        ("[1.5, 9223372036854775808]", [1.5, 2.0**63]),
        ("[11111111111111111111111111111111111111111]", None),
        ("[10000000000000000000000]", [1e22]),
    ],
)
def test_whole_numbers_are_not_rounded_in_silence(numbers: str, read: list[float] | None, size: int) -> None:
    text = bytearray(f'{{"targets": {numbers}}}'.encode() + b" " * size)

    if read is None:
        with pytest.raises(Refusal, match=r"2\^63"):
            from_json(text)
    else:
        assert from_json(text).roles["targets"].tolist() == read


@pytest.mark.parametrize("size", [0, SHORT_JSON])
def test_a_name_with_a_nul_in_it_is_a_field_like_any_other(size: int) -> None:
    text = bytearray(b'{"loss": "mse", "w\\u0000eights": [], "targets": [1]}' + b" " * size)

    upload = from_json(text)

    assert (upload.fields, upload.roles["targets"].tolist()) == ({"loss": "mse", "w\0eights": []}, [1])


@pytest.mark.parametrize("query", ["options=1&reduction=sum", "reduction=sum&options={}"])
async def test_options_in_the_query_stand_together_or_one_by_one(client: Client, query: str) -> None:
    async with client() as http:
        answer = await http.post(
            f"/v1/evaluate?loss=mse&{query}", content=npy_body(np.ones(1)) * 2, headers={"content-type": NPY}
        )

    assert (answer.status_code, "not both" in answer.json()["detail"]) == (422, True)


async def test_the_document_says_what_a_binary_answer_is(client: Client) -> None:
    inputs = [{"name": n, "shape": [1], "datatype": "FP64", "data": [1.0]} for n in ("predictions", "targets")]

    async with client() as http:
        asked = {"inputs": inputs, "parameters": {"binary_data_output": True}}
        answer = await http.post("/v2/models/mse/infer", json=asked)
        said = (await http.get("/openapi.json")).json()["paths"]["/v2/models/{model}/infer"]["post"]["responses"]["200"]

    assert answer.headers["content-type"] == BINARY
    assert BINARY in said["content"]
    assert "Inference-Header-Content-Length" in said["headers"]


async def test_the_document_names_every_value_that_is_looked_up(client: Client) -> None:
    async with client() as http:
        document = (await http.get("/openapi.json")).json()
        traits = {trait for row in (await http.get("/v1/losses")).json()["losses"] for trait in row["traits"]}

    listed = {entry["name"]: entry["schema"] for entry in document["paths"]["/v1/losses"]["get"]["parameters"]}
    inferred = json.dumps(document["components"]["schemas"]["InputTensor"])
    assert set(listed["trait"]["enum"]) == traits
    assert "regression" in listed["task"]["enum"]
    assert json.dumps([*inference_protocol.DATATYPES]) in inferred


async def test_a_tensor_without_a_name_is_no_input(client: Client) -> None:
    header = b'{"":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}'

    async with client() as http:
        answer = await http.post(
            "/v1/evaluate?loss=mse",
            content=bytes(_safetensors(header, bytes(4))),
            headers={"content-type": "application/x-safetensors"},
        )

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:lossary:unknown-input"


async def test_a_curve_over_nothing_is_refused(client: Client) -> None:
    async with client() as http:
        answer = await http.get("/v1/losses/smooth_l1/curve?format=svg&points=2&span=5e-324")

    assert answer.status_code == 422
