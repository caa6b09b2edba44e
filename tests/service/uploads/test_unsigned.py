"""Whole numbers of 64 bits without a sign: taken in every format alike, up to what an int64 holds."""

import struct
from collections.abc import Callable
from typing import Any

import numpy as np
import orjson
import pyarrow as pa
import pytest
from safetensors.numpy import save

from tests.conftest import Client
from tests.service.files import npy_body, npz_body
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio
Body = tuple[str, bytes, dict[str, str]]
LARGEST = (1 << 63) - 1


def _npz(ids: np.ndarray) -> bytes:
    return npz_body(predictions=np.zeros((len(ids), 2)), targets=ids)


def _npy(ids: np.ndarray) -> bytes:
    return npy_body(np.zeros((len(ids), 2)), ids)


def _arrow(ids: np.ndarray) -> bytes:
    logits = pa.array([[0.0, 0.0]] * len(ids), pa.list_(pa.float64(), 2))
    table = pa.table({"predictions": logits, "targets": pa.array(ids)})
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as out:
        out.write_table(table)
    return bytes(sink.getvalue())


def _oip(ids: np.ndarray, **targets: Any) -> bytes:  # noqa: ANN401 - any JSON
    entries = [
        {"name": "predictions", "shape": [len(ids), 2], "datatype": "FP64", "data": [0.0] * 2 * len(ids)},
        {"name": "targets", "shape": [len(ids)], "datatype": "UINT64", **targets},
    ]
    return orjson.dumps({"inputs": entries})


def _v1(media: str, write: Callable[[np.ndarray], bytes]) -> Callable[[np.ndarray], Body]:
    return lambda ids: ("/v1/evaluate?loss=ce", write(ids), {"Content-Type": f"application/{media}"})


def _binary(ids: np.ndarray) -> Body:
    text = _oip(ids, parameters={"binary_data_size": 8 * len(ids)})
    return "/v2/models/ce/infer", text + ids.tobytes(), {"Inference-Header-Content-Length": str(len(text))}


WAYS: dict[str, Callable[[np.ndarray], Body]] = {
    "npy": _v1("x-npy", _npy),
    "npy of another byte order": _v1("x-npy", lambda ids: _npy(ids.astype(">u8"))),
    "npz": _v1("x-npz", _npz),
    "safetensors": _v1("x-safetensors", lambda ids: save({"predictions": np.zeros((len(ids), 2)), "targets": ids})),
    "arrow": _v1("vnd.apache.arrow.stream", _arrow),
    "open inference, bytes": _binary,
    "open inference, JSON": lambda ids: ("/v2/models/ce/infer", _oip(ids, data=ids.tolist()), {}),
}
every_way = pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)


@every_way
async def test_ids_without_a_sign_are_ids(client: Client, way: Callable[[np.ndarray], Body]) -> None:
    path, content, headers = way(np.array([0, 1, 1], np.uint64))

    async with client() as http:
        answer = await http.post(path, content=content, headers=headers)

    value = answer.json()["outputs"][0]["data"][0] if "v2" in path else answer.json()["results"][0]["value"]
    assert value == pytest.approx(np.log(2))


@every_way
async def test_what_no_int64_holds_is_refused_and_never_wrapped(
    client: Client, way: Callable[[np.ndarray], Body]
) -> None:
    path, content, headers = way(np.array([0, LARGEST + 1], np.uint64))

    async with client() as http:
        answer = await http.post(path, content=content, headers=headers)

    assert "2^63" in is_problem(answer, 422)["detail"]


async def test_a_negative_number_is_none_without_a_sign(client: Client) -> None:
    async with client() as http:
        answer = await http.post("/v2/models/ce/infer", content=_oip(np.zeros(2, np.uint64), data=[0, -1]))

    assert "UINT64 cannot hold" in is_problem(answer, 422)["detail"]


async def test_the_bits_of_a_negative_number_are_a_huge_one(client: Client) -> None:
    path, content, headers = _binary(np.zeros(1, np.uint64))

    async with client() as http:
        answer = await http.post(path, content=content[:-8] + struct.pack("<q", -1), headers=headers)

    assert "2^63" in is_problem(answer, 422)["detail"]
