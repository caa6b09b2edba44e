"""Tables for experiments that tests run, and what such an experiment reports."""

from typing import Any

import numpy as np

from recommender.experiment import ExperimentQuestion, plan, run_unit, verdict

FEW_STEPS, FEW_RATES = 40, (0.03,)


def table(n: int = 300, *, outliers: int = 0, seed: int = 0) -> dict[str, Any]:
    """Return columns of which the target `y` is a sum, some of its values far out."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 3))
    y = x @ np.array([2.0, -1.0, 0.5]) + rng.normal(size=n)
    y[:outliers] += 30
    kind = np.where(x[:, 0] > 0, "left", "right").astype(object)
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "kind": kind, "y": y}


def asked(**fields: Any) -> ExperimentQuestion:  # noqa: ANN401 - any field of the question
    return ExperimentQuestion(**{"target": "y", "models": ["linear"], "folds": 3, "repeats": 1, **fields})


def report_of(columns: dict[str, Any], **fields: Any) -> Any:  # noqa: ANN401 - as above
    planned = plan(asked(**fields), columns)
    outputs = [run_unit(planned, unit, rates=FEW_RATES, steps=FEW_STEPS) for unit in planned.units]
    return verdict(planned, outputs)


def predicted(question: ExperimentQuestion, columns: dict[str, Any]) -> dict[str, Any]:
    """Return what each objective predicts out of fold."""
    planned = plan(question, columns)
    output = run_unit(planned, planned.units[0], rates=FEW_RATES, steps=FEW_STEPS)
    return {candidate.objective: output.predictions[place] for place, candidate in enumerate(planned.candidates)}
