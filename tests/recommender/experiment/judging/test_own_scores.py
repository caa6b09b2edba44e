"""Scores from the user's own loop are judged as an experiment's are."""

import numpy as np
import pytest
from sklearn.metrics import log_loss, mean_absolute_error

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


DRAW = np.random.default_rng(3)
TARGETS = [DRAW.normal(size=40) for _ in range(5)]
PREDICTIONS = {"far": [own + DRAW.normal(1, 0.2, 40) for own in TARGETS], "near": [own + 0.1 for own in TARGETS]}


HALVES = {"a": [[[0.5, 0.5]] * 40] * 5, "b": [[[0.5, 0.5]] * 40] * 5}


def of_predictions(**fields: object) -> ScoresQuestion:
    body = {
        "metric": "mae",
        "folds": 5,
        "targets": [own.tolist() for own in TARGETS],
        "predictions": {name: [own.tolist() for own in folds] for name, folds in PREDICTIONS.items()},
    }
    return ScoresQuestion.model_validate({**body, **fields})


def test_predictions_are_judged_as_their_scores_are() -> None:
    scores = {
        name: [float(mean_absolute_error(own, said)) for own, said in zip(TARGETS, folds, strict=True)]
        for name, folds in PREDICTIONS.items()
    }

    computed = verdict_of_scores(of_predictions())
    sent = verdict_of_scores(ScoresQuestion(metric="mae", scores=scores, folds=5, rows=200))

    assert computed.rows_judged == 200
    assert computed.chosen == "near"
    assert [row.value for row in computed.standings] == pytest.approx([row.value for row in sent.standings])
    assert computed.model_copy(update={"rows_judged": None, "standings": []}) == sent.model_copy(
        update={"standings": [], "lead": computed.lead}
    )


def test_where_outliers_are_errors_rows_that_every_loss_misses_do_not_judge() -> None:
    spoilt = [own.copy() for own in TARGETS]
    for own in spoilt:
        own[:4] += 50
    targets = [own.tolist() for own in spoilt]

    plain = verdict_of_scores(of_predictions(targets=targets))
    clean = verdict_of_scores(of_predictions(targets=targets, outliers="errors"))

    assert (plain.rows_judged, clean.rows_judged) == (200, 180)
    assert clean.standings[0].value == pytest.approx(0.1)
    assert plain.standings[0].value > 4


def test_a_noisy_metric_is_replaced_by_the_proper_score_and_scores_of_it_draw_a_warning() -> None:
    ids = [(own > 0).astype(float) for own in TARGETS]
    chances = {"sure": [0.5 + 0.4 * (own - 0.5) for own in ids], "unsure": [0.5 + 0.1 * (own - 0.5) for own in ids]}

    computed = verdict_of_scores(
        of_predictions(
            metric="balanced_accuracy",
            targets=[own.tolist() for own in ids],
            predictions={name: [own.tolist() for own in folds] for name, folds in chances.items()},
        )
    )
    sent = verdict_of_scores(asked(metric="f1"))

    assert (computed.metric, computed.chosen) == ("log_loss", "sure")
    assert computed.standings[0].value == pytest.approx(
        np.mean([log_loss(own, said, labels=[0, 1]) for own, said in zip(ids, chances["sure"], strict=True)])
    )
    assert "log loss chose" in computed.warnings[0]
    assert computed.summary.startswith("By log loss, keep sure")
    assert "log_loss" in sent.warnings[0]
    assert verdict_of_scores(asked()).warnings == []


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"targets": [own[:-1].tolist() for own in TARGETS]}, "each target"),
        ({"metric": "concordance"}, "send its scores"),
        ({"metric": "log_loss", "targets": [[1.0] * 40] * 5}, "probabilities from 0 to 1"),
        ({"metric": "mape", "targets": [[0.0] * 40] * 5}, "non-zero targets"),
        ({"metric": "brier", "targets": [[0.5] * 40] * 5}, "class ids"),
        ({"metric": "brier", "targets": [[-1.0] * 40] * 5}, "class ids"),
        ({"targets": [[]] * 5, "predictions": {"a": [[]] * 5, "b": [[]] * 5}}, "no row"),
        ({"predictions": {"a": [[[0.5, 0.5]] * 40] * 5, "b": [[[0.5, 0.5]] * 40] * 5}}, "a number a row"),
        ({"predictions": {"a": [[1e200] * 40] * 5, "b": [[0.0] * 40] * 5}, "metric": "rmse"}, "not defined on fold 0"),
        ({"metric": "qwk", "targets": [[1.0] * 40] * 5}, "a probability for each class"),
        ({"metric": "brier", "targets": [[2.0] * 40] * 5, "predictions": HALVES}, "ids are 0 to 1"),
        (
            {"metric": "brier", "targets": [[1.0] * 40] * 5, "predictions": {**HALVES, "b": [[[0.9, 0.5]] * 40] * 5}},
            "add up",
        ),
        ({"metric": "auc", "targets": [[1.0] * 40] * 5, "predictions": HALVES}, "every class in each fold"),
        ({"metric": "rmsle", "targets": [[1.0] * 40] * 5}, "0 or more"),
        ({"folds": 4}, "whole repeats"),
    ],
)
def test_predictions_that_cannot_be_judged_are_refused(fields: dict[str, object], said: str) -> None:
    with pytest.raises(BadExperiment, match=said):
        verdict_of_scores(of_predictions(**fields))


@pytest.mark.parametrize("fields", [{"scores": SCORES}, {"targets": None}, {"predictions": None}])
def test_scores_or_predictions_are_sent_and_not_both(fields: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="must have scores, or predictions with targets"):
        of_predictions(**fields)
