"""Experiments on numbers with rows far out: the verdict where they are errors, signal, or nobody says which."""

import numpy as np
import pytest

from recommender.experiment import plan, run_unit, verdict
from recommender.experiment.judging.readings import judge_models
from recommender.experiment.judging.selection import ratios_of_totals
from recommender.experiment.run import solve_unit
from tests.recommender.experiment.tables import FEW_RATES, FEW_STEPS, asked, report_of, table


def test_a_robust_loss_wins_where_outliers_are_errors_and_loses_nothing_said() -> None:
    report = report_of(
        table(outliers=30), candidates=["mse", "mae", "tukey_biweight(c=5)"], goal={"outliers": "errors"}
    )

    values = {standing.objective: standing.value for standing in report.standings}
    assert values["mae"] < values["mse"]
    assert report.verdict.objective != "mse"
    assert {row.row for row in report.extreme_rows} <= set(range(30))
    assert report.verdict.summary.endswith(".")


def test_rows_that_nothing_predicts_do_not_narrow_what_the_candidates_agree_about() -> None:
    columns = {**table(), "t": np.arange(300)}

    report = report_of(columns, order="t", candidates=["mse", "mae"], goal={"outliers": "errors"})

    rows = int(report.verdict.selection.split(" on the ")[1].split(" rows")[0])
    assert rows > 0.95 * 300


def test_what_outliers_are_is_answered_both_ways_where_nobody_says() -> None:
    candidates = ["mse", "mae", "tukey_biweight(c=5)"]
    unsaid = report_of(table(outliers=30), candidates=candidates).verdict
    said = {
        outliers: report_of(table(outliers=30), candidates=candidates, goal={"outliers": outliers}).verdict
        for outliers in ("errors", "signal")
    }

    assert unsaid.if_outliers_are_errors is not None
    assert unsaid.if_outliers_are_errors.objective == said["errors"].objective
    assert unsaid.if_outliers_are_signal is not None
    assert unsaid.if_outliers_are_signal.objective == said["signal"].objective


def test_where_nobody_says_what_outliers_are_the_choice_loses_little_under_either_reading() -> None:
    planned = plan(asked(candidates=["mse", "mae", "tukey_biweight(c=5)"]), table(outliers=30))
    outputs = [run_unit(planned, unit, rates=FEW_RATES, steps=FEW_STEPS) for unit in planned.units]

    (judged,) = judge_models(planned, outputs)

    costs = np.stack([reading.mean(1) for reading in judged.judgement.readings])
    regrets = dict(zip([own.objective for own in planned.candidates], (costs.T / costs.min(1) - 1).max(1), strict=True))
    assert regrets[planned.candidates[judged.comparison.chosen].objective] < 0.1
    assert regrets["mse"] > 0.5


def test_where_nobody_says_what_outliers_are_worse_is_worse_under_both_readings() -> None:
    candidates = ["mse", "mae", "tukey_biweight(c=5)"]
    unsaid = report_of(table(outliers=30), candidates=candidates)
    signal = report_of(table(outliers=30), candidates=candidates, goal={"outliers": "signal"})

    assert not {standing.objective: standing.tied for standing in signal.standings}["tukey_biweight(c=5)"]
    assert all(standing.tied for standing in unsaid.standings)


@pytest.mark.parametrize("amounts", ["claims", "demand", "long tails"])
@pytest.mark.parametrize("seed", range(3))
def test_where_nobody_says_what_outliers_are_no_loss_is_chosen_that_misses_the_total(amounts: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(800, 2))
    mean = np.exp(2 + x @ np.array([0.4, -0.2]))
    drawn = {
        "claims": np.where(rng.random(800) < 0.9, 0.0, rng.gamma(2, 5 * mean)),
        "demand": rng.negative_binomial(0.3, 0.3 / (0.3 + mean)).astype(float),
        "long tails": rng.gamma(0.5, 2 * mean),
    }[amounts]
    planned = plan(asked(task="regression", models=["linear"]), {"a": x[:, 0], "b": x[:, 1], "y": drawn})
    outputs = [solve_unit(planned, unit) for unit in planned.units]

    (judged,) = judge_models(planned, outputs)

    ratios = ratios_of_totals(planned, outputs, judged.judgement)
    assert 0.8 <= ratios[judged.comparison.chosen] <= 1.25
    assert judged.short == {place: ratio for place, ratio in enumerate(ratios) if not 0.8 <= ratio <= 1.25} != {}
    assert not any(judged.comparison.tied[place] for place in judged.short)
    said = verdict(planned, outputs).warnings
    assert any("adds up to another total" in text and "goal.outliers=errors" in text for text in said)


def test_amounts_are_judged_with_their_large_values_and_without() -> None:
    columns = table()
    columns["y"] = np.exp(columns["y"])

    report = report_of(columns, candidates=["mse", "poisson_nll"])

    assert report.verdict.if_outliers_are_errors is not None
    assert "all 300 rows and on those" in report.verdict.selection
