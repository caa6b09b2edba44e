"""The scores of each fold, computed from predictions of the user's own training loop."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from losses.errors import shown
from losses.text import Text
from recommender.errors import BadExperiment
from recommender.experiment.judging.own_lists import queries_of_folds, rows_of_lists
from recommender.experiment.judging.selection import within_consensus
from recommender.metrics import METRICS, Judged, read_metric, score

OF_ONE = 1e-3  # by which probabilities in a few digits may miss it
ORDERED = ("auc", "average_precision")
PROBABILITY = "probability"
Numbers = np.ndarray[Any, np.dtype[Any]]


@dataclass(frozen=True)
class FoldScores:
    """The score of each loss on every fold and the metric.

    For predictions also the number of rows, and how many judge.
    """

    metric: str
    scores: Mapping[str, Sequence[float]]
    rows: int | None = None
    rows_judged: int | None = None
    queries_left_out: int = 0  # that have no order


def judged_scores(
    metric: str,
    predictions: Mapping[str, Sequence[Any]],
    targets: Sequence[Sequence[float]],
    *,
    outliers: Literal["errors", "signal"],
    queries: Sequence[Sequence[int | str]] | None = None,
    quantile: float | None = None,
    false_negative_cost: float | None = None,
) -> FoldScores:
    """Return what each loss scores on every fold.

    Predictions, targets and queries are lists a fold of the same rows. In place of a metric that is too noisy to choose
    by, its proper score is computed. Where outliers are errors, numbers are judged on the rows whose median residual
    over the losses is within 3.5 robust sigmas; lists are judged where their rows differ in relevance. Raises:
    UnknownMetric; BadExperiment where shapes differ, or the metric is not defined.
    """
    by = read_metric(metric).chosen_by or metric
    of_lists = METRICS[by].of_lists
    if METRICS[by].compute is None:
        raise BadExperiment(
            "metric",
            Text(
                f"{metric} is not computed from predictions here; send its scores.",
                f"此处不从预测值计算 {metric};请发送其得分。",
            ),
        )
    of_numbers = set(METRICS[by].tasks) <= {"regression", "count"}
    truth = [_targets(by, rows, of_numbers=of_numbers or of_lists) for rows in targets]
    lists = queries_of_folds(by, queries, truth)
    arrays = {name: [_array(name, rows) for rows in folds] for name, folds in predictions.items()}
    for name, folds in arrays.items():
        if [len(rows) for rows in folds] != [len(rows) for rows in truth]:
            raise BadExperiment(
                "predictions",
                Text(
                    f"{shown(name)} does not have a prediction for each target of each fold.",
                    f"{shown(name)} 没有为每一折的每个目标给出预测。",
                ),
            )
        if (of_numbers or of_lists) and any(rows.ndim > 1 for rows in folds):
            raise BadExperiment(
                "predictions",
                Text(
                    f"{by} takes a number a row; {shown(name)} has a list a row.",
                    f"{by} 每行取一个数;{shown(name)} 每行是列表。",
                ),
            )
    kept = [np.ones(len(rows), dtype=bool) for rows in truth]
    if of_numbers and outliers == "errors":
        kept = _agreed(list(arrays.values()), truth)
    left_out = 0
    if lists is not None:
        kept, left_out = rows_of_lists(lists, truth)
    of_probabilities = METRICS[by].elicits == PROBABILITY
    for name, folds in arrays.items():
        for own, given in zip(truth, folds, strict=True):
            _refuse_unfit(by, name, own, given, of_probabilities=of_probabilities)
    scores = {
        name: [
            _score(
                by,
                fold,
                Judged(
                    own[rows],
                    given[rows],
                    quantile=quantile or 0.5,
                    false_negative_cost=false_negative_cost or 1.0,
                    queries=None if lists is None else lists[fold][rows],
                ),
            )
            for fold, (own, given, rows) in enumerate(zip(truth, folds, kept, strict=True))
        ]
        for name, folds in arrays.items()
    }
    return FoldScores(by, scores, sum(map(len, truth)), int(sum(rows.sum() for rows in kept)), left_out)


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
    """Return the rows of one fold as an array."""
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


def _agreed(arrays: Sequence[Sequence[Numbers]], truth: Sequence[Numbers]) -> list[Numbers]:
    """Return a mask for each fold of the rows whose median residual over the losses is within 3.5 robust sigmas."""
    consensus = [np.median([folds[place] - own for folds in arrays], axis=0) for place, own in enumerate(truth)]
    kept = within_consensus(np.concatenate(consensus))
    return np.split(kept, np.cumsum([len(own) for own in truth])[:-1])


def _refuse_unfit(metric: str, name: str, targets: Numbers, given: Numbers, *, of_probabilities: bool) -> None:
    """Refuse predictions of a fold that the metric would misread.

    Raises: BadExperiment.
    """
    classes = given.shape[1] if given.ndim > 1 else 2
    if METRICS[metric].takes == "non-negative" and not METRICS[metric].of_lists and (given < 0).any():
        raise BadExperiment(
            "predictions",
            Text(
                f"{metric} takes predictions of 0 or more; {shown(name)} has some below.",
                f"{metric} 的预测不小于 0;{shown(name)} 中有更小的。",
            ),
        )
    if targets.dtype.kind != "i":
        return
    if given.ndim == 1 and set(METRICS[metric].tasks) == {"ordinal"}:
        raise BadExperiment(
            "predictions",
            Text(
                f"{metric} takes a probability for each class in every row; {shown(name)} has one number.",
                f"{metric} 要求每行给出各类别的概率;{shown(name)} 每行只有一个数。",
            ),
        )
    if (targets >= classes).any():
        raise BadExperiment(
            "targets",
            Text(
                f"{shown(name)} has {classes} classes: ids are 0 to {classes - 1}, and one is {int(targets.max())}.",
                f"类别编号有 {int(targets.max())},而 {shown(name)} 有 {classes} 个类别:编号为 0 至 {classes - 1}。",
            ),
        )
    if of_probabilities and ((given < 0).any() or (given > 1).any()):
        raise BadExperiment(
            "predictions",
            Text(
                f"{metric} takes probabilities from 0 to 1; {shown(name)} has others.",
                f"{metric} 需要 0 到 1 的概率;{shown(name)} 中有其他值。",
            ),
        )
    if of_probabilities and given.ndim > 1 and (np.abs(given.sum(1) - 1) > OF_ONE).any():
        raise BadExperiment(
            "predictions",
            Text(
                f"The probabilities of a row add up to 1; those of {shown(name)} do not.",
                f"每行概率之和应为 1;{shown(name)} 并非如此。",
            ),
        )
    if metric in ORDERED and any(not 0 < (targets == k).sum() < len(targets) for k in range(classes)):
        raise BadExperiment(
            "targets",
            Text(
                f"{metric} needs rows of every class in each fold. Take fewer folds.",
                f"{metric} 要求每折都有各类别的行。请减少折数。",
            ),
        )


def _score(metric: str, fold: int, judged: Judged) -> float:
    """Return the score of one fold.

    Raises: BadExperiment where it is not defined.
    """
    try:
        with np.errstate(all="ignore"):  # what overflows is refused below
            value = score(metric, judged)
    except (ValueError, IndexError):
        value = float("nan")
    if not np.isfinite(value):
        raise BadExperiment(
            "predictions",
            Text(
                f"{metric} is not defined on fold {fold}, counted from 0: look at its rows.",
                f"{metric} 在第 {fold} 折(从 0 起)上无定义:请检查该折的行。",
            ),
        )
    return value
