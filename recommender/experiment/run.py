"""One unit of an experiment: every candidate, with one kind of model, on one partition into folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from recommender.experiment.candidates import HUBER, Candidate, Link, as_targets
from recommender.experiment.folds import Ids, training_rows
from recommender.experiment.plan import Plan, Unit, robust
from recommender.experiment.training import RATES, STEPS, Fold, Reading, Trained, as_tensor, train

# The loss from which all others of the same link start; convex, so that each start is the same.
STARTS: dict[Link, str] = {
    "identity": "smooth_l1",
    "log": "poisson_nll",
    "logit": "bce",
    "score": "bce",
    "softmax": "sparse_categorical_ce",
}
SMALLEST_SHARE = 1e-3  # of a class, at which a model starts


@dataclass(frozen=True)
class OutOfFold:
    """What the models of one unit predict for rows that they were not trained on.

    Shapes: predictions (candidates, rates, checkpoints, n) or (..., n, classes), in the unit of the target or as
    probabilities; diverged (candidates, rates, folds); held (n), the fold that held each row out, -1 where none did.
    """

    unit: Unit
    predictions: np.ndarray[Any, np.dtype[np.float32]]
    diverged: np.ndarray[Any, np.dtype[np.bool_]]
    held: Ids
    rates: tuple[float, ...]
    steps: tuple[int, ...]


def run_unit(
    plan: Plan,
    unit: Unit,
    *,
    rates: Sequence[float] = RATES,
    steps: int = STEPS,
    alive: Callable[[], None] = lambda: None,
) -> OutOfFold:
    """Return what every candidate predicts out of fold; the same plan and unit give the same again.

    `alive` is called once a step of training, and may raise to end the work. Raises: what `alive` raises.
    """
    held = plan.partitions[unit.repeat]
    prepared = _folds(plan, held)
    trained = [_trained(plan, candidate) for candidate in plan.candidates]
    links = dict.fromkeys(candidate.link for candidate in plan.candidates)
    outputs = train(
        prepared,
        trained,
        [_start(plan, link) for link in links],
        model=unit.model,
        outputs=plan.target.outputs,
        seed=plan.question.seed + unit.repeat,
        weights=None if plan.weights is None else as_tensor(plan.weights / plan.weights.mean()),
        rates=rates,
        steps=steps,
        alive=alive,
    )
    return OutOfFold(
        unit=unit,
        predictions=outputs.predictions.numpy(),
        diverged=outputs.diverged.numpy(),
        held=held,
        rates=tuple(rates),
        steps=outputs.steps,
    )


def _folds(plan: Plan, held: Ids) -> list[Fold]:
    """Return the features as each fold prepares them, with as many columns in each."""
    rows = [training_rows(held, fold, plan.order) for fold in range(plan.question.folds)]
    matrices = [plan.features.prepared(own) for own in rows]
    widest = max(matrix.shape[1] for matrix in matrices)
    return [
        Fold(
            as_tensor(np.pad(matrix, ((0, 0), (0, widest - matrix.shape[1])))),
            torch.from_numpy(own),
            torch.from_numpy(np.flatnonzero(held == fold)),
        )
        for fold, (matrix, own) in enumerate(zip(matrices, rows, strict=True))
    ]


def _trained(plan: Plan, candidate: Candidate) -> Trained:
    targets = as_targets(as_tensor(plan.target.values), candidate, plan.target)
    return Trained(candidate.parsed, _reading(plan, candidate.link), targets)


def _start(plan: Plan, link: Link) -> Trained:
    """Return what every model of a link is trained with first."""
    _, spread = robust(plan.target.values)
    text = f"smooth_l1(beta={HUBER * spread})" if link == "identity" else STARTS[link]
    if plan.target.outputs > 1:
        text = STARTS["softmax"]
    return _trained(plan, Candidate(text, link, one_hot=False, origins=()))


def _reading(plan: Plan, link: Link) -> Reading:
    """Return how an output is read: in units of the target's robust spread, or from the level of its mean."""
    values = plan.target.values
    if link == "identity":
        return Reading(link, *robust(values))
    if link == "log":
        return Reading(link, float(np.log(max(values.mean(), 1e-3))))
    share = float(np.clip(values.mean(), SMALLEST_SHARE, 1 - SMALLEST_SHARE)) if plan.target.outputs == 1 else 0.5
    return Reading(link, float(np.log(share / (1 - share))))
