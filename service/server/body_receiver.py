"""Receives the body of a request from the socket directly into the memory where it is needed.

uvicorn copies a body three times before the application has it. While a long body is received, the connection's
protocol is replaced by this one (an asyncio.BufferedProtocol), which lets the kernel write into the target memory.
"""

import asyncio
from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Any

from starlette.requests import ClientDisconnect
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.uploads.bodies.body import AsgiSource
from service.uploads.bodies.pace import Pace

SHORTEST = 1 << 18  # bytes of body, from which lending the connection is worth while
BLANK = 1 << 20  # bytes
PIECE = 1 << 17  # bytes of one upload among several in a turn of the loop, so that small requests get theirs
_RECEIVING: set["BodyReceiver"] = set()


class BodyReceiver(asyncio.BufferedProtocol):
    """The body that a connection receives; `length` is its stated length, and `done` is called after the last byte."""

    unpacking_bytes = 0

    def __init__(self, http: HttpToolsProtocol, length: int, pace: Pace, done: Callable[[], object]) -> None:
        self._http, self._cycle, self._done = http, http.cycle, done
        receive: Any = http.cycle.receive  # uvicorn's types of messages are narrower than Starlette's
        self._slow = AsgiSource(receive, pace)
        self.readinto = self._readinto if length >= SHORTEST and not http.pipeline else None
        self._left, self._pace = length, pace
        self._view, self._filled = memoryview(b""), 0
        self._full: asyncio.Future[None] | None = None
        self._unseen = 0  # bytes that the parser does not know of

    def has_left(self) -> bool:
        """Return whether the client has closed the connection entirely, not only its sending half."""
        return self._cycle.disconnected or bool(self._http.transport.is_closing())

    def arrived(self) -> bytearray | None:
        """Return the body if it has arrived completely, else None."""
        return None if self._cycle.more_body else self._cycle.body

    async def receive(self) -> tuple[bytes, bool]:
        """Return the next bytes, and whether more follow.

        Raises: RequestTimeout, ClientDisconnect.
        """
        return await self._slow.receive()

    def blanks(self) -> Iterator[bytes]:
        """Yield filler for the bytes that the parser did not see, so that it finds the end of the body."""
        while self._unseen:
            size = min(self._unseen, BLANK)
            self._unseen -= size
            yield bytes(size)

    async def _readinto(self, view: memoryview) -> None:
        """Fill `view` with the next bytes of the body.

        Raises: RequestTimeout where they stop or are too slow, ClientDisconnect where they cannot arrive any more.
        """
        cycle = self._cycle
        if cycle.waiting_for_100_continue:
            self._http.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            cycle.waiting_for_100_continue = False
        taken = min(len(cycle.body), len(view))
        view[:taken] = memoryview(cycle.body)[:taken]
        del cycle.body[:taken]
        if taken < len(view):
            if cycle.disconnected:
                raise ClientDisconnect
            await self._receive(view[taken:])
        self._left -= len(view)
        if not self._left:
            cycle.more_body = False
            cycle.message_event.set()
            self._done()
            self._http.flow.resume_reading()

    async def _receive(self, view: memoryview) -> None:
        """Wait until the kernel has filled `view`, or the body has ended."""
        transport = self._http.transport
        _RECEIVING.add(self)
        self._view, self._filled = view, 0
        self._full = asyncio.get_running_loop().create_future()
        self._http.flow.pause_reading()  # uvloop looks at the kind of protocol when reading starts
        transport.set_protocol(self)
        self._http.flow.resume_reading()
        try:
            await self._wait(self._full)
        finally:
            _RECEIVING.discard(self)
            self._full = None
            self._http.flow.pause_reading()
            transport.set_protocol(self._http)
            self._unseen += self._filled
            self._view = memoryview(b"")

    async def _wait(self, full: asyncio.Future[None]) -> None:
        """Wait until the view is full, under the minimum pace."""
        while not full.done():
            before, began = self._filled, perf_counter()
            await asyncio.wait([full], timeout=self._pace.idle_s)
            if not full.done():
                self._pace.add(self._filled - before, perf_counter() - began)
        full.result()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's
        end = len(self._view) if len(_RECEIVING) == 1 else self._filled + PIECE
        return self._view[self._filled : end]

    def buffer_updated(self, nbytes: int) -> None:
        """Count bytes that the kernel has written; called by asyncio."""
        self._filled += nbytes
        if self._full is None or self._full.done():
            return
        if self._filled == len(self._view):
            self._http.flow.pause_reading()
            self._full.set_result(None)
        elif len(_RECEIVING) > 1 and nbytes == PIECE:  # after less than was offered, reading ends for this turn anyway
            self._http.flow.pause_reading()
            self._full.get_loop().call_soon(self._go_on)

    def _go_on(self) -> None:
        """Resume reading where a receiver waits for bytes."""
        if self._full and not self._full.done():
            self._http.flow.resume_reading()

    def eof_received(self) -> None:
        self._fail()

    def connection_lost(self, exc: Exception | None) -> None:
        self._fail()
        self._http.connection_lost(exc)

    def pause_writing(self) -> None:
        self._http.pause_writing()

    def resume_writing(self) -> None:
        self._http.resume_writing()

    def _fail(self) -> None:
        """End the wait for bytes with ClientDisconnect."""
        if self._full and not self._full.done():
            self._full.set_exception(ClientDisconnect())
