"""Parses long JSON in pieces of a mebibyte: its arrays are cut out of the text and parsed separately.

JSON parsers do not let other threads run: parsing 64 MiB at once would delay every other request by a quarter of a
second. In the rest of the text, each array is replaced by a placeholder.
"""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from losses.errors import Refusal
from losses.text import Text
from service.problems import BadEnvelope, BadRequest
from service.uploads.json_bodies import simd as json_simd
from service.uploads.json_bodies.faults import fault_of_long, visible_fault
from service.uploads.json_bodies.lists import DEEPEST, EXACT, from_lists, not_numbers, ragged, too_deep
from service.uploads.json_bodies.text import array, rounded

PIECE = 1 << 20  # bytes, parsed in 2 to 8 ms
MOST_LEFT = 1 << 20  # bytes, beside the arrays
ARRAYS_A_PIECE = 1 << 8  # which stay in the text; 256 members of 4 KiB each are a mebibyte
MOST_QUOTES = 1 << 12  # of a long text: 64 inputs of the Open Inference Protocol, with ten texts each, have 1,280
OPEN, CLOSE = b"[]"
COMMON_BITS = 0xFF ^ OPEN ^ CLOSE  # of both brackets; Y and _, which have them too, are in no list of numbers
GAPS = 3  # between brackets, of which all but the one after the first bracket and the last one have a comma in JSON
SPACES = b" \t\n\r"
MISSING = Text(
    "The text stops being JSON: an entry or a comma is missing in a list.", "文本不再是 JSON:列表中缺少一个元素或逗号。"
)
TextSpan = tuple[int, int]  # of some entries of a list, without the commas around them


@dataclass
class LongArrays:
    """The arrays that were cut out of a text, by the placeholder that replaces each."""

    text: bytes | bytearray
    piece: int
    entries: dict[str, list[TextSpan]] = field(default_factory=dict)

    def __contains__(self, value: object) -> bool:
        return isinstance(value, str) and value in self.entries

    def stand_within(self, value: object) -> bool:
        """Return whether a value is a placeholder, or contains one."""
        if isinstance(value, dict | list):
            return any(self.stand_within(each) for each in (value.values() if isinstance(value, dict) else value))
        return value in self

    def tensor(self, role: str, name: str) -> Tensor:
        """Return the array of a placeholder; `role` is its name in refusals.

        Raises: BadEnvelope, BadRequest.
        """
        with self.faults():
            return _joined(role, [self._tensor(role, span, 1) for span in self.entries[name]])

    @contextmanager
    def faults(self) -> Iterator[None]:
        """Report a syntax error at its position in the whole text, not in a piece."""
        try:
            yield
        except BadEnvelope as error:
            if not self.entries or "position" not in error.facts:
                raise
            raise fault_of_long(self.text).refusal() from None

    def _tensor(self, role: str, span: TextSpan, depth: int) -> Tensor:
        """Return a group of entries of a list that is nested `depth` deep, itself included."""
        begin, end = span
        if end - begin > 2 * self.piece:
            begin = end - len(self.text[begin:end].lstrip(SPACES))
            if self.text[begin] == OPEN:
                return self._long_first(role, (begin, end), depth)
        return _read(role, self.text[begin:end])

    def _long_first(self, role: str, span: TextSpan, depth: int) -> Tensor:
        """Return a group whose first entry is longer than a piece; the other entries are not."""
        if depth == DEEPEST:
            raise too_deep(role)
        spans, stop = entries(self.text, *span, self.piece)
        first = _joined(role, [self._tensor(role, inner, depth + 1) for inner in spans]).unsqueeze(0)
        after = self.text[stop : span[1]].strip(SPACES)
        if not after:
            return first
        if after[:1] != b",":
            raise BadEnvelope(MISSING, position=None)
        return _joined(role, [first, _read(role, after[1:])])


def cut(text: bytes | bytearray, piece: int = PIECE) -> tuple[bytes | bytearray, LongArrays]:
    """Return a text with placeholders for its long arrays, and those arrays; a short text is returned unchanged.

    Raises: BadEnvelope, BadRequest where what is left is long.
    """
    arrays, kept, copied = LongArrays(text, piece), bytearray(), 0
    if len(text) <= piece:
        return text, arrays
    unguessable = secrets.token_hex(8)  # so that no text of a client is taken for an array
    for begin, end in _between_texts(text):
        start = text.find(b"[", begin, end) if end - begin > piece // ARRAYS_A_PIECE else -1
        if start < 0 or text[begin:start].strip(SPACES) != b":":
            continue
        spans, stop = entries(text, start, end, piece)
        if stop > end == len(text):
            raise fault_of_long(text).refusal()
        if stop > end:  # a text stands in it
            continue
        name = f"{unguessable}{len(arrays.entries)}"
        arrays.entries[name] = spans
        kept += text[copied:start] + f'"{name}"'.encode()
        copied = stop
    kept += text[copied:]
    if len(kept) > MOST_LEFT:
        raise _long_beside_arrays(text)
    return kept, arrays


