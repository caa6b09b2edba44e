"""The first pass over the chunks, and the results from its totals: shared by `evaluate` and streams."""

import math
from contextlib import nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

import torch
from torch import Tensor

from losses.contract.deadline import asking
from losses.errors import BadOption
from losses.evaluation.chunks import Chunk, ChunkedInputs
from losses.evaluation.class_axis import ClassAxis
from losses.evaluation.gradient_shares import gradient_shares
from losses.evaluation.input_warnings import warnings
from losses.evaluation.kernels.kernel_pass import kernel_pass
from losses.evaluation.kernels.library import Kernels
from losses.evaluation.layout import CHUNK_ELEMENTS, MAX_BLOCK_BYTES
from losses.evaluation.moments import Moments
from losses.evaluation.result import EvaluatedInputs, Evaluation, gradient_overflowed, result_of_sum, result_of_term
from losses.evaluation.second_pass import SecondPass
from losses.evaluation.totals import Accumulator, Cotangents, Reduction
from losses.text import Text

NOTHING = nullcontext()


@dataclass(frozen=True, eq=False)
class Options:
    """How to reduce, and what to return besides the value.

    Attributes:
        reduction: mean divides by the sum of the weights, mean_over_count by the number of items; none keeps the items.
        gradient: none, summary (its distribution over the items), or full (one tensor an input).
        standard_error: Whether to compute the standard error of the value.
        per_class: Whether to compute the value of each class.
        class_axis: The axis of classes in the inputs.
        nonfinite: Whether NaN and infinities are refused, or counted and give no value.
        dtype: The dtype of the computation; None: the widest floating dtype of the inputs.
        device: Where to compute.
        chunk_elements: The most numbers of the largest input in a block.
        max_block_bytes: The most bytes that one block may hold.
        kernels: Compiled kernels, used in place of the formulas where there are neither weights nor a mask.
    """

    reduction: Reduction = "mean"
    gradient: Literal["none", "summary", "full"] = "none"
    standard_error: bool = True
    per_class: bool = False
    class_axis: ClassAxis = 1
    nonfinite: Literal["refuse", "allow"] = "refuse"
    dtype: torch.dtype | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    chunk_elements: int = CHUNK_ELEMENTS
    max_block_bytes: int = MAX_BLOCK_BYTES  # bytes of one block
    kernels: Kernels | None = None  # that take the place of the formulas where there are neither weights nor a mask

    @cached_property
    def value_only(self) -> bool:
        """Whether the value of one pass on the CPU is all that is asked for, computed without kernels."""
        usual = self.reduction in ("mean", "sum") and self.nonfinite == "refuse" and self.class_axis == 1
        more = self.gradient != "none" or self.per_class or self.kernels is not None
        return usual and not more and self.device.type == "cpu"


def refuse_reduction(accumulators: list[Accumulator], options: Options) -> None:
    """Refuse a reduction that is not defined for these terms.

    Raises: BadOption.
    """
    if options.reduction == "mean":
        return
    for accumulator in accumulators:
        if accumulator.term.kind != "item":
            message = Text(
                f"{accumulator.term} is one quotient over everything sent; only reduction=mean has a meaning.",
                f"{accumulator.term} 是对全部数据的一个商;只有 reduction=mean 有意义。",
            )
            raise BadOption("reduction", message)
    shapes = {accumulator.term.loss.shapes.items.lengths(accumulator.axes) for accumulator in accumulators}
    if options.reduction == "none" and len(shapes) > 1:
        raise BadOption(
            "reduction",
            Text(
                "The items of the terms differ, so the sum has no values per item.",
                "各项的数据项不同,因此其和没有逐项的值。",
            ),
        )
    if options.reduction == "none" and options.gradient != "none":
        raise BadOption(
            "gradient",
            Text(
                "reduction=none gives many values; ask for the gradient of their mean or sum.",
                "reduction=none 给出多个值;请求其均值或总和的梯度。",
            ),
        )


def first_pass(
    chunked_inputs: ChunkedInputs, accumulators: list[Accumulator], spread: Moments | None, options: Options
) -> None:
    """Add every chunk to the totals of the terms, and its rows to the moments `spread` for the standard error.

    Raises: MissingInput, ShapeMismatch, UnsupportedDtype, DomainViolation, NonFiniteInput, BadOption.
    """
    kernel = kernel_pass(_kernels(options), chunked_inputs, accumulators, spread)
    with torch.inference_mode():
        blocks = chunked_inputs.blocks()
        for bounds in blocks if kernel is None else kernel.left_over(blocks):
            with asking() if chunked_inputs.asks_within else NOTHING:
                _add_chunk(accumulators, chunked_inputs.chunks(bounds, first_pass=True), spread, options)


