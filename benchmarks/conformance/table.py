"""What a row of the conformance table says: a library's function, our expression, inputs, and what explains a gap."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from torch import Generator, Tensor

from losses.evaluation.totals import Reduction

Inputs = dict[str, Tensor]
Draws = Callable[[Generator], Iterator[Inputs]]
Ours = Callable[..., Tensor]
Function = Callable[..., Any]


@dataclass(frozen=True, kw_only=True)
class Explained:
    """The reason why a library gives another number, with its proof.

    Attributes:
        by: Turns our value, as a differentiable function of the inputs, into the library's; it is compared with the
            same tolerance as equal values.
        most: A bound of the relative difference, where there is no such function; of the gradient alone where values
            are `equal`.
    """

    reason: str
    by: Callable[..., Tensor] | None = None
    most: float | None = None
    equal: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Attributes:
        theirs: The library's function, which takes the inputs by role.
        unit: The size of terms that cancel within an item, such as the 1 of 1 - dice.
        float32: Why the library loses digits in float32; accepted only where ours does not.
        gradient: False where the library's gradient is not defined.
        narrow: The library computes in float32 although it answers in the dtype sent.
    """

    ours: str
    name: str
    theirs: Function
    draws: Draws
    reduction: Reduction = "mean"
    explained: Explained | None = None
    unit: float = 0.0
    float32: str = ""
    gradient: bool = True
    narrow: bool = False


@dataclass(frozen=True, kw_only=True)
class Library:
    """A library: its rows, and how its functions are called."""

    title: str
    package: str
    module: str
    backend: str = "torch"


def pair(function: Function, **given: object) -> Function:
    """Return a function of predictions and targets by name, from one that takes them in this order."""
    return lambda predictions, targets: function(predictions, targets, **given)
