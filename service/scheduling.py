"""Runs the coroutine of a request inline, without an asyncio task, and turns it into a task where it has to wait.

A task costs a turn of the event loop, which takes longer than a small loss. Requests that arrived in the same turn pass
each step together: code that is not in the processor's caches takes three times as long.
"""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, copy_context
from dataclasses import dataclass, field
from types import coroutine
from typing import Any, TypeVar

from anyio import to_thread

INLINE_BYTES = 1 << 18  # decoded in 0.5 ms, which a thread hop would double
Returned = TypeVar("Returned")
Run = Coroutine[Any, Any, None]
log = logging.getLogger("lossary")
_TURN, _TASK = object(), object()  # what a coroutine that runs inline yields to its runner
_inline = False  # whether what runs now runs inline; a step runs to its end before the event loop does anything else


@coroutine
def take_turn() -> Generator[object, None, None]:
    """Let the other inline requests of this turn reach the same step first; does nothing in a task."""
    if _inline:
        yield _TURN


@coroutine
def in_task() -> Generator[object, None, None]:
    """Continue as a task where this runs inline; to be awaited before anything that may wait."""
    if _inline:
        yield _TASK


async def beside_the_loop(work: Callable[[], Returned], size: int) -> Returned:
    """Return the result of `work`; computed in a thread where processing `size` bytes would block the event loop."""
    if size <= INLINE_BYTES:
        return work()
    await in_task()
    return await to_thread.run_sync(work)


class _Rest:
    """The remainder of a coroutine that was started inline; awaiting it continues where it stopped."""

    def __init__(self, run: Run) -> None:
        self._run = run

    def __await__(self) -> Generator[Any, Any, None]:
        return (yield from self._run.__await__())


async def _finish(run: Run) -> None:
    """Run the remainder of a coroutine in a task."""
    await _Rest(run)


@dataclass
class InlineRun:
    """One coroutine that runs inline, in its own context."""

    run: Run
    adopt: Callable[[asyncio.Task[None]], object]  # is told of the task, if it becomes one
    context: Context = field(default_factory=copy_context)

    def step(self) -> bool:
        """Run the coroutine to its next turn; return whether there is more to run inline.

        An exception ends this coroutine alone.
        """
        try:
            signal = self.context.run(self.run.send, None)
        except StopIteration:
            return False
        except Exception as error:
            log.error("crashed", exc_info=error)  # noqa: TRY400 - as in service/problems.py
            return False
        if signal is _TURN:
            return True
        if signal is not _TASK:
            self._refuse_to_wait()
            return False
        task = asyncio.get_running_loop().create_task(_finish(self.run), context=self.context)
        self.adopt(task)
        return False

    def _refuse_to_wait(self) -> None:
        """Raise within the coroutine, which awaited what only a task can wait for."""
        try:
            self.run.throw(RuntimeError("a coroutine that runs inline waited without in_task()"))
        except Exception as error:
            log.error("crashed", exc_info=error)  # noqa: TRY400 - as in service/problems.py


def run_together(runs: list[InlineRun]) -> None:
    """Run the next step of every coroutine in turn, until each is done or has become a task."""
    global _inline  # noqa: PLW0603 - asking for the current task would take longer
    _inline = True
    try:
        while runs:
            runs = [run for run in runs if run.step()]
    finally:
        _inline = False
