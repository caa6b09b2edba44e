"""A bounded amount of one resource (memory, threads), reserved first come, first served.

A caller that asks for more than is free waits in a bounded queue, for a bounded time. A caller that already holds some
does not wait for more, since two such callers would wait for each other.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager

from service.problems import TemporaryReducedCapacity
from service.request_record import Record
from service.scheduling import in_task
from service.settings import Settings

SMALL = (
    1024  # a request for less than this part of everything passes the queue, so that small ones never wait for large
)


class Budget:
    """A bounded amount of one resource, reserved first come, first served."""

    def __init__(self, total: int, most_waiting: int, patience_s: float, small: int = 0) -> None:
        self.total = self.free = total
        self._most_waiting, self._patience_s, self._small = most_waiting, patience_s, small
        self._queue: deque[tuple[int, asyncio.Future[None]]] = deque()

    @property
    def waiting(self) -> int:
        """The number of callers that wait."""
        return len(self._queue)

    def has(self, amount: int) -> bool:
        """Return whether `amount` is free and nobody waits for it."""
        return amount <= self.free and (not self._queue or amount <= self._small)

    def take(self, amount: int) -> bool:
        """Take `amount` if it is free and nobody waits for it; return whether it was taken."""
        if not self.has(amount):
            return False
        self.free -= amount
        return True

    async def wait(self, amount: int) -> None:
        """Take `amount`, waiting in the order of the calls.

        Raises: TemporaryReducedCapacity where the queue is full, or the wait took too long.
        """
        if self.take(amount):
            return
        await in_task()
        if self.take(amount):  # given back meanwhile
            return
        if len(self._queue) >= self._most_waiting:
            raise TemporaryReducedCapacity(self._patience_s)
        entry = amount, asyncio.get_running_loop().create_future()
        self._queue.append(entry)
        try:
            await asyncio.wait([entry[1]], timeout=self._patience_s)
        except asyncio.CancelledError:
            self._leave(entry)
            raise
        if not entry[1].done():
            self._leave(entry)
            raise TemporaryReducedCapacity(self._patience_s)

    def give(self, amount: int) -> None:
        """Return an amount that was taken."""
        self.free += amount
        self._serve()

    def _leave(self, entry: tuple[int, asyncio.Future[None]]) -> None:
        """Remove a waiting caller from the queue, and return its amount if it was already granted."""
        if entry[1].done():
            self.give(entry[0])
        else:
            self._queue.remove(entry)
            self._serve()

    def _serve(self) -> None:
        """Grant the amounts of waiting callers, in order, as far as they are free."""
        while self._queue and self._queue[0][0] <= self.free:
            amount, turn = self._queue.popleft()
            self.free -= amount
            turn.set_result(None)


class Reservation:
    """The memory reserved for one request."""

    def __init__(self, budget: Budget, patience_s: float, record: Record) -> None:
        self._budget, self._patience_s, self._record = budget, patience_s, record
        self.reserved = 0

    @property
    def total(self) -> int:
        """The whole budget, which is the most that all requests may reserve together."""
        return self._budget.total

    def beside(self) -> "Reservation":
        """Return a second, empty reservation from the same budget."""
        return Reservation(self._budget, self._patience_s, self._record)

    def take(self, amount: int) -> bool:
        """Reserve `amount`, or the whole budget where that is less, if it is free; return whether it was."""
        more = min(amount, self._budget.total) - self.reserved
        taken = self._budget.take(more)
        if taken:
            self._hold(more)
        return taken

    async def need(self, amount: int) -> None:
        """Reserve `amount`, waiting until it is free.

        The whole budget where that is less, so that the largest upload runs alone.

        Raises: TemporaryReducedCapacity.
        """
        await self._budget.wait(more := min(amount, self._budget.total) - self.reserved)
        self._hold(more)

    def grow(self, amount: int) -> None:
        """Raise the reservation to `amount` in total, without waiting.

        Raises: TemporaryReducedCapacity.
        """
        more = min(amount, self._budget.total) - self.reserved
        if more > 0:
            if not self._budget.take(more):
                raise TemporaryReducedCapacity(self._patience_s)
            self._hold(more)

    def _hold(self, more: int) -> None:
        """Add `more` bytes to this reservation and to the request's record."""
        self.reserved += more
        self._record.hold(more)

    def release(self) -> None:
        """Return everything to the budget."""
        if self.reserved:
            self._budget.give(self.reserved)
            self._record.hold(-self.reserved)
            self.reserved = 0


@contextmanager
def given_back(budget: Budget, amount: int) -> Iterator[None]:
    """Return `amount`, which was taken before, to the budget when the block ends."""
    try:
        yield
    finally:
        budget.give(amount)


def memory_budget(settings: Settings) -> Budget:
    """Return the memory that requests of this process may reserve together."""
    total = settings.max_reserved_bytes
    return Budget(total, settings.max_waiting, settings.queue_seconds, small=total // SMALL)
