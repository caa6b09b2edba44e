"""Scores from the user's own loop are judged as an experiment's are."""

import numpy as np
import pytest

from recommender.errors import BadExperiment, UnknownMetric
from recommender.experiment import ScoresQuestion, verdict_of_scores

FOLDS = np.random.default_rng(0).normal(10, 1, 15)
SCORES = {"mse": (FOLDS + 3).tolist(), "huber": FOLDS.tolist(), "mae": (FOLDS + 0.02).tolist()}


def asked(**fields: object) -> ScoresQuestion:
    return ScoresQuestion.model_validate({"metric": "mae", "scores": SCORES, "folds": 5, "rows": 1000, **fields})


def test_what_is_clearly_worse_is_replaced_and_what_is_as_good_is_tied() -> None:
    verdict = verdict_of_scores(asked())

    assert (verdict.chosen, verdict.incumbent, verdict.better) == ("huber", "mse", True)
    assert verdict.tied_with == ["mae"]
    assert [standing.name for standing in verdict.standings] == ["huber", "mae", "mse"]
    assert sum(standing.probability_best for standing in verdict.standings) == pytest.approx(1)


def test_the_incumbent_is_kept_where_it_is_as_good_and_higher_scores_win_where_higher_is_better() -> None:
    kept = verdict_of_scores(asked(scores={"huber": SCORES["huber"], "mae": (FOLDS - 0.01 * FOLDS**0).tolist()[::-1]}))
    highest = verdict_of_scores(asked(metric="auc"))

    assert kept.chosen == "huber"
    assert highest.chosen == "mse"
    assert verdict_of_scores(asked(), "zh").summary.endswith("。")


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"scores": {"mse": [1.0, 2.0], "mae": [1.0, 2.0, 3.0]}, "folds": 2}, "one score a fold"),
        ({"folds": 4}, "whole repeats"),
        ({"incumbent": "hinge"}, "none of the losses"),
    ],
)
def test_scores_that_do_not_fit_one_another_are_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(BadExperiment, match=said):
        verdict_of_scores(asked(**fields))


def test_a_metric_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownMetric):
        verdict_of_scores(asked(metric="rmes"))


def test_a_ratio_is_best_at_one_and_not_at_its_lowest() -> None:
    noise = np.random.default_rng(1).normal(0, 0.01, 5)
    scores = {"honest": (1.02 + noise).tolist(), "half": (0.5 + noise).tolist()}

    verdict = verdict_of_scores(ScoresQuestion(metric="ratio_of_totals", scores=scores, folds=5))

    assert verdict.chosen == "honest"
    assert verdict.tied_with == []
    assert verdict.standings[0].value == pytest.approx(1.02, abs=0.02)


def test_losses_that_are_equal_in_truth_have_no_lead() -> None:
    draw = np.random.default_rng(0)
    leads = []
    for _ in range(300):
        rows = 1 + 0.1 * draw.normal(size=(4, 5))  # what a loss scores on a fold stays when the repeats are alike
        scores = {f"loss {place}": np.tile(row, 3).tolist() for place, row in enumerate(rows)}
        leads.append(verdict_of_scores(ScoresQuestion(metric="mae", scores=scores, folds=5)).lead)

    assert abs(float(np.mean(np.array(leads, dtype=float)))) < 0.01
