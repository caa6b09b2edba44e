"""Maps between the fields of an Arrow schema and the inputs of a loss.

Source: https://arrow.apache.org/docs/format/Columnar.html; format/Schema.fbs; CanonicalExtensions.html for tensors.
"""

import math
import struct
from typing import Any, NamedTuple

import numpy as np
import orjson

from losses.errors import pointer, shown
from losses.text import Text
from service.problems import BadRequest
from service.uploads.arrow.flatbuffer import FlatTable, Malformed, Number, Slots
from service.uploads.names import in_chinese
from service.uploads.roles import MEANT, known_roles, unknown_input

LONGEST_NAME, LONGEST_PROPERTY = 256, 4096
MOST_PROPERTIES, MOST_AXES = 64, 8
BYTE, SHORT, INT, LONG = (struct.Struct(f"<{letter}") for letter in "bhiq")
TAKEN_KINDS = INTEGER, FLOAT, BOOL, LIST = 2, 3, 6, 16  # of these types
TYPES = (
    *("no type", "null", "int", "float", "binary", "utf8", "bool", "decimal", "date", "time", "timestamp", "interval"),
    *("list", "struct", "union", "fixed-size binary", "fixed-size list", "map", "duration", "large binary"),
    *("large utf8", "large list", "run-end encoded", "binary view", "utf8 view", "list view", "large list view"),
)
TAKEN = Text(
    "ints, floats of 16 to 64 bits, bool, and fixed-size lists of those",
    "整数、16 到 64 位浮点数、布尔,以及它们的定长列表",
)
FLOATS = ("f2", "f4", "f8")
INTEGERS = {8: "1", 16: "2", 32: "4", 64: "8"}
WIDER = {"u2": "i4", "u4": "i8", "u8": "i8"}  # torch computes with no unsigned whole numbers of these sizes
EXTENSION, OF_EXTENSION = "ARROW:extension:name", "ARROW:extension:metadata"
TENSOR = "arrow.fixed_shape_tensor"


