"""Runs one unit of an experiment: every candidate, with one kind of model, on one partition into folds."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from recommender.experiment.folds import Ids
from recommender.experiment.plan import Plan, Unit
from recommender.experiment.training.inputs import convex_starts, prepared_folds, relative_weights, starts, trained
from recommender.experiment.training.least_squares import SOLVED, fits, solve
from recommender.experiment.training.train import RATES, RATES_OF_CLASSES, Outputs, Schedule, train

QUICK_RATES, QUICK_STEPS = (0.01, 0.1), 160  # of a linear model that cannot be solved


@dataclass(frozen=True)
class OutOfFold:
    """What the models of one unit predict for rows that they were not trained on.

    Shapes: predictions (candidates, rates, checkpoints, n) or (..., n, classes), in the unit of the target or as
    probabilities, 0 where nothing predicts a row or the fit diverged; diverged (candidates, rates, folds);
    fold_of_row (n), the fold that held each row out, -1 where none did. Rows of `Plan.judge` have the mean over folds.

    `rates`: learning rates; `steps`: those of the checkpoints. Of models that were solved both are a single 0.
    """

    unit: Unit
    predictions: np.ndarray[Any, np.dtype[np.float32]]
    diverged: np.ndarray[Any, np.dtype[np.bool_]]
    fold_of_row: Ids
    rates: tuple[float, ...]
    steps: tuple[int, ...]


def run_unit(
    plan: Plan,
    unit: Unit,
    *,
    rates: Sequence[float] | None = None,
    steps: int | None = None,
    alive: Callable[[], None] = lambda: None,
) -> OutOfFold:
    """Return the out-of-fold predictions of every candidate; the result depends on the plan and the unit only.

    Args:
        plan: The plan.
        unit: The unit to run.
        rates: The learning rates; None for those of the unit.
        steps: The number of training steps; None for that of the plan.
        alive: Called once a training step; it may raise to stop.

    Raises: what `alive` raises.
    """
    usual = RATES_OF_CLASSES if plan.target.one_a_class and unit.model == "linear" else RATES
    schedule = Schedule(plan.question.seed + unit.repeat, tuple(rates or usual), steps or plan.steps)
    outputs = train(
        prepared_folds(plan, unit.repeat),
        [trained(plan, unit.repeat, candidate) for candidate in plan.candidates],
        starts(plan, unit.repeat),
        unit.model,
        schedule,
        weights=relative_weights(plan),
        alive=alive,
    )
    return _out_of_fold(plan, unit, outputs, schedule.rates, schedule.checkpoints)


def solve_unit(plan: Plan, unit: Unit) -> OutOfFold:
    """Return the same for a linear model in tenths of a second: solved where it can be, trained for a short while else.

    Solved are numbers from some dozens of features; a solution has no learning rate and no steps, said as 0.
    """
    folds = prepared_folds(plan, unit.repeat)
    rows, width = folds[0].features.shape
    if not all(candidate.link in SOLVED for candidate in plan.candidates) or not fits(rows, width):
        return run_unit(plan, unit, rates=QUICK_RATES, steps=QUICK_STEPS)
    entries = [trained(plan, unit.repeat, candidate) for candidate in plan.candidates]
    outputs = solve(folds, entries, convex_starts(plan, unit.repeat), relative_weights(plan))
    return _out_of_fold(plan, unit, outputs, (0.0,), (0,))


def _out_of_fold(
    plan: Plan, unit: Unit, outputs: Outputs, rates: tuple[float, ...], steps: tuple[int, ...]
) -> OutOfFold:
    """Return the outputs of a trained unit as out-of-fold predictions."""
    predictions = outputs.predictions.numpy()
    return OutOfFold(
        unit=unit,
        predictions=predictions[..., 0] if plan.target.outputs == 1 else predictions,
        diverged=outputs.diverged.numpy(),
        fold_of_row=plan.partitions[unit.repeat],
        rates=rates,
        steps=steps,
    )
