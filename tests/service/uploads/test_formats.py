"""Arrays arrive as JSON lists and as .npy files; what is no plain array of numbers is refused."""

import io
import json
import struct

import numpy as np
import pytest

from losses.errors import Refusal
from service.uploads.formats import npy as format_
from service.uploads.json_bodies.lists import from_lists, to_lists
from tests.conftest import Client
from tests.service.files import Files, Part, npy

pytestmark = pytest.mark.anyio
REQUEST: Part = (None, json.dumps({"loss": "mse"}))


@pytest.mark.parametrize("dtype", ["f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", ">f8", ">i4"])
@pytest.mark.parametrize("fortran", [False, True])
async def test_every_dtype_and_byte_order_is_read_right(client: Client, dtype: str, fortran: bool) -> None:  # noqa: FBT001 - a case
    predictions = npy([[1, 2], [3, 4]], dtype, fortran=fortran)

    async with client() as http:
        files: Files = {"request": REQUEST, "predictions": predictions, "targets": npy([[0.0, 0.0], [0.0, 2.0]])}
        answer = (await http.post("/v1/evaluate", files=files)).json()

    assert answer["results"][0]["value"] == (1 + 4 + 9 + 4) / 4
    assert answer["items"] == 2


async def test_float32_is_computed_in_float32_unless_asked_otherwise(client: Client) -> None:
    files: Files = {"predictions": npy([0.1, 0.7], "f4"), "targets": npy([0.0, 0.0], "f4")}
    wide = json.dumps({"loss": "mse", "options": {"dtype": "float64"}})

    async with client() as http:
        narrow_answer = (await http.post("/v1/evaluate", files={"request": REQUEST, **files})).json()
        wide_answer = (await http.post("/v1/evaluate", files={"request": (None, wide), **files})).json()

    assert (narrow_answer["dtype"], wide_answer["dtype"]) == ("float32", "float64")
    assert narrow_answer["results"][0]["value"] == pytest.approx(wide_answer["results"][0]["value"], rel=1e-6)


def _header(text: str, version: int = 1, body: bytes = b"") -> bytes:
    length = struct.pack("<H" if version == 1 else "<I", len(text))
    return b"\x93NUMPY" + bytes([version, 0]) + length + text.encode("latin-1") + body


def _like(descr: str = "'<f8'", shape: str = "(1,)", fortran: str = "False") -> str:
    return f"{{'descr': {descr}, 'fortran_order': {fortran}, 'shape': {shape}}}"


HOSTILE = [
    ("no array at all", b"\x80\x04K\x01.", "no .npy file"),
    ("nothing", b"", "no .npy file"),
    ("unknown version", b"\x93NUMPY\x09\x09" + b"\x00" * 64, "version"),
    ("header of 4 GiB", b"\x93NUMPY\x02\x00\xff\xff\xff\xff", "header"),
    ("header cut short", b"\x93NUMPY\x01\x00\xff\x00{", "header"),
    ("header that is no literal", _header("__import__('os')"), "dictionary"),
    ("header without a shape", _header("{'descr': '<f8', 'fortran_order': False}"), "dictionary"),
    ("nested parentheses", _header("(" * 3000), "dictionary"),
    ("object array", _header(_like("'|O'")), "pickle"),
    ("structured dtype", _header(_like("[('a', '<f8')]")), "dtype"),
    ("complex dtype", _header(_like("'<c16'"), body=b"\x00" * 16), "dtype"),
    ("text dtype", _header(_like("'<U0'", "(1000000000000,)")), "dtype"),
    ("more than there is", _header(_like(shape="(1000000000000,)")), "bytes follow"),
    ("one short", _header(_like(shape="(2,)"), body=b"\x00" * 8), "bytes follow"),
    ("one over", _header(_like(), body=b"\x00" * 9), "bytes follow"),
    ("product past 2^64", _header(_like(shape="(281474976710655, 281474976710655)")), "shape"),
    ("negative length", _header(_like(shape="(-1,)")), "shape"),
    ("true for a length", _header(_like(shape="(True,)")), "shape"),
    ("sixty-five axes", _header(_like(shape=str((1,) * 65)), body=b"\x00" * 8), "shape"),
    ("order that is no boolean", _header(_like(fortran="1"), body=b"\x00" * 8), "shape"),
]


