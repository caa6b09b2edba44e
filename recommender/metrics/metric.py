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

    Attributes:
        targets: Shape (n), numbers or class ids from 0; for several labels (n, labels).
        predictions: Shape (n), numbers or probabilities of class 1; (n, classes) for several classes; (n, labels) for
            several labels.
        weights: Shape (n), or None.
        queries: The id of the list that each row belongs to, shape (n), or None.
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

    Attributes:
        elicits: The functional of the targets that is optimal under it.
        train: How to train for it.
        goal: The parts of the goal of a recommendation that follow from it.
        compute: Its function; None where it needs more than a table of predictions, as for masks and boxes.
        chosen_by: The proper score that chooses between losses instead, where the metric is too noisy for that or has a
            cut of its own.
        ideal: The best value, where that is neither the lowest nor the highest.
        takes: The targets that it is defined on.
        of_lists: Whether it reads `Judged.queries`.
        also_of: Further tasks that it judges, which a table of predictions does not show.
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
        """The tasks that it judges."""
        return (*self.tasks, *self.also_of)

    def is_defined_on(self, targets: Numbers) -> bool:
        """Return whether the metric is defined on all of these targets (n)."""
        if self.takes == "any":
            return True
        return bool((targets >= 0).all() if self.takes == "non-negative" else (targets != 0).all())

    @property
    def is_relative(self) -> bool:
        """Whether differences are measured as shares of a score rather than in points."""
        return not self.larger_is_better and self.ideal is None

    def cost(self, value: Scores) -> Scores:
        """Return values as costs, the lowest being the best."""
        if self.ideal is not None:
            return abs(value - self.ideal)
        return -value if self.larger_is_better else value
