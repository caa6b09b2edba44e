"""Text that is no JSON is told what is wrong with it and where, and is JSON once that is mended."""

import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from losses.errors import Refusal
from service.problems import BadEnvelope
from service.uploads.json_bodies.simd import SHORT
from service.uploads.json_bodies.text import parsed
from tests.conftest import Client
from tests.service.files import npy
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio
# The text, where it stops being JSON, what is said, and the same text mended.
FAULTS = [
    ('{"a": NaN}', 6, "no NaN", '{"a": null}'),
    ('{"a": [1, -Infinity]}', 11, "no NaN", '{"a": [1, -1]}'),
    ('{"a": inf}', 6, "no NaN", '{"a": 1}'),
    ('{"a": None}', 6, "json.dumps", '{"a": null}'),
    ('{"a": True}', 6, "true, false and null", '{"a": true}'),
    ('{"a": undefined}', 6, "no undefined", "{}"),
    ("{'a': 1}", 1, "double quotes", '{"a": 1}'),
    ("{\"é\": 'b'}", 6, "double quotes", '{"é": "b"}'),
    ("{“a”: 1}", 1, "double quotes", '{"a": 1}'),
    ("{a: 1}", 1, "names stand in double quotes", '{"a": 1}'),
    ('{"a": [1,]}', 8, "comma stands behind the last", '{"a": [1]}'),
    ('{"a": 1,\n}', 7, "comma stands behind the last", '{"a": 1\n}'),
    ('// a\n{"a": 1}', 0, "no comments", '{"a": 1}'),
    ('{"a": 1 # b\n}', 8, "no comments", '{"a": 1 \n}'),
    ('{"a": .5}', 6, "begins with a digit", '{"a": 0.5}'),
    ('{"a": 007}', 6, "begins with no 0", '{"a": 7}'),
    ('{"a": 0x10}', 7, "decimal", '{"a": 16}'),
    ('{"a": +1}', 6, "no plus sign", '{"a": 1}'),
    ("loss=mse&a=1", 0, "a form", '{"loss": "mse"}'),
    ('{"a": 1', 7, "end of data", '{"a": 1}'),
    ('{"a": 1}{"b": 2}', 8, "after document", '{"a": 1}'),
    ('{"a": 1 "b": 2}', 8, "expected ','", '{"a": 1, "b": 2}'),
]


@pytest.mark.parametrize(("text", "position", "said", "mended"), FAULTS, ids=[row[0] for row in FAULTS])
def test_what_is_wrong_is_said_with_its_place(text: str, position: int, said: str, mended: str) -> None:
    with pytest.raises(BadEnvelope) as refused:
        parsed(text.encode())

    assert refused.value.facts == {"position": position}
    assert f"at character {position}: " in refused.value.message
    assert said in refused.value.message
    assert said == "no NaN" or "NaN" not in refused.value.message
    assert parsed(mended.encode()) == json.loads(mended)


@pytest.mark.parametrize(
    ("encoding", "way_out"),
    [("utf-8-sig", "utf-8-sig"), ("utf-16-le", "utf-16"), ("utf-16-be", "utf-16"), ("utf-16", "utf-16")],
)
def test_a_byte_order_mark_is_told_how_it_goes(encoding: str, way_out: str) -> None:
    mark = "" if encoding in ("utf-8-sig", "utf-16") else "\ufeff"
    text = f'{mark}{{"a": 1}}'.encode(encoding)
    with pytest.raises(BadEnvelope) as refused:
        parsed(text)

    assert "byte order mark" in refused.value.message
    assert f"text.decode('{way_out}').encode()" in refused.value.message
    assert parsed(text.decode(way_out).encode()) == {"a": 1}


@pytest.mark.parametrize("cut", [1, 3, 9])
def test_another_encoding_is_told_by_the_place_of_its_first_byte(cut: int) -> None:
    text = ('{"' + "x" * cut + 'é": 1}').encode("latin-1")
    with pytest.raises(BadEnvelope) as refused:
        parsed(text)

    assert refused.value.facts == {"position": 2 + cut}
    assert "UTF-8" in refused.value.message


async def test_a_file_that_is_called_json_is_told_how_it_is_sent(client: Client) -> None:
    content = npy([1.0])[1]

    async with client() as http:
        answer = await http.post("/v1/evaluate", content=content, headers={"Content-Type": "application/json"})

    assert "application/x-npy" in is_problem(answer, 400)["detail"]


NUMBERS = "1.5," * (SHORT // 4)
# What stands before and behind many numbers, what is said, and whether the place is.
LONG_FAULTS = [
    ("NaN", '{"predictions":[', 'NaN],"targets":[1]}', "no NaN", True),
    ("infinity", '{"predictions":[', '-Infinity],"targets":[1]}', "no NaN", True),
    ("None", '{"predictions":[', 'None],"targets":[1]}', "json.dumps", True),
    ("a comma", '{"predictions":[', '],"targets":[1]}', "comma stands behind the last", True),
    ("a comma in a line", '{"predictions":[', '1], "targets":[1],\n}', "comma stands behind the last", True),
    ("quotes", "{'predictions':[", "1],'targets':[1]}", "double quotes", False),
    ("a mark", '\ufeff{"predictions":[', '1],"targets":[1]}', "byte order mark", True),
    ("an end", '{"note":"None, NaN\'s","predictions":[', "1", "cut short", False),
]


@pytest.mark.parametrize(
    ("before", "behind", "said", "placed"), [row[1:] for row in LONG_FAULTS], ids=[row[0] for row in LONG_FAULTS]
)
async def test_what_is_wrong_with_a_long_text_is_said_without_reading_it_again(
    client: Client,
    before: str,
    behind: str,
    said: str,
    placed: bool,  # noqa: FBT001 - a case
) -> None:
    text = (before + NUMBERS + behind).encode()

    async with client() as http:
        answer = await http.post("/v1/evaluate", content=text, headers={"Content-Type": "application/json"})

    problem = is_problem(answer, 400)
    assert said in problem["detail"]
    assert ("position" in problem) or not placed


@pytest.mark.parametrize("name", ["loss", "x" * 300, "a/b", "é"])
def test_a_name_that_stands_twice_is_said(name: str) -> None:
    quoted = json.dumps(name)
    with pytest.raises(BadEnvelope) as refused:
        parsed(f'{{{quoted}: 1, "b": 2, {quoted}: 3}}'.encode())

    assert str(refused.value.facts["pointer"]) in refused.value.message
    assert len(refused.value.message) < 200


values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.floats(-9, 9) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.text(max_size=3), values, max_size=4), st.data())
def test_any_damage_is_refused_shortly_without_an_echo(value: dict[str, Any], data: st.DataObject) -> None:
    text = json.dumps(value, ensure_ascii=False).encode(errors="ignore")
    place = data.draw(st.integers(0, len(text)))
    damaged = text[:place] + data.draw(st.binary(max_size=3)) + text[place + data.draw(st.integers(0, 2)) :]

    message = ""
    try:
        parsed(damaged)
    except Refusal as refused:
        message = refused.message

    assert len(message) < 400
    assert message.isascii()


def test_numbers_and_text_that_are_right_are_read() -> None:
    assert parsed(b'{"a": [1, -2.5e3], "NaN": "None, \'\'"}') == {"a": [1, -2500.0], "NaN": "None, ''"}
    assert np.isfinite(parsed(b'{"a": 1e308}')["a"])
