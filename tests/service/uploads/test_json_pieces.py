"""JSON whose arrays are parsed in pieces says what it says as a whole, and holds nobody up."""

import json
import random
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from losses.errors import Refusal, UnknownInput
from service.problems import BadEnvelope, BadRequest
from service.uploads.contents import Contents, from_json
from service.uploads.inference_protocol import request_members
from service.uploads.json_bodies.lists import EXACT
from service.uploads.json_bodies.pieces import PIECE, cut
from service.uploads.json_bodies.simd import COUNTED
from tests.conftest import Client
from tests.service.problem import is_problem
from tests.service.uploads.test_long_json import BODY

pytestmark = pytest.mark.anyio
JSON = {"content-type": "application/json"}
PAD = " " * 4096  # past what is read as lists whatever it is


def read(text: str, piece: int = PIECE) -> Contents | type[Refusal]:
    try:
        return from_json(bytearray(text.encode()), piece=piece)
    except Refusal as refusal:  # an array that is wrong in two ways may be refused for either
        return type(refusal)


def same(one: Contents | type[Refusal], other: Contents | type[Refusal]) -> bool:
    """Say whether two outcomes are the same: both refused, or the same fields and numbers.

    A long array that is no input is refused at once, a short one when fields are read. A whole number that float64
    holds is taken as such only where a fraction stands in the same piece.
    """
    if one is BadRequest and isinstance(other, Contents):
        return any((tensor.abs() >= EXACT).any() for tensor in other.roles.values() if tensor.is_floating_point())
    if one is UnknownInput and isinstance(other, Contents):
        return any(isinstance(value, list) for value in other.fields.values())
    if not isinstance(one, Contents) or not isinstance(other, Contents):
        return not isinstance(one, Contents) and not isinstance(other, Contents)
    return (
        one.fields == other.fields
        and one.roles.keys() == other.roles.keys()
        and all(
            tensor.dtype == other.roles[role].dtype and torch.equal(tensor, other.roles[role])
            for role, tensor in one.roles.items()
        )
    )


@given(BODY, st.integers(1, 40), st.sampled_from(["", PAD]))
def test_pieces_of_any_length_say_what_the_whole_says(body: dict[str, Any], piece: int, pad: str) -> None:
    text = json.dumps(body) + pad

    assert same(read(text, piece), read(text))


@given(BODY, st.integers(1, 20), st.randoms(use_true_random=False))
def test_a_broken_text_is_refused_in_pieces_as_it_is_as_a_whole(
    body: dict[str, Any], piece: int, draw: random.Random
) -> None:
    text = list(json.dumps(body))
    for _ in range(draw.randint(1, 3)):
        text[draw.randrange(len(text))] = draw.choice([",", "[", "]", "", " ", "1", '"', "\\", "\v"])

    assert same(read("".join(text), piece), read("".join(text)))


def test_rows_longer_than_a_piece_are_cut_too() -> None:
    rows = np.arange(24.0).reshape(2, 3, 4) / 8
    text = json.dumps({"predictions": rows.tolist(), "targets": [1]})

    content = read(text, piece=6)

    assert isinstance(content, Contents)
    assert torch.equal(content.roles["predictions"], torch.from_numpy(rows))


def test_nothing_longer_than_two_pieces_is_parsed_at_once() -> None:
    rows = ",".join(["[1.5, 2]"] * PIECE)
    text = f'{{"targets": [{rows}], "weights": [{"1.5," * PIECE}1]}}'.encode()

    kept, arrays = cut(text)

    assert len(kept) < 100
    assert max(end - begin for spans in arrays.entries.values() for begin, end in spans) <= 2 * PIECE
    assert sum(len(spans) for spans in arrays.entries.values()) > 10


@pytest.mark.parametrize(
    "array", ["[1,,2,3]", "[1,2,3,]", "[,1,2,3]", "[[1,2,3,4,5,6,7,8]5]", "[1,2,3 4,5]", "[1,2,3,nan]", "[1,2,3"]
)
@pytest.mark.parametrize("piece", [1, 2, 3, 5, 8])
def test_what_is_no_json_between_two_pieces_is_refused(array: str, piece: int) -> None:
    text = bytearray(b'{"targets": [1], "predictions": %s}' % array.encode())

    with pytest.raises(BadEnvelope):
        from_json(text, piece=piece)


def test_flags_are_read_in_pieces_and_never_taken_for_numbers() -> None:
    text = b'{"predictions": [1, 2, 3, 4, 5, 6], "mask": [true, false, true, true, false, true]}'

    content = from_json(bytearray(text), piece=12)

    assert content.roles["mask"].tolist() == [True, False, True, True, False, True]


@pytest.mark.parametrize(
    ("array", "says"),
    [
        ("[true, 1, true, 0, true]", "numbers only"),
        ("[true, false, null, true]", "numbers only"),
        ("[1, 2, 3, true, false]", "numbers only"),
        ("[0.5, 1.5, 2.5, 9007199254740993]", "exactly"),
        ("[[1, 2, 3], [1, 2, 3], [1, 2]]", "same length"),
        (f"{'[' * 9}1, 2, 3, 4, 5{']' * 9}", "nested at most"),
    ],
)
def test_pieces_that_do_not_fit_one_another_are_refused(array: str, says: str) -> None:
    with pytest.raises(BadRequest, match=says):
        from_json(bytearray(b'{"predictions": %s}' % array.encode()), piece=4)


def test_names_that_stand_for_arrays_cannot_be_sent() -> None:
    text = bytearray(b'{"predictions": "0", "targets": [1, 2, 3, 4], "loss": "\\u00300"}')

    with pytest.raises(BadRequest, match="list of numbers"):
        from_json(text, piece=4)


def test_inputs_of_the_open_inference_protocol_are_read_in_pieces() -> None:
    numbers = [1.5, 2.0] * PIECE
    inputs = [{"name": "predictions", "shape": [len(numbers)], "datatype": "FP32", "data": numbers}]

    members = request_members(json.dumps({"inputs": inputs, "id": 'a"\\['}).encode())

    assert members["id"] == 'a"\\['
    assert torch.equal(members["inputs"][0]["data"], torch.tensor(numbers, dtype=torch.float64))


async def test_a_long_list_that_is_no_input_is_refused_and_ends_nothing(client: Client) -> None:
    text = b'{"loss": "mse", "predictions": [1], "targets": [1], "notes": [%s1]}' % (b"1," * (COUNTED + 100))

    async with client() as http:
        answer = await http.post("/v1/evaluate", content=text, headers=JSON)

    assert "notes" in is_problem(answer, 422)["detail"]


def test_a_long_list_within_a_field_is_refused_by_the_name_of_the_field() -> None:
    text = bytearray(b'{"targets": [1], "options": {"gradient": [[0, 1, 2, 3, 4]]}}')

    with pytest.raises(BadRequest, match="/options holds"):
        from_json(text, piece=4)


async def test_many_texts_in_a_long_body_are_refused_with_the_formats_that_have_them(client: Client) -> None:
    text = json.dumps({"loss": "mse", "predictions": [1.0], "targets": ["cat", "dog"] * (PIECE // 8)})

    async with client() as http:
        answer = await http.post("/v1/evaluate", content=text, headers=JSON)

    assert "CSV" in is_problem(answer, 422)["detail"]


async def test_a_long_array_of_rows_is_refused_with_the_format_that_has_them(client: Client) -> None:
    text = json.dumps([{"y_true": 1.0, "y_pred": 2.0}] * (5 * PIECE // 32))

    async with client() as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=text, headers=JSON)

    assert "NDJSON" in is_problem(answer, 413)["detail"]
