"""How out-of-fold predictions are judged: on which rows, at which learning rate and step, and with which threshold.

A loss never judges itself. The learning rate and the step of each fold are those that were best on the other folds, so
that no row influences its own prediction.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from recommender.experiment.plan import Plan
from recommender.experiment.run import OutOfFold
from recommender.metrics import METRICS, Judged, score

Outliers = Literal["errors", "signal"]
Numbers = np.ndarray[Any, np.dtype[Any]]
# Rows whose consensus residual lies within so many robust sigmas are judged by where outliers are errors. Chosen on 22
# contaminated tables among 12 criteria (k = 3.5 lost 0.47 % in RMSE, 6 lost 0.44 % in MAE, plain RMSE 19.4 %).
CONSENSUS_SIGMAS = 3.5
CUTS = 19  # tried where no theory says the cut


@dataclass(frozen=True)
class Judgement:
    """What every candidate scores on each fold of each repeat, all judged on the same rows.

    Shapes: costs and values (candidates, repeats * folds): the metric that chooses, the lower the better, and that of
    the goal as it is; chosen (candidates, repeats * folds), places of rate and step; diverged (candidates); scores
    (repeats, candidates, settings, folds), costs at every rate and step. `readings`: the costs under each reading of
    outliers, of one reading the costs themselves.
    """

    costs: Numbers
    values: Numbers
    chosen: Numbers
    diverged: Numbers
    kept: Numbers  # (n) rows that are judged by
    consensus: Numbers  # (n) median residual of the candidates, NaN where none predicts; empty for classes
    scores: Numbers
    readings: tuple[Numbers, ...]


def judged(plan: Plan, outputs: Sequence[OutOfFold], outliers: Outliers, within: Numbers | None = None) -> Judgement:
    """Return the scores of the candidates in the units of one model, one for each repeat; `within` limits the rows."""
    diverged: Numbers = np.asarray(np.stack([_diverged(output) for output in outputs]).any(0))
    consensus = _consensus(plan, outputs, diverged)
    kept: Numbers = np.ones(plan.n, bool)
    if outliers == "errors" and len(consensus):
        kept = within_consensus(consensus)
    if within is not None:
        kept &= within
    scores = np.stack([_scores(plan, output, chooser(plan), kept) for output in outputs])
    chosen = [_settings(own) for own in scores]
    costs = _at(scores, chosen)
    values = _values(plan, outputs, chosen, kept, costs)
    return Judgement(costs, values, np.concatenate(chosen, 1), diverged, kept, consensus, scores, (costs,))


def joint(plan: Plan, outputs: Sequence[OutOfFold], first: Judgement, other: Judgement) -> Judgement:
    """Return every candidate under the interpretation of outliers in which it is further from the best.

    Values are those of `first`. Costs are relative to the best candidate under the same interpretation. The rate and
    the step of a fold are those that lose least on the other folds, under the interpretation in which they lose more.
    """
    relative = [own.scores / _best(own.scores.mean(-1).min(2)[:, :, None, None]) for own in (first, other)]
    chosen = [_settings(own) for own in np.maximum(*relative)]
    readings = tuple(_at(own.scores, chosen) for own in (first, other))
    shares = np.stack([costs / _best(costs[~first.diverged].mean(1).min()) for costs in readings])
    worse = shares.mean(2).argmax(0)
    return Judgement(
        costs=np.take_along_axis(shares, worse[None, :, None], 0)[0],
        values=_values(plan, outputs, chosen, first.kept, readings[0]),
        chosen=np.concatenate(chosen, 1),
        diverged=first.diverged,
        kept=first.kept,
        consensus=first.consensus,
        scores=first.scores,
        readings=readings,
    )


def ratios_of_totals(plan: Plan, outputs: Sequence[OutOfFold], judgement: Judgement) -> Numbers:
    """Return the ratio of each candidate's summed out-of-fold predictions to the true sum, shape (c), as chosen."""
    folds, weights = plan.question.folds, np.ones(plan.n) if plan.weights is None else plan.weights
    ratios = np.empty((len(outputs), len(plan.candidates)))
    for repeat, output in enumerate(outputs):
        rows = output.fold_of_row >= 0
        true = float((weights * plan.target.values)[rows].sum()) or np.nan
        for place, settings in enumerate(judgement.chosen[:, repeat * folds : (repeat + 1) * folds]):
            ratios[repeat, place] = (weights * _predictions(output, place, settings))[rows].sum() / true
    return np.asarray(ratios.mean(0))


