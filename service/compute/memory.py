"""The memory of computations: what their blocks reserve, and shorter chunks where a device has too little."""

import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Self, TypeVar

import torch
from anyio import from_thread

from losses.evaluation.passes import Options
from service.budget import Budget
from service.request_record import Record

Returned = TypeVar("Returned")
LEAST_CHUNK = 1 << 16  # below it what is missing is not the memory of a chunk
log = logging.getLogger("lossary")


class Blocks:
    """The memory for the blocks of one computation, of which `reserved_bytes` were reserved with the upload."""

    def __init__(self, budget: Budget, reserved_bytes: int, record: Record) -> None:
        self._budget, self._reserved_bytes, self._record, self._held = budget, reserved_bytes, record, 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._budget.give(self._held)

    def advance(self, peak_bytes: int) -> None:
        """Reserve the memory of blocks on the event loop if it is free, which saves the thread from asking for it."""
        more = min(peak_bytes - self._reserved_bytes, self._budget.total)
        if more > 0 and self._budget.take(more):
            self._keep(more)

    def hold(self, peak_bytes: int) -> None:
        """Reserve the memory of blocks in place of the current reservation; blocks this thread until it is free.

        Raises: TemporaryReducedCapacity.
        """
        more = min(peak_bytes - self._reserved_bytes, self._budget.total)
        if more > self._held:
            from_thread.run(self._take, more)

    async def _take(self, amount: int) -> None:
        """Replace the current reservation by `amount`, waiting until it is free."""
        self._budget.give(self._held)
        self._held = 0
        await self._budget.wait(amount)
        self._keep(amount)

    def _keep(self, amount: int) -> None:
        """Record that `amount` bytes are reserved."""
        self._held = amount
        self._record.block_bytes = max(self._record.block_bytes, amount)


def in_smaller_chunks(work: Callable[..., Returned], options: Options) -> Returned:
    """Return the result of `work(options=...)`; where device memory runs out, try again with chunks half as long.

    Raises: torch.OutOfMemoryError where the smallest chunk is too large, or nothing is cut.
    """
    while True:
        try:
            return work(options=options)
        except torch.OutOfMemoryError:
            half = options.chunk_elements // 2
            if half < LEAST_CHUNK:
                raise
        log.warning("device memory ran out", extra={"facts": {"chunk_elements": half}})
        torch.cuda.empty_cache()  # outside of the handler, whose traceback holds the tensors of what failed
        options = replace(options, chunk_elements=half)
