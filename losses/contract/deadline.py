"""Deadlines and memory of long computations: callbacks that are asked between calls of torch.

What torch does in one call cannot be interrupted, so the question comes between two calls, with the seconds that the
next may take.
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
    """Ask the caller whether the work may run for `seconds` before it asks again; what the caller raises ends it."""
    check = CHECK.get()
    if check is not None:
        check(seconds)


class _Asking(TorchFunctionMode):
    """Asks before every call of torch."""

    def __torch_function__(
        self,
        call: Callable[..., Any],
        _types: Sequence[type],
        args: Sequence[Any] = (),
        kwargs: Mapping[str, Any] | None = None,
    ) -> Any:  # noqa: ANN401 - what torch returns
        checkpoint()
        return call(*args, **kwargs or {})


@contextmanager
def asking() -> Iterator[None]:
    """Ask whether the work may go on before every call of torch, and in a gradient before each is passed back."""

    def unpacked(saved: Tensor) -> Tensor:
        checkpoint()
        return saved

    with _Asking(), saved_tensors_hooks(lambda tensor: tensor, unpacked):
        yield


def hold(held_bytes: int) -> None:
    """Wait until so many bytes may be allocated; they replace those asked for before."""
    ask = HOLD.get()
    if ask is not None:
        ask(held_bytes)
