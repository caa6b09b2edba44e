"""One evaluation of items that arrive a window at a time and are not kept: the first pass of `evaluate`, and its end.

What takes a second pass is refused, since there is nothing left to pass over.
"""

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from losses.contract.domains import Seen
from losses.contract.expression import Objective
from losses.errors import BadOption
from losses.evaluation.chunks import Feed
from losses.evaluation.moments import Moments
from losses.evaluation.passes import Options, first_pass, reduce_totals, refuse_reduction
from losses.evaluation.result import Evaluation, Warned
from losses.evaluation.totals import Tally

KEEP_IT = "Send it with its Content-Length and within max_body_bytes, so that it is kept"


@dataclass
class _Window(Feed):
    """A feed that begins at item `first` of a stream, so that refusals name the item as the stream counts."""

    first: int = 0

    def _moved(self, edges: list[dict[str, slice]]) -> list[dict[str, slice]]:
        return [{lead: _moved(edge, self.first) for lead, edge in each.items()} for each in edges]

    def _slice(self, tensor: Tensor, lead: str | None, edges: dict[str, slice]) -> Tensor:
        return tensor if lead is None or len(self.edges) == 1 else tensor[_moved(edges[lead], -self.first)]


@dataclass
class Stream:
    """The sums so far.

    Raises, on making: BadOption for what cannot be said of a stream.
    """

    objective: Objective
    options: Options
    error_asked: bool = False  # then it is refused where there is none, and otherwise left out with a word
    items: int = 0
    tallies: list[Tally] = field(default_factory=list)
    _spread: Moments | None = None
    _feed: Feed | None = None
    _transfer_ms: float = 0.0

    def __post_init__(self) -> None:
        for _, term in self.objective.terms:
            if term.kind == "batch":
                raise BadOption("loss", f"{term} compares every item with every other. {KEEP_IT}.")
        twice = {"gradient": self.options.gradient != "none", "reduction": self.options.reduction == "none"}
        for name in [name for name, asked in twice.items() if asked]:
            message = f"This {name} is said of every item, and a stream is not kept. {KEEP_IT}, or leave it out."
            raise BadOption(name, message)
        if self.options.standard_error and self.error_asked and not self.objective.spreads_at_once:
            raise BadOption("standard_error", f"{self._no_error}, or leave it out.")
        if self.options.standard_error and self.objective.spreads_at_once:
            self._spread = Moments()
        self._quiet = replace(self.options, standard_error=self._spread is not None)

    def add(
        self,
        inputs: Mapping[str, Tensor],
        weights: Tensor | None = None,
        mask: Tensor | None = None,
        *,
        options: Options | None = None,
    ) -> None:
        """Take in the next items, one tensor a role; the axes after the first are the same in every window.

        `options`: those of the stream, with chunks of another length from here on.
        Raises: what `evaluate` raises, an index counted from the first item of the stream; torch.OutOfMemoryError,
        after which the same items can be added again.
        """
        self.options = options or self.options
        items = len(next(iter(inputs.values()), ()))
        if self.tallies and not items:
            return
        self._refuse_fixed(inputs)
        before = [replace(tally, totals=dict(tally.totals)) for tally in self.tallies], copy(self._spread)
        try:
            self._add(inputs, weights, mask)
        except torch.OutOfMemoryError:
            self.tallies, self._spread = before
            raise
        self.items += items

    def _add(self, inputs: Mapping[str, Tensor], weights: Tensor | None, mask: Tensor | None) -> None:
        feed = self._feed = _Window(
            self.objective,
            {role: tensor for role, tensor in inputs.items() if role in self.objective.roles},
            weights,
            mask,
            dtype=self.options.dtype,
            device=self.options.device,
            chunk_elements=self.options.chunk_elements,
            allow_nonfinite=self.options.nonfinite == "allow",
            max_block_bytes=self.options.max_block_bytes,
            first=self.items,
        )
        if not self.tallies:
            self._begin(feed)
        first_pass(feed, self.tallies, self._spread, self._quiet)
        for tally, seen in zip(self.tallies, feed.seen, strict=True):
            for role, found in seen.items():
                tally.seen[role] = _together(tally.seen.get(role, Seen()), found)
        if feed.staging:
            self._transfer_ms += feed.staging.spent_ms

    def finish(self) -> Evaluation:
        """Return what the objective says of all items; at least one window, which may be empty, was added."""
        if self._feed is None:
            raise ValueError("nothing was added")
        self._feed.seen = [tally.seen for tally in self.tallies]
        found = reduce_totals(self._feed, self.tallies, self._spread, self._quiet)
        found.transfer_ms = self._transfer_ms
        if self.options.standard_error and not self.objective.spreads_at_once:
            found.warnings.append(Warned("no-standard-error", f"{self._no_error}."))
        return found

    @property
    def _no_error(self) -> str:
        return f"The standard error of {self.objective} takes a second pass, and a stream is not kept. {KEEP_IT}"

    def _refuse_fixed(self, inputs: Mapping[str, Tensor]) -> None:
        for _, term in self.objective.terms:
            for role in term.loss.roles:
                if role in inputs and term.loss.pattern(role).lead is None:
                    raise BadOption(
                        role, f"{role} has no entry an item, as a column has. Send it with a body of files."
                    )

    def _begin(self, feed: Feed) -> None:
        self.tallies = [Tally(term, axes, {}) for (_, term), axes in zip(self.objective.terms, feed.axes, strict=True)]
        refuse_reduction(self.tallies, self._quiet)


def one_pass(objective: Objective, options: Options) -> bool:
    """Say whether one pass over the items gives all that is asked of an objective, its standard error included."""
    asked_twice = options.gradient != "none" or options.reduction == "none"
    compared = any(term.kind == "batch" for _, term in objective.terms)
    return not asked_twice and not compared and (objective.spreads_at_once or not options.standard_error)


def _moved(edge: slice, by: int) -> slice:
    return slice(edge.start + by, edge.stop + by)


def _together(one: Seen, other: Seen) -> Seen:
    return Seen(min(one.low, other.low), max(one.high, other.high), one.nonfinite + other.nonfinite)
