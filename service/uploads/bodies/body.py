"""The body of a request: read once, from any source, under a size limit and a memory reservation.

A body of stated length reserves its memory before its first byte is read, and waits for that. A chunked body reserves
as it arrives, without waiting, since two bodies that hold memory and wait for more would wait for each other. A request
whose body is never read (probes, pages) reserves nothing and is never rejected for lack of memory.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from time import perf_counter
from typing import Protocol

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Receive

from losses.text import Text
from service.budget import Reservation
from service.problems import TooLarge
from service.request_record import Record, stays
from service.scheduling import in_task
from service.uploads.bodies.buffers import POOL
from service.uploads.bodies.pace import Pace

KEY = "lossary.body"  # of the scope
# Peak memory over the body's size, measured on mse with gradient=full: 15.0 for JSON of four-character numbers (a list
# of Python floats beside the text), 12.5 for float16 arrays (computed in float32), 6.5 for float32.
JSON_FACTOR, BINARY_FACTOR = 16, 13


class BodySource(Protocol):
    """A source of the bytes of a body."""

    @property
    def readinto(self) -> Callable[[memoryview], Awaitable[None]] | None:
        """A function that receives the next bytes directly into a buffer; None where the source cannot."""

    @property
    def unpacking_bytes(self) -> int:
        """The memory that decompression needs beside its output; 0 where the body is not compressed."""

    def has_left(self) -> bool:
        """Return whether the client is known to have closed its connection."""

    def arrived(self) -> bytearray | None:
        """Return the body if it has arrived completely, else None."""

    async def receive(self) -> tuple[bytes, bool]:
        """Return the next bytes, and whether more follow."""


class Arrived:
    """A body that is already in memory."""

    readinto = None
    unpacking_bytes = 0

    def __init__(self, data: bytearray, has_left: Callable[[], bool] = stays) -> None:
        self._data, self.has_left = data, has_left

    def arrived(self) -> bytearray:
        """Return the body."""
        return self._data

    async def receive(self) -> tuple[bytes, bool]:
        """Return the whole body."""
        return bytes(self._data), False


class AsgiSource:
    """A body that is received through ASGI's `receive`."""

    readinto = None
    unpacking_bytes = 0

    def __init__(self, receive: Receive, pace: Pace) -> None:
        self._receive, self._pace, self.has_left = receive, pace, stays

    def arrived(self) -> None:
        """Return None: ASGI does not say whether the body has arrived completely."""

    async def receive(self) -> tuple[bytes, bool]:
        """Return the next bytes, and whether more follow.

        Raises: RequestTimeout, ClientDisconnect.
        """
        began = perf_counter()
        try:
            async with asyncio.timeout(self._pace.idle_s):
                message = await self._receive()
        except TimeoutError:
            self._pace.add(0, self._pace.idle_s)
            raise
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk, more = message.get("body", b""), message.get("more_body", False)
        if more:
            self._pace.add(len(chunk), perf_counter() - began)
        return chunk, more


