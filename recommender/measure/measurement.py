"""What goes into a measurement, and what comes out of it."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from torch import Tensor

from recommender.measure.details import Details
from recommender.measure.void import Void
from recommender.notices import WarningText
from recommender.profile import Measured
from recommender.tasks import Task

Facts = dict[str, Measured | str | bool | None]


@dataclass(frozen=True)
class Given:
    """The arrays of one task by role, and what was said of the model."""

    task: Task
    targets: Tensor  # the first array, where a task has others
    predictions: Tensor | None = None
    labels: Tensor | None = None
    embeddings: Tensor | None = None
    features: int | None = None
    predictions_are: Literal["probabilities", "logits"] | None = None
    void: Void | None = None  # which numbers of the targets do not count


class TaskMeasurement(NamedTuple):
    """Facts by name, what to know before trusting them, and what no rule reads."""

    facts: Facts
    warnings: list[WarningText]
    details: Details


@dataclass
class RequiredItems:
    """Facts that need a number of items, and those that were left out for want of them."""

    items: int
    short: dict[str, int] = field(default_factory=dict)

    def enough(self, fact: str, needed: int, items: int | None = None) -> bool:
        """Whether there are as many items as a fact needs; if not, that is kept to be said."""
        short = (self.items if items is None else items) < needed
        if short:
            self.short[fact] = needed
        return not short
