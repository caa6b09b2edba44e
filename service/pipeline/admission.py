"""Admission by memory: a request reserves what its body will cost before the body is read.

A body of stated length waits its turn, first come first served, for a bounded time in a bounded line; one that comes
in chunks reserves as it arrives and does not wait, since two that hold memory and wait for more would wait for each
other.
What never reads a body (probes, metrics, pages) reserves nothing and is never shed.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import TemporaryReducedCapacity
from service.request_record import current
from service.settings import Settings

# Peak memory over the body's size, measured on mse with gradient=full: 15.0 for JSON of four-character numbers (a list
# of Python floats beside the text), 12.5 for float16 arrays (computed in float32), 6.5 for float32.
JSON_FACTOR, BINARY_FACTOR = 16, 13
SMALL = 1024  # a request for less than this part of everything passes the line, so that an elephant holds up no mouse


class Budget:
    """So much of one thing, lent in the order of asking."""

    def __init__(self, total: int, most_waiting: int, patience_s: float, small: int = 0) -> None:
        self.total = self.free = total
        self._most_waiting, self._patience_s, self._small = most_waiting, patience_s, small
        self._line: deque[tuple[int, asyncio.Future[None]]] = deque()
        self.changed: Callable[[], object] = lambda: None

    @property
    def waiting(self) -> int:
        """How many wait."""
        return len(self._line)

    def has(self, amount: int) -> bool:
        """Say whether `amount` is free and nobody waits for it."""
        return amount <= self.free and (not self._line or amount <= self._small)

    def take(self, amount: int) -> bool:
        """Take `amount` where it is free and nobody waits for it; say whether it was."""
        if not self.has(amount):
            return False
        self.free -= amount
        self.changed()
        return True

    async def wait(self, amount: int) -> None:
        """Take `amount`, in turn.

        Raises: TemporaryReducedCapacity where the line is too long, or the wait was.
        """
        if self.take(amount):
            return
        if len(self._line) >= self._most_waiting:
            raise TemporaryReducedCapacity(self._patience_s)
        entry = amount, asyncio.get_running_loop().create_future()
        self._line.append(entry)
        self.changed()
        try:
            await asyncio.wait([entry[1]], timeout=self._patience_s)
        except asyncio.CancelledError:
            self._leave(entry)
            raise
        if not entry[1].done():
            self._leave(entry)
            raise TemporaryReducedCapacity(self._patience_s)

    def give(self, amount: int) -> None:
        """Give back what was taken."""
        self.free += amount
        self._serve()

    def _leave(self, entry: tuple[int, asyncio.Future[None]]) -> None:
        if entry[1].done():
            self.give(entry[0])
        else:
            self._line.remove(entry)
            self._serve()

    def _serve(self) -> None:
        while self._line and self._line[0][0] <= self.free:
            amount, turn = self._line.popleft()
            self.free -= amount
            turn.set_result(None)
        self.changed()


class Reservation:
    """The memory of one request."""

    def __init__(self, budget: Budget, patience_s: float) -> None:
        self._budget, self._patience_s = budget, patience_s
        self.held = 0

    async def need(self, amount: int) -> None:
        """Hold `amount`, or everything where that is less: the largest upload runs alone.

        Raises: TemporaryReducedCapacity.
        """
        await self._budget.wait(more := min(amount, self._budget.total) - self.held)
        self.held += more

    def grow(self, amount: int) -> None:
        """Hold `amount` in all, without waiting.

        Raises: TemporaryReducedCapacity.
        """
        more = min(amount, self._budget.total) - self.held
        if more > 0:
            if not self._budget.take(more):
                raise TemporaryReducedCapacity(self._patience_s)
            self.held += more

    def release(self) -> None:
        """Give everything back."""
        if self.held:
            self._budget.give(self.held)
            self.held = 0


class Admission:
    """ASGI middleware: no body is read before its memory is reserved."""

    def __init__(self, app: ASGIApp, budget: Budget, patience_s: float, longest: int) -> None:
        self.app, self._budget, self._patience_s, self._longest = app, budget, patience_s, longest

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        reservation = Reservation(self._budget, self._patience_s)
        length, factor = declared(scope)
        begun, received = False, 0
        record = current()
        record.reserve = lambda more: reservation.grow(reservation.held + factor * more)
        record.spare = lambda: reservation.held - reservation.held // factor

        async def admitted() -> Message:
            nonlocal begun, received
            if not begun:
                begun = True
                asked = perf_counter()
                if length and not record.passing:
                    await reservation.need(factor * min(length, self._longest))
                record.queue_ms += 1e3 * (perf_counter() - asked)
            message = await receive()
            received += len(message.get("body", b""))
            if received > length and not record.passing:
                reservation.grow(factor * received)
            return message

        try:
            await self.app(scope, admitted, send)
        finally:
            reservation.release()


def declared(scope: Scope) -> tuple[int, int]:
    """Return the length of the body as stated, 0 where it comes in chunks, and what a byte of it costs."""
    length, factor = 0, BINARY_FACTOR
    for name, value in scope["headers"]:
        if name == b"content-length" and value.isdigit():
            length = int(value)
        elif name == b"content-type" and value.lower().startswith(b"application/json"):
            factor = JSON_FACTOR
    return length, factor


@contextmanager
def lent(budget: Budget, amount: int) -> Iterator[None]:
    """Give `amount` back at the end."""
    try:
        yield
    finally:
        budget.give(amount)


def memory_budget(settings: Settings) -> Budget:
    """Return the memory that requests of this process may reserve together."""
    total = settings.max_reserved_bytes
    return Budget(total, settings.max_waiting, settings.queue_seconds, small=total // SMALL)