def _kernels(options: Options) -> Kernels | None:
    """Return the kernels, or None where they cannot give what the options ask for."""
    plain = options.reduction in ("none", "mean_over_count") or options.per_class
    return None if plain else options.kernels


def _add_chunk(accumulators: list[Accumulator], chunks: list[Chunk], spread: Moments | None, options: Options) -> None:
    """Add one chunk of every term to the accumulators, and its rows to the moments."""
    keep = options.reduction == "none"
    columns: list[Tensor] = []
    sums: list[float] = []
    present: list[Tensor] = []
    for accumulator, chunk in zip(accumulators, chunks, strict=True):
        rows = accumulator.add(chunk, keep=keep, per_class=options.per_class)
        columns += rows.columns
        sums += rows.sums
        present += [] if rows.present is None else [rows.present]
    if spread is None:
        return
    if len(columns) == 2 * len(accumulators):  # every term has weights
        weights = present if present and options.reduction == "mean_over_count" else columns[1::2]
        counted = torch.stack(weights).amax(0) > 0
        if not bool(counted.all()):
            spread.add([column[counted] for column in columns])
            return
    spread.add(columns, sums)


def values_per_item(chunked_inputs: ChunkedInputs, accumulators: list[Accumulator]) -> Evaluation:
    """Return the result of reduction=none: one value for each item."""
    coefficients = [coefficient for coefficient, _ in chunked_inputs.objective.terms]
    values = [
        weight * torch.cat(accumulator.values) for weight, accumulator in zip(coefficients, accumulators, strict=True)
    ]
    return Evaluation(
        name=str(chunked_inputs.objective),
        dtype=chunked_inputs.compute_dtype,
        value=None,
        values=torch.stack(values).sum(0),
        kept=accumulators[0].kept,
        ignored=accumulators[0].count - accumulators[0].kept,
        reason="reduction=none gives a value per item",
        warnings=warnings(chunked_inputs.objective, chunked_inputs.inputs, chunked_inputs.seen),
    )


def result_of_totals(
    evaluated: EvaluatedInputs, accumulators: list[Accumulator], spread: Moments | None, options: Options
) -> tuple[Evaluation, list[Cotangents]]:
    """Return the value with the standard error that `spread` gives, and the derivative with respect to each total."""
    total, terms, cotangents = 0.0, [], []
    for (weight, _), accumulator in zip(evaluated.objective.terms, accumulators, strict=True):
        value, own = accumulator.reduce(options.reduction, weight)
        total += weight * value
        terms.append(result_of_term(accumulator, value, evaluated))
        cotangents.append(own)
    alone = len(terms) == 1 and evaluated.objective.terms[0][0] == 1
    result = terms[0] if alone else result_of_sum(evaluated, terms, total)
    result.warnings = warnings(evaluated.objective, evaluated.inputs, evaluated.seen)
    if spread is not None and result.value is not None:
        direction: list[float] = []
        for accumulator, own in zip(accumulators, cotangents, strict=True):
            direction += map(float, own[accumulator.item_axis][: 1 + accumulator.weighted])
        result.standard_error = spread.error_of_sum(direction)
    return result, cotangents


def reduce_totals(
    chunked_inputs: ChunkedInputs, accumulators: list[Accumulator], spread: Moments | None, options: Options
) -> Evaluation:
    """Return the value with its standard error, and the gradient where asked for, which takes the second pass."""
    result, cotangents = result_of_totals(chunked_inputs, accumulators, spread, options)
    if result.value is None:
        return result
    quotient = spread is None and options.standard_error and all(accumulator.has_rows for accumulator in accumulators)
    if quotient or options.gradient != "none":
        with torch.inference_mode(mode=False), torch.no_grad():  # whatever mode the caller is in
            second_pass = SecondPass(chunked_inputs, accumulators, cotangents, options.gradient, quotient)
            second_pass.run()
            if quotient:
                result.standard_error = second_pass.standard_error()
            if options.gradient != "none":
                result.gradient = gradient_shares(second_pass.sizes, second_pass.class_sizes)
            if options.gradient == "full":
                result.gradients = second_pass.gradients()
            if result.gradient and not math.isfinite(result.gradient.absolute_sum):
                result.gradient = result.gradients = None
                result.warnings.append(gradient_overflowed(chunked_inputs.compute_dtype))
    return result
