"""Deadlines and memory limits of long computations, checked through callbacks between calls of torch.

A single torch call cannot be interrupted, so the callback is called between calls. It receives the number of seconds
that the next call may take.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from torch import Tensor
from torch.autograd.graph import saved_tensors_hooks
from torch.overrides import TorchFunctionMode

CHECK: ContextVar[Callable[[float], object] | None] = ContextVar("check", default=None)  # set by whoever runs the work
HOLD: ContextVar[Callable[[int], object] | None] = ContextVar("hold", default=None)  # the same


def checkpoint(seconds: float = 0.0) -> None:
    """Call the CHECK callback, if there is one, before work that takes up to `seconds`.

    What it raises aborts the work.
    """
    check = CHECK.get()
    if check is not None:
        check(seconds)


class _Asking(TorchFunctionMode):
    """A torch mode that calls `checkpoint` before every torch function."""

    def __torch_function__(
        self,
        call: Callable[..., Any],
        _types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - what torch returns
        """Call `checkpoint`, then the torch function."""
        checkpoint()
        return call(*args, **kwargs or {})


@contextmanager
def asking() -> Iterator[None]:
    """Within this context, call `checkpoint` before every torch function, forward and backward."""

    def unpacked(saved: Tensor) -> Tensor:
        """Call `checkpoint`, then return a tensor that was saved for the backward pass."""
        checkpoint()
        return saved

    with _Asking(), saved_tensors_hooks(lambda tensor: tensor, unpacked):
        yield


def hold(held_bytes: int) -> None:
    """Wait, through the HOLD callback, until this many bytes may be allocated.

    They replace the previous reservation.
    """
    ask = HOLD.get()
    if ask is not None:
        ask(held_bytes)
