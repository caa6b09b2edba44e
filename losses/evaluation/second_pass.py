"""The second pass: the cotangent of the totals is propagated back through each chunk.

It gives the influence of every row on the value, from which the standard error of a quotient follows, and the exact
gradient of the inputs, in memory that does not grow with the number of chunks.
"""

import math
from contextlib import nullcontext
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from losses.contract.deadline import asking, checkpoint
from losses.contract.loss import Items, Sums
from losses.evaluation.chunks import Chunk, ChunkedInputs, dims
from losses.evaluation.class_labels import element_labels
from losses.evaluation.gradient_shares import per_item
from losses.evaluation.moments import Moments
from losses.evaluation.totals import WHOLE, Accumulator, Cotangents, SumsByAxis, by_row

Leaves = dict[str, Tensor]


@dataclass
class SecondPass:
    """The second pass over the chunks.

    Attributes:
        cotangents: The derivative of the value with respect to the totals, by term.
        gradient: Which gradient is asked for.
        quotient: Whether the standard error of a quotient is asked for.
        influence: Moments of the influence of every row on the value, by the name of the rows' axis.
        gathered: The gradients of the chunks so far, by role.
        sizes: The absolute gradients of the items, one tensor a chunk.
        class_sizes: Their sums by class.
    """

    chunked_inputs: ChunkedInputs
    accumulators: list[Accumulator]
    cotangents: list[Cotangents]
    gradient: Literal["none", "summary", "full"]
    quotient: bool
    influence: dict[str, Moments] = field(default_factory=dict)
    gathered: dict[str, list[Tensor]] = field(default_factory=dict)
    sizes: list[Tensor] = field(default_factory=list)
    class_sizes: Tensor | None = None

    def run(self) -> None:
        """Pass over every chunk again; autograd records only where a gradient is asked for."""
        within = asking() if self.chunked_inputs.asks_within else nullcontext()
        with torch.set_grad_enabled(self.gradient != "none"), within:
            for bounds in self.chunked_inputs.blocks():
                self._chunk(self.chunked_inputs.chunks(bounds, first_pass=False))

    def _chunk(self, chunks: list[Chunk]) -> None:
        """Propagate the cotangents back through one chunk, given once for every term."""
        gradient = self.gradient != "none"
        leaves = [
            _leaves(accumulator, chunk) if gradient else {}
            for accumulator, chunk in zip(self.accumulators, chunks, strict=True)
        ]
        rows: SumsByAxis = {}
        outs: list[Items | Sums] = []
        for accumulator, chunk, own, leaf in zip(self.accumulators, chunks, self.cotangents, leaves, strict=True):
            outs.append(accumulator.apply(replace(chunk, inputs={**chunk.inputs, **leaf})))
            for item_axis, row in accumulator.influence(outs[-1], own).items():
                rows[item_axis] = rows[item_axis] + row if item_axis in rows else row
        weights = chunks[0].weights
        for item_axis, row in rows.items() if self.quotient else ():
            counted = slice(None) if weights is None else by_row(weights) > 0
            self.influence.setdefault(item_axis, Moments()).add([row.detach()[counted]])
        if gradient:
            checkpoint(2 * self.chunked_inputs.seconds_between)
            torch.autograd.backward([row.sum() for row in rows.values()])
            self._gather(_slopes(leaves), chunks[0], outs[0])

    def _gather(self, slopes: Leaves, chunk: Chunk, out: Items | Sums) -> None:
        """Store the gradient of one chunk: all of it for gradient=full, and its absolute size for each item."""
        if self.gradient == "full":
            for role, slope in slopes.items():
                self.gathered.setdefault(role, []).append(slope)
        first = self.accumulators[0]
        sizes = _sizes(first, slopes)
        self.sizes.append(sizes[_counted(first, chunk, out)])
        labels = element_labels(first.term, first.axes, chunk.inputs)
        if labels is not None and labels.ids.numel() == sizes.numel():
            sums = labels.sums(sizes)
            self.class_sizes = sums if self.class_sizes is None else self.class_sizes + sums

    def standard_error(self) -> float | None:
        """Return the standard error of the value; None where a part of it has none.

        Inputs with different item axes (real and fake items) are independent, so that their variances add.
        """
        errors = [moments.error_of_sum([1.0]) for moments in self.influence.values()]
        defined = [error for error in errors if error is not None]
        return math.hypot(*defined) if defined and len(defined) == len(errors) else None

    def gradients(self) -> dict[str, Tensor]:
        """Return the gradient of every input that gradients are computed for, by role."""
        return {role: torch.cat(slopes).cpu() for role, slopes in self.gathered.items()}


def _leaves(accumulator: Accumulator, chunk: Chunk) -> Leaves:
    """Return the inputs that gradients are computed for, detached, as leaves of a new graph."""
    return {role: chunk.inputs[role].detach().requires_grad_() for role in accumulator.term.loss.differentiable}


def _slopes(leaves: list[Leaves]) -> Leaves:
    """Return the gradient of every input, summed over the terms that use it."""
    slopes: Leaves = {}
    for leaf in leaves:
        for role, tensor in leaf.items():
            slope = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            slopes[role] = slopes[role] + slope if role in slopes else slope
    return slopes


def _sizes(accumulator: Accumulator, slopes: Leaves) -> Tensor:
    """Return the absolute gradient of every item of one chunk, flat.

    Lists of items with different axes are concatenated.
    """
    by_axis: SumsByAxis = {}
    for role, slope in slopes.items():
        if role in accumulator.term.loss.roles:
            pattern = accumulator.term.loss.pattern(role)
            size = per_item(slope, dims(pattern, accumulator.axes), accumulator.elements)
            item_axis = pattern.item_axis or WHOLE
            by_axis[item_axis] = by_axis[item_axis] + size if item_axis in by_axis else size
    return torch.cat(list(by_axis.values()))


def _counted(accumulator: Accumulator, chunk: Chunk, out: Items | Sums) -> Tensor | slice:
    """Return which elements of one chunk count: those not masked, not ignored, and of positive weight."""
    loss = accumulator.term.loss
    if isinstance(out, Items) and loss.elements.names and loss.elements == loss.shapes.items:
        return (out.counts > 0).flatten()
    return slice(None) if chunk.weights is None else (accumulator.spread(chunk.weights) > 0).flatten()
