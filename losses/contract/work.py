"""Estimates of the memory and the time that one block of a loss takes.

A block is a chunk of the inputs, or all of them where a loss cannot be cut. The estimates are made from the axes and
the parameters before anything is allocated: memory is never less than what is measured (a law of the tests), time is
within a factor of a few.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from losses.contract.shapes import Axes

# Numbers of the dtype computed in, for every number of the inputs of a block: measured over the catalogue, at most 14
# without a graph and 26 with one.
INPUTS_ALIVE, INPUTS_WITH_GRAPH = 16, 32
TERM_S = 150e-6  # a formula on few numbers, with all that stands around it
CALL_S = 3e-6  # one more call of torch on few numbers
NUMBER_S = 40e-9  # a formula, for every number of the inputs
PASS_S = 1e-9  # one more call of torch, for every number that it goes through
STEP_S = 1e-9  # a step as `Work.steps` counts them
BACKWARD = 3.0  # what a gradient takes beside the value, over the value


@dataclass(frozen=True)
class Amount:
    """A sum of products of numbers, axes and parameters, such as "6 n L L + 2 n *s iterations".

    A starred axis stands for the product of all axes of that name, count(s) for their number, rest(s) for the sum of
    all but the longest.
    """

    text: str

    @cached_property
    def _products(self) -> list[list[str]]:
        """The factors of every product."""
        return [product.split() for product in self.text.split("+")] if self.text else []

    def of(self, axes: Axes, params: Mapping[str, object]) -> float:
        """Return the amount for these lengths and parameters.

        Raises: KeyError for a name that is neither an axis nor a parameter.
        """
        return sum(math.prod(_factor(name, axes, params) for name in product) for product in self._products)


def _factor(name: str, axes: Axes, params: Mapping[str, object]) -> float:
    """Return the value of one factor of an `Amount`.

    It is a number, a parameter, the length of an axis, a starred axis (the product of its lengths), or count(axis) or
    rest(axis), as `Amount` defines them.

    Raises: KeyError for a name that is neither an axis nor a parameter.
    """
    function = re.fullmatch(r"(count|rest)\((\w+)\)", name)
    if function:
        lengths = axes[function[2]]
        return len(lengths) if function[1] == "count" else sum(lengths) - max(lengths, default=0)
    if name[0].isdigit():
        return float(name)
    bare = name.lstrip("*")
    return math.prod(axes[bare]) if bare in axes else float(str(params[name]))


@dataclass(frozen=True)
class Work:
    """Memory and time of a formula beyond a few passes over its inputs; each attribute is the text of an `Amount`.

    Attributes:
        holds: The count of numbers in the largest temporaries that are alive at the same time.
        graph: The count of numbers kept in addition for a gradient; None: half of `holds`.
        calls: The number of torch calls beyond some tens, each a pass over all inputs.
        steps: The time of large torch calls in nanoseconds; None: three for each number of `holds`.
    """

    holds: str = ""
    graph: str | None = None
    calls: str = ""
    steps: str | None = None

    @cached_property
    def _amounts(self) -> tuple[Amount, ...]:
        """The four attributes as amounts."""
        return tuple(Amount(text or "") for text in (self.holds, self.graph, self.calls, self.steps))

    def peak_numbers(self, axes: Axes, params: Mapping[str, object]) -> tuple[float, float]:
        """Return the count of numbers held at the peak, and the count kept in addition for a gradient."""
        holds, graph, _, _ = self._amounts
        numbers = holds.of(axes, params)
        return numbers, numbers / 2 if self.graph is None else graph.of(axes, params)

    def seconds(self, axes: Axes, params: Mapping[str, object], numbers: int, blocks: int) -> float:
        """Return the estimated seconds to compute the value of inputs with `numbers` numbers in `blocks` blocks."""
        called = self._amounts[2].of(axes, params)
        between = self.seconds_between(axes, params, numbers)
        return blocks * (TERM_S + called * CALL_S) + numbers * called * PASS_S + between

    def seconds_between(self, axes: Axes, params: Mapping[str, object], numbers: int) -> float:
        """Return the estimated seconds of a block of `numbers` numbers without its `calls`.

        No single torch call takes longer.
        """
        holds, _, _, steps = self._amounts
        made = 3 * holds.of(axes, params) if self.steps is None else steps.of(axes, params)
        return numbers * NUMBER_S + made * STEP_S


PLAIN = Work()
