"""What whoever runs long work is asked: whether it may go on, and for the memory of a block.

What torch does in one call cannot be interrupted, so the question comes between two calls, with the seconds that the
next may take.
"""

from collections.abc import Callable
from contextvars import ContextVar

from torch import Tensor

CHECK: ContextVar[Callable[[float], object] | None] = ContextVar("check", default=None)  # set by whoever runs the work
HOLD: ContextVar[Callable[[int], object] | None] = ContextVar("hold", default=None)  # the same


def checkpoint(seconds: float = 0.0) -> None:
    """Ask whoever runs this work whether it may go on for so long without asking; what they raise ends it."""
    check = CHECK.get()
    if check is not None:
        check(seconds)


def checked(tensor: Tensor) -> Tensor:
    """Return the tensor; ask whether the work may go on, here and when a gradient passes through it."""
    checkpoint()
    if tensor.requires_grad:
        tensor.register_hook(lambda _: checkpoint())  # type: ignore[no-untyped-call] # torch does not type it
    return tensor


def hold(held_bytes: int) -> None:
    """Wait for so much memory, which is held from here on in place of what was asked for before."""
    ask = HOLD.get()
    if ask is not None:
        ask(held_bytes)
