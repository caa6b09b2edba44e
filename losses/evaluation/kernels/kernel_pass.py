"""The first pass computed by a kernel: one call for each chunk gives its checks, sums and moments.

Where the result does not prove that every number is legal, or too many digits cancel, the chunk is evaluated by the
formula instead.
"""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice

import torch
from torch import Tensor

from losses.contract.domain_checks import allowed_departure, between_ends, finite_between, shows_in_a_sum, tolerance_of
from losses.contract.loss import Sums
from losses.evaluation.chunks import ChunkedInputs
from losses.evaluation.kernels.form import free_numbers, merged_shape
from losses.evaluation.kernels.library import Kernel, Kernels
from losses.evaluation.layout import TermInput, longest_block
from losses.evaluation.moments import Moments, RowMoments, row_moments
from losses.evaluation.totals import Accumulator, SumsByAxis

Facts = dict[str, float]
Bounds = dict[str, slice]  # of a block, by axis
BLOCKS_AT_ONCE = 4  # in one call, since one costs some 30 us besides what it computes
NUMBERS_AT_ONCE = 1 << 20  # of the largest input in such a call


@dataclass
class KernelPass:
    """Adds the chunks of one objective to its totals by a kernel."""

    kernel: Kernel
    numbers: list[Tensor]  # parameters that it takes
    chunked_inputs: ChunkedInputs
    accumulators: list[Accumulator]
    spread: Moments | None
    _examples: dict[int, Sums] = field(default_factory=dict)  # what the formula gives of one item, by term

    @property
    def blocks_at_once(self) -> int:
        """The number of blocks in one call: several where the formula holds no more numbers than its inputs have.

        One where the items are in two lists: each has loops of its own, between which longer blocks leave the cache.
        """
        chunked_inputs = self.chunked_inputs
        for _, term in chunked_inputs.objective.terms:
            if term.loss.work.holds or len({pattern.item_axis for pattern in term.loss.shapes.roles} - {None}) > 1:
                return 1
        largest = max(tensor.numel() for tensor in chunked_inputs.inputs.values())
        return min(BLOCKS_AT_ONCE, max(1, NUMBERS_AT_ONCE * len(chunked_inputs.bounds) // largest))

    def left_over(self, blocks: Iterable[Bounds]) -> Iterator[Bounds]:
        """Add the blocks, and yield those that only the plain way can add."""
        for some in _together(blocks, self.blocks_at_once):
            if not self.add(_as_one(some)):
                yield from some

    def add(self, bounds: Bounds) -> bool:
        """Add one chunk; return False, having added nothing, where the formula has to evaluate it."""
        tensors = self.chunked_inputs.sent(bounds)
        if not all(tensor.is_contiguous() for tensor in tensors.values()):
            return False
        for role, first in self.chunked_inputs.merged_from.items():
            if role in tensors and tensors[role].ndim > first + 1:
                tensors[role] = tensors[role].view(merged_shape(tensors[role].shape, first))
        shift, rows = self._shift(), self._rows(bounds)
        facts, totals = self._called(tensors, shift)
        for name, column in self._numerators() if facts else ():
            facts[name] = facts[f"sum {column}"] + rows * shift[column]
        if not facts or not self._legal(facts) or not all(map(math.isfinite, self._sums(facts))):
            return False
        counts = [self._count(place, bounds) for place in range(len(self.accumulators))]
        moments = None
        if self.spread is not None:
            moments = self._moments(facts, shift, tensors, rows)
            if moments is None or self.spread.unit != 1:
                return False
        self._take(facts, totals, counts, moments)
        return True

    def _moments(
        self, facts: Facts, shift: list[float], tensors: dict[str, Tensor], all_rows: int
    ) -> RowMoments | None:
        """Return the moments of the rows of one chunk; None where too many digits cancel."""
        rows = round(facts.get("rows", all_rows))
        if "shift 0" in facts:  # the means of all rows, those that do not count included
            own = [facts[f"shift {k}"] for k in range(len(shift))]
            return row_moments(rows, facts, own, by_means=rows == all_rows)
        moments = row_moments(rows, facts, shift)
        if moments is None:  # then their own means are a better shift
            shift = [moved + facts[f"sum {k}"] / rows for k, moved in enumerate(shift)]
            facts, _ = self._called(tensors, shift)
            moments = row_moments(rows, facts, shift, by_means=True) if facts else None
        return moments

    @staticmethod
    def _sums(facts: Facts) -> list[float]:
        """Return the sums of items; where one is not finite, the formula evaluates the chunk and explains it."""
        return [fact for name, fact in facts.items() if name.endswith(("numerator", "denominator"))]

    def _numerators(self) -> Iterator[tuple[str, int]]:
        """Yield the name and the column of every numerator that the kernel gives as a sum of shifted numbers alone."""
        column, names = 0, self.kernel.names
        for place in range(len(self.accumulators)):
            if f"{place} numerator" not in names and f"sum {column}" in names:
                yield f"{place} numerator", column
            column += 1 + (f"{place} denominator" in names)

    def _shift(self) -> list[float]:
        """Return what is subtracted from each column before it is squared: its mean so far, or a guess."""
        if self.spread is None:
            return []
        if self.spread.count:
            return self.spread.means
        guesses = [
            (0.0, 1.0) if f"{k} denominator" in self.kernel.names else (0.0,) for k in range(len(self.accumulators))
        ]
        return [guess for of_term in guesses for guess in of_term]

    def _called(self, tensors: dict[str, Tensor], shift: list[float]) -> tuple[Facts, list[float]]:
        """Return the named results of the kernel, and the sums that follow them; empty where it fails."""
        shifts = [*shift, *[0.0] * (2 * len(self.accumulators) - len(shift))]
        values = self.kernel.runner([*tensors.values(), *self.numbers], shifts)
        names = self.kernel.names
        return (dict(zip(names, values, strict=False)), values[len(names) :]) if values else ({}, [])

    def _legal(self, facts: Facts) -> bool:
        """Return whether the results prove that every number lies in its domain."""
        return all(
            self._lies_in(facts, f"{place} {source.role}", source)
            for place, sources in enumerate(self.chunked_inputs.sources)
            for source in sources
        )

    def _lies_in(self, facts: Facts, key: str, source: TermInput) -> bool:
        """Return whether the results prove that the numbers of one input lie in its domain."""
        domain = source.domain
        if shows_in_a_sum(domain):
            return math.isfinite(facts[f"{key} sum"])
        low, high = facts[f"{key} low"], facts[f"{key} high"]
        if not finite_between(domain, low, high):
            return False
        ends = facts.get(f"{key} counted low", low), facts.get(f"{key} counted high", high)
        allowed = allowed_departure(domain, tolerance_of(self.chunked_inputs.inputs[source.role].dtype))
        return between_ends(domain, *ends) and facts.get(f"{key} departure", 0.0) <= allowed

    def _count(self, place: int, bounds: Bounds) -> int:
        """Return the number of items, or of elements of a quotient, that one term has in a chunk."""
        accumulator = self.accumulators[place]
        axes = longest_block(accumulator.axes, [bounds])
        if any(place == own for own, _ in self.kernel.totals):
            term, sources = accumulator.term, self.chunked_inputs.sources[place]
            return accumulator.elements_of({role: term.loss.pattern(role).lengths(axes) for role, *_ in sources})
        return math.prod(accumulator.term.loss.shapes.items.lengths(axes))

    def _rows(self, bounds: Bounds) -> int:
        """Return the number of rows in a chunk."""
        item_axis = self.accumulators[0].term.loss.shapes.items.item_axis
        return bounds[item_axis].stop - bounds[item_axis].start if item_axis else 1

    def _take(self, facts: Facts, totals: list[float], counts: list[int], moments: RowMoments | None) -> None:
        """Add the results for one chunk, whose numbers are all legal."""
        for place, (accumulator, sources) in enumerate(
            zip(self.accumulators, self.chunked_inputs.sources, strict=True)
        ):
            accumulator.some_unmasked = accumulator.some_weighted = True
            for source in sources:
                if not shows_in_a_sum(source.domain):
                    key = f"{place} {source.role}"
                    in_order = bool(facts.get(f"{key} in order", True))
                    extremes = self.chunked_inputs.seen[place][source.role]  # in a stream, those of this window
                    extremes.note(facts[f"{key} low"], facts[f"{key} high"], in_order=in_order)
            if f"{place} numerator" in facts:
                count = counts[place]
                accumulator.add_sums_of_items(
                    facts[f"{place} numerator"],
                    facts.get(f"{place} denominator"),
                    count,
                    round(facts.get(f"{place} kept", count)),
                )
        for place, of_term in self._by_axis(totals).items():
            self.accumulators[place].add_totals(of_term, self._example(place).finish, counts[place], counts[place])
        if moments is not None and self.spread is not None and moments.count:
            self.spread.take(moments)

    def _by_axis(self, totals: list[float]) -> dict[int, SumsByAxis]:
        """Return the sums of quotients by term and axis, from the numbers after the named results."""
        sums: dict[int, SumsByAxis] = {}
        start = 0
        for place, item_axis in self.kernel.totals:
            shape = self._example(place).parts[item_axis].shape[1:]
            stop = start + math.prod(shape)
            sums.setdefault(place, {})[item_axis] = torch.tensor(totals[start:stop], dtype=torch.float64).reshape(shape)
            start = stop
        return sums

    def _example(self, place: int) -> Sums:
        """Return the result of one term's formula for the first item, with the shapes of its sums and its finish."""
        if place not in self._examples:
            chunk = self.chunked_inputs.chunk(place, self.chunked_inputs.bounds[0], first_pass=False)
            roles = self.chunked_inputs.sources[place]
            first = {
                role: chunk.inputs[role][:1] if pattern.item_axis else chunk.inputs[role] for role, pattern, *_ in roles
            }
            out = self.accumulators[place].term(first)
            if not isinstance(out, Sums):
                raise TypeError(f"{self.accumulators[place].term} has no sums")
            self._examples[place] = out
        return self._examples[place]


def _together(blocks: Iterable[Bounds], count: int) -> Iterator[list[Bounds]]:
    """Yield the blocks in lists of so many, the last as long as it comes."""
    rest = iter(blocks)
    while listed := list(islice(rest, count)):
        yield listed


def _as_one(blocks: list[Bounds]) -> Bounds:
    """Return the bounds of blocks that follow one another as those of one."""
    return {axis: slice(edge.start, blocks[-1][axis].stop) for axis, edge in blocks[0].items()}


def kernel_pass(
    kernels: Kernels | None, chunked_inputs: ChunkedInputs, accumulators: list[Accumulator], spread: Moments | None
) -> KernelPass | None:
    """Return the pass by a kernel; None without a kernel, with weights or a mask, or on a device other than the CPU."""
    if kernels is None or chunked_inputs.is_weighed or chunked_inputs.device.type != "cpu":
        return None
    form = chunked_inputs.form
    kernel = None if form is None else kernels.find(form, chunked_inputs.numbers)
    if kernel is None or form is None:
        return None
    objective = chunked_inputs.objective
    kinds = [torch.float64 if kind == "float" else torch.int64 for term in form.terms for _, kind in term.free]
    numbers = [
        torch.tensor(value, dtype=kind) for value, kind in zip(free_numbers(objective, form), kinds, strict=True)
    ]
    return KernelPass(kernel, numbers, chunked_inputs, accumulators, spread)
