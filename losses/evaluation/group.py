"""Several short uploads of one layout, evaluated in one call of the formula.

Of a small request the calls of torch take far longer than the arithmetic, so requests that arrive together share them.
The items of the members are put one behind the other. Their sums and moments are those of each member by itself, and
equal the results without a group to the rounding of the dtype.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from losses.contract.domain_checks import between_ends, finite_between, shows_in_a_sum
from losses.contract.encodings import Extremes
from losses.contract.expression import Objective
from losses.contract.loss import Items, Sums
from losses.evaluation.layout import Layout, TermInput
from losses.evaluation.moments import Moments, moments_of_products
from losses.evaluation.passes import Options, result_of_totals
from losses.evaluation.result import Evaluation
from losses.evaluation.totals import Accumulator

MOST_NUMBERS = 1 << 14  # of one member; with more, the arithmetic takes as long as the calls
Member = Mapping[str, Tensor]


@dataclass
class EvaluatedMember:
    """The member whose result is being made; see `EvaluatedInputs`."""

    objective: Objective
    compute_dtype: torch.dtype
    inputs: Member
    seen: list[dict[str, Extremes]]
    weight_unit: float = 1.0


@dataclass
class TermSums:
    """The sums of one term, by member.

    Attributes:
        columns: The numerator of each row and, where items have weights, the denominator; shape (members, rows) each.
        sums: The sum of each column, by member.
        kept: The number of items that count, by member.
        count: The number of items of one member.
        extremes: The smallest and the largest number of each input that is not merely finite, by role and member.
    """

    columns: list[Tensor]
    sums: list[list[float]]
    kept: list[int]
    count: int
    extremes: dict[str, list[list[float]]]


def fits_in_group(layout: Layout, options: Options) -> bool:
    """Return whether uploads of a layout, without weights and masks, may be evaluated in a group."""
    return options.value_only and 0 < layout.numbers <= MOST_NUMBERS and layout.by_items


def evaluate_group(layout: Layout, members: Sequence[Member], options: Options) -> list[Evaluation] | None:
    """Return the evaluation of each member; None where each has to be evaluated by itself.

    That is the case where some number may lie outside of its domain, which is then refused or explained, and where
    some row of items has no weight.

    Args:
        layout: The layout of every member, for which `fits_in_group` is true.
        members: The inputs of each member, by role.
        options: The options of every member.
    """
    with torch.inference_mode():
        terms = []
        for place in range(len(layout.sources)):
            sums = _sums_of_term(layout, place, members)
            if sums is None:
                return None
            terms.append(sums)
        columns = [column for term in terms for column in term.columns]
        wants_error = options.standard_error and layout.objective.spreads_at_once
        products = _products(columns) if wants_error else None
    return _results(layout, members, terms, products, options)


def _sums_of_term(layout: Layout, place: int, members: Sequence[Member]) -> TermSums | None:
    """Return the sums of one term; None where a number may be illegal, or a row has no weight."""
    (_, term), extremes, inputs = layout.objective.terms[place], {}, {}
    for source in layout.sources[place]:
        together = torch.cat([member[source.role] for member in members])
        if together.dtype is not source.dtype:
            together = together.to(source.dtype)
        if shows_in_a_sum(source.domain):
            if not together.sum().isfinite():
                return None
        else:
            extremes[source.role] = _extremes(together, len(members))
            if not _legal(source, extremes[source.role]):
                return None
        inputs[source.role] = together.to(torch.int64) if source.domain.is_index else together
    out = term(inputs)
    if isinstance(out, Sums):
        return None
    items = out if isinstance(out, Items) else Items(out)
    columns = [column.view(len(members), -1) for column in Accumulator(term, layout.axes[place], {}).columns(items)]
    count = items.numerator.numel() // len(members)
    kept = [count] * len(members)
    if items.denominator is not None:
        if not (columns[1] > 0).all():
            return None
        kept = items.present.expand_as(items.numerator).reshape(len(members), -1).count_nonzero(1).tolist()
    return TermSums(columns, [column.sum(1).tolist() for column in columns], kept, count, extremes)


def _extremes(together: Tensor, members: int) -> list[list[float]]:
    """Return the smallest and the largest number of each member."""
    return torch.stack(together.reshape(members, -1).aminmax(dim=1), 1).tolist()


def _legal(source: TermInput, extremes: list[list[float]]) -> bool:
    """Return whether numbers between these extremes are certainly legal."""
    low, high = min(each[0] for each in extremes), max(each[1] for each in extremes)
    finite = all(low <= each[0] <= each[1] <= high for each in extremes)  # no NaN
    return finite and finite_between(source.domain, low, high) and between_ends(source.domain, low, high)


def _products(columns: list[Tensor]) -> list[list[list[float]]]:
    """Return the dot product of every column with every other, by column, column and member."""
    return [[torch.linalg.vecdot(column, other).tolist() for other in columns] for column in columns]


def _results(
    layout: Layout,
    members: Sequence[Member],
    terms: list[TermSums],
    products: list[list[list[float]]] | None,
    options: Options,
) -> list[Evaluation]:
    """Return the result of each member."""
    seen = [{source.role: Extremes() for source in sources} for sources in layout.sources]
    accumulators = [
        Accumulator(term, axes, extremes, some_unmasked=True, some_weighted=True)
        for (_, term), axes, extremes in zip(layout.objective.terms, layout.axes, seen, strict=True)
    ]
    evaluated = EvaluatedMember(layout.objective, layout.dtype, members[0], seen)
    columns = [column for term in terms for column in term.columns]
    rows, results = columns[0].shape[1], []
    for place, member in enumerate(members):
        evaluated.inputs = member
        for accumulator, term in zip(accumulators, terms, strict=True):
            accumulator.kept, accumulator.count = term.kept[place], term.count
            accumulator.numerator, accumulator.weighted = term.sums[0][place], len(term.sums) > 1
            accumulator.denominator = term.sums[1][place] if accumulator.weighted else float(term.count)
            for role, extremes in term.extremes.items():
                accumulator.seen[role].low, accumulator.seen[role].high = extremes[place]
        spread = None
        if products is not None:
            spread = Moments()
            sums = [of_members[place] for term in terms for of_members in term.sums]
            own = [[of_members[place] for of_members in row] for row in products]
            moments = moments_of_products(rows, sums, own)
            if moments is None:
                spread.add([column[place] for column in columns], sums)
            else:
                spread.take(moments)
        results.append(result_of_totals(evaluated, accumulators, spread, options)[0])
    return results
