"""An .npy body of several arrays: all but the last are held, and the last is reduced while it arrives.

Two arrays of one length are evaluated in half of the memory that they take, and hardly later than their last byte.
What is not plain (other lengths, another byte order, bytes too many or too few) is put together and read as ever.
"""

import math
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from fastapi import Request
from torch import Tensor

from service.request_record import current
from service.server import body_receiver
from service.settings import Settings
from service.uploads.body import limited
from service.uploads.buffers import PAGES, POOL
from service.uploads.formats import npy

SHORTEST = 1 << 25  # bytes of a body; half of less is not worth a second thread
PREFIX = 10  # bytes of an .npy file: magic, version, the length of the header
VERSION = npy.MAGIC + b"\1\0"  # which numpy.save writes
WINDOW = 1 << 22  # bytes: a thread hop is nothing beside it, and it stays near the caches


def is_long(request: Request) -> bool:
    """Say whether a body is worth this."""
    rest = body_receiver.of(request.scope)
    return rest is not None and rest.left >= SHORTEST


@dataclass
class Items:
    """Some items of every array, the last of which lies in a buffer that is soon used again."""

    held: Mapping[str, Tensor]
    role: str
    last: Tensor
    start: int

    @property
    def numbers(self) -> int:
        """How many numbers these items have."""
        return sum(tensor.numel() for tensor in self.roles().values())

    def roles(self) -> dict[str, Tensor]:
        """Return the arrays of these items by role."""
        end = self.start + len(self.last)
        return {name: tensor[self.start : end] for name, tensor in self.held.items()} | {self.role: self.last}


@dataclass(frozen=True)
class Layout:
    """Where the numbers of one array are, and what they are."""

    dtype: np.dtype
    shape: tuple[int, ...]
    size: int  # bytes

    def tensor(self, view: memoryview, rows: int) -> Tensor:
        """Return so many items."""
        return torch.from_numpy(np.frombuffer(view, self.dtype).reshape(rows, *self.shape[1:]))


class Held:
    """A body that is being read."""

    def __init__(self, rest: body_receiver.Bulk, first: bytes, roles: tuple[str, ...], most: int) -> None:
        self._rest, self._first, self._roles, self._most = rest, memoryview(first), roles, most
        self._came: list[memoryview] = []  # all that was read, in order
        self._arrays: dict[str, Tensor] = {}
        self._last: Layout | None = None

    @classmethod
    async def of(cls, request: Request, settings: Settings, roles: tuple[str, ...]) -> "Held | None":
        """Return a body that is long, and read but for its first bytes; None for any other, which is unread.

        Raises: TooLarge.
        """
        rest = body_receiver.of(request.scope)
        if rest is None or len(roles) < 2:  # noqa: PLR2004 - one to hold, one to reduce
            return None
        first = await anext(limited(request, settings.max_body_bytes, "max_body_bytes"), b"")
        rest.left -= len(first)
        return cls(rest, first, roles, settings.max_elements)

    @property
    def _left(self) -> int:
        return len(self._first) + self._rest.left

    async def begin(self) -> bool:
        """Read all arrays but the last, and its header; say whether all of them are plain and of one length.

        Raises: what reading a header raises.
        """
        layouts = []
        for role in self._roles:
            layout = await self._layout(role)
            if layout is None or layout.size > self._left:
                return False
            layouts.append(layout)
            if role != self._roles[-1]:
                view = await self._read(layout.size)
                self._arrays[role] = layout.tensor(view, layout.shape[0])
        self._last = layouts[-1]
        numbers = sum(math.prod(layout.shape) for layout in layouts)
        lengths = {layout.shape[0] for layout in layouts}
        return len(lengths) == 1 and numbers <= self._most and self._last.size == self._left

    async def together(self) -> memoryview:
        """Return the body as one, with what is still to come."""
        whole = _lent(sum(map(len, self._came)) + self._left)
        end = 0
        for part in self._came:
            whole[end : end + len(part)] = part
            end += len(part)
        await self._fill(whole[end:])
        return whole

    async def __aiter__(self) -> AsyncIterator[Items]:
        """Yield the items, once begun; two buffers take turns, one is filled while the other is worked on."""
        if self._last is None:
            raise TypeError("begin() comes first")
        length = self._last.shape[0]
        row = self._last.size // length
        rows = max(1, WINDOW // row)
        buffers = [_lent(rows * row), _lent(rows * row)]
        for start in range(0, length, rows):
            count = min(rows, length - start)
            view = buffers[0][: count * row]
            buffers.reverse()
            await self._fill(view)
            yield Items(self._arrays, self._roles[-1], self._last.tensor(view, count), start)

    async def _layout(self, role: str) -> Layout | None:
        """Return what the next header says; None for what is not plain, or no header at all."""
        if self._left < PREFIX:
            return None
        prefix = bytes(await self._read(PREFIX))
        length = int.from_bytes(prefix[8:], "little")
        if not prefix.startswith(VERSION) or length > min(npy.LONGEST_HEADER, self._left):
            return None
        text = bytes(await self._read(length))
        head, _ = npy.header(role, memoryview(prefix + text))
        plain = head.computed is None and not (head.fortran and len(head.shape) > 1)
        return Layout(head.dtype, head.shape, head.size) if plain and head.size else None

    async def _read(self, size: int) -> memoryview:
        view = memoryview(bytearray(size)) if size < PAGES else _lent(size)
        await self._fill(view)
        self._came.append(view)
        return view

    async def _fill(self, view: memoryview) -> None:
        taken = min(len(view), len(self._first))
        view[:taken], self._first = self._first[:taken], self._first[taken:]
        if taken < len(view):
            await self._rest.readinto(view[taken:])
            current().bytes_in += len(view) - taken


def _lent(size: int) -> memoryview:
    view, give_back = POOL.lend(size)
    current().at_end.append(give_back)
    return view
