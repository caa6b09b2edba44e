"""Scores of the folds, computed from the predictions of the user's own training loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from losses.errors import shown
from losses.text import Text
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
        raise BadExperiment(
            "metric",
            Text(
                f"{metric} is not computed from predictions here; send its scores.",
                f"此处不从预测值计算 {metric};请发送其得分。",
            ),
        )
    of_numbers = set(METRICS[by].tasks) <= {"regression", "count"}
    truth = [_targets(by, rows, of_numbers=of_numbers) for rows in targets]
    said = {name: [_array(name, rows) for rows in folds] for name, folds in predictions.items()}
    for name, folds in said.items():
        if [len(rows) for rows in folds] != [len(rows) for rows in truth]:
            raise BadExperiment(
                "predictions",
                Text(
                    f"{shown(name)} does not have a prediction for each target of each fold.",
                    f"{shown(name)} 没有为每一折的每个目标给出预测。",
                ),
            )
        if of_numbers and any(rows.ndim > 1 for rows in folds):
            raise BadExperiment(
                "predictions",
                Text(
                    f"{by} takes a number a row; {shown(name)} has a list a row.",
                    f"{by} 每行取一个数;{shown(name)} 每行是列表。",
                ),
            )
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
        raise BadExperiment("targets", Text("A fold has no row.", "有一折没有行。"))
    if of_numbers:
        if not METRICS[metric].is_defined_on(own):
            takes = METRICS[metric].takes
            chinese = "非零" if takes == "non-zero" else "非负"
            text = Text(
                f"{metric} takes {takes} targets; here some are not.", f"{metric} 要求目标{chinese};此处有些不符合。"
            )
            raise BadExperiment("targets", text)
        return own
    if ((own < 0) | (own != np.rint(own))).any():
        raise BadExperiment(
            "targets",
            Text(f"{metric} takes class ids: whole numbers from 0.", f"{metric} 取类别编号:从 0 开始的整数。"),
        )
    return own.astype(int)


def _array(name: str, rows: Sequence[Any]) -> Numbers:
    try:
        return np.asarray(rows, dtype=np.float64)
    except ValueError:
        raise BadExperiment(
            "predictions",
            Text(
                f"{shown(name)} has rows of several lengths; classes are the same for all.",
                f"{shown(name)} 的行长度不一;所有行的类别应相同。",
            ),
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
        raise BadExperiment(
            "predictions",
            Text(f"{metric} takes a probability for each class in every row.", f"{metric} 每行取各类别的概率。"),
        ) from None
    except ValueError as unfit:
        raise BadExperiment(
            "predictions", Text(f"{metric} is not defined on a fold: {unfit}", f"{metric} 在某一折上没有定义:{unfit}")
        ) from unfit
    if not np.isfinite(value):
        raise BadExperiment(
            "predictions",
            Text(f"{metric} is not defined on a fold: it is {value}.", f"{metric} 在某一折上没有定义:其值为 {value}。"),
        )
    return value
