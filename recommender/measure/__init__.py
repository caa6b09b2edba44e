"""Measure facts of tensors, with confidence intervals: in blocks, with float64 sums, in bounded memory."""

from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from losses.errors import MissingInput, UnknownInput
from losses.text import Language, Text
from recommender.errors import UnreadableTargets
from recommender.measure import warnings as notices
from recommender.measure.by_input import MEASURES
from recommender.measure.classes.label_noise import PredictionKind
from recommender.measure.details import Detail, present
from recommender.measure.infer_task import EMBEDDED, infer_task
from recommender.measure.measurement import Given, TaskMeasurement
from recommender.measure.numbers.residual_blocks import pieces
from recommender.measure.pictures.void import find_void
from recommender.measure.validation import check_arrays
from recommender.notices import Notice, WarningText
from recommender.profile import Measured, Profile
from recommender.tasks import Task, read_task

_PAIRED = ("targets", "predictions")
_SIMILAR = ("embeddings", "labels", "targets", "predictions")
_NEEDED = {True: 3, False: 1}  # one of the first so many roles, for similarity and for the rest


class Measurement(NamedTuple):
    """The result of a measurement: the task, the profile of facts, warnings, and details that no rule reads."""

    task: Task
    profile: Profile
    warnings: list[Notice]
    details: dict[str, Detail]


def measure_profile(
    task: str | None,
    targets: Tensor | None = None,
    predictions: Tensor | None = None,
    language: Language = "en",
    *,
    embeddings: Tensor | None = None,
    labels: Tensor | None = None,
    features: int | None = None,
    predictions_are: PredictionKind | None = None,
    ignore_index: int | None = None,
) -> Measurement:
    """Return every fact of a task that can be measured on the arrays; without a task it is inferred, with a warning.

    Labels that do not count (`ignore_index`, or those that `find_void` recognises) are left out of every fact, with a
    warning.

    Args:
        task: The task; None: inferred from the targets.
        targets: As the losses of the task take them; masks and labels also as class ids; boxes (n, 4).
        predictions: For regression in the axes of the targets; for classes out-of-fold probabilities or logits.
        language: The language of the warnings.
        embeddings: For similarity, shape (n, d).
        labels: For similarity, class ids, shape (n).
        features: The number of parameters that the model effectively fits.
        predictions_are: Whether predictions are logits or probabilities; None: judged by their numbers.
        ignore_index: The label that does not count.

    Raises: UnknownTask, MissingInput, UnknownInput, NothingToMeasure, ShapeMismatch, UnsupportedDtype, NonFiniteInput,
    UnreadableTargets, NotOneHot, SingleColumn, IdOutOfRange, NotProbabilities, BadBox.
    """
    sent = {"targets": targets, "predictions": predictions, "embeddings": embeddings, "labels": labels}
    arrays = {role: _numbers(array) for role, array in sent.items() if array is not None}
    known_task = read_task(task) if task is not None else None
    check_arrays(arrays)
    known_task, warning_texts = _task(known_task, arrays)
    targets = next(iter(arrays.values()))
    void = find_void(known_task, targets, ignore_index)
    if void is not None:
        if all(bool(void.where(piece).all()) for piece in pieces(targets)):
            raise UnreadableTargets(known_task, Text("labels of which some count", "有计入项的标签"), targets.shape)
        warning_texts += notices.void(void)
    given = Given(
        task=known_task,
        targets=targets,
        predictions=arrays.get("predictions"),
        labels=arrays.get("labels"),
        embeddings=arrays.get("embeddings"),
        features=features,
        predictions_are=predictions_are,
        void=void,
    )
    with np.errstate(all="ignore"):  # what is not finite is left out
        measured = (
            MEASURES[known_task.row.measured_as](given) if known_task.row.measured_as else TaskMeasurement({}, [], {})
        )
    facts: dict[str, Any] = {**measured.facts, "n": measured_n(arrays), "features": features}
    warnings = [text.notice(language) for text in (*warning_texts, *measured.warnings)]
    return Measurement(known_task, Profile(**facts), warnings, present(measured.details))


def _numbers(array: Tensor) -> Tensor:
    """Return the array as numbers: truth values become 0 and 1."""
    return array.to(torch.uint8) if array.dtype == torch.bool else array


def _task(stated: Task | None, arrays: dict[str, Tensor]) -> tuple[Task, list[WarningText]]:
    """Return the task, stated or inferred, after checking that it uses all of the arrays.

    Raises: MissingInput, UnknownInput.
    """
    similar = stated.row.measured_as == "embeddings" if stated else "embeddings" in arrays
    roles = _SIMILAR if similar else _PAIRED
    for role in arrays:
        if role not in roles:
            raise UnknownInput(role, roles)
    if not set(arrays) & set(roles[: _NEEDED[similar]]):
        raise MissingInput("This", roles[0], roles)
    if stated is not None:
        return stated, []
    guess, reason = (Task.SIMILARITY, EMBEDDED) if similar else infer_task(arrays["targets"])
    return guess, [notices.guessed(guess, reason)]


def measured_n(arrays: dict[str, Tensor]) -> Measured:
    """Return the number of items along axis 0, as a fact with its method."""
    role, array = next(iter(arrays.items()))
    return Measured(value=array.shape[0], n=array.shape[0], method="count", basis=role)
