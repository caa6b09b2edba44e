"""The sums of one term over the chunks: its formula is applied, weighted and masked, and its items are counted."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

import torch
from torch import Tensor

from losses.contract.encodings import Extremes
from losses.contract.loss import BoundLoss, Items, Sums
from losses.contract.shapes import Axes
from losses.evaluation.chunks import Chunk, Dims, align, dims, product_of_factors
from losses.evaluation.class_labels import class_sums, element_labels
from losses.mathematics.terms import in_range

Reduction = Literal["mean", "mean_over_count", "sum", "none"]
SumsByAxis = dict[str, Tensor]  # by leading axis: (rows, ...) of one chunk, or (...) in total
# By leading axis: derivatives with respect to sums, or to numerator and denominator.
Cotangents = Mapping[str, Tensor | tuple[float, float]]
WHOLE = ""  # the leading axis of a sum that has no rows


class Rows(NamedTuple):
    """The columns of the items of one chunk and their sums, and which rows hold an item; None where all do."""

    columns: list[Tensor]
    sums: list[float]
    there: Tensor | None


@dataclass
class Accumulator:
    """The sums of one term so far: of its items, or `totals` and what finishes them where it has none."""

    term: BoundLoss
    axes: Axes
    seen: dict[str, Extremes]
    totals: SumsByAxis = field(default_factory=dict)
    kept: int = 0
    count: int = 0
    finish: Callable[[SumsByAxis], Items] | None = None
    numerator: float = 0.0
    denominator: float = 0.0
    weighted: bool = False
    values: list[Tensor] = field(default_factory=list)
    by_class: Tensor | None = None
    some_masked: bool = False
    some_unmasked: bool = False
    some_weighted: bool = False

    @property
    def elements(self) -> Dims:
        """The axes that weights and masks may have."""
        return dims(self.term.loss.elements, self.axes)

    @property
    def item_axis(self) -> str:
        """The axis that the rows of items are counted along."""
        return self.term.item_axis or WHOLE

    @property
    def has_rows(self) -> bool:
        """Whether there are rows whose spread gives the error of the value."""
        return self.item_axis != WHOLE if self.finish is None else WHOLE not in self.totals

    def apply(self, chunk: Chunk) -> Items | Sums:
        """Return the formula applied to one chunk, with its weights and mask."""
        weights, inner = self._split(chunk)
        out = self.term(chunk.inputs, inner)
        if isinstance(out, Sums):
            return out
        items = out if isinstance(out, Items) else Items(out)
        if weights is None:
            return items
        fit = self._fit(weights)
        there = items.there
        if chunk.mask is not None and chunk.mask.ndim <= weights.ndim:
            there = there & (self._fit(chunk.mask) > 0)
        return Items((items.numerator * fit).where(fit > 0, 0), items.counts * fit, there)

    def columns(self, items: Items) -> list[Tensor]:
        """Return the numerator of every row and, where items have weights, the denominator, in float64."""
        columns = [items.numerator] if items.denominator is None else [items.numerator, items.denominator]
        if self.item_axis == WHOLE:
            return [column.sum(dtype=torch.float64)[None] for column in columns]
        return [by_row(column) for column in columns]

    def influence(self, out: Items | Sums, cotangents: Cotangents) -> SumsByAxis:
        """Return what every row adds to a value of which `slopes` is the derivative with respect to the totals."""
        if isinstance(out, Sums):
            flat = {item_axis: rows.to(torch.float64).flatten(1) for item_axis, rows in out.parts.items()}
            return {
                item_axis: rows @ torch.as_tensor(cotangents[item_axis]).flatten() for item_axis, rows in flat.items()
            }
        weighed = [
            float(slope) * column for slope, column in zip(cotangents[self.item_axis], self.columns(out), strict=False)
        ]
        return {self.item_axis: weighed[0] + weighed[1] if len(weighed) > 1 else weighed[0]}

    def _fit(self, factor: Tensor) -> Tensor:
        """Return weights of the first axes of the items with axes of length one for the rest."""
        return align(factor, self.elements[: factor.ndim], dims(self.term.loss.shapes.items, self.axes))

    def _split(self, chunk: Chunk) -> tuple[Tensor | None, Tensor | None]:
        """Return what multiplies whole items, and what goes into a loss that sums over elements itself.

        Shapes: the second has every axis of the elements.
        """
        if not self.term.loss.sums_itself:
            return chunk.weights, None
        whole = [factor for factor in chunk.factors if factor.ndim == 1 and self.term.kind == "item"]
        inner = product_of_factors([factor for factor in chunk.factors if factor.ndim > 1 or self.term.kind != "item"])
        return product_of_factors(whole), None if inner is None else self.spread(inner)

    def spread(self, factor: Tensor) -> Tensor:
        """Return weights of the first axes of the elements with all of their axes."""
        lengths = self.term.loss.elements.lengths(self.axes)
        return align(factor, self.elements[: factor.ndim], self.elements).expand(len(factor), *lengths[1:])

    def add(self, chunk: Chunk, *, keep: bool, per_class: bool) -> Rows:
        """Take in one chunk; return the rows of its items. `keep` holds on to the items' values."""
        self._note(chunk)
        out = self.apply(chunk)
        if isinstance(out, Sums):
            self._add_sums(chunk, out)
            return Rows([], [], None)
        columns = self.columns(out)
        sums = [float(column.sum()) for column in columns]
        count = out.numerator.numel()
        there = self._there(chunk, out)
        kept = count if there is None else int(there.count_nonzero())
        self.add_sums_of_items(sums[0], None if out.denominator is None else sums[1], count, kept)
        if keep:
            self.values.append(out.numerator.cpu())
        if per_class:
            self._add_classes(chunk, out)
        return Rows(columns, sums, None if there is None or self.item_axis == WHOLE else by_row(there) > 0)

    def add_sums_of_items(self, numerator: float, denominator: float | None, count: int, kept: int) -> None:
        """Add the sums over some items; the denominator is None where each counts once."""
        self.count += count
        self.kept += kept
        self.weighted = denominator is not None
        self.numerator += numerator
        self.denominator += count if denominator is None else denominator

    def _note(self, chunk: Chunk) -> None:
        """Note whether some of what was sent is masked, some is not, and some of that has a weight."""
        if chunk.mask is None:
            self.some_unmasked = True
        elif not (self.some_masked and self.some_unmasked):
            kept = int(chunk.mask.count_nonzero())
            self.some_masked |= kept < chunk.mask.numel()
            self.some_unmasked |= kept > 0
        self.some_weighted = self.some_weighted or chunk.weights is None or bool(chunk.weights.any())

    def _there(self, chunk: Chunk, out: Items) -> Tensor | None:
        """Return which items are neither masked nor ignored, whatever they weigh; None where all are there."""
        if chunk.unweighted is not None and self.term.loss.sums_itself:  # what it sums over may lack what weighs 0
            counted = self.apply(chunk.unweighted())
            out = counted if isinstance(counted, Items) else out
        return None if out.denominator is None else out.there

    def _add_sums(self, chunk: Chunk, out: Sums) -> None:
        totals = {item_axis: rows.sum(0, dtype=torch.float64) for item_axis, rows in out.parts.items()}
        count = self.elements_of({role: tensor.shape for role, tensor in chunk.inputs.items()})
        kept = count if chunk.mask is None else _share_above_zero(chunk.mask, count)
        self.add_totals(totals, out.finish, count, kept)

    def add_totals(self, totals: SumsByAxis, finish: Callable[[SumsByAxis], Items], count: int, kept: int) -> None:
        """Add sums over some rows of a quotient, and note how they are finished."""
        self.finish = finish
        for item_axis, more in totals.items():
            self.totals[item_axis] = self.totals[item_axis] + more if item_axis in self.totals else more
        self.count += count
        self.kept += kept

    def _add_classes(self, chunk: Chunk, items: Items) -> None:
        labels = element_labels(self.term, self.axes, chunk.inputs)
        sums = class_sums(items, dims(self.term.loss.shapes.items, self.axes), labels)
        if sums is not None:
            self.by_class = sums if self.by_class is None else self.by_class + sums

    def reduce(self, reduction: Reduction, coefficient: float) -> tuple[float, Cotangents]:
        """Return the value of the totals, and the derivative of `coefficient` times it with respect to them."""
        if self.finish is not None:
            return _differentiated(self.finish, self.totals, coefficient)
        below = {"sum": 1.0, "mean_over_count": float(self.kept)}.get(reduction, self.denominator)
        if below == 0 or not math.isfinite(below):  # a quotient by infinity would be 0 and look like an answer
            return math.nan, {self.item_axis: (math.nan, math.nan)}
        value = self.numerator / below
        slope = coefficient / below
        return value, {self.item_axis: (slope, -slope * value if reduction == "mean" else 0.0)}

    def elements_of(self, shapes: Mapping[str, Sequence[int]]) -> int:
        """Return how many elements of a quotient inputs of these shapes hold, by role."""
        if not self.elements:
            return sum(math.prod(shape) for shape in shapes.values())
        role = self.term.loss.roles[0]
        own = dims(self.term.loss.pattern(role), self.axes)
        return math.prod(length for length, dim in zip(shapes[role], own, strict=True) if dim in self.elements)


def _differentiated(
    finish: Callable[[SumsByAxis], Items], totals: SumsByAxis, coefficient: float
) -> tuple[float, SumsByAxis]:
    """Return the value that `finish` gives for the totals, and the derivative of `coefficient` times it."""
    with torch.inference_mode(mode=False), torch.enable_grad():
        leaves = {item_axis: total.clone().requires_grad_() for item_axis, total in totals.items()}
        items = finish(leaves)
        value = torch.div(items.numerator.sum(), in_range(items.counts.sum()))
        cotangents = torch.autograd.grad(coefficient * value, list(leaves.values()))
    return value.item(), dict(zip(leaves, cotangents, strict=True))


def by_row(column: Tensor) -> Tensor:
    """Return the sum over every axis but the first, in float64."""
    return column.flatten(1).sum(1, dtype=torch.float64) if column.ndim > 1 else column.double()


def _share_above_zero(weights: Tensor, count: int) -> int:
    return int((weights > 0).sum()) * (count // weights.numel()) if weights.numel() else 0