class Body:
    """The body of one request, which is read once, in one of the ways below."""

    def __init__(
        self,
        source: BodySource,
        *,
        length: int | None,
        factor: int,
        longest: int,
        longest_unpacked: int,
        reservation: Reservation,
        record: Record,
    ) -> None:
        self.sent_length = length  # as stated, in bytes; None where it comes in chunks
        self.packed = source.unpacking_bytes > 0  # whether it has a Content-Encoding
        self.length = None if self.packed else length
        self._source, self._factor, self._longest, self._longest_unpacked = source, factor, longest, longest_unpacked
        self._reservation, self._record = reservation, record
        self._begun = False
        self._unread: list[memoryview] = []
        self._give_back: list[Callable[[], object]] = []

    @property
    def direct(self) -> bool:
        """Whether the source can receive directly into a buffer."""
        return self._source.readinto is not None

    async def read(self, limit: int, setting: str | None) -> bytearray:
        """Return the whole body.

        Raises: TooLarge at the limit, unread where the length is stated; TemporaryReducedCapacity, RequestTimeout,
        ClientDisconnect.
        """
        arrived = self._source.arrived()
        if arrived is not None:
            await self._begin(limit, setting)
            self._count(len(arrived), limit, setting)
            return arrived
        if self.direct:
            await self._begin(limit, setting)
            body = bytearray(self.length or 0)
            with memoryview(body) as view:
                await self.readinto(view)
            return body
        body = bytearray()
        async for chunk in self.chunks(limit, setting):
            body += chunk
        return body

    async def borrow(self, limit: int, setting: str | None) -> bytearray | memoryview:
        """Return the whole body; a long one in pooled memory that is reused after the request.

        Raises: what `read` raises.
        """
        if not self.direct or self.length is None:
            return await self.read(limit, setting)
        await self._begin(limit, setting)
        view = self.lend(self.length)
        await self.readinto(view)
        return view

    async def chunks(self, limit: int, setting: str | None, *, kept: bool = True) -> AsyncIterator[bytes]:
        """Yield the body as it arrives.

        With `kept` memory is reserved for all of it, otherwise the caller reserves a window.

        Raises: what `read` raises.
        """
        if self.packed:
            if not kept:
                self.reserve_bytes(self._source.unpacking_bytes)
            elif self._longest_unpacked < limit:
                limit, setting = self._longest_unpacked, "max_decoded_bytes"
        await self._begin(limit, setting, kept=kept)
        arrived = self._source.arrived()
        if arrived is not None:
            self._count(len(arrived), limit, setting, kept=kept)
            yield bytes(arrived)
            return
        size, more = 0, True
        while more:
            await in_task()
            chunk, more = await self._source.receive()
            size += len(chunk)
            self._count(len(chunk), limit, setting, size, kept=kept)
            if chunk:
                yield chunk

    async def begin(self, limit: int, setting: str | None) -> None:
        """Reserve memory for the body, before `readinto`.

        Raises: TooLarge, TemporaryReducedCapacity.
        """
        await self._begin(limit, setting)

    async def readinto(self, view: memoryview) -> None:
        """Fill `view` with the next bytes; only where `direct`, and after `begin`.

        Raises: RequestTimeout, ClientDisconnect.
        """
        while self._unread and view:
            part = self._unread[0][: len(view)]
            view[: len(part)], view = part, view[len(part) :]
            self._unread[0] = self._unread[0][len(part) :]
            if not self._unread[0]:
                del self._unread[0]
        if view:
            if self._source.readinto is None:
                raise TypeError(self._source)
            await in_task()
            await self._source.readinto(view)
            self._record.bytes_in += len(view)

    def unread(self, parts: list[memoryview]) -> None:
        """Put back bytes that were read last, in order, so that `readinto` returns them again."""
        self._unread = [*[part for part in parts if part], *self._unread]

    def lend(self, size: int) -> memoryview:
        """Return uninitialised memory that is returned to the pool when the request ends."""
        view, give_back = POOL.lend(size)
        self._give_back.append(give_back)
        return view

    @property
    def reserved_beside(self) -> int:
        """The bytes that are reserved for computing, in addition to the body itself."""
        return self._reservation.reserved - self._reservation.reserved // self._factor

    def reserve(self, more: int) -> None:
        """Reserve memory for the bytes by which the body grows when it is decompressed.

        Raises: TemporaryReducedCapacity.
        """
        self._reservation.grow(self._reservation.reserved + self._factor * more)

    def reserve_bytes(self, more: int) -> None:
        """Reserve memory for an answer until it is sent.

        Raises: TooLarge where the budget is smaller than that, TemporaryReducedCapacity.
        """
        if self._reservation.reserved + more > self._reservation.total:
            way_out = "Ask for fewer losses in one request, or for gradient=summary."
            raise TooLarge("What the answer takes, in bytes,", self._reservation.total, "max_reserved_bytes", way_out)
        self._reservation.grow(self._reservation.reserved + more)

    def part(self, data: bytearray, record: Record) -> "Body":
        """Return a JSON part of the body as the body of a separate request; reserves memory without waiting."""
        return Body(
            Arrived(data),
            length=None,
            factor=JSON_FACTOR,
            longest=self._longest,
            longest_unpacked=self._longest_unpacked,
            reservation=self._reservation.beside(),
            record=record,
        )

    def close(self) -> None:
        """Return pooled memory and release reservations."""
        for give_back in self._give_back:
            give_back()
        self._give_back.clear()
        self._reservation.release()

    async def _begin(self, limit: int, setting: str | None, *, kept: bool = True) -> None:
        """Check the stated length, and reserve memory for it."""
        if self.length is not None and self.length > limit:
            raise too_large(limit, setting)
        if self._begun or not kept or not self.length:
            return
        self._begun = True
        amount = self._factor * min(self.length, self._longest)
        if not self._reservation.take(amount):
            began = perf_counter()
            await self._reservation.need(amount)
            self._record.queue_ms += 1e3 * (perf_counter() - began)

    def _count(self, more: int, limit: int, setting: str | None, size: int = 0, *, kept: bool = True) -> None:
        """Count received bytes, check the limit, and enlarge the reservation where needed."""
        if not self.packed:
            self._record.bytes_in += more
        size = size or more
        if size > limit:
            raise too_large(limit, setting)
        if kept and size > (self.length or 0):
            self._reservation.grow(self._factor * size)


def body_of(request: Request) -> Body:
    """Return the body of a request; outside of the pipeline, one without a memory reservation."""
    body: Body = request.scope[KEY]
    return body


def too_large(limit: int, setting: str | None) -> TooLarge:
    """Return the refusal of a body over a limit; `setting` names the setting of that limit."""
    variable = f"LOSSARY_{setting.upper()}" if setting else ""
    raise_it = Text(f", or raise {variable}", f",或调高 {variable}") if variable else Text("", "")
    arrays = Text("arrays as .npy or Arrow", "以 .npy 或 Arrow 格式发送数组")
    shorter = arrays if setting == "max_json_bytes" else Text("less in one request", "减少每个请求的数据量")
    way_out = Text(f"Send {shorter.en}{raise_it.en}.", f"请{shorter.zh}{raise_it.zh}。")
    return TooLarge(Text("The body", "请求体"), limit, setting, way_out)
