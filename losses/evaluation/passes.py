"""The first pass over the chunks, and the results made of its totals: what `evaluate` and streams share."""

import math
from dataclasses import dataclass, field
from typing import Literal

import torch

from losses.errors import BadOption
from losses.evaluation.chunks import Feed, Piece
from losses.evaluation.gradient_shares import shares
from losses.evaluation.layout import CHUNK_ELEMENTS, MAX_BLOCK_BYTES
from losses.evaluation.moments import Moments
from losses.evaluation.result import Evaluation, gradient_overflowed, of_sum, of_term, warnings
from losses.evaluation.second_pass import Backward
from losses.evaluation.totals import Reduction, Tally


@dataclass(frozen=True)
class Options:
    """How to reduce, and what to say beside the value."""

    reduction: Reduction = "mean"
    gradient: Literal["none", "summary", "full"] = "none"
    standard_error: bool = True
    per_class: bool = False
    nonfinite: Literal["refuse", "allow"] = "refuse"
    dtype: torch.dtype | None = None
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))
    chunk_elements: int = CHUNK_ELEMENTS
    max_block_bytes: int = MAX_BLOCK_BYTES  # bytes of one block
    fuse: bool = False  # have torch.compile make one kernel of a formula, but where a gradient is taken of it


def refuse_reduction(tallies: list[Tally], options: Options) -> None:
    """Refuse a reduction that has no meaning for these terms.

    Raises: BadOption.
    """
    if options.reduction == "mean":
        return
    for tally in tallies:
        if tally.term.kind != "item":
            message = f"{tally.term} is one quotient over everything sent; only reduction=mean has a meaning."
            raise BadOption("reduction", message)
    shapes = {tally.term.loss.shapes.items.lengths(tally.axes) for tally in tallies}
    if options.reduction == "none" and len(shapes) > 1:
        raise BadOption("reduction", "The items of the terms differ, so the sum has no values per item.")
    if options.reduction == "none" and options.gradient != "none":
        raise BadOption("gradient", "reduction=none gives many values; ask for the gradient of their mean or sum.")


def first_pass(feed: Feed, tallies: list[Tally], spread: Moments | None, options: Options) -> None:
    """Add every chunk of the inputs to the totals of the terms, and to the moments that the standard error needs.

    Raises: MissingInput, ShapeMismatch, UnsupportedDtype, DomainViolation, NonFiniteInput, BadOption.
    """
    with torch.inference_mode():
        for pieces in feed.pieces(first_pass=True):
            _add_chunk(tallies, pieces, spread, options)


def _add_chunk(tallies: list[Tally], pieces: list[Piece], spread: Moments | None, options: Options) -> None:
    keep = options.reduction == "none"
    added = [
        tally.add(piece, keep=keep, per_class=options.per_class, fuse=options.fuse)
        for tally, piece in zip(tallies, pieces, strict=True)
    ]
    if spread is None:
        return
    columns = [column for rows in added for column in rows.columns]
    if all(tally.weighted for tally in tallies):
        there = [rows.there for rows in added if rows.there is not None]
        counted = torch.stack(there if there and options.reduction == "mean_over_count" else columns[1::2]).amax(0) > 0
        spread.add(columns if bool(counted.all()) else [column[counted] for column in columns])
    else:
        spread.add(columns, [total for rows in added for total in rows.sums])


def values_per_item(feed: Feed, tallies: list[Tally]) -> Evaluation:
    """Return the result of reduction=none: the values that the first pass kept, one an item."""
    coefficients = [coefficient for coefficient, _ in feed.objective.terms]
    values = [weight * torch.cat(tally.values) for weight, tally in zip(coefficients, tallies, strict=True)]
    return Evaluation(
        name=str(feed.objective),
        dtype=feed.compute_dtype,
        value=None,
        values=torch.stack(values).sum(0),
        kept=tallies[0].kept,
        ignored=tallies[0].count - tallies[0].kept,
        reason="reduction=none gives a value per item",
        warnings=warnings(feed),
    )


def reduce_totals(feed: Feed, tallies: list[Tally], spread: Moments | None, options: Options) -> Evaluation:
    """Return the value of the totals with its standard error, and the gradient where a second pass is asked for."""
    coefficients = [coefficient for coefficient, _ in feed.objective.terms]
    settled = [tally.settle(options.reduction, weight) for tally, weight in zip(tallies, coefficients, strict=True)]
    terms = [of_term(tally, value, feed) for tally, (value, _) in zip(tallies, settled, strict=True)]
    total = sum(weight * value for weight, (value, _) in zip(coefficients, settled, strict=True))
    result = terms[0] if coefficients == [1] else of_sum(feed, terms, total)
    result.warnings = warnings(feed)
    if result.value is None:
        return result
    slopes = [slope for _, slope in settled]
    if spread is not None:
        pairs = [(own[tally.lead], tally.weighted) for tally, own in zip(tallies, slopes, strict=True)]
        result.standard_error = spread.error_of_sum(
            [float(slope) for pair, weighted in pairs for slope in pair[: 1 + weighted]]
        )
    quotient = spread is None and options.standard_error and all(tally.has_rows for tally in tallies)
    if quotient or options.gradient != "none":
        with torch.inference_mode(mode=False), torch.no_grad():  # whatever mode the caller is in
            backward = Backward(feed, tallies, slopes, options.gradient, quotient)
            backward.run()
            if quotient:
                result.standard_error = backward.standard_error()
            if options.gradient != "none":
                result.gradient = shares(backward.sizes, backward.class_sizes)
            if options.gradient == "full":
                result.gradients = backward.gradients()
            if result.gradient and not math.isfinite(result.gradient.absolute_sum):
                result.gradient = result.gradients = None
                result.warnings.append(gradient_overflowed(feed.compute_dtype))
    return result
