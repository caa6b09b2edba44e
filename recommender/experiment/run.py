"""One unit of an experiment: every candidate, with one kind of model, on one partition into folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.experiment.folds import Ids
from recommender.experiment.plan import Plan, Unit
from recommender.experiment.training.inputs import as_tensor, prepared_folds, starts, trained
from recommender.experiment.training.train import RATES, Schedule, train


@dataclass(frozen=True)
class OutOfFold:
    """What the models of one unit predict for rows that they were not trained on.

    Shapes: predictions (candidates, rates, checkpoints, n) or (..., n, classes), in the unit of the target or as
    probabilities, 0 where nothing predicts a row or the fit diverged; diverged (candidates, rates, folds); held (n),
    the fold that held each row out, -1 where none did. Rows of `Plan.judge` have the mean of all folds' models.

    `rates`: learning rates, of a model that was solved by least squares penalties; `steps`: those of the checkpoints.
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
    steps: int | None = None,
    alive: Callable[[], None] = lambda: None,
) -> OutOfFold:
    """Return what every candidate predicts out of fold; the same plan and unit give the same again.

    `steps`: those of the plan where none are given. `alive` is called once a step of training, and may raise to end it.
    Raises: what `alive` raises.
    """
    schedule = Schedule(plan.question.seed + unit.repeat, tuple(rates), steps or plan.steps)
    outputs = train(
        prepared_folds(plan, unit.repeat),
        [trained(plan, unit.repeat, candidate) for candidate in plan.candidates],
        starts(plan, unit.repeat),
        unit.model,
        schedule,
        weights=None if plan.weights is None else as_tensor(plan.weights / plan.weights.mean()),
        alive=alive,
    )
    predictions = outputs.predictions.numpy()
    return OutOfFold(
        unit=unit,
        predictions=predictions[..., 0] if plan.target.outputs == 1 else predictions,
        diverged=outputs.diverged.numpy(),
        held=plan.partitions[unit.repeat],
        rates=schedule.rates,
        steps=schedule.checkpoints,
    )
