"""Parses long JSON of numeric arrays with simdjson, into buffers instead of Python objects.

A million numbers take 30 ms; as lists they would take 400 ms and delay every other request. simdjson accepts some texts
that JSON or this service does not; these are refused by counting: all brackets and quotes of the text must be accounted
for.
"""

import math
from codecs import BOM_UTF8
from collections.abc import Collection
from dataclasses import dataclass
from itertools import accumulate
from operator import mul
from typing import Any, Literal, Protocol

import simdjson
import torch
from torch import Tensor

from losses.errors import shown
from losses.text import Text
from service.problems import BadRequest
from service.uploads.json_bodies.faults import fault_of_long
from service.uploads.json_bodies.lists import DEEPEST, EXACT, not_numbers, ragged, too_deep
from service.uploads.json_bodies.text import MOST_LEVELS, MOST_MEMBERS, count, too_many_members
from service.uploads.roles import is_fact

NumberCode = Literal["i", "d"]
DTYPES: dict[NumberCode, torch.dtype] = {"i": torch.int64, "d": torch.float64}
SHORT = 1 << 20  # bytes, in which it is worth while to say where the text stops being JSON
_SPARE: list[simdjson.Parser] = []  # one at most, whose memory was touched before: twice as fast as a new one
COUNTED = (1 << 24) - 1  # simdjson counts no further
Nodes = dict[str, Any]  # of the parser: lists and objects that are not read yet, and plain values
Found = tuple[dict[str, Any], dict[str, Tensor]]


class CutOut(Protocol):
    """The arrays that were cut out of a text, by the placeholder that replaces each."""

    def __contains__(self, value: object) -> bool:
        """Return whether a value is a placeholder."""

    def tensor(self, role: str, name: str) -> Tensor:
        """Return the array of a placeholder."""


class Unaccounted(Exception):  # noqa: N818 - no fault: the text may still be right
    """The text has brackets or quotes that were not part of what was read; parsing it as lists will explain why."""


class Flags(Unaccounted):
    """The array starts with true or false, so it must be parsed as lists."""


def read_members(text: bytes | bytearray, roles: Collection[str], arrays: CutOut | None = None) -> Found:
    """Return the members of a JSON object: those named for a role as tensors, the others as they are.

    `arrays`: those that were cut out of the text.

    Raises: BadEnvelope, BadRequest; Unaccounted where the text has to be read as lists.
    """
    parser = _parser()
    account = _Account.of(text)
    nodes, tensors = _members(_object(parser, text), roles, account, arrays)
    plain_and_tensors = account.plain(nodes), tensors
    account.settle()
    del nodes
    _keep(parser)
    return plain_and_tensors


def read_members_of_entries(
    text: bytes | bytearray, name: str, array: str, most: int, arrays: CutOut | None = None
) -> dict[str, Any]:
    """Return a JSON object, of whose member `name`, a list of at most `most` objects, each `array` is a tensor.

    Raises: what `read_members` raises.
    """
    parser = _parser()
    account = _Account.of(text)
    nodes, _ = _members(_object(parser, text), (), account, arrays)
    listed = nodes.pop(name, None)
    if not isinstance(listed, simdjson.Array):
        raise Unaccounted
    if len(listed) > most:
        raise BadRequest(
            Text(
                f"{name} has {len(listed)} entries; at most {most} are read.",
                f"{name} 有 {len(listed)} 个元素;最多读取 {most} 个。",
            ),
            limit=most,
            got=len(listed),
        )
    account.brackets -= 1
    objects = [_entry(node) for node in listed]
    entries = [_members(node, (array,), account, arrays, _name(node)) for node in objects]
    document = account.plain(nodes)
    document[name] = [{**account.plain(inner), **tensors} for inner, tensors in entries]
    account.settle()
    del nodes, listed, objects, entries
    _keep(parser)
    return document


def read_array(role: str, text: bytes | bytearray) -> Tensor:
    """Return a JSON list of numbers.

    Raises: BadEnvelope, BadRequest; Flags, and Unaccounted where it has to be read as lists.
    """
    parser = _parser()
    account = _Account.of(text)
    node = _root(parser, text)
    tensor, lists = _tensor(role, node)
    account.brackets -= lists
    account.settle()
    del node
    _keep(parser)
    return tensor


@dataclass
class _Account:
    """The count of brackets and quotes of a text that have not been read yet."""

    brackets: int
    quotes: int

    @classmethod
    def of(cls, text: bytes | bytearray) -> "_Account":
        """Return the counts of brackets and quotes of a text."""
        return cls(count(text, b"[") + count(text, b"{"), count(text, b'"'))

    def plain(self, nodes: Nodes) -> dict[str, Any]:
        """Return a few nodes as Python objects."""
        if self.brackets > MOST_LEVELS:
            raise Unaccounted
        values = {name: _plain(node) for name, node in nodes.items()}
        for value in values.values():
            self.brackets -= _count(value, "[{")
            self.quotes -= _count(value, '"')
        return values

    def settle(self) -> None:
        """Refuse brackets or quotes that remain."""
        if self.brackets or self.quotes:
            raise Unaccounted


def _parser() -> simdjson.Parser:
    """Return the spare parser, or a new one."""
    try:
        return _SPARE.pop()
    except IndexError:
        return simdjson.Parser()


def _keep(parser: simdjson.Parser) -> None:
    """Keep the parser as a spare; one that refused a text is not kept, since it still holds a document."""
    if not _SPARE:
        _SPARE.append(parser)


