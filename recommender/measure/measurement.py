"""The inputs and the result of a measurement."""

from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from torch import Tensor

from recommender.measure.details import Details
from recommender.measure.pictures.void import Void
from recommender.notices import WarningText
from recommender.profile import Measured
from recommender.tasks import Task

Facts = dict[str, Measured | str | bool | None]


@dataclass(frozen=True)
class Given:
    """The arrays of one task by role, and what the caller stated about the model."""

    task: Task
    targets: Tensor  # the first array, where a task has others
    predictions: Tensor | None = None
    labels: Tensor | None = None
    embeddings: Tensor | None = None
    features: int | None = None
    predictions_are: Literal["probabilities", "logits"] | None = None
    void: Void | None = None  # which numbers of the targets do not count


class TaskMeasurement(NamedTuple):
    """The facts of one task by name, with warnings, and details that no rule reads."""

    facts: Facts
    warnings: list[WarningText]
    details: Details


@dataclass
class RequiredItems:
    """Records which facts were left out because there were too few items, and how many each needs."""

    items: int
    short: dict[str, int] = field(default_factory=dict)

    def enough(self, fact: str, needed: int, items: int | None = None) -> bool:
        """Return whether there are at least as many items as a fact needs; if not, record that it was left out."""
        short = (self.items if items is None else items) < needed
        if short:
            self.short[fact] = needed
        return not short
