"""Where long work may be ended: between two blocks, since what torch or numpy does to one cannot be interrupted."""

from collections.abc import Callable
from contextvars import ContextVar

CHECK: ContextVar[Callable[[], object] | None] = ContextVar("check", default=None)  # set by whoever runs the work


def checkpoint() -> None:
    """Ask whoever runs this work whether it may go on; what they raise ends it."""
    check = CHECK.get()
    if check is not None:
        check()
