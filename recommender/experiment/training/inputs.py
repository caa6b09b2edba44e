"""Prepares the training of one unit from a plan: the features of each fold, the losses, and how outputs are read."""

from dataclasses import replace
from typing import Any

import numpy as np
import torch

from recommender.experiment.candidates import Candidate, Link, as_targets
from recommender.experiment.plan import Plan
from recommender.experiment.training.batches import Fold, Lists
from recommender.experiment.training.pilot import robust
from recommender.experiment.training.reading import Reading, map_of
from recommender.experiment.training.replica_losses import Trained

# The loss from which those of the same link start that are not convex: convex itself, so that there is one start, and
# without a scale of its own, so that it follows from the rows that are trained on alone.
STARTS: dict[Link, str] = {
    "identity": "mae",
    "log": "poisson_nll",
    "log1p": "msle",
    "logit": "bce",
    "score": "bce",
    "softmax": "sparse_categorical_ce",
    "cumulative": "coral",
    "conditional": "corn",
    "order": "ranknet",
}
SMALLEST_SHARE = 1e-3  # of a class, at which a model starts
SMALLEST_MEAN = 1e-6
Matrix = np.ndarray[Any, np.dtype[np.float64]]


def prepared_folds(plan: Plan, repeat: int) -> list[Fold]:
    """Return the features as each fold prepares them, with as many columns in each."""
    folds = range(plan.question.folds)
    rows = [plan.training_rows(repeat, fold) for fold in folds]
    matrices = [plan.features.prepared(own) for own in rows]
    queries = None if plan.queries is None else torch.from_numpy(plan.queries)
    widest = max(matrix.shape[1] for matrix in matrices)
    return [
        Fold(
            as_tensor(np.pad(matrices[fold], ((0, 0), (0, widest - matrices[fold].shape[1])))),
            torch.from_numpy(rows[fold]),
            torch.from_numpy(np.flatnonzero((plan.partitions[repeat] == fold) | plan.judge)),
            None if queries is None else Lists.of(torch.from_numpy(rows[fold]), queries),
        )
        for fold in folds
    ]


def trained(plan: Plan, repeat: int, candidate: Candidate) -> Trained:
    """Return what is trained for a candidate: its loss, the reading of outputs, and the targets."""
    targets = as_targets(as_tensor(plan.target.values), candidate, plan.target)
    return Trained(candidate.parsed, _reading(plan, repeat, candidate), targets, candidate.in_folds(repeat))


def convex_starts(plan: Plan, repeat: int) -> list[Trained]:
    """Return for every candidate the convex loss of the same link; the same object where that is the same."""
    by_text: dict[tuple[str, str], Trained] = {}
    convex = []
    for candidate in plan.candidates:
        start = _convex_start(plan, candidate)
        convex.append(by_text.setdefault((start.objective, start.link), trained(plan, repeat, start)))
    return convex


def starts(plan: Plan, repeat: int) -> list[Trained | None]:
    """Return, for every candidate, the convex loss that its models are trained with first; None for a convex loss."""
    return [
        None if all("convex" in term.loss.traits for _, term in candidate.parsed.terms) else start
        for candidate, start in zip(plan.candidates, convex_starts(plan, repeat), strict=True)
    ]


def _convex_start(plan: Plan, candidate: Candidate) -> Candidate:
    """Return the convex loss with the same link as the candidate's."""
    text = STARTS["softmax"] if candidate.link == "score" and plan.target.one_a_class else STARTS[candidate.link]
    return replace(candidate, objective=text, one_hot=False, by_fold=())


def _reading(plan: Plan, repeat: int, candidate: Candidate) -> Reading:
    """Return how the outputs of a candidate's models are read, as the training rows of each fold say."""
    folds = [plan.target.values[plan.training_rows(repeat, fold)] for fold in range(plan.question.folds)]
    levels = [_level(values, candidate.link, plan.target.outputs) for values in folds]
    centre, spread = (np.stack(same) for same in zip(*levels, strict=True))
    counts = None
    if plan.target.one_a_class:
        counts = np.stack([np.bincount(values.astype(int), minlength=plan.target.outputs) for values in folds])
    return Reading(
        candidate.link,
        as_tensor(centre)[:, None, None],
        as_tensor(spread)[:, None, None],
        None if counts is None else as_tensor(counts),
        None if plan.target.classes is None else map_of(candidate.parsed),
        as_tensor(np.array([_never_seen(len(values), plan.target.outputs) for values in folds]))[:, None, None, None],
    )


def _never_seen(rows: int, outputs: int) -> float:
    """Return the probability of what none of so many rows was: the rule of succession, Laplace 1774."""
    return 1 / (rows + max(outputs, 2))


def _level(values: Matrix, link: Link, outputs: int) -> tuple[Matrix, Matrix]:
    """Return the centre (outputs) and the spread (1) of a fold's target on the scale of a link."""
    one = np.ones(1)
    if link in ("identity", "log1p"):
        centre, spread = robust(values if link == "identity" else np.log1p(values))
        return np.full(1, centre), np.full(1, spread)
    if link == "log":
        return np.full(1, np.log(max(values.mean(), SMALLEST_MEAN))), one
    if link in ("cumulative", "conditional", "order"):
        return np.zeros(outputs), one
    if values.ndim == 1 and outputs > 1:
        counts = np.bincount(values.astype(int), minlength=outputs) + 1.0
        return np.log(counts / counts.sum()), one
    share = np.clip(np.atleast_1d(values.mean(0)), SMALLEST_SHARE, 1 - SMALLEST_SHARE)
    return np.log(share / (1 - share)), one


def relative_weights(plan: Plan) -> torch.Tensor | None:
    """Return the weight of each row (n), 1 on average; None where rows have equal weights."""
    return None if plan.weights is None else as_tensor(plan.weights / plan.weights.mean())


def as_tensor(values: np.ndarray[Any, Any]) -> torch.Tensor:
    """Return an array as a float32 tensor."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
