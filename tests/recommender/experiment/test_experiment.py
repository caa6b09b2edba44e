"""Experiments: what is trained on which rows, and what the verdict says."""

from dataclasses import replace

import numpy as np
import pytest

from recommender.experiment import plan, run_unit, verdict
from recommender.experiment.judging.comparison import compare
from recommender.experiment.training.train import RATES
from tests.recommender.experiment.tables import FEW_RATES, FEW_STEPS, asked, predicted, report_of, table


def test_rows_held_out_are_never_trained_on_and_all_folds_predict_them() -> None:
    columns = {**table(), "last": np.arange(300) >= 240}

    planned = plan(asked(held_out="last", candidates=["mse"]), columns)
    output = run_unit(planned, planned.units[0], rates=FEW_RATES, steps=FEW_STEPS)

    assert planned.judge.sum() == 60
    assert (output.fold_of_row[planned.judge] == -1).all()
    assert all(not planned.judge[planned.training_rows(0, fold)].any() for fold in range(3))
    error = output.predictions[0, 0, -1] - columns["y"]
    assert abs(error[planned.judge]).mean() < 2 * abs(error[~planned.judge]).mean()


def test_rows_held_out_judge_what_the_folds_chose() -> None:
    columns = {**table(), "last": np.arange(300) >= 240}

    report = report_of(columns, held_out="last", candidates=["mse"])
    without = report_of(table(), candidates=["mse"])

    assert all(standing.held_out == pytest.approx(standing.value, rel=0.5) for standing in report.standings)
    assert all(standing.held_out is None for standing in without.standings)


def test_nothing_of_the_rows_that_a_fold_holds_out_enters_its_models() -> None:
    columns = {**table(), "y": table()["y"] + 20}
    question = asked(candidates=["mae", "msle", "tukey_biweight(c=4)"])
    is_held_out = plan(question, columns).partitions[0] == 0
    moved = {**columns, "y": np.where(is_held_out, 5.0 + columns["y"] ** 2, columns["y"])}

    first, second = predicted(question, columns), predicted(question, moved)

    for objective in question.candidates:
        apart = abs(first[objective] - second[objective]).max((0, 1))
        assert apart[is_held_out].max() < 1e-3  # rounding: another number of candidates takes part
        assert apart[~is_held_out].max() > 1


def test_amounts_get_log_links_and_numbers_robust_losses() -> None:
    amounts = {**table(), "y": np.exp(table()["y"])}

    of_amounts = {candidate.objective: candidate.link for candidate in plan(asked(), amounts).candidates}
    of_numbers = " ".join(candidate.objective for candidate in plan(asked(), table()).candidates)

    assert of_amounts["msle"] == "log1p"
    assert of_amounts["poisson_nll"] == "log"
    assert "barron_general(alpha=0" in of_numbers
    assert "tukey_biweight" in of_numbers
    assert "msle" not in of_numbers


def test_probabilities_of_bent_losses_are_repaired() -> None:
    columns = {**table(), "y": (table()["y"] > 2).astype(float)}
    objectives = ["bce", "bce(pos_weight=20)", "focal(alpha=0.9)"]

    planned = plan(asked(candidates=objectives), columns)
    output = run_unit(planned, planned.units[0], rates=(0.03,), steps=200)

    share = columns["y"].mean()
    for place, candidate in enumerate(planned.candidates):
        assert output.predictions[place, 0, -1].mean() == pytest.approx(share, abs=0.06), candidate.objective


def test_no_loss_calls_anything_impossible() -> None:
    columns = {"a": 20 * table()["a"], "y": np.digitize(table()["a"], [-1, 1])}  # classes that a line tells apart

    planned = plan(asked(candidates=["sparse_categorical_ce(label_smoothing=0.3)"]), columns)
    output = run_unit(planned, planned.units[0], rates=(0.3,), steps=400)

    for predictions in output.predictions[:, 0, -1]:
        assert 0.5 / len(predictions) < predictions.min() < 2 / len(predictions)
        assert predictions.sum(1) == pytest.approx(1, abs=1e-5)


def test_an_indicator_of_few_rows_is_not_ten_deviations_out() -> None:
    columns = {"rare": np.arange(300) < 3, "y": table()["y"]}

    (prepared,) = plan(asked(), columns).features.prepared(np.arange(300)).T

    assert np.ptp(prepared) == pytest.approx(2, abs=1e-5)
    assert prepared.mean() == pytest.approx(0, abs=1e-5)


def test_a_fit_that_diverges_is_called_so_and_harms_no_other() -> None:
    columns = {**table(), "y": table()["y"] + 50}

    planned = plan(asked(candidates=["mse", "mae"]), columns)
    output = run_unit(planned, planned.units[0], rates=(0.03, 1e6), steps=FEW_STEPS)

    assert output.diverged[:, 1].all()
    assert not output.diverged[:, 0].any()
    assert np.isfinite(output.predictions).all()


def test_a_fit_that_lost_sight_of_the_targets_is_called_diverged() -> None:
    planned = plan(asked(candidates=["tukey_biweight(c=0.5)", "mae"], models=["mlp"]), table())

    output = run_unit(planned, planned.units[0], rates=(0.003, 3.0), steps=FEW_STEPS)

    names = [candidate.objective for candidate in planned.candidates]
    assert output.diverged[names.index("tukey_biweight(c=0.5)"), 1].all()
    assert not output.diverged[:, 0].any()