def _best(costs: Numbers) -> Numbers:
    """Return costs that can be divided by: 1 for diverged candidates, and no zeros."""
    return np.where(np.isfinite(costs), np.maximum(costs, np.finfo(float).tiny), 1.0)


def _at(scores: Numbers, chosen: Sequence[Numbers]) -> Numbers:
    """Return the costs (candidates, repeats * folds) at the chosen setting of each fold."""
    pairs = zip(scores, chosen, strict=True)
    return np.concatenate([np.take_along_axis(own, settings[:, None], 1)[:, 0] for own, settings in pairs], 1)


def within_consensus(residuals: Numbers) -> Numbers:
    """Return a mask (n) of the rows whose residual is within 3.5 robust sigmas of the median; NaN counts as within."""
    away = np.abs(residuals - np.nanmedian(residuals))
    return np.asarray(~(away > CONSENSUS_SIGMAS * (1.4826 * np.nanmedian(away) or np.inf)))


def chooser(plan: Plan) -> str:
    """Return the metric that chooses between candidates: a proper score where the goal's metric is too noisy."""
    return METRICS[plan.metric].chosen_by or plan.metric


def _diverged(output: OutOfFold) -> Numbers:
    """Return which candidates diverged in some fold under every rate."""
    return np.asarray(output.diverged.all(axis=1).any(axis=-1))


def _consensus(plan: Plan, outputs: Sequence[OutOfFold], diverged: Numbers) -> Numbers:
    """Return the median over candidates and repeats of the out-of-fold residuals, the same for every loss."""
    if not plan.target.is_number:
        return np.empty(0)
    everything = np.ones(plan.n, bool)
    residuals = []
    for output in outputs:
        settings = _settings(_scores(plan, output, "mae", everything))
        for place in map(int, np.flatnonzero(~diverged)):
            own = _predictions(output, place, settings[place])
            residuals.append(np.where(output.fold_of_row >= 0, own - plan.target.values, np.nan))
    middle: Numbers = np.full(plan.n, np.nan)
    judged_rows = np.any([output.fold_of_row >= 0 for output in outputs], axis=0)
    middle[judged_rows] = np.nanmedian(np.stack(residuals)[:, judged_rows], 0) if residuals else 0.0
    return middle


def _scores(plan: Plan, output: OutOfFold, metric: str, kept: Numbers) -> Numbers:
    """Return costs (candidates, settings, folds) of every rate and step on the kept rows of every fold."""
    sign = -1.0 if METRICS[metric].larger_is_better else 1.0
    folds = plan.question.folds
    candidates, rates, steps = output.predictions.shape[:3]
    scores = np.empty((candidates, rates * steps, folds))
    flat = output.predictions.reshape(candidates, rates * steps, *output.predictions.shape[3:])
    gone = np.repeat(output.diverged, steps, 1)
    for fold in range(folds):
        rows = np.flatnonzero((output.fold_of_row == fold) & kept)
        for place in range(candidates):
            for setting in range(rates * steps):
                given = _judged(plan, rows, flat[place, setting, rows])
                scores[place, setting, fold] = np.inf if gone[place, setting, fold] else sign * score(metric, given)
    return scores


def _judged(plan: Plan, rows: Numbers, predictions: Numbers, cut: float = 0.5) -> Judged:
    """Return rows of the targets and predictions in the form that metrics take."""
    goal = plan.question.goal
    return Judged(
        plan.target.values[rows] if plan.target.classes is None else plan.target.values[rows].astype(int),
        predictions.astype(np.float64),
        None if plan.weights is None else plan.weights[rows],
        quantile=goal.quantile or 0.5,
        cut=cut,
        false_negative_cost=goal.false_negative_cost or 1.0,
        queries=None if plan.queries is None else plan.queries[rows],
    )


