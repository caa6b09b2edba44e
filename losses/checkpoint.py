"""Where long work may be ended: between two blocks, since what torch or numpy does to one cannot be interrupted."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

_CHECK: ContextVar[Callable[[], object] | None] = ContextVar("check", default=None)


def checkpoint() -> None:
    """Ask whoever runs this work whether it may go on; what they raise ends it."""
    check = _CHECK.get()
    if check is not None:
        check()


@contextmanager
def checked(check: Callable[[], object]) -> Iterator[None]:
    """Have `check` asked between the blocks of what runs inside."""
    token = _CHECK.set(check)
    try:
        yield
    finally:
        _CHECK.reset(token)
