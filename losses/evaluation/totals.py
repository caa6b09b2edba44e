"""The totals of one term over the chunks: its formula is applied, weighted and masked, and its items are counted."""

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
    """The rows of one chunk: their columns, the sums of these, and a mask of those that hold an item (None: all)."""

    columns: list[Tensor]
    sums: list[float]
    present: Tensor | None


@dataclass
class Accumulator:
    """The totals of one term over the chunks so far.

    Attributes:
        term: The loss with its parameters.
        axes: The lengths of its axes.
        seen: The extremes of each input.
        totals: The sums of a quotient, by the name of their leading axis; empty for a mean of items.
        kept: The number of items that count.
        count: The number of items.
        finish: Turns `totals` into the value; None for a mean of items.
        numerator, denominator: The sums of the items.
        weighted: Whether items have weights.
        values: The values of the items, where they are asked for.
        by_class: Numerator and denominator of each class, (classes, 2).
        some_masked, some_unmasked, some_weighted: Whether there is such an item; explains a missing value.
    """

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
        """The name of the axis along which rows are counted."""
        return self.term.item_axis or WHOLE

    @property
    def has_rows(self) -> bool:
        """Whether there are rows whose variance gives the standard error of the value."""
        return self.item_axis != WHOLE if self.finish is None else WHOLE not in self.totals

    def apply(self, chunk: Chunk) -> Items | Sums:
        """Return the result of the formula on one chunk, with weights and mask applied."""
        weights, inner = self._split(chunk)
        out = self.term(chunk.inputs, inner)
        if isinstance(out, Sums):
            return out
        items = out if isinstance(out, Items) else Items(out)
        if weights is None:
            return items
        fit = self._fit(weights)
        present = items.present
        if chunk.mask is not None and chunk.mask.ndim <= weights.ndim:
            present = present & (self._fit(chunk.mask) > 0)
        return Items((items.numerator * fit).where(fit > 0, 0), items.counts * fit, present)

    def columns(self, items: Items) -> list[Tensor]:
        """Return the numerator of every row and, where items have weights, the denominator.

        Shapes: (rows) each, in float64.
        """
        columns = [items.numerator] if items.denominator is None else [items.numerator, items.denominator]
        if self.item_axis == WHOLE:
            return [column.sum(dtype=torch.float64)[None] for column in columns]
        return [by_row(column) for column in columns]

    def influence(self, out: Items | Sums, cotangents: Cotangents) -> SumsByAxis:
        """Return what every row contributes to the value, to first order, by the name of the rows' axis.

        Args:
            out: The result of the formula on one chunk.
            cotangents: The derivative of the value with respect to the totals.
        """
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
        """Return weights reshaped to broadcast over the axes of the items."""
        return align(factor, self.elements[: factor.ndim], dims(self.term.loss.shapes.items, self.axes))

    def _split(self, chunk: Chunk) -> tuple[Tensor | None, Tensor | None]:
        """Return the factor of whole items, and the weights of elements for a loss that sums over elements itself.

        Shapes: the second has all axes of the elements.
        """
        if not self.term.loss.sums_itself:
            return chunk.weights, None
        whole = [factor for factor in chunk.factors if factor.ndim == 1 and self.term.kind == "item"]
        inner = product_of_factors([factor for factor in chunk.factors if factor.ndim > 1 or self.term.kind != "item"])
        return product_of_factors(whole), None if inner is None else self.spread(inner)

    def spread(self, factor: Tensor) -> Tensor:
        """Return weights expanded to all axes of the elements."""
        lengths = self.term.loss.elements.lengths(self.axes)
        return align(factor, self.elements[: factor.ndim], self.elements).expand(len(factor), *lengths[1:])

    def add(self, chunk: Chunk, *, keep: bool, per_class: bool) -> Rows:
        """Add one chunk, and return its rows.

        Args:
            chunk: The inputs, weights and mask.
            keep: Whether to store the values of the items.
            per_class: Whether to sum by class.
        """
        self._note(chunk)
        out = self.apply(chunk)
        if isinstance(out, Sums):
            self._add_sums(chunk, out)
            return Rows([], [], None)
        columns = self.columns(out)
        sums = [column.sum().item() for column in columns]
        count = out.numerator.numel()
        present = self._present(chunk, out)
        kept = count if present is None else int(present.count_nonzero())
        self.add_sums_of_items(sums[0], None if out.denominator is None else sums[1], count, kept)
        if keep:
            self.values.append(out.numerator.cpu())
        if per_class:
            self._add_classes(chunk, out)
        return Rows(columns, sums, None if present is None or self.item_axis == WHOLE else by_row(present) > 0)

    def add_sums_of_items(self, numerator: float, denominator: float | None, count: int, kept: int) -> None:
        """Add sums over items; `denominator` is None where each item counts once."""
        self.count += count
        self.kept += kept
        self.weighted = denominator is not None
        self.numerator += numerator
        self.denominator += count if denominator is None else denominator

    def _note(self, chunk: Chunk) -> None:
        """Record whether some elements are masked, some are not, and some have a positive weight."""
        if chunk.mask is None:
            self.some_unmasked = True
        elif not (self.some_masked and self.some_unmasked):
            kept = int(chunk.mask.count_nonzero())
            self.some_masked |= kept < chunk.mask.numel()
            self.some_unmasked |= kept > 0
        self.some_weighted = self.some_weighted or chunk.weights is None or bool(chunk.weights.any())

    def _present(self, chunk: Chunk, out: Items) -> Tensor | None:
        """Return a mask of the items that are neither masked nor ignored, whatever their weight; None where all are."""
        if chunk.unweighted is not None and self.term.loss.sums_itself:  # what it sums over may lack what weighs 0
            counted = self.apply(chunk.unweighted())
            out = counted if isinstance(counted, Items) else out
        return None if out.denominator is None else out.present

    def _add_sums(self, chunk: Chunk, out: Sums) -> None:
        """Add the sums of a quotient over one chunk."""
        totals = {item_axis: rows.sum(0, dtype=torch.float64) for item_axis, rows in out.parts.items()}
        count = self.elements_of({role: tensor.shape for role, tensor in chunk.inputs.items()})
        kept = count if chunk.mask is None else _share_above_zero(chunk.mask, count)
        self.add_totals(totals, out.finish, count, kept)

    def add_totals(self, totals: SumsByAxis, finish: Callable[[SumsByAxis], Items], count: int, kept: int) -> None:
        """Add sums of a quotient over some rows, and store how they are finished."""
        self.finish = finish
        for item_axis, sums in totals.items():
            self.totals[item_axis] = self.totals[item_axis] + sums if item_axis in self.totals else sums
        self.count += count
        self.kept += kept

    def _add_classes(self, chunk: Chunk, items: Items) -> None:
        """Add the sums of one chunk by class."""
        labels = element_labels(self.term, self.axes, chunk.inputs)
        sums = class_sums(items, dims(self.term.loss.shapes.items, self.axes), labels)
        if sums is not None:
            self.by_class = sums if self.by_class is None else self.by_class + sums

    def reduce(self, reduction: Reduction, coefficient: float) -> tuple[float, Cotangents]:
        """Return the value, and the derivative of `coefficient` times the value with respect to the totals."""
        if self.finish is not None:
            return _differentiated(self.finish, self.totals, coefficient)
        below = {"sum": 1.0, "mean_over_count": float(self.kept)}.get(reduction, self.denominator)
        if below == 0 or not math.isfinite(below):  # a quotient by infinity would be 0 and look like an answer
            return math.nan, {self.item_axis: (math.nan, math.nan)}
        value = self.numerator / below
        slope = coefficient / below
        return value, {self.item_axis: (slope, -slope * value if reduction == "mean" else 0.0)}

    def elements_of(self, shapes: Mapping[str, Sequence[int]]) -> int:
        """Return the number of elements in inputs of these shapes, given by role."""
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
    """Return how many of `count` elements a mask keeps; it may lack trailing axes."""
    return int((weights > 0).sum()) * (count // weights.numel()) if weights.numel() else 0
