"""Evaluates an .npy body of several arrays while the last one arrives, in half of the memory.

Bodies that do not fit (arrays of different lengths, another byte order, missing or extra bytes) are read completely and
decoded like any other body.
"""

import math
from collections.abc import AsyncIterator, Hashable, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from service.settings import Settings
from service.uploads.bodies.body import Body
from service.uploads.bodies.buffers import PAGES
from service.uploads.formats.npy_header import LONGEST_HEADER, MAGIC, npy_header
from service.uploads.formats.registry import kinds_of

SHORTEST = 1 << 22  # bytes of a body; what a shorter one gains is less than what a window costs
PREFIX = 10  # bytes of an .npy file: magic, version, the length of the header
VERSION = MAGIC + b"\1\0"  # which numpy.save writes
USUAL_HEADER = 128  # bytes, with the prefix, of what numpy.save writes of most arrays; received with the array before


@dataclass
class ArrayWindow:
    """Some items of every array; the last array's buffer is reused two windows later."""

    kept: Mapping[str, Tensor]
    last_role: str
    last: Tensor
    start: int

    @property
    def numbers(self) -> int:
        """The count of numbers in these items."""
        return sum(tensor.numel() for tensor in self.roles().values())

    @property
    def arrays(self) -> Hashable:
        """The role, the dtype and the shape of an item of every array."""
        return kinds_of(self.roles())

    def roles(self) -> dict[str, Tensor]:
        """Return the arrays of these items by role."""
        end = self.start + len(self.last)
        return {role: tensor[self.start : end] for role, tensor in self.kept.items()} | {self.last_role: self.last}


@dataclass(frozen=True)
class ArrayLayout:
    """The dtype, shape and size in bytes of one array."""

    dtype: np.dtype
    shape: tuple[int, ...]
    size: int  # bytes

    @property
    def item_size(self) -> int:
        """The size of one item in bytes."""
        return self.size // self.shape[0]

    def tensor(self, view: memoryview, items: int) -> Tensor:
        """Return the first `items` items of a buffer as a tensor."""
        return torch.from_numpy(np.frombuffer(view, self.dtype).reshape(items, *self.shape[1:]))


def worthwhile(body: Body) -> bool:
    """Return whether a body is long enough to stream, and its source can receive into buffers."""
    return body.direct and (body.length or 0) >= SHORTEST


async def array_windows(body: Body, roles: tuple[str, ...], settings: Settings) -> "AsyncIterator[ArrayWindow] | None":
    """Return the windows of a body, of which all arrays but the last are read; None where it cannot be streamed.

    Raises: TooLarge, BadRequest, and what reading the body raises.
    """
    if len(roles) < 2:  # noqa: PLR2004 - one to keep, one to stream
        return None
    await body.begin(settings.max_body_bytes, "max_body_bytes")
    reading = _Reading(body)
    layouts = await reading.layouts(roles)
    if layouts is None or sum(math.prod(layout.shape) for layout in layouts) > settings.max_elements:
        body.unread(reading.parts)
        return None
    kept = {
        role: layout.tensor(view, layout.shape[0])
        for role, layout, view in zip(roles, layouts, reading.arrays, strict=False)
    }
    return _windows(body, kept, roles[-1], layouts[-1], settings.window_bytes)


async def _windows(
    body: Body, kept: Mapping[str, Tensor], last_role: str, layout: ArrayLayout, window_bytes: int
) -> AsyncIterator[ArrayWindow]:
    """Yield the items in two buffers: one is filled while the other is processed."""
    length, item_size = layout.shape[0], layout.item_size
    items = max(1, window_bytes // item_size)
    buffers = [body.lend(items * item_size), body.lend(items * item_size)]
    for start in range(0, length, items):
        count = min(items, length - start)
        view = buffers[0][: count * item_size]
        buffers.reverse()
        await body.readinto(view)
        yield ArrayWindow(kept, last_role, layout.tensor(view, count), start)


class _Reading:
    """The arrays of a body before the last, while they are received."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self._left = body.length or 0
        self.parts: list[memoryview] = []  # all that was read, in order
        self.arrays: list[memoryview] = []

    async def layouts(self, roles: tuple[str, ...]) -> list[ArrayLayout] | None:
        """Return the layout of every array; None where one is not plain, lengths differ, or the body is incomplete."""
        layouts: list[ArrayLayout] = []
        for place, role in enumerate(roles):
            layout = await self._layout(role)
            if layout is None or layout.size > self._left:
                return None
            layouts.append(layout)
            if place < len(roles) - 1:
                self.arrays.append(await self._read(layout.size, USUAL_HEADER))
        of_one_length = len({layout.shape[0] for layout in layouts}) == 1
        return layouts if of_one_length and layouts[-1].size == self._left else None

    async def _layout(self, role: str) -> ArrayLayout | None:
        """Return the layout that the next header states; None where it is not plain or no header."""
        if self._left < PREFIX:
            return None
        prefix = bytes(await self._read(PREFIX))
        length = int.from_bytes(prefix[8:], "little")
        if not prefix.startswith(VERSION) or length > min(LONGEST_HEADER, self._left):
            return None
        text = bytes(await self._read(length))
        head, _ = npy_header(role, memoryview(prefix + text))
        plain = head.computed is None and head.shape and not (head.fortran and len(head.shape) > 1)
        return ArrayLayout(head.dtype, head.shape, head.size) if plain and head.size else None

    async def _read(self, size: int, ahead: int = 0) -> memoryview:
        """Return the next bytes of the body, in pooled memory where there are many.

        Args:
            size: The number of bytes.
            ahead: How many of those behind them are received at the same time, where there are so many.
        """
        received = size + min(ahead, self._left - size)
        view = memoryview(bytearray(received)) if received < PAGES else self._body.lend(received)
        await self._body.readinto(view)
        self._body.unread([view[size:]])
        self._left -= size
        self.parts.append(view[:size])
        return view[:size]
