"""A minimal FlatBuffers reader and writer for Arrow's metadata; every offset is checked before it is followed.

Source: https://flatbuffers.dev/internals, "Format components".
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

_SHORT, _SIGNED, _UNSIGNED = struct.Struct("<H"), struct.Struct("<i"), struct.Struct("<I")
_SLOT = 2  # bytes of an entry of a vtable; its first two are its own length and the table's
_OFFSET = 4  # bytes of an offset, and of a vector's length


class Malformed(ValueError):  # noqa: N818 - as refusals are named
    """An offset outside of the buffer, or a count above its limit."""


@dataclass(frozen=True)
class FlatTable:
    """A table that begins at `position`; a missing slot reads as None, or as the default."""

    data: memoryview
    position: int
    vtable: int
    size: int

    @classmethod
    def root(cls, data: memoryview) -> "FlatTable":
        """Return the root table of a buffer.

        Raises: Malformed, as every method.
        """
        return cls.at(data, _unpacked(_UNSIGNED, data, 0))

    @classmethod
    def at(cls, data: memoryview, position: int) -> "FlatTable":
        """Return the table at a position, after checking its vtable."""
        vtable = position - _unpacked(_SIGNED, data, position)
        size = _unpacked(_SHORT, data, vtable)
        if size < 2 * _SLOT or vtable + size > len(data):
            raise Malformed
        return cls(data, position, vtable, size)

    def scalar(self, slot: int, kind: struct.Struct, default: int = 0) -> int:
        """Return an integer field."""
        place = self._place(slot)
        return _unpacked(kind, self.data, place) if place else default

    def table(self, slot: int) -> "FlatTable | None":
        """Return a child table."""
        place = self._place(slot)
        return FlatTable.at(self.data, self._followed(place)) if place else None

    def need(self, slot: int) -> "FlatTable":
        """Return a child table that is required."""
        inner = self.table(slot)
        if inner is None:
            raise Malformed
        return inner

    def text(self, slot: int, longest: int) -> str | None:
        """Return a text field."""
        place = self._place(slot)
        if not place:
            return None
        begin, length = self._vector(place, 1, longest)
        try:
            return str(self.data[begin : begin + length], "utf-8")
        except UnicodeDecodeError:
            raise Malformed from None

    def tables(self, slot: int, most: int) -> Iterator["FlatTable"]:
        """Yield the tables of a vector."""
        place = self._place(slot)
        if place:
            begin, length = self._vector(place, _OFFSET, most)
            for entry in range(begin, begin + _OFFSET * length, _OFFSET):
                yield FlatTable.at(self.data, self._followed(entry))

    def structs(self, slot: int, kind: struct.Struct, most: int) -> list[tuple[int, ...]]:
        """Return the rows of a vector."""
        place = self._place(slot)
        if not place:
            return []
        begin, length = self._vector(place, kind.size, most)
        return list(kind.iter_unpack(self.data[begin : begin + kind.size * length]))

    def _place(self, slot: int) -> int:
        """Return the position of a slot's value, 0 where the table does not have it; reads check the position."""
        entry = _SLOT * (2 + slot)
        if entry + _SLOT > self.size:
            return 0
        within = _unpacked(_SHORT, self.data, self.vtable + entry)
        return self.position + within if within else 0

    def _followed(self, place: int) -> int:
        """Return the position that an offset points to."""
        return place + _unpacked(_UNSIGNED, self.data, place)

    def _vector(self, place: int, width: int, most: int) -> tuple[int, int]:
        """Return where the entries of a vector begin, and how many there are."""
        start = self._followed(place)
        length = _unpacked(_UNSIGNED, self.data, start)
        if length > most or start + _OFFSET + width * length > len(self.data):
            raise Malformed
        return start + _OFFSET, length


def _unpacked(kind: struct.Struct, data: memoryview, position: int) -> int:
    """Return the number at a position.

    Raises: Malformed.
    """
    if position < 0 or position + kind.size > len(data):
        raise Malformed
    number: int = kind.unpack_from(data, position)[0]
    return number


class Number(NamedTuple):
    """A scalar to be written."""

    kind: struct.Struct
    value: int


class StructRows(NamedTuple):
    """A vector of structs to be written."""

    kind: struct.Struct
    rows: list[tuple[int, ...]]


Slots = Mapping[int, Any]  # a Number, text, a table's slots, a list of those, or StructRows


def encoded(root: Slots) -> bytes:
    """Return the buffer of a table, a multiple of 8 bytes long; parents stand before their children."""
    data = bytearray(_OFFSET)
    _UNSIGNED.pack_into(data, 0, _table(data, root))
    _pad(data, 8)
    return bytes(data)


def _table(data: bytearray, slots: Slots) -> int:
    """Write a table with its vtable; return its position."""
    wide = {slot: value.kind.size if isinstance(value, Number) else _OFFSET for slot, value in slots.items()}
    inline, end = {}, _OFFSET
    for slot in sorted(slots, key=lambda slot: -wide[slot]):  # the wide first: aligned, once the first is
        end += -end % wide[slot]
        inline[slot] = end
        end += wide[slot]
    entries = [inline.get(slot, 0) for slot in range(max(slots, default=-1) + 1)]
    vtable = struct.pack(f"<{2 + len(entries)}H", _SLOT * (2 + len(entries)), end, *entries)
    _pad(data, 8, len(vtable))
    position = len(data) + len(vtable)
    data += vtable + _SIGNED.pack(len(vtable)) + bytes(end - _OFFSET)
    for slot, value in slots.items():
        place = position + inline[slot]
        if isinstance(value, Number):
            value.kind.pack_into(data, place, value.value)
        else:
            _UNSIGNED.pack_into(data, place, _child(data, value) - place)
    return position


def _child(data: bytearray, value: Any) -> int:  # noqa: ANN401 - see Slots
    """Write a child value; return its position."""
    if isinstance(value, Mapping):
        return _table(data, value)
    _pad(data, 8, _OFFSET)  # the entries of a vector, not its length, are aligned
    position = len(data)
    if isinstance(value, str):
        text = value.encode()
        data += _UNSIGNED.pack(len(text)) + text + b"\0"
    elif isinstance(value, StructRows):
        data += _UNSIGNED.pack(len(value.rows)) + b"".join(value.kind.pack(*row) for row in value.rows)
    else:
        data += _UNSIGNED.pack(len(value)) + bytes(_OFFSET * len(value))
        for place, entry in enumerate(value):
            at = position + _OFFSET * (1 + place)
            _UNSIGNED.pack_into(data, at, _child(data, entry) - at)
    return position


def _pad(data: bytearray, to: int, before: int = 0) -> None:
    """Extend `data` so that what follows after `before` bytes is aligned to `to`."""
    data += bytes(-(len(data) + before) % to)
