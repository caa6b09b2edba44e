"""Long JSON, which is read into buffers, says what short JSON says, which is read into lists."""

import json
import time

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from losses.errors import Refusal
from service.uploads.contents import from_json
from service.uploads.json_bodies import simd as json_simd
from service.uploads.roles import known_roles
from tests.conftest import Client
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio

NUMBER = st.integers(-(2**62), 2**62) | st.floats(allow_nan=False, allow_infinity=False)
ENTRY = NUMBER | st.booleans() | st.none() | st.text('a[]{}"\\é', max_size=3) | st.just(2**63)
ARRAY = (
    st.lists(NUMBER, max_size=5)
    | st.integers(0, 3).flatmap(lambda m: st.lists(st.lists(NUMBER, min_size=m, max_size=m), max_size=4))
    | st.recursive(ENTRY, lambda inner: st.lists(inner, max_size=3), max_leaves=8)
)
BODY = st.fixed_dictionaries(
    {"loss": st.text(max_size=5) | st.lists(st.text('[]{}"a', max_size=4), max_size=3)}
).flatmap(
    lambda fields: st.fixed_dictionaries({"predictions": ARRAY, "targets": ARRAY}).map(lambda more: {**fields, **more})
)


def outcome(read: object) -> object:
    """Return what came of reading, so that two outcomes can be compared."""
    try:
        fields, tensors = read()  # type: ignore[operator] # a function
    except Refusal as refusal:
        return type(refusal)  # an array that is wrong in two ways may be refused for either
    return fields, {role: (tensor.dtype, tensor.tolist()) for role, tensor in tensors.items()}


def by_lists(text: bytes) -> object:
    def read() -> object:
        upload = from_json(bytearray(text))
        return upload.fields, upload.roles

    return outcome(read)


@given(BODY)
def test_both_ways_of_reading_say_the_same(body: dict[str, object]) -> None:
    text = json.dumps(body).encode()

    try:
        json_simd.read_members(text, known_roles())
    except json_simd.Unaccounted:
        return
    except Refusal:
        pass

    assert outcome(lambda: json_simd.read_members(text, known_roles())) == by_lists(text)


@pytest.mark.parametrize(
    "array",
    [
        "[[1, [2]], [3, 4]]",  # as many numbers as an even one
        "[[1, 2], [3]]",
        "[[1], 2]",
        "[1, [2]]",
    ],
)
def test_rows_that_are_not_even_are_never_taken(array: str) -> None:
    text = b'{"predictions": %s}' % array.encode()

    with pytest.raises((json_simd.Unaccounted, Refusal)):
        json_simd.read_members(text, known_roles())


def test_a_name_that_stands_twice_is_not_taken() -> None:
    with pytest.raises(json_simd.Unaccounted):
        json_simd.read_members(b'{"predictions": [1], "predictions": [2]}', known_roles())


def long(array: object) -> bytes:
    return json.dumps({"loss": "mse", "predictions": array, "targets": array}).encode()


async def test_long_json_is_evaluated_as_its_numbers_are(client: Client) -> None:
    numbers = np.random.default_rng(0).normal(size=(5000, 2))

    async with client() as http:
        answer = await http.post(
            "/v1/evaluate", content=long(numbers.tolist()), headers={"content-type": "application/json"}
        )

    assert answer.json()["results"][0]["value"] == 0.0
    fields, tensors = json_simd.read_members(long(numbers.tolist()), known_roles())
    assert fields == {"loss": "mse"}
    assert torch.equal(tensors["targets"], torch.from_numpy(numbers))


@pytest.mark.parametrize(
    ("array", "says"),
    [
        ([1.5] * 20_000 + ["x"], "numbers only"),
        ([[1.5, 2]] * 20_000 + [[1]], "same length"),
        ([1] * 20_000 + [True], "numbers only"),
        ([[[[[[[[[1] * 20_000]]]]]]]], "nested at most"),
    ],
)
async def test_long_json_is_refused_as_short_json_is(client: Client, array: object, says: str) -> None:
    async with client() as http:
        answer = await http.post("/v1/evaluate", content=long(array), headers={"content-type": "application/json"})

    assert says in is_problem(answer, 422)["detail"]


async def test_what_is_no_json_is_refused_quickly_however_long(client: Client) -> None:
    text = long([1.5] * 1_000_000)[:-1] + b"]"

    async with client() as http:
        worked = time.process_time()
        answer = await http.post("/v1/evaluate", content=text, headers={"content-type": "application/json"})

    is_problem(answer, 400)
    assert time.process_time() - worked < 2