def _between_texts(text: bytes | bytearray) -> Iterator[TextSpan]:
    """Yield the parts of the JSON between its strings.

    Raises: BadRequest where there are many texts.
    """
    begin, inside = 0, False
    at = text.find(b'"')
    for _ in range(MOST_QUOTES):
        if at < 0:
            yield begin, len(text)
            return
        backslashes = at - len(text[begin:at].rstrip(b"\\")) - begin if inside else 0
        if backslashes % 2 == 0:
            if not inside:
                yield begin, at
            begin, inside = at + 1, not inside
        at = text.find(b'"', at + 1)
    raise _long_beside_arrays(text)


def entries(text: bytes | bytearray, start: int, end: int, piece: int) -> tuple[list[TextSpan], int]:
    """Return the entries of the list that begins at `start`, in groups of about a piece, and the position of its end.

    The position is past `end` where the list does not end before.
    """
    spans: list[TextSpan] = []
    depth, begin = 0, start + 1
    for at in range(start, end, piece):
        codes = np.frombuffer(text, np.uint8, min(piece, end - at), at)
        places = np.flatnonzero((codes & COMMON_BITS) == OPEN & COMMON_BITS)
        marks = codes[places]
        depths = np.concatenate([[depth], (marks == OPEN).view(np.int8) - (marks == CLOSE).view(np.int8)]).cumsum()
        stops = np.flatnonzero(depths[1:] == 0)
        if stops.size:
            stop = at + int(places[stops[0]])
            return [*spans, (begin, stop)], stop + 1
        comma = _last_comma(text, (at, at + len(codes)), at + places, depths)
        if comma >= 0:
            spans.append((begin, comma))
            begin = comma + 1
        depth = int(depths[-1])
    return [], end + 1


def _last_comma(text: bytes | bytearray, span: TextSpan, places: np.ndarray, depths: np.ndarray) -> int:
    """Return the position of the last comma between the entries of a list, within a span of it; -1 where there is none.

    Args:
        text: The text.
        span: The part of the list.
        places: The positions of the brackets in it.
        depths: How deep it is nested before the first of them, and after each.
    """
    for gap in np.flatnonzero(depths == 1)[: -1 - GAPS : -1].tolist():
        begin = int(places[gap - 1]) + 1 if gap else span[0]
        comma = text.rfind(b",", begin, int(places[gap]) if gap < len(places) else span[1])
        if comma >= 0:
            return comma
    return -1


def _read(role: str, entries: bytes | bytearray) -> Tensor:
    """Parse entries that are separated by commas.

    Raises: BadEnvelope, BadRequest.
    """
    text = b"".join([b"[", entries, b"]"])
    try:
        return json_simd.read_array(role, text)
    except json_simd.Flags:
        return _flags(role, text)
    except json_simd.Unaccounted:
        return from_lists(role, array(text), booleans=b"true" in text or b"false" in text)


def _flags(role: str, text: bytes) -> Tensor:
    """Return a list of true and false as a boolean tensor, parsed as the numbers 1 and 0."""
    flags = text.count(b"true") + text.count(b"false")
    try:
        numbers = json_simd.read_array(role, text.replace(b"true", b"1").replace(b"false", b"0"))
    except json_simd.Unaccounted:
        raise not_numbers(role) from None
    if flags != numbers.numel():
        raise not_numbers(role)
    return numbers.bool()


def _joined(role: str, parts: list[Tensor]) -> Tensor:
    """Return the parts concatenated; as whole numbers where all parts are.

    Raises: BadEnvelope where one is missing, BadRequest where they are of other shapes or kinds.
    """
    if len(parts) == 1:
        return parts[0]
    if not all(len(part) for part in parts):
        raise BadEnvelope(MISSING, position=None)
    if len({part.shape[1:] for part in parts}) > 1:
        raise ragged(role)
    kinds = {part.dtype for part in parts}
    if torch.bool in kinds and len(kinds) > 1:
        raise not_numbers(role)
    if len(kinds) > 1 and any((part.abs() >= EXACT).any() for part in parts if not part.is_floating_point()):
        raise rounded()
    return torch.cat(parts)


def _long_beside_arrays(text: bytes | bytearray) -> Refusal:
    """Return the refusal of a text that is long even without its arrays."""
    fault = visible_fault(text)
    if fault:
        return fault.refusal()
    return BadRequest(
        Text(
            f"The JSON is longer than {MOST_LEFT} bytes beside what are arrays of numbers only: no text, "
            "no null. Send class names and other columns as a CSV, Parquet or Arrow file.",
            f"除纯数数组(没有文本和 null)外,JSON 超过 {MOST_LEFT} 字节。类别名称和其他列请以 CSV、"
            "Parquet 或 Arrow 文件发送。",
        )
    )
