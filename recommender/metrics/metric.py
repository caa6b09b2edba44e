"""The columns of a metric: what it rewards, how to train for it, and what it is computed from."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, TypeVar

import numpy as np

from losses.text import Text

Numbers = np.ndarray[Any, np.dtype[Any]]
Scores = TypeVar("Scores", float, Numbers)


class Judged(NamedTuple):
    """What a metric is computed from.

    Shapes: targets (n), numbers or class ids from 0; predictions (n), or probabilities (n, classes) of several classes,
    (n) of the second of two; of several labels both are (n, labels); weights (n) or None; queries (n), the list that
    each row is put in order within, or None.
    """

    targets: Numbers
    predictions: Numbers
    weights: Numbers | None = None
    quantile: float = 0.5
    cut: float = 0.5  # of the probability, from which on an item counts as positive
    false_negative_cost: float = 1.0  # in false alarms
    queries: Numbers | None = None


@dataclass(frozen=True, kw_only=True)
class Metric:
    """One metric.

    `elicits`: the functional of the targets that is best under it. `train`: what training for it amounts to. `goal`:
    the parts of the goal of a recommendation that follow from it. `compute`: None where a table of predictions is not
    enough, as for masks and boxes. `chosen_by`: the proper score that chooses between losses in its place, where the
    metric itself is too noisy to choose by or has a cut of its own. `ideal`: the best value, where neither the lowest
    nor the highest is that. `takes`: the targets that it is defined on. `of_lists`: whether it takes `Judged.queries`.
    `also_of`: tasks that it judges too, where a table of predictions does not tell it.
    """

    title: Text
    tasks: tuple[str, ...]
    elicits: str
    train: Text
    source: str
    goal: Mapping[str, str] = field(default_factory=dict)
    larger_is_better: bool = False
    ideal: float | None = None
    compute: Callable[[Judged], float] | None = None
    chosen_by: str | None = None
    takes: Literal["any", "non-negative", "non-zero"] = "any"
    of_lists: bool = False
    also_of: tuple[str, ...] = ()

    @property
    def judges(self) -> tuple[str, ...]:
        """Every task that it judges."""
        return (*self.tasks, *self.also_of)

    def is_defined_on(self, targets: Numbers) -> bool:
        """Say whether the metric is defined on all of these targets (n)."""
        if self.takes == "any":
            return True
        return bool((targets >= 0).all() if self.takes == "non-negative" else (targets != 0).all())

    @property
    def is_relative(self) -> bool:
        """Whether differences count as shares of a score, rather than as points."""
        return not self.larger_is_better and self.ideal is None

    def cost(self, value: Scores) -> Scores:
        """Return values as costs, of which the lowest is best."""
        if self.ideal is not None:
            return abs(value - self.ideal)
        return -value if self.larger_is_better else value
