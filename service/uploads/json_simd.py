"""Long JSON whose members are arrays of numbers: into buffers, never into Python's objects.

A million numbers take 30 ms, as lists they take 400 and hold up every other request meanwhile. What simdjson takes and
JSON or this service does not is refused by counting: every bracket and every quote of the text has to be accounted for.
"""

import math
from collections.abc import Collection
from typing import Any, Literal

import numpy as np
import simdjson
import torch
from torch import Tensor

from service.problems import BadEnvelope, BadRequest
from service.uploads.json_lists import DEEPEST, not_numbers, ragged, too_deep
from service.uploads.json_text import MOST_LEVELS, MOST_MEMBERS, count, too_many_members

Kind = Literal["i", "d"]
DTYPES: dict[Kind, type] = {"i": np.int64, "d": np.float64}
SHORT = 1 << 20  # bytes, in which it is worth while to say where the text stops being JSON
_SPARE: list[simdjson.Parser] = []  # one at most, whose memory was touched before: twice as fast as a new one
COUNTED = (1 << 24) - 1  # simdjson counts no further
Found = tuple[dict[str, Any], dict[str, Tensor]]


class Unaccounted(Exception):  # noqa: N818 - no fault: the text may still be right
    """The text holds more brackets or quotes than what was read from it; lists will tell why."""


def members(text: bytes | bytearray, roles: Collection[str]) -> Found:
    """Return the members of a JSON object: those named for a role as tensors, the others as they are.

    Raises: BadEnvelope, BadRequest; Unaccounted where the text has to be read as lists.
    """
    try:
        parser = _SPARE.pop()
    except IndexError:
        parser = simdjson.Parser()
    found = _members(_object(parser, text), text, roles)
    if not _SPARE:  # what was refused leaves its document behind, and a parser with one parses nothing more
        _SPARE.append(parser)
    return found


def _members(root: simdjson.Object, text: bytes | bytearray, roles: Collection[str]) -> Found:
    brackets, quotes = count(text, b"[") + count(text, b"{") - 1, count(text, b'"')
    tensors: dict[str, Tensor] = {}
    if len(root) > MOST_MEMBERS:
        raise too_many_members(len(root))
    names = list(root)
    if len(set(names)) < len(names) or any("\0" in name for name in names):  # the parser finds no name past a NUL
        raise Unaccounted
    quotes -= 2 * len(names)
    values = {name: root[name] for name in names}
    for role in roles:
        if values.get(role) is not None:
            tensors[role], lists = _tensor(role, values[role])
            brackets -= lists
    if brackets > MOST_LEVELS:
        raise Unaccounted
    fields = {name: _plain(value) for name, value in values.items() if name not in roles}
    for value in fields.values():
        brackets -= _count(value, "[{")
        quotes -= _count(value, '"')
    if brackets or quotes:
        raise Unaccounted
    return fields, tensors


def _object(parser: simdjson.Parser, text: bytes | bytearray) -> simdjson.Object:
    try:
        root = parser.parse(text)
    except RuntimeError:  # over 1,024 levels, or a whole number past 64 bits; lists will tell which
        raise Unaccounted from None
    except ValueError:
        if len(text) < SHORT:
            raise Unaccounted from None
        detail = (
            "The text is no JSON, or has a number that is none of 64 bits. JSON has no NaN and no Infinity; .npy has."
        )
        raise BadEnvelope(detail) from None
    if not isinstance(root, simdjson.Object):
        raise BadRequest("The body must be a JSON object with the inputs and the options as members.")
    return root


def _plain(node: Any) -> Any:  # noqa: ANN401 - any JSON
    if isinstance(node, simdjson.Array):
        return node.as_list()
    return node.as_dict() if isinstance(node, simdjson.Object) else node


def _count(value: object, marks: str) -> int:
    """Return how many of the marks a value has as JSON: of its lists and objects, and within its texts."""
    if isinstance(value, dict):
        inside = sum(_count(name, marks) + _count(entry, marks) for name, entry in value.items())
        return inside + ("{" in marks)
    if isinstance(value, list):
        return sum(_count(entry, marks) for entry in value) + ("[" in marks)
    if isinstance(value, str):
        return sum(value.count(mark) for mark in marks) + (2 if marks == '"' else 0)
    return 0


def _tensor(role: str, node: object) -> tuple[Tensor, int]:
    """Return an array, whole numbers where all are, and how many lists it was written in."""
    shape: list[int] = []
    inner = node
    while isinstance(inner, simdjson.Array):
        shape.append(len(inner))
        inner = inner[0] if len(inner) else None
    if not isinstance(node, simdjson.Array) or len(shape) > DEEPEST:
        raise too_deep(role)
    if len(shape) > 1 and not _even(node, shape[1:]):
        raise ragged(role)
    if not math.prod(shape):
        return torch.empty(shape, dtype=torch.float64), 1 + sum(
            math.prod(shape[:axis]) for axis in range(1, len(shape))
        )
    numbers = _numbers(role, node, ("d",) if isinstance(inner, float) else ("i", "d"))
    if len(shape) == 1 and shape[0] == COUNTED:
        shape = [len(numbers)]
    if len(numbers) != math.prod(shape):
        raise ragged(role)
    lists = sum(math.prod(shape[:axis]) for axis in range(len(shape)))
    return torch.from_numpy(numbers.reshape(shape)), lists


def _even(node: simdjson.Array, shape: list[int]) -> bool:
    """Say whether every entry is a list of the same shape, down to the lists of numbers."""
    return all(
        isinstance(entry, simdjson.Array) and len(entry) == shape[0] and (len(shape) == 1 or _even(entry, shape[1:]))
        for entry in node
    )


def _numbers(role: str, node: simdjson.Array, kinds: tuple[Kind, ...]) -> np.ndarray:
    for kind in kinds:
        try:
            return np.frombuffer(bytearray(node.as_buffer(of_type=kind)), DTYPES[kind])
        except TypeError:  # a fraction among whole numbers; or no numbers at all
            continue
        except ValueError:  # 2^63 or more; lists will tell whether there are fractions beside it
            raise Unaccounted from None
    raise Unaccounted if _flags(node) else not_numbers(role)


def _flags(node: simdjson.Array) -> bool:
    """Say whether the first entry is true or false; masks may be, and are read as lists."""
    inner: object = node
    while isinstance(inner, simdjson.Array) and len(inner):
        inner = inner[0]
    return isinstance(inner, bool)
