"""Parses JSON text under limits on nesting and on repeated member names."""

import json
import re
from collections import Counter
from typing import Any

import numpy as np
import orjson

from losses.errors import pointer
from losses.text import Text
from service.problems import BadEnvelope, BadRequest
from service.uploads.json_bodies.faults import fault

MOST_MEMBERS = 256  # of the object that a body is: every role, every field, and a user's own notes
MOST_LEVELS = 100  # of JSON; Triton's number too, and orjson alone would go to 1,024
LONG = re.compile(rb"\d{19,}")  # digits in a row; 64 bits hold 18 of any kind
MOST_DIGITS = 308  # of a float64
SELDOM = 64  # times in a body
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def parsed(text: bytes | bytearray) -> dict[str, Any]:
    """Return a JSON object.

    Raises: BadEnvelope with the offset where it stops being JSON, BadRequest where it is no object.
    """
    if not text:
        raise BadRequest(
            Text(
                "The body is empty; send a JSON object. /docs has an example that works as it stands.",
                "请求体为空;请发送 JSON 对象。/docs 中有可直接使用的示例。",
            )
        )
    _refuse_deep(text)
    refuse_unsafe_integers(text)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise fault(text, error).refusal() from None
    if not isinstance(value, dict):
        raise BadRequest(
            Text(
                "The body must be a JSON object with the inputs and the options as members.",
                "请求体必须是 JSON 对象,以输入和选项为成员。",
            )
        )
    if len(value) > MOST_MEMBERS:
        raise too_many_members(len(value))
    refuse_twice(text, value)
    return value


def array(text: bytes | bytearray) -> list[Any]:
    """Return a JSON array; the limits on the members of a request do not apply.

    Raises: BadEnvelope, BadRequest.
    """
    _refuse_deep(text)
    refuse_unsafe_integers(text)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        message = Text(
            f"The text stops being JSON at character {error.pos}. JSON has no NaN and no Infinity; .npy has.",
            f"文本从第 {error.pos} 个字符起不再是 JSON。JSON 没有 NaN 和 Infinity;.npy 有。",
        )
        raise BadEnvelope(message, position=error.pos) from None
    refuse_twice(text, value)
    return list(value)


def too_many_members(members: int) -> BadRequest:
    """Return the refusal of a body with so many members."""
    return BadRequest(
        Text(
            f"The body is an object of {members} members; at most {MOST_MEMBERS} are read. Arrays are "
            "lists of numbers.",
            f"请求体是有 {members} 个成员的对象;最多读取 {MOST_MEMBERS} 个。数组应为数的列表。",
        ),
        limit=MOST_MEMBERS,
        got=members,
    )


def count(text: bytes | bytearray, mark: bytes) -> int:
    """Return how often a byte occurs.

    Faster than `text.count`, by ten times for rare bytes and four times otherwise.
    """
    marks, at = 0, text.find(mark)
    while at >= 0 and marks < SELDOM:
        marks, at = marks + 1, text.find(mark, at + 1)
    return marks if at < 0 else int(np.count_nonzero(np.frombuffer(text, np.uint8) == mark[0]))


def refuse_twice(text: bytes | bytearray | memoryview, value: object) -> None:
    """Refuse JSON in which an object repeats a member name; `value` is the parsed JSON.

    Raises: BadEnvelope.
    """
    text = bytes(text) if isinstance(text, memoryview) else text
    if count(text, b'"') > 2 * _texts(value):
        _refuse_twice(text)


def refuse_unsafe_integers(text: bytes | bytearray | memoryview) -> None:
    """Refuse whole numbers above 64 bits that are not exact as a float64: orjson would round them.

    Raises: BadRequest.
    """
    if not LONG.search(text):
        return

    def exact(digits: str) -> int:
        """Check the digits of a whole number; the result is not used."""
        if len(digits) > MOST_DIGITS:  # which orjson refuses, and says where
            return 0
        if not (-(1 << 63) <= int(digits) < 1 << 64 or int(float(digits)) == int(digits)):
            raise rounded()
        return 0

    try:
        json.loads(bytes(text), parse_int=exact)
    except (ValueError, RecursionError):  # no JSON, which orjson will say better
        return


def rounded() -> BadRequest:
    """Return the refusal of whole numbers that would be rounded."""
    return BadRequest(
        Text(
            "A whole number is none that float64 holds exactly, so that two of them might become one. "
            "Send ids as whole numbers below 2^63 without fractions beside them, amounts with a decimal "
            "point.",
            "有一个整数无法用 float64 精确表示,因此两个数可能变成同一个。编号请用小于 2^63 的整数且不与小数"
            "混用,数量请写小数点。",
        )
    )


def _refuse_deep(text: bytes | bytearray) -> None:
    """Refuse deep nesting before parsing; brackets inside strings count too, so that one scan suffices."""
    if count(text, b"[") + count(text, b"{") <= MOST_LEVELS:
        return
    brackets = np.frombuffer(text.translate(None, NO_BRACKETS), np.uint8)
    steps = 1 - ((brackets & 4) >> 1).astype(np.int8)  # in ASCII the closing ones have this bit, the opening ones not
    if steps.cumsum(dtype=np.int32).max() > MOST_LEVELS:
        raise deep()


def deep() -> BadEnvelope:
    """Return the refusal of JSON that is nested too deeply."""
    return BadEnvelope(
        Text(f"The JSON nests more than {MOST_LEVELS} levels deep.", f"JSON 的嵌套超过 {MOST_LEVELS} 层。"),
        limit=MOST_LEVELS,
    )


def _texts(value: object) -> int:
    """Return the number of strings in objects, names included; each has two quotes."""
    if isinstance(value, dict):
        return sum(1 + _texts(entry) for entry in value.values())
    if isinstance(value, list) and value and isinstance(value[0], str | dict):
        return sum(_texts(entry) for entry in value)
    return int(isinstance(value, str))


def _refuse_twice(text: bytes | bytearray) -> None:
    """Refuse an object with one name twice, of which orjson keeps the last.

    Raises: BadEnvelope.
    """

    def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
        """Return members as a dictionary, refusing a repeated name."""
        by_name = dict(members)
        if len(by_name) < len(members):
            (name, _), *_ = Counter(name for name, _ in members).most_common(1)
            twice = pointer(name)
            message = Text(
                f"{twice} stands in an object twice; which of the two is meant cannot be known.",
                f"{twice} 在一个对象中出现两次;无法知道指的是哪一个。",
            )
            raise BadEnvelope(message, pointer=twice)
        return by_name

    try:
        json.loads(text, object_pairs_hook=once)
    except RecursionError:
        raise BadEnvelope(
            Text("The JSON is nested deeper than anything that is read here.", "JSON 的嵌套比此处读取的任何内容都深。")
        ) from None