def _settings(scores: Numbers) -> Numbers:
    """Return the setting of every candidate and fold that was best on the other folds; (c, s, k) -> (c, k).

    A setting that diverged on any fold is not chosen, unless all have.
    """
    ended = np.isfinite(scores).all(2, keepdims=True)
    finite = np.where(ended, scores, 0.0)
    others = np.where(ended, finite.sum(2, keepdims=True) - finite, np.nan_to_num(np.inf))
    return np.asarray(others.argmin(1))


def _predictions(output: OutOfFold, place: int, settings: Numbers) -> Numbers:
    """Return the predictions of one candidate for every row, at the setting of its fold."""
    own = output.predictions[place]
    flat = own.reshape(-1, *own.shape[2:])
    return np.asarray(flat[settings[np.maximum(output.fold_of_row, 0)], np.arange(flat.shape[1])], dtype=np.float64)


def _values(
    plan: Plan, outputs: Sequence[OutOfFold], chosen: Sequence[Numbers], kept: Numbers, costs: Numbers
) -> Numbers:
    """Return the goal's own metric (candidates, repeats * folds) at the settings chosen."""
    if chooser(plan) == plan.metric:
        return -costs if METRICS[plan.metric].larger_is_better else costs
    pairs = zip(outputs, chosen, strict=True)
    return np.concatenate([_cut_values(plan, output, settings, kept) for output, settings in pairs], 1)


def _cut_values(plan: Plan, output: OutOfFold, settings: Numbers, kept: Numbers) -> Numbers:
    """Return the goal's metric (candidates, folds), with the decision threshold from theory or from the other folds."""
    folds = plan.question.folds
    values = np.empty((len(settings), folds))
    for place, own in enumerate(settings):
        predictions = _predictions(output, place, own)
        for fold in range(folds):
            rows = np.flatnonzero((output.fold_of_row == fold) & kept)
            rest = np.flatnonzero((output.fold_of_row != fold) & (output.fold_of_row >= 0) & kept)
            cut = cut_of(plan, _judged(plan, rest, predictions[rest]))
            values[place, fold] = score(plan.metric, _judged(plan, rows, predictions[rows], cut))
    return values


def cut_of(plan: Plan, others: Judged) -> float:
    """Return the probability from which on an item counts as positive.

    For expected cost it is 1 / (1 + cost of a missed positive), for balanced accuracy the share of positives (Menon et
    al. 2013), for F1 and MCC the best on `others`; otherwise one half.
    """
    if others.predictions.ndim > 1:
        return 0.5
    if plan.metric == "expected_cost":
        return 1 / (1 + others.false_negative_cost)
    if plan.metric == "balanced_accuracy":
        return float(others.targets.mean())
    if plan.metric not in ("f1", "mcc"):
        return 0.5
    cuts = np.unique(np.quantile(others.predictions, np.linspace(0.02, 0.98, CUTS)))
    return float(max(cuts, key=lambda cut: score(plan.metric, others._replace(cut=float(cut)))))


def learning_curve(plan: Plan, output: OutOfFold, place: int, rate: int, kept: Numbers) -> list[float | None]:
    """Return the metric of the choice at every checkpoint of one candidate and rate; None where training diverged."""
    rows = np.flatnonzero((output.fold_of_row >= 0) & kept)
    if output.diverged[place, rate].any():
        return [None] * len(output.steps)
    return [score(chooser(plan), _judged(plan, rows, own[rows])) for own in output.predictions[place, rate]]


def held_out_value(plan: Plan, output: OutOfFold, place: int, settings: Numbers) -> float | None:
    """Return the goal's metric on the rows of `Plan.judge`, at the setting that most folds chose.

    None without such rows.
    """
    rows = np.flatnonzero(plan.judge)
    if not len(rows):
        return None
    own = output.predictions[place]
    setting = int(np.bincount(settings).argmax())
    predictions = own.reshape(-1, *own.shape[2:])[setting]
    others = np.flatnonzero(output.fold_of_row >= 0)
    cut = cut_of(plan, _judged(plan, others, predictions[others]))
    return score(plan.metric, _judged(plan, rows, predictions[rows], cut))
