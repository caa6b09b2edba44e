"""What whoever runs long work is asked: whether it may go on, between two blocks, and for the memory of a block."""

from collections.abc import Callable
from contextvars import ContextVar

CHECK: ContextVar[Callable[[], object] | None] = ContextVar("check", default=None)  # set by whoever runs the work
HOLD: ContextVar[Callable[[int], object] | None] = ContextVar("hold", default=None)  # the same


def checkpoint() -> None:
    """Ask whoever runs this work whether it may go on; what they raise ends it."""
    check = CHECK.get()
    if check is not None:
        check()


def hold(held_bytes: int) -> None:
    """Wait for so much memory, which is held from here on in place of what was asked for before."""
    ask = HOLD.get()
    if ask is not None:
        ask(held_bytes)
