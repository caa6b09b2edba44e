"""Small evaluations that arrive together: those of one layout share the calls of torch."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from torch import Tensor

from losses.evaluation.group import evaluate_group, fits_in_group
from losses.evaluation.layout import Layout
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation

Key = tuple[int, ...]


@dataclass(eq=False)
class Group:
    """Uploads that are evaluated in one call, each with the same objectives, layouts and options.

    Attributes:
        layouts: The layout of each objective.
        options: The options of all uploads.
        members: The inputs of each upload; none once they are evaluated.
        results: The evaluation of each upload, by objective; empty where each has to be evaluated by itself.
        share_ms: The time of computing, divided by the number of uploads.
        is_evaluated: Whether there are results, so that no other upload can join.
    """

    layouts: list[Layout]
    options: Options
    members: list[Mapping[str, Tensor]] = field(default_factory=list)
    results: list[list[Evaluation]] = field(default_factory=list)
    share_ms: float = 0.0
    is_evaluated: bool = False

    def results_of(self, place: int) -> list[Evaluation]:
        """Return the evaluation of each objective on one upload; empty where it has to be evaluated by itself.

        The first call has all uploads evaluated.
        """
        if not self.is_evaluated:
            self._evaluate()
        return [of_uploads[place] for of_uploads in self.results]

    def _evaluate(self) -> None:
        """Evaluate all uploads; leaves each to itself where that cannot be done in one call."""
        self.is_evaluated = True
        members, self.members = self.members, []
        if len(members) == 1:
            return
        started = time.perf_counter()
        try:
            by_objective = [evaluate_group(layout, members, self.options) for layout in self.layouts]
        except (RuntimeError, MemoryError):  # each then meets its own
            return
        self.results = [results for results in by_objective if results is not None]
        if len(self.results) < len(self.layouts):
            self.results = []
        self.share_ms = 1e3 * (time.perf_counter() - started) / len(members)


class Groups:
    """The groups that uploads can join."""

    def __init__(self) -> None:
        self._groups: dict[Key, Group] = {}

    def join(self, layouts: list[Layout], inputs: Mapping[str, Tensor], options: Options) -> tuple[Group, int] | None:
        """Add an upload to the group of its layouts and options; return the group, and the upload's place in it.

        None where it fits in none: where it is long, has weights, or more than the value is asked for.
        """
        for layout in layouts:
            if len(layout.roles) != len(inputs) or not fits_in_group(layout, options):
                return None
        key = (id(options), *[id(layout) for layout in layouts])  # the group keeps these objects alive
        group = self._groups.get(key)
        if group is None or group.is_evaluated:
            self._forget()
            group = self._groups[key] = Group(layouts, options)
        group.members.append(inputs)
        return group, len(group.members) - 1

    def _forget(self) -> None:
        """Drop the groups that are evaluated."""
        self._groups = {key: group for key, group in self._groups.items() if not group.is_evaluated}
