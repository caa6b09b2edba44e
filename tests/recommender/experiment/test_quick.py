"""Linear models that are solved in place of trained: they are those of scikit-learn, and the verdict is a verdict."""

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import LinearRegression, PoissonRegressor, QuantileRegressor

from recommender.errors import BadExperiment
from recommender.experiment import ExperimentQuestion, plan, quick
from recommender.experiment.run import solve_unit


def table(n: int = 400) -> dict[str, Any]:
    """Return columns whose target is linear, a tenth of it far out."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(n, 3))
    y = x @ np.array([2.0, -1.0, 0.5]) + rng.normal(size=n)
    y[::10] += 25
    return {"a": x[:, 0], "b": x[:, 1], "c": x[:, 2], "y": y}


REFERENCES = {
    "mse": LinearRegression(),
    "mae": QuantileRegressor(quantile=0.5, alpha=0),
    "quantile(quantile=0.8)": QuantileRegressor(quantile=0.8, alpha=0),
    "poisson_nll": PoissonRegressor(alpha=0),
}


@pytest.mark.parametrize("objective", REFERENCES)
def test_a_solution_is_that_of_scikit_learn(objective: str) -> None:
    columns = table()
    if objective == "poisson_nll":
        columns["y"] = np.random.default_rng(1).poisson(np.exp(0.4 * columns["a"] + 0.5)).astype(float)
    x = np.stack([columns[name] for name in "abc"], 1)
    question = ExperimentQuestion(
        target="y", task="regression", candidates=[objective], models=["linear"], folds=3, repeats=1
    )

    planned = plan(question, columns)
    output = solve_unit(planned, planned.units[0])

    place = [candidate.objective for candidate in planned.candidates].index(objective)
    is_held_out = planned.partitions[0] == 0
    reference = REFERENCES[objective].fit(x[~is_held_out], columns["y"][~is_held_out]).predict(x[is_held_out])
    assert np.abs(output.predictions[place, 0, 0, is_held_out] - reference).mean() < 0.05 * columns["y"].std()


def test_a_quick_verdict_is_judged_like_any_other_and_is_the_same_twice() -> None:
    question = ExperimentQuestion(target="y", goal={"metric": "mae", "outliers": "errors"}, seed=3)  # type: ignore[arg-type] # as JSON

    first, second = quick(question, table()).report, quick(question, table()).report

    assert first == second
    assert {standing.model for standing in first.standings} == {"linear"}
    regrets = {standing.objective: standing.regret for standing in first.standings}
    assert regrets["mse"] == max(regret for regret in regrets.values() if regret is not None)
    assert first.verdict.objective != "mse"


def test_classes_are_trained_for_a_short_while() -> None:
    columns = {**table(), "y": np.where(table()["y"] > 1, "yes", "no").astype(object)}

    report = quick(ExperimentQuestion(target="y", folds=3), columns).report

    assert report.task == "binary"
    assert all(standing.value is not None for standing in report.standings)


def test_more_rows_than_a_request_has_time_for_are_sampled_and_it_is_said() -> None:
    columns = {"x": np.arange(20_100.0), "y": np.arange(20_100.0) % 97}

    report = quick(ExperimentQuestion(target="y", task="regression", candidates=["mse"], folds=3), columns).report

    assert report.rows == 20_000
    assert any("sample of 20,000 rows" in text for text in report.warnings)


@pytest.mark.parametrize("factor", [1e38, 1e200, 1e-30])
def test_a_target_beyond_what_models_are_trained_in_is_refused(factor: float) -> None:
    columns = {**table(60), "y": table(60)["y"] * factor}

    with pytest.raises(BadExperiment, match="power of ten"):
        quick(ExperimentQuestion(target="y", task="regression"), columns)


def test_features_may_be_of_any_size_and_infinities_in_them_are_missing() -> None:
    columns = table()
    plain = quick(ExperimentQuestion(target="y", task="regression", candidates=["mae"]), columns).report
    huge = quick(
        ExperimentQuestion(target="y", task="regression", candidates=["mae"]), {**columns, "a": columns["a"] * 1e200}
    ).report
    columns["b"][::7] = np.inf
    endless = quick(ExperimentQuestion(target="y", task="regression", candidates=["mae"]), columns).report

    assert huge.standings[0].value == pytest.approx(plain.standings[0].value, rel=1e-3)
    assert any("Infinities count as missing: b" in text for text in endless.warnings)