class ArrowColumn(NamedTuple):
    """One input in an Arrow stream: the name, shape and dtype of its items."""

    name: str
    dtype: str  # numpy's; ? is bits
    lists: tuple[int, ...]  # the length of each list inside the one before
    shape: tuple[int, ...]  # of an item as it lies
    order: tuple[int, ...]  # of its axes, as they are meant

    @property
    def called(self) -> str:
        """The name of the column in refusals."""
        return shown(self.name)

    @property
    def numbers(self) -> int:
        """The count of numbers in an item."""
        return math.prod(self.lists)

    @property
    def wide(self) -> np.dtype:
        """The dtype that its numbers are converted to."""
        return np.dtype(WIDER.get(self.dtype, self.dtype))

    def encoded(self, items: int) -> int:
        """Return how many bytes of the stream this number of items takes."""
        count = items * self.numbers
        return -(-count // 8) if self.dtype == "?" else count * int(self.dtype[1])

    def decoded(self, items: int) -> int:
        """Return how many bytes this number of items takes after decoding."""
        return items * self.numbers * self.wide.itemsize


def column(name: str, field: FlatTable) -> ArrowColumn:
    """Return the input that a field of the schema describes; `name` is what refusals call the stream.

    Raises: BadRequest for anything but numbers, UnknownInput where it is no input either, Malformed.
    """
    title = field.text(0, LONGEST_NAME) or ""
    if not title.isidentifier():
        raise BadRequest(
            Text(
                f"{name}: the column {pointer(title)} is not named like predictions. Rename it, or leave it out.",
                f"{in_chinese(name)}:列 {pointer(title)} 的名称不像 predictions 那样。请重命名,或去掉它。",
            ),
            pointer=pointer(title),
        )
    called = shown(title)
    properties = _properties(field)
    lists: list[int] = []
    while (kind := _kind(called, field)) == LIST:
        lists.append(field.need(3).scalar(0, INT))
        inner = list(field.tables(5, 1))
        if not inner:
            raise Malformed
        field = inner[0]
        if lists[-1] < 1 or len(lists) >= MOST_AXES or EXTENSION in _properties(field):
            message = Text(
                f"{called}: lists must hold at least 1 number, within at most {MOST_AXES} axes, of no extension.",
                f"{called}:列表至少有 1 个数,最多 {MOST_AXES} 个轴,且不能是扩展类型。",
            )
            raise BadRequest(message, role=called)
    shape, order = _shape(called, properties, tuple(lists))
    return ArrowColumn(title, _dtype(called, kind, field), tuple(lists), shape, order)


def field(name: str, array: np.ndarray) -> Slots:
    """Return the schema field of an array; items with several axes as Arrow's tensor extension type."""
    kind, size = array.dtype.kind, array.dtype.itemsize
    if kind == "b":
        number: Slots = {2: Number(BYTE, BOOL), 3: {}}
    elif kind == "f":
        number = {2: Number(BYTE, FLOAT), 3: {0: Number(SHORT, FLOATS.index(f"f{size}"))}}
    else:
        number = {2: Number(BYTE, INTEGER), 3: {0: Number(INT, 8 * size), 1: Number(BYTE, int(kind == "i"))}}
    item = {0: "item", **number, 5: []}
    if array.ndim == 1:
        return {**item, 0: name}
    shape = orjson.dumps({"shape": array.shape[1:]}).decode()
    tensor = [{0: EXTENSION, 1: TENSOR}, {0: OF_EXTENSION, 1: shape}] if array.ndim > 2 else []  # noqa: PLR2004 - axes
    length = {0: Number(INT, math.prod(array.shape[1:]))}
    return {0: name, 2: Number(BYTE, LIST), 3: length, 5: [item], 6: tensor}


def _kind(title: str, field: FlatTable) -> int:
    """Return the type of a field, where it is supported."""
    kind = field.scalar(2, BYTE)
    encoded = field.table(4)
    if title not in (*known_roles(), *MEANT) and (encoded or kind not in TAKEN_KINDS):
        raise unknown_input(title, known_roles())
    if encoded:
        raise BadRequest(
            Text(
                f"{title} is dictionary-encoded. Decode it: column.dictionary_decode().",
                f"{title} 是字典编码的。请解码:column.dictionary_decode()。",
            ),
            role=title,
        )
    if kind not in TAKEN_KINDS:
        got = TYPES[kind] if 0 <= kind < len(TYPES) else "a type"
        raise BadRequest(
            Text(
                f"{title} is {got}, which is not read. Cast it to one of {TAKEN.en}.",
                f"{title} 是 {got},不支持。请转换为 {TAKEN.zh} 之一。",
            ),
            role=title,
        )
    return kind


def _dtype(title: str, kind: int, field: FlatTable) -> str:
    """Return the dtype of a number field of the schema."""
    if kind == BOOL:
        return "?"
    stated = field.need(3)
    if kind == INTEGER:
        size = INTEGERS.get(stated.scalar(0, INT))
        dtype = f"{'i' if stated.scalar(1, BYTE) else 'u'}{size}" if size else None
    else:
        precision = stated.scalar(0, SHORT)
        dtype = FLOATS[precision] if 0 <= precision < len(FLOATS) else None
    if dtype is None:
        raise BadRequest(
            Text(
                f"{title}: numbers of this width are not read. Cast them to one of {TAKEN.en}.",
                f"{title}:不支持这种宽度的数。请转换为 {TAKEN.zh} 之一。",
            ),
            role=title,
        )
    return dtype


def _properties(field: FlatTable) -> dict[str, str | None]:
    """Return the extension type of a field; its other properties are ignored."""
    text_by_key = {}
    for entry in field.tables(6, MOST_PROPERTIES):
        key = entry.text(0, LONGEST_PROPERTY)
        if key in (EXTENSION, OF_EXTENSION):
            text_by_key[key] = entry.text(1, LONGEST_PROPERTY)
    return text_by_key


def _shape(
    title: str, properties: dict[str, str | None], lists: tuple[int, ...]
) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the axes of an item in storage order, and the permutation to their logical order."""
    extension = properties.get(EXTENSION)
    if extension is None:
        return lists, tuple(range(len(lists)))
    if extension != TENSOR:
        message = Text(
            f"{title} is of an extension type. Send its storage: column.storage; only {TENSOR} is read.",
            f"{title} 是扩展类型。请发送其存储:column.storage;只支持 {TENSOR}。",
        )
        raise BadRequest(message, role=title)
    stated = _json(properties.get(OF_EXTENSION))
    shape = _lengths(stated.get("shape"))
    if shape is None or 0 in shape or len(shape) >= MOST_AXES or lists != (math.prod(shape),):
        message = Text(
            f"{title}: the shape of a {TENSOR} must be less than {MOST_AXES} lengths whose product is the list's.",
            f"{title}:{TENSOR} 的 shape 必须少于 {MOST_AXES} 个长度,且其乘积等于列表长度。",
        )
        raise BadRequest(message, role=title)
    axes = tuple(range(len(shape)))
    order = axes if stated.get("permutation") is None else _lengths(stated["permutation"])
    if order is None or tuple(sorted(order)) != axes:
        raise BadRequest(
            Text(
                f"{title}: the permutation of a {TENSOR} must name every axis once.",
                f"{title}:{TENSOR} 的 permutation 必须恰好列出每个轴一次。",
            ),
            role=title,
        )
    return shape, order


def _lengths(stated: object) -> tuple[int, ...] | None:
    """Return a stated list of lengths as a tuple; None where it is not a list of non-negative whole numbers."""
    whole = isinstance(stated, list) and all(type(entry) is int and entry >= 0 for entry in stated)
    return tuple(stated) if isinstance(stated, list) and whole else None


def _json(text: str | None) -> dict[str, Any]:
    """Return a JSON object; an empty one where the text is none."""
    try:
        stated = orjson.loads(text or "")
    except orjson.JSONDecodeError:
        return {}
    return stated if isinstance(stated, dict) else {}