@pytest.mark.parametrize("metric", ["rmse", "mae"])
def test_what_diverged_is_named_and_takes_no_part(metric: str) -> None:
    planned = plan(asked(candidates=["mse", "mae"], goal={"metric": metric}), table())
    output = run_unit(planned, planned.units[0], rates=FEW_RATES, steps=FEW_STEPS)
    names = [candidate.objective for candidate in planned.candidates]
    gone = np.array([name == "mse" for name in names])

    report = verdict(planned, [replace(output, diverged=output.diverged | gone[:, None, None])])

    standings = {standing.objective: standing for standing in report.standings}
    assert standings["mse"].diverged
    assert standings["mse"].value is None
    assert not standings["mse"].tied
    assert standings["mae"].value is not None
    assert any("mse" in text and "diverged" in text for text in report.warnings)


@pytest.mark.parametrize("metric", ["log_loss", "auc", "brier", "average_precision", "balanced_accuracy", "f1", "mcc"])
def test_binary_targets_of_texts_are_judged_by_each_metric(metric: str) -> None:
    columns = table()
    columns["y"] = np.where(columns["y"] > 0, "yes", "no").astype(object)

    report = report_of(columns, goal={"metric": metric})

    best = report.standings[0]
    assert report.task == "binary"
    assert best.value is not None
    assert 0 < best.value < 1.2
    assert any("numbered in this order: no is 0, yes is 1" in text for text in report.warnings)


def test_several_classes_and_counts_are_trained() -> None:
    columns = table()
    classes = {**columns, "y": np.digitize(columns["y"], [-1, 1])}
    counts = {**columns, "y": np.random.default_rng(0).poisson(np.exp(columns["a"] / 2))}

    assert report_of(classes, task="multiclass").metric == "log_loss"
    assert report_of(counts, task="count").metric == "poisson_deviance"


def test_linear_models_get_to_the_bottom_of_the_log_loss_of_classes_far_apart() -> None:
    rng = np.random.default_rng(0)
    classes = np.arange(150) % 3
    x = np.array([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0]])[classes] + rng.normal(0, 0.7, (150, 2))
    columns = {"a": x[:, 0], "b": x[:, 1], "y": classes}
    planned = plan(asked(task="multiclass", candidates=["sparse_categorical_ce"]), columns)

    usual, slower = (
        verdict(planned, [run_unit(planned, planned.units[0], rates=rates)]).standings[0].value
        for rates in (None, RATES)
    )

    assert usual is not None
    assert slower is not None
    assert usual < 0.9 * slower  # both end where the rule of succession does, above 0.016


def test_grades_are_trained_with_thresholds_and_judged_in_their_order() -> None:
    columns = {**table(), "y": np.digitize(table()["y"], [-2, 0, 2])}

    report = report_of(columns, task="ordinal")

    values = {standing.objective: standing.value for standing in report.standings}
    assert report.metric == "ranked_probability_score"
    assert {"corn", "coral", "ordinal_emd2", "sparse_categorical_ce"} <= set(values)
    assert all(0 < value < 0.2 for value in values.values())


def test_kappa_is_judged_on_grades_and_chosen_by_a_proper_score() -> None:
    columns = {**table(), "y": np.digitize(table()["y"], [-2, 0, 2])}

    report = report_of(columns, task="ordinal", goal={"metric": "qwk"}, candidates=["corn"])

    assert 0.5 < report.standings[0].value <= 1


def test_several_labels_a_row_are_trained_and_judged_label_by_label() -> None:
    source = table()
    labels = np.stack([source["a"] > 0, source["b"] > 1, source["y"] > 2], 1).astype(float)

    report = report_of({**source, "y": labels}, goal={"metric": "auc"})

    assert report.task == "multilabel"
    assert {"bce", "focal"} <= {standing.objective for standing in report.standings}
    assert report.standings[0].value > 0.9


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_a_quantile_is_learnt_and_judged_as_one(quantile: float) -> None:
    columns = table(600)

    planned = plan(asked(goal={"quantile": quantile}), columns)
    output = run_unit(planned, planned.units[0], rates=(0.03,), steps=200)

    names = [candidate.objective for candidate in planned.candidates]
    below = columns["y"] < output.predictions[names.index(f"quantile(quantile={quantile})"), 0, -1]
    assert planned.metric == "pinball"
    assert below.mean() == pytest.approx(quantile, abs=0.06)


def test_lists_of_numbers_are_features_as_a_backbone_puts_them_out() -> None:
    source = table()
    columns = {"embedding": np.stack([source[name] for name in "abc"], 1).tolist(), "y": source["y"]}

    assert plan(asked(), columns).features.numbers.shape == (300, 3)


def test_a_seed_gives_the_same_verdict_twice() -> None:
    first, second = (report_of(table(outliers=10), candidates=["mse", "mae"], seed=7) for _ in range(2))

    assert first == second


def test_the_incumbent_is_kept_unless_clearly_beaten_and_ties_are_a_set() -> None:
    rng = np.random.default_rng(0)
    folds = rng.normal(10, 1, 15)
    costs = np.stack([folds, folds + rng.normal(0, 0.5, 15), folds + 5 + rng.normal(0, 0.1, 15)])

    comparison = compare(costs, incumbent=0, folds=5, valid=np.ones(3, bool), seed=0)

    assert comparison.chosen == 0
    assert comparison.tied.tolist() == [True, True, False]
    assert comparison.probability_best.sum() == pytest.approx(1)
    assert comparison.probability_best[2] == 0


def test_what_diverged_takes_no_part() -> None:
    costs = np.array([[1.0, 1.1, 0.9], [np.inf, 1.0, 1.0]])

    comparison = compare(costs, incumbent=1, folds=3, valid=np.array([True, False]), seed=0)

    assert comparison.chosen == 0
    assert not comparison.tied[1]
    assert not comparison.better
