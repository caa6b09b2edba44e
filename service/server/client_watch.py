"""Timers that find out whether a client still reads its answers, and whether it is still connected."""

import asyncio
import logging
from collections.abc import Callable

log = logging.getLogger("lossary")
LOOK_S, LOOKS = 0.25, 4  # of which the first has a second's time to come back
GO_ON = b"HTTP/1.1 100 Continue\r\n\r\n"


class UnreadAnswer:
    """Closes a connection unless its client reads some of an answer every `write_seconds`.

    A client that has sent some of its body since then may read the answers after that. `received`: how many bytes of
    bodies have come so far.
    """

    def __init__(self, transport: asyncio.Transport, write_seconds: float, received: Callable[[], int]) -> None:
        self._transport, self._write_seconds, self._received = transport, write_seconds, received
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to wait for the client to read."""
        self._wait(self._transport.get_write_buffer_size())

    def stop(self) -> None:
        """Stop waiting: the client has read."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _wait(self, left: int) -> None:
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._write_seconds, self._close_unless_read, left, self._received())

    def _close_unless_read(self, before: int, received: int) -> None:
        left = self._transport.get_write_buffer_size()
        if left < before or self._received() > received:
            self._wait(left)
        else:
            log.info("answer not read", extra={"facts": {"bytes_left": left}})
            self._transport.abort()


class HalfClosed:
    """Sends interim responses to a client that has closed its sending half (RFC 9110, 15.2.1), while it waits.

    Where it has closed both halves, and so has left, the next line finds the connection lost.
    """

    def __init__(self, transport: asyncio.Transport, waits: Callable[[], bool]) -> None:
        self._transport, self._waits = transport, waits
        self._timer: asyncio.TimerHandle | None = None

    def start(self, looks: int = LOOKS) -> None:
        """Begin to send."""
        self._timer = asyncio.get_running_loop().call_later(LOOK_S, self._send, looks)

    def stop(self) -> None:
        """Stop sending."""
        if self._timer is not None:
            self._timer.cancel()

    def _send(self, looks: int) -> None:
        if not self._waits() or self._transport.is_closing():
            return
        self._transport.write(GO_ON)
        if looks > 1:
            self.start(looks - 1)
