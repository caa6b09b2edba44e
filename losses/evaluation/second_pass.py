"""The second pass: the cotangent of the totals, pulled back through each chunk.

It gives the influence of every row on the value, whose spread is the error of a quotient, and the exact gradient of
the inputs, in memory that does not grow with the number of chunks.
"""

import math
from dataclasses import dataclass, field, replace
from typing import Literal

import torch
from torch import Tensor

from losses.contract.deadline import checkpoint
from losses.contract.loss import Items, Sums
from losses.evaluation.chunks import Feed, Piece, dims
from losses.evaluation.class_labels import of_elements
from losses.evaluation.gradient_shares import per_item
from losses.evaluation.moments import Moments
from losses.evaluation.totals import WHOLE, Parts, Slopes, Tally, by_row

Leaves = dict[str, Tensor]


@dataclass
class Backward:
    """The second pass over the chunks: the influence of each row, for the error of a quotient, and the gradients."""

    feed: Feed
    tallies: list[Tally]
    slopes: list[Slopes]
    gradient: Literal["none", "summary", "full"]
    quotient: bool
    influence: dict[str, Moments] = field(default_factory=dict)
    gathered: dict[str, list[Tensor]] = field(default_factory=dict)
    sizes: list[Tensor] = field(default_factory=list)
    class_sizes: Tensor | None = None

    def run(self) -> None:
        """Pass over every chunk again, recording a graph only where a gradient is asked for."""
        with torch.set_grad_enabled(self.gradient != "none"):
            for pieces in self.feed.pieces(first_pass=False):
                self._chunk(pieces)

    def _chunk(self, pieces: list[Piece]) -> None:
        gradient = self.gradient != "none"
        leaves = [_leaves(tally, piece) if gradient else {} for tally, piece in zip(self.tallies, pieces, strict=True)]
        rows: Parts = {}
        outs: list[Items | Sums] = []
        for tally, piece, slopes, leaf in zip(self.tallies, pieces, self.slopes, leaves, strict=True):
            outs.append(tally.apply(replace(piece, inputs={**piece.inputs, **leaf})))
            for lead, row in tally.influence(outs[-1], slopes).items():
                rows[lead] = rows[lead] + row if lead in rows else row
        weights = pieces[0].weights
        for lead, row in rows.items() if self.quotient else ():
            counted = slice(None) if weights is None else by_row(weights) > 0
            self.influence.setdefault(lead, Moments()).add([row.detach()[counted]])
        if gradient:
            checkpoint(2 * self.feed.seconds_between)
            torch.autograd.backward([row.sum() for row in rows.values()])
            self._gather(_slopes(leaves), pieces[0], outs[0])

    def _gather(self, slopes: Leaves, piece: Piece, out: Items | Sums) -> None:
        """Keep what the answer needs of the gradient of one chunk; all of it only where it was asked for."""
        if self.gradient == "full":
            for role, slope in slopes.items():
                self.gathered.setdefault(role, []).append(slope)
        first = self.tallies[0]
        sizes = _sizes(first, slopes)
        self.sizes.append(sizes[_kept(first, piece, out)])
        labels = of_elements(first.term, first.axes, piece.inputs)
        if labels is not None and labels.ids.numel() == sizes.numel():
            sums = labels.sums(sizes)
            self.class_sizes = sums if self.class_sizes is None else self.class_sizes + sums

    def standard_error(self) -> float | None:
        """Return the error of the value, rows of different leading axes being independent; None where unknown."""
        errors = [moments.error_of_sum([1.0]) for moments in self.influence.values()]
        known = [error for error in errors if error is not None]
        return math.hypot(*known) if known and len(known) == len(errors) else None

    def gradients(self) -> dict[str, Tensor]:
        """Return the gradient of every input that a model puts out."""
        return {role: torch.cat(slopes).cpu() for role, slopes in self.gathered.items()}


def _leaves(tally: Tally, piece: Piece) -> Leaves:
    """Return the inputs that a gradient is taken for, as leaves of a new graph."""
    return {role: piece.inputs[role].detach().requires_grad_() for role in tally.term.loss.differentiable}


def _slopes(leaves: list[Leaves]) -> Leaves:
    """Return the gradient of every input, summed over the terms that share it."""
    slopes: Leaves = {}
    for leaf in leaves:
        for role, tensor in leaf.items():
            slope = torch.zeros_like(tensor) if tensor.grad is None else tensor.grad
            slopes[role] = slopes[role] + slope if role in slopes else slope
    return slopes


def _sizes(tally: Tally, slopes: Leaves) -> Tensor:
    """Return the absolute gradient of every item of one chunk; lists with an axis 0 of their own follow on."""
    by_lead: Parts = {}
    for role, slope in slopes.items():
        if role in tally.term.loss.roles:
            pattern = tally.term.loss.pattern(role)
            size = per_item(slope, dims(pattern, tally.axes), tally.elements)
            lead = pattern.lead or WHOLE
            by_lead[lead] = by_lead[lead] + size if lead in by_lead else size
    return torch.cat(list(by_lead.values()))


def _kept(tally: Tally, piece: Piece, out: Items | Sums) -> Tensor | slice:
    """Return which elements of one chunk count: neither masked, nor ignored, nor of weight 0."""
    loss = tally.term.loss
    if isinstance(out, Items) and loss.elements.names and loss.elements == loss.shapes.items:
        return (out.counts > 0).flatten()
    return slice(None) if piece.weights is None else (tally.spread(piece.weights) > 0).flatten()
