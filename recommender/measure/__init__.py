"""Tensors to facts, with what is known of their error. Everything is computed in float64."""

from typing import Any, NamedTuple

import torch
from torch import Tensor

from recommender.measure.checks import check
from recommender.measure.notices import guessed
from recommender.measure.reading import read
from recommender.measure.tasks import MEASURES, nothing
from recommender.profile import Measured, Profile
from recommender.tasks import Task, read_task
from recommender.words import Language, Notice


class Measurement(NamedTuple):
    """A profile, the task it is a profile of, and what to know before trusting it."""

    task: Task
    profile: Profile
    warnings: list[Notice]


def measure_profile(
    task: str | None, targets: Tensor, predictions: Tensor | None = None, language: Language = "en"
) -> Measurement:
    """Return every fact that arrays tell about a task; a task left out is read off the targets, and said.

    Shapes: targets as the task's losses take them; masks and labels also as class ids. Predictions matter to
    regression alone, and there have the axes of the targets.
    Raises: UnknownTask, NothingToMeasure, ShapeMismatch, UnsupportedDtype, NonFiniteInput, UnreadableTargets.
    """
    known = read_task(task) if task is not None else None
    check(targets, predictions)
    numbers = targets.to(torch.uint8) if targets.dtype == torch.bool else targets
    cautions = []
    if known is None:
        known, reason = read(numbers)
        cautions.append(guessed(known, reason))
    found = MEASURES.get(known, nothing)(numbers, predictions)
    facts: dict[str, Any] = {**found.facts, "n": measured_n(targets)}
    notices = [caution.notice(language) for caution in (*cautions, *found.cautions)]
    return Measurement(known, Profile(**facts), notices)


def measured_n(targets: Tensor) -> Measured:
    """Return the number of items along axis 0."""
    return Measured(value=targets.shape[0], n=targets.shape[0], method="count", basis="targets")
