"""Scores of the folds, computed from the predictions of the user's own training loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from losses.errors import shown
from recommender.errors import BadExperiment
from recommender.experiment.judging.selection import within_consensus
from recommender.metrics import METRICS, Judged, read_metric, score

Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class Held:
    """What each loss scored on every fold by which metric; of predictions also how many rows there are and judge."""

    metric: str
    scores: Mapping[str, Sequence[float]]
    rows: int | None = None
    rows_judged: int | None = None


def judged_scores(
    metric: str,
    predictions: Mapping[str, Sequence[Any]],
    targets: Sequence[Sequence[float]],
    *,
    outliers: Literal["errors", "signal"],
    quantile: float | None = None,
    false_negative_cost: float | None = None,
) -> Held:
    """Return what each loss scores on every fold.

    Predictions and targets are lists a fold of the same rows. In place of a metric that is too noisy to choose by, its
    proper score is computed. Where outliers are errors, numbers are judged on the rows whose median residual over the
    losses is within 3.5 robust sigmas. Raises: UnknownMetric; BadExperiment where shapes differ, or the metric is not
    defined.
    """
    by = read_metric(metric).chosen_by or metric
    if METRICS[by].compute is None:
        raise BadExperiment("metric", f"{metric} is not computed from predictions here; send its scores.")
    of_numbers = set(METRICS[by].tasks) <= {"regression", "count"}
    truth = [_targets(by, rows, of_numbers=of_numbers) for rows in targets]
    said = {name: [_array(name, rows) for rows in folds] for name, folds in predictions.items()}
    for name, folds in said.items():
        if [len(rows) for rows in folds] != [len(rows) for rows in truth]:
            raise BadExperiment(
                "predictions", f"{shown(name)} does not have a prediction for each target of each fold."
            )
        if of_numbers and any(rows.ndim > 1 for rows in folds):
            raise BadExperiment("predictions", f"{by} takes a number a row; {shown(name)} has a list a row.")
    kept = [np.ones(len(rows), dtype=bool) for rows in truth]
    if of_numbers and outliers == "errors":
        kept = _agreed(list(said.values()), truth)
    scores = {
        name: [
            _score(
                by,
                Judged(
                    own[rows],
                    given[rows],
                    quantile=quantile or 0.5,
                    false_negative_cost=false_negative_cost or 1.0,
                ),
            )
            for own, given, rows in zip(truth, folds, kept, strict=True)
        ]
        for name, folds in said.items()
    }
    return Held(by, scores, sum(map(len, truth)), int(sum(rows.sum() for rows in kept)))


def _targets(metric: str, rows: Sequence[float], *, of_numbers: bool) -> Numbers:
    """Return the targets of a fold.

    Raises: BadExperiment where there are none, or the metric is not defined on them.
    """
    own = np.asarray(rows, dtype=np.float64)
    if not len(own):
        raise BadExperiment("targets", "A fold has no row.")
    if of_numbers:
        if not METRICS[metric].is_defined_on(own):
            raise BadExperiment("targets", f"{metric} takes {METRICS[metric].takes} targets; here some are not.")
        return own
    if ((own < 0) | (own != np.rint(own))).any():
        raise BadExperiment("targets", f"{metric} takes class ids: whole numbers from 0.")
    return own.astype(int)


def _array(name: str, rows: Sequence[Any]) -> Numbers:
    try:
        return np.asarray(rows, dtype=np.float64)
    except ValueError:
        raise BadExperiment(
            "predictions", f"{shown(name)} has rows of several lengths; classes are the same for all."
        ) from None


def _agreed(said: Sequence[Sequence[Numbers]], truth: Sequence[Numbers]) -> list[Numbers]:
    """Return which rows of every fold the losses agree about."""
    consensus = [np.median([folds[place] - own for folds in said], axis=0) for place, own in enumerate(truth)]
    kept = within_consensus(np.concatenate(consensus))
    return np.split(kept, np.cumsum([len(own) for own in truth])[:-1])


def _score(metric: str, judged: Judged) -> float:
    """Return the score of one fold.

    Raises: BadExperiment where it is not defined, as where a fold has one class alone.
    """
    try:
        with np.errstate(all="ignore"):  # what overflows is refused below
            value = score(metric, judged)
    except IndexError:
        raise BadExperiment("predictions", f"{metric} takes a probability for each class in every row.") from None
    except ValueError as unfit:
        raise BadExperiment("predictions", f"{metric} is not defined on a fold: {unfit}") from unfit
    if not np.isfinite(value):
        raise BadExperiment("predictions", f"{metric} is not defined on a fold: it is {value}.")
    return value
