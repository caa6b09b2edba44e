"""The rest of a long body, received straight into the memory where it is wanted (an asyncio.BufferedProtocol).

uvicorn copies a body three times before the application has it. For the length of one body the connection is lent to
this protocol, which hands the kernel the final buffer. Behind another server there is none of it, and the body comes
through `receive` as ever.
"""

import asyncio
from collections.abc import Callable, Iterator
from time import perf_counter

from starlette.requests import ClientDisconnect
from starlette.types import Scope
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from service.problems import RequestTimeout

EXTENSION = "lossary.bulk"  # of the scope, where the transport is ours
SHORTEST = 1 << 18  # bytes of body, from which lending the connection is worth while
BLANK = 1 << 20  # bytes
PIECE = 1 << 17  # bytes of one upload among several in a turn of the loop, so that small requests get theirs
GRACE_S = 5.0  # before the rate counts: connections start slowly
_RECEIVING: set["Bulk"] = set()


class Bulk(asyncio.BufferedProtocol):
    """What is left of one body. `declared` is its length, `done` is called after the last byte."""

    def __init__(
        self, http: HttpToolsProtocol, declared: int, idle_s: float, bytes_per_s: int, done: Callable[[], object]
    ) -> None:
        self._http, self._cycle, self._done = http, http.cycle, done
        self.left = declared  # of what the application has not seen
        self._idle_s, self._rate = idle_s, bytes_per_s
        self._view = memoryview(b"")
        self._filled, self._waited_s, self._came = 0, 0.0, 0
        self._full: asyncio.Future[None] | None = None
        self._unseen = 0  # bytes that the parser does not know of

    def blanks(self) -> Iterator[bytes]:
        """Yield as many bytes as the parser did not see, so that it finds the end of the body."""
        while self._unseen:
            size = min(self._unseen, BLANK)
            self._unseen -= size
            yield bytes(size)

    async def readinto(self, view: memoryview) -> None:
        """Fill `view` with the next bytes of the body.

        Raises: RequestTimeout where they stall or drip, ClientDisconnect where they will not come.
        """
        cycle, arrived = self._cycle, len(self._cycle.body)
        taken = min(arrived, len(view))
        view[:taken] = memoryview(cycle.body)[:taken]
        del cycle.body[:taken]
        if taken < len(view):
            if cycle.disconnected:
                raise ClientDisconnect
            await self._receive(view[taken:])
        self.left -= len(view)
        if not self.left:
            self._cycle.more_body = False
            self._cycle.message_event.set()
            self._done()
            self._http.flow.resume_reading()

    async def _receive(self, view: memoryview) -> None:
        transport = self._http.transport
        _RECEIVING.add(self)
        self._view, self._filled = view, 0
        self._full = asyncio.get_running_loop().create_future()
        self._http.flow.pause_reading()  # uvloop looks at the kind of protocol when reading starts
        transport.set_protocol(self)
        self._http.flow.resume_reading()
        try:
            await self._arrival(self._full)
        finally:
            _RECEIVING.discard(self)
            self._full = None
            self._http.flow.pause_reading()
            transport.set_protocol(self._http)
            self._unseen += self._filled
            self._view = memoryview(b"")

    async def _arrival(self, full: asyncio.Future[None]) -> None:
        while not full.done():
            before, asked = self._filled, perf_counter()
            await asyncio.wait([full], timeout=self._idle_s)
            self._waited_s += perf_counter() - asked
            self._came += self._filled - before
            if full.done():
                break
            if self._filled == before:
                raise RequestTimeout(f"Nothing of the body came for {self._idle_s:g} s.")
            if self._waited_s > GRACE_S and self._came < self._waited_s * self._rate:
                raise RequestTimeout(f"The body came more slowly than {self._rate} bytes a second.")
        full.result()

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's
        end = len(self._view) if len(_RECEIVING) == 1 else self._filled + PIECE
        return self._view[self._filled : end]

    def buffer_updated(self, nbytes: int) -> None:
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
        if self._full and not self._full.done():
            self._full.set_exception(ClientDisconnect())


def of(scope: Scope) -> Bulk | None:
    """Return the rest of a long body, where it can be had like this."""
    found: Bulk | None = scope.get("extensions", {}).get(EXTENSION)
    return found
