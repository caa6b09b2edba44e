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
    """Why a library gives another number, and what proves it.

    `by` makes the library's number out of ours (which it is given as a differentiable function of the inputs), and is
    held to the same tolerance as equality. Where no such map exists, `most` bounds the relative difference, of the
    gradient alone where the values are `equal`.
    """

    reason: str
    by: Callable[..., Tensor] | None = None
    most: float | None = None
    equal: bool = False


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    `theirs` takes the inputs by role, as ours does. `unit`: the size of terms that cancel within an item, such as
    the 1 of 1 - dice, which belongs to the sum of absolute terms. `float32`: why the library loses digits in
    float32; believed only where ours keeps them. `gradient`: false where the library's is not defined. `narrow`:
    the library computes in float32 though it answers in what it was sent.
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
    """A library, where its rows are, and how its functions are called."""

    title: str
    package: str
    module: str
    backend: str = "torch"


def pair(function: Function, **given: object) -> Function:
    """Return a function of predictions and targets by name, from one that takes them in this order."""
    return lambda predictions, targets: function(predictions, targets, **given)