def _members(
    node: simdjson.Object,
    roles: Collection[str],
    account: _Account,
    arrays: CutOut | None,
    called: str | None = None,
) -> tuple[Nodes, dict[str, Tensor]]:
    """Return the members of an object: those named for a role as tensors, the others unread.

    `called`: what a tensor is called in refusals, if not by its role.
    """
    if len(node) > MOST_MEMBERS:
        raise too_many_members(len(node))
    names = list(node)
    if len(set(names)) < len(names) or any("\0" in name for name in names):  # the parser finds no name past a NUL
        raise Unaccounted
    account.brackets -= 1
    account.quotes -= 2 * len(names)
    nodes: Nodes = {name: node[name] for name in names}
    tensors: dict[str, Tensor] = {}
    roles = [role for role in roles if role in nodes and not is_fact(role, nodes[role])]
    for role in roles:
        value = nodes[role]
        if arrays is not None and isinstance(value, str) and value in arrays:
            tensors[role] = arrays.tensor(called or role, value)
            account.quotes -= 2
        elif value is not None:
            tensors[role], lists = _tensor(called or role, value)
            account.brackets -= lists
    # what is null for a role stands for nothing
    return {name: value for name, value in nodes.items() if name not in roles}, tensors


def _name(node: simdjson.Object) -> str:
    """Return the name that an entry gives itself, made printable."""
    name = node.get("name")
    return shown(name) if isinstance(name, str) else "An input"


def _entry(node: object) -> simdjson.Object:
    """Return a node, if it is an object.

    Raises: Unaccounted.
    """
    if not isinstance(node, simdjson.Object):
        raise Unaccounted
    return node


def _object(parser: simdjson.Parser, text: bytes | bytearray) -> simdjson.Object:
    """Return the text parsed, where it is an object."""
    root = _root(parser, text)
    if not isinstance(root, simdjson.Object):
        raise BadRequest(
            Text(
                "The body must be a JSON object with the inputs and the options as members.",
                "请求体必须是 JSON 对象,以输入和选项为成员。",
            )
        )
    return root


def _root(parser: simdjson.Parser, text: bytes | bytearray) -> object:
    """Return the text parsed."""
    if text.startswith(BOM_UTF8):  # which simdjson leaves aside
        raise Unaccounted
    try:
        return parser.parse(text)
    except RuntimeError:  # over 1,024 levels, or a whole number past 64 bits; lists will tell which
        raise Unaccounted from None
    except ValueError:
        if len(text) < SHORT:
            raise Unaccounted from None
        raise fault_of_long(text).refusal() from None


def _plain(node: Any) -> Any:  # noqa: ANN401 - any JSON
    """Return a node as Python objects."""
    if isinstance(node, simdjson.Array):  # as_list writes past the end of a list of more than COUNTED entries
        return [_plain(entry) for entry in node]
    if isinstance(node, simdjson.Object):
        return {name: _plain(entry) for name, entry in node.items()}
    return node


def _count(value: object, marks: str) -> int:
    """Return how many brackets and quotes a value has as JSON text."""
    if isinstance(value, dict):
        inside = sum(_count(name, marks) + _count(entry, marks) for name, entry in value.items())
        return inside + ("{" in marks)
    if isinstance(value, list):
        return sum(_count(entry, marks) for entry in value) + ("[" in marks)
    if isinstance(value, str):
        return sum(value.count(mark) for mark in marks) + (2 if marks == '"' else 0)
    return 0


def _tensor(role: str, node: object) -> tuple[Tensor, int]:
    """Return an array, of whole numbers where all are, and the number of lists that it was written in."""
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
        return torch.empty(shape, dtype=torch.float64), sum(accumulate([1, *shape[:-1]], mul))
    numbers = _numbers(role, node, ("d",) if isinstance(inner, float) else ("i", "d"))
    if len(shape) == 1 and shape[0] == COUNTED:
        shape = [len(numbers)]
    if len(numbers) != math.prod(shape):
        raise ragged(role)
    if len(shape) == 1:
        return numbers, 1
    return numbers.reshape(shape), sum(accumulate([1, *shape[:-1]], mul))


def _even(node: simdjson.Array, shape: list[int]) -> bool:
    """Return whether all entries are lists of the same shape."""
    return all(
        isinstance(entry, simdjson.Array) and len(entry) == shape[0] and (len(shape) == 1 or _even(entry, shape[1:]))
        for entry in node
    )


def _numbers(role: str, node: simdjson.Array, kinds: tuple[NumberCode, ...]) -> Tensor:
    """Return a list of numbers, of the first of these kinds that holds all of them."""
    for kind in kinds:
        try:
            numbers = torch.frombuffer(bytearray(node.as_buffer(of_type=kind)), dtype=DTYPES[kind])
        except TypeError:  # a fraction among whole numbers; or no numbers at all
            continue
        except ValueError:  # 2^63 or more; lists will tell whether there are fractions beside it
            raise Unaccounted from None
        # A sum of squares below EXACT**2 is quicker, and proves that no number is EXACT or more.
        if kind == "d" and numbers.dot(numbers).item() >= EXACT**2 and numbers.abs().max().item() >= EXACT:
            raise Unaccounted  # lists will tell whether whole ones are rounded
        return numbers
    raise Flags if _flags(node) else not_numbers(role)


def _flags(node: simdjson.Array) -> bool:
    """Return whether the first entry is true or false; such masks are parsed as lists."""
    inner: object = node
    while isinstance(inner, simdjson.Array) and len(inner):
        inner = inner[0]
    return isinstance(inner, bool)
