"""What one term sums over the chunks: its formula applied, weights and masks taken in, items counted."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from losses import classes
from losses.chunks import Dims, Piece, align, dims, joined
from losses.domains import Seen
from losses.shapes import Axes
from losses.spec import BoundLoss, Items, Sums

Reduction = Literal["mean", "mean_over_count", "sum", "none"]
Parts = dict[str, Tensor]  # by leading axis: (rows, k) of one chunk, or (k) in total
WHOLE = ""  # the leading axis of a sum that has no rows


@dataclass
class Tally:
    """The sums of one term so far, and what finishes them where the loss is a quotient over the batch."""

    term: BoundLoss
    axes: Axes
    seen: dict[str, Seen]
    totals: Parts = field(default_factory=dict)
    kept: int = 0
    count: int = 0
    finish: Callable[[Parts], Items] | None = None
    values: list[Tensor] = field(default_factory=list)
    by_class: Tensor | None = None

    @property
    def elements(self) -> Dims:
        """The axes that weights and masks may have."""
        return dims(self.term.loss.elements, self.axes)

    def apply(self, piece: Piece) -> tuple[Parts, Items | None]:
        """Return the rows of sums of one chunk, and its items where the loss has items.

        Shapes: one row an entry of axis 0, two columns (numerator, denominator) for items.
        """
        weights, inner = self._split(piece)
        out = self.term(piece.inputs, inner)
        if isinstance(out, Sums):
            self.finish = out.finish
            return {lead: rows.to(torch.float64) for lead, rows in out.parts.items()}, None
        items = out if isinstance(out, Items) else Items(out, torch.ones_like(out))
        if weights is not None:
            fit = self._fit(weights)
            kept = items.denominator > 0
            if piece.mask is not None and piece.mask.ndim <= weights.ndim:
                kept = kept & (self._fit(piece.mask) > 0)
            items = Items((items.numerator * fit).where(fit > 0, 0), items.denominator * fit, kept)
        lead = self.term.loss.shapes.items.lead if self.term.kind == "item" else None
        columns = [items.numerator, items.denominator]
        if lead is None:
            return {WHOLE: torch.stack([column.sum(dtype=torch.float64) for column in columns])[None]}, items
        return {lead: torch.stack([by_row(column) for column in columns]).T}, items  # columns lie in one piece

    def _fit(self, factor: Tensor) -> Tensor:
        """Return weights of the first axes of the items with axes of length one for the rest."""
        return align(factor, self.elements[: factor.ndim], dims(self.term.loss.shapes.items, self.axes))

    def _split(self, piece: Piece) -> tuple[Tensor | None, Tensor | None]:
        """Return what multiplies whole items, and what goes into a loss that sums over elements itself.

        Shapes: the second has every axis of the elements.
        """
        if not self.term.loss.sums_itself:
            return piece.weights, None
        whole = [factor for factor in piece.factors if factor.ndim == 1 and self.term.kind == "item"]
        inner = joined([factor for factor in piece.factors if factor.ndim > 1 or self.term.kind != "item"])
        return joined(whole), None if inner is None else self.spread(inner)

    def spread(self, factor: Tensor) -> Tensor:
        """Return weights of the first axes of the elements with all of their axes."""
        lengths = self.term.loss.elements.lengths(self.axes)
        return align(factor, self.elements[: factor.ndim], self.elements).expand(len(factor), *lengths[1:])

    def add(self, piece: Piece, *, keep: bool, per_class: bool) -> Parts:
        """Take in one chunk and return its rows; `keep` holds on to the value of every item."""
        parts, items = self.apply(piece)
        for lead, rows in parts.items():
            self.totals[lead] = self.totals[lead] + rows.sum(0) if lead in self.totals else rows.sum(0)
        if items is None:
            count = self._count(piece)
            self.count += count
            self.kept += count if piece.weights is None else _share_above_zero(piece.weights, count)
        else:
            self.count += items.denominator.numel()
            self.kept += int((items.denominator > 0 if items.kept is None else items.kept).sum())
            if keep:
                self.values.append(items.numerator.cpu())
            if per_class:
                self._add_classes(piece, items)
        return parts

    def _add_classes(self, piece: Piece, items: Items) -> None:
        labels = classes.of_elements(self.term, self.axes, piece.inputs)
        sums = classes.of_items(items, dims(self.term.loss.shapes.items, self.axes), labels)
        if sums is not None:
            self.by_class = sums if self.by_class is None else self.by_class + sums

    def value(self, totals: Parts, reduction: Reduction) -> Tensor:
        """Return what the totals amount to, as a scalar."""
        if self.finish is not None:
            items = self.finish(totals)
            return torch.div(items.numerator.sum(), items.denominator.sum())
        numerator, denominator = next(iter(totals.values()))
        if reduction == "sum":
            return torch.as_tensor(numerator)
        return torch.div(numerator, self.kept if reduction == "mean_over_count" else denominator)

    def _count(self, piece: Piece) -> int:
        """Return how many elements of a quotient one chunk holds."""
        if not self.elements:
            return sum(tensor.numel() for tensor in piece.inputs.values())
        role = self.term.loss.roles[0]
        own = dims(self.term.loss.pattern(role), self.axes)
        shape = piece.inputs[role].shape
        return math.prod(shape[position] for position, dim in enumerate(own) if dim in self.elements)


def by_row(column: Tensor) -> Tensor:
    """Return the sum over every axis but the first, in float64."""
    return column.flatten(1).sum(1, dtype=torch.float64) if column.ndim > 1 else column.to(torch.float64)


def _share_above_zero(weights: Tensor, count: int) -> int:
    return int((weights > 0).sum()) * (count // weights.numel()) if weights.numel() else 0