@pytest.mark.parametrize(("data", "says"), [row[1:] for row in HOSTILE], ids=[row[0] for row in HOSTILE])
def test_a_hostile_npy_is_refused(data: bytes, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        format_.decode("predictions", bytearray(data))


def test_all_versions_of_the_format_are_read() -> None:
    array = np.arange(6.0).reshape(2, 3)

    for version in ((1, 0), (2, 0), (3, 0)):
        buffer = io.BytesIO()
        np.lib.format.write_array(buffer, array, version)

        assert format_.decode("predictions", bytearray(buffer.getvalue())).tolist() == array.tolist()


def test_lists_become_tensors_of_what_they_hold() -> None:
    assert str(from_lists("x", [1, 2], booleans=False).dtype) == "torch.int64"
    assert str(from_lists("x", [1, 2.5], booleans=False).dtype) == "torch.float64"
    assert str(from_lists("x", [True, False], booleans=True).dtype) == "torch.bool"
    assert from_lists("x", [[], []], booleans=False).shape == (2, 0)


@pytest.mark.parametrize("value", [1.0, "1", None, {}, [[1], [1, 2]], [["1"]], [2**63], [[[[[[[[[1]]]]]]]]]])
def test_anything_else_is_refused(value: object) -> None:
    with pytest.raises(Refusal):
        from_lists("x", value, booleans=False)


def test_numbers_that_json_cannot_say_become_null() -> None:
    tensor = from_lists("x", [1.0, 2.0], booleans=False)
    tensor[0] = float("inf")

    assert to_lists(tensor) == [None, 2.0]


PARTS: list[tuple[str, list[tuple[str, Part]], int, str]] = [
    ("a role twice", [("request", REQUEST), ("targets", npy([1.0])), ("targets", npy([1.0]))], 422, "twice"),
    ("an unknown part", [("request", REQUEST), ("prediction", npy([1.0]))], 422, "Did you mean predictions?"),
    ("a role in the request part", [("request", (None, '{"loss": "mse", "targets": [1]}'))], 422, "file part"),
    ("many parts", [(f"p{i}", npy([1.0])) for i in range(70)], 400, "parts"),
    ("a pickle", [("request", REQUEST), ("targets", ("x.pt", b"\x80\x04K\x01."))], 415, "never opened"),
]


@pytest.mark.parametrize(("parts", "status", "says"), [row[1:] for row in PARTS], ids=[row[0] for row in PARTS])
async def test_a_wrong_part_is_refused(client: Client, parts: list[tuple[str, Part]], status: int, says: str) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate", files=parts)

    assert answer.status_code == status
    assert says in answer.json()["detail"]


async def test_values_and_gradients_come_back_as_lists_and_are_capped(client: Client) -> None:
    body = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
    longer = {"loss": "mse", "predictions": [1, 2, 3], "targets": [1, 2, 3]}

    async with client(max_answer_numbers=2) as http:
        per_item = await http.post("/v1/evaluate", json={**body, "options": {"reduction": "none"}})
        gradient = await http.post("/v1/evaluate", json={**body, "options": {"gradient": "full"}})
        too_many = await http.post("/v1/evaluate", json={**longer, "options": {"reduction": "none"}})

    assert per_item.json()["results"][0]["values"] == [0.25, 4.0]
    assert gradient.json()["results"][0]["gradients"] == {"predictions": [-0.5, 2.0]}
    assert too_many.status_code == 413


async def test_weights_and_masks_count(client: Client) -> None:
    body = {"loss": "mse", "predictions": [1.0, 2.0, 9.0], "targets": [1.5, 0.0, 0.0]}

    async with client() as http:
        masked = (await http.post("/v1/evaluate", json={**body, "mask": [True, True, False]})).json()["results"][0]
        weighted = (await http.post("/v1/evaluate", json={**body, "weights": [3, 1, 0]})).json()["results"][0]

    assert (masked["value"], masked["kept"], masked["ignored"]) == (2.125, 2, 1)
    assert weighted["value"] == (3 * 0.25 + 4) / 4
