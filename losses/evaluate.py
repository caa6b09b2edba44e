"""The one place that reduces: chunks to totals, totals to a value, its error bar and its gradient.

Every loss is a map, a sum and a finish. The first pass maps chunks to sums; the finish turns their totals into the
value and, differentiated there, into a small cotangent; a second pass, taken only when a gradient or the error of a
quotient is asked for, pulls that cotangent back through each chunk.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from losses import report
from losses.backward import Backward
from losses.chunks import CHUNK_ELEMENTS, Feed, Piece
from losses.errors import BadOption
from losses.expression import Objective
from losses.gradient import shares
from losses.moments import Moments
from losses.report import Evaluation
from losses.tally import Reduction, Tally


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
    fuse: bool = False  # have torch.compile make one kernel of a formula, but where a gradient is taken of it


def evaluate(
    objective: Objective,
    inputs: Mapping[str, Tensor],
    *,
    weights: Tensor | None = None,
    mask: Tensor | None = None,
    options: Options | None = None,
) -> Evaluation:
    """Return what an objective says of the inputs, one tensor a role.

    Shapes: `weights` and `mask` are the first axes of the items, or of their elements.
    Raises: MissingInput, ShapeMismatch, UnsupportedDtype, DomainViolation, NonFiniteInput, BadOption.
    """
    options = options or Options()
    feed = Feed(
        objective,
        {role: _plain(tensor) for role, tensor in inputs.items() if role in objective.roles},
        None if weights is None else _plain(weights),
        None if mask is None else _plain(mask),
        dtype=options.dtype,
        device=options.device,
        chunk_elements=options.chunk_elements,
        allow_nonfinite=options.nonfinite == "allow",
    )
    tallies = [
        Tally(term, axes, seen) for (_, term), axes, seen in zip(objective.terms, feed.axes, feed.seen, strict=True)
    ]
    _refuse_reduction(tallies, options)
    spread = Moments() if options.standard_error and objective.spreads_at_once else None
    with torch.inference_mode():
        for pieces in feed.pieces(first_pass=True):
            _add(tallies, pieces, spread, options)
    per_item = options.reduction == "none"
    found = _per_item(feed, tallies) if per_item else _reduced(feed, tallies, spread, options)
    if feed.staging:
        found.transfer_ms = feed.staging.spent_ms
    return found


def _plain(tensor: Tensor) -> Tensor:
    """Return a tensor that a gradient can pass through, also where the caller made it in inference mode."""
    if not tensor.is_inference():
        return tensor
    with torch.inference_mode(mode=False):
        return tensor.clone()


def _refuse_reduction(tallies: list[Tally], options: Options) -> None:
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


def _add(tallies: list[Tally], pieces: list[Piece], spread: Moments | None, options: Options) -> None:
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


def _per_item(feed: Feed, tallies: list[Tally]) -> Evaluation:
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
        warnings=report.warnings(feed),
    )


def _reduced(feed: Feed, tallies: list[Tally], spread: Moments | None, options: Options) -> Evaluation:
    coefficients = [coefficient for coefficient, _ in feed.objective.terms]
    settled = [tally.settle(options.reduction, weight) for tally, weight in zip(tallies, coefficients, strict=True)]
    terms = [report.of_term(tally, value, feed) for tally, (value, _) in zip(tallies, settled, strict=True)]
    total = sum(weight * value for weight, (value, _) in zip(coefficients, settled, strict=True))
    result = terms[0] if coefficients == [1] else report.of_sum(feed, terms, total)
    result.warnings = report.warnings(feed)
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
    return result
