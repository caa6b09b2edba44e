"""An inexpensive load generator: many connections, each with one request at a time, counted for some seconds."""

import asyncio
import re
import statistics
import time
from dataclasses import dataclass

import uvloop

LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Rate:
    """The rate and the latencies of the answers."""

    per_s: float
    median_s: float
    p99_s: float


class _Connection(asyncio.Protocol):
    """One connection that sends the next request as soon as it has an answer."""

    def __init__(self, request: bytes, took: list[float], end: asyncio.Event) -> None:
        self._request, self._took, self._end = request, took, end
        self._buffer, self._wanted = bytearray(), 0
        self.failed: str | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport: asyncio.Transport = transport  # type: ignore[assignment] # of a stream
        self._ask()

    def _ask(self) -> None:
        self._wanted, self._asked = 0, time.perf_counter()
        self._transport.write(self._request)

    def data_received(self, data: bytes) -> None:
        self._buffer += data
        if not self._wanted:
            head = self._buffer.find(b"\r\n\r\n")
            if head < 0:
                return
            length = LENGTH.search(self._buffer, 0, head)
            self._wanted = head + 4 + (int(length.group(1)) if length else 0)
            if self._buffer[9:12] != b"200":
                self.failed = bytes(self._buffer[:300]).decode(errors="replace")
                self._end.set()
                return
        if len(self._buffer) >= self._wanted:
            del self._buffer[: self._wanted]
            self._took.append(time.perf_counter() - self._asked)
            if self._end.is_set():
                self._transport.close()
            else:
                self._ask()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002 - asyncio's
        self._end.set()


async def _load(port: int, request: bytes, connections: int, seconds: float) -> Rate:
    loop, end = asyncio.get_running_loop(), asyncio.Event()
    took: list[float] = []
    made = [
        await loop.create_connection(lambda: _Connection(request, took, end), "127.0.0.1", port)
        for _ in range(connections)
    ]
    started = time.perf_counter()
    try:
        async with asyncio.timeout(seconds):
            await end.wait()
    except TimeoutError:
        pass
    elapsed, done = time.perf_counter() - started, list(took)
    end.set()
    for transport, connection in made:
        transport.close()
        if connection.failed:
            raise RuntimeError(connection.failed)
    done.sort()
    return Rate(len(done) / elapsed, statistics.median(done), done[int(0.99 * len(done))])


def load(port: int, request: bytes, connections: int, seconds: float) -> Rate:
    """Return the rate at which a server answers this request.

    Raises: RuntimeError with the answer where it is no 200.
    """
    return uvloop.run(_load(port, request, connections, seconds))
