"""Experiments: what is refused before anything trains, what trains at once, and what the verdict says."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from recommender.errors import BadExperiment, UnknownMetric
from recommender.experiment import ExperimentQuestion, plan, run_unit, verdict
from recommender.experiment.candidates import USUAL, candidates_of
from recommender.experiment.judging.comparison import compare
from recommender.experiment.judging.readings import judge_models
from recommender.experiment.judging.selection import ratios_of_totals
from recommender.experiment.run import solve_unit
from recommender.experiment.target import read_target
from recommender.experiment.training.train import RATES
from recommender.profile import Goal, Profile
from recommender.tasks import read_task

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


BAD = [
    ("constant", {"y": np.ones(60)}, {}, "target", "one value"),
    ("three rows", {name: column[:3] for name, column in table().items()}, {}, "dataset", "3 rows"),
    ("no such column", {}, {"target": "kinds"}, "target", "Did you mean kind"),
    ("a copy of the target", {"d": table()["y"] * 2 + 1}, {"features": ["d", "a"]}, "features", "the target itself"),
    ("texts for regression", {"y": table()["kind"]}, {"task": "regression"}, "target", "texts"),
    ("a loss of classes", {}, {"candidates": ["bce", "focal_softmax"]}, "candidates", "does not fit"),
    ("a metric of classes", {}, {"goal": {"metric": "auc"}}, "goal.metric", "does not fit regression"),
    ("MAPE with zeros", {"y": np.arange(60.0)}, {"goal": {"metric": "mape"}}, "goal.metric", "without zeros"),
    ("lists of three lengths", {"y": [[1.0] * (k % 3) for k in range(300)]}, {}, "dataset", "lists of one length"),
    ("a label without a positive", {"y": np.tile([0, 1], (300, 1))}, {}, "target", "Label 0 is the same"),
    ("a held-out part of all rows", {"h": np.ones(300)}, {"held_out": "h"}, "held_out", "true in some rows"),
    ("weights below zero", {"w": -np.ones(300)}, {"weights": "w"}, "weights", "0 or more"),
    ("all of the target missing", {"y": [None] * 300}, {}, "dataset", "0 rows have a target"),
    (
        "groups in time",
        {"g": np.arange(300) % 30, "t": np.arange(300)},
        {"groups": "g", "order": "t"},
        "groups",
        "whole",
    ),
    ("a class that comes late", {"y": np.arange(300) > 200, "t": np.arange(300)}, {"order": "t"}, "order", "one class"),
    (
        "a class in one group",
        {"y": np.arange(300) < 9, "g": np.arange(300) // 10},
        {"groups": "g"},
        "groups",
        "one class",
    ),
    ("two groups", {"g": np.arange(300) % 2}, {"groups": "g"}, "groups", "2 groups"),
    ("a class of two rows", {"y": np.r_[np.zeros(298), 1, 1]}, {"task": "binary"}, "target", "fewer than"),
    ("nothing to predict from", {}, {"features": ["y"]}, "features", "No column"),
]


@pytest.mark.parametrize(("columns", "fields", "field", "said"), [bad[1:] for bad in BAD], ids=[bad[0] for bad in BAD])
def test_what_cannot_be_run_is_refused_before_anything_trains(
    columns: dict[str, Any], fields: dict[str, Any], field: str, said: str
) -> None:
    with pytest.raises(BadExperiment) as refusal:
        plan(asked(**fields), {**table(), **columns} if len(columns) < 5 else columns)

    assert refusal.value.facts["field"] == field
    assert said in str(refusal.value)


def test_an_unknown_metric_is_refused_with_the_nearest() -> None:
    with pytest.raises(UnknownMetric, match="Did you mean rmse"):
        plan(asked(goal={"metric": "rmes"}), table())


def test_ten_thousand_columns_are_refused_with_the_limit() -> None:
    columns = {**table(60), **{f"x{place}": np.arange(60.0) for place in range(10_000)}}

    with pytest.raises(BadExperiment, match="at most 2,000"):
        plan(asked(), columns)


def test_columns_without_use_are_left_out_and_named() -> None:
    columns = {**table(), "copy": table()["y"], "empty": [None] * 300, "id": [f"row {k}" for k in range(300)]}

    planned = plan(asked(), columns)

    assert planned.features.names == ("a", "b", "c", "kind")
    assert {"copy", "empty", "id"} <= set(" ".join(text.en for text in planned.notices).replace(":", " ").split())


def test_groups_stay_whole_and_time_goes_forward() -> None:
    group = np.arange(300) // 10
    columns = {**table(), "g": group, "t": np.arange(300)[::-1]}

    (fold_of_row,) = plan(asked(groups="g"), columns).partitions
    ordered = plan(asked(order="t"), columns)

    assert all(len(set(fold_of_row[group == one])) == 1 for one in range(30))
    (forward,) = ordered.partitions
    assert (forward[columns["t"] < 75] == -1).all()
    assert (np.diff(forward[np.argsort(columns["t"])]) >= 0).all()


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


def test_rows_of_no_weight_are_left_out_and_it_is_said() -> None:
    planned = plan(asked(weights="w"), {**table(), "w": (np.arange(300) % 3).astype(float)})

    assert planned.n == 200
    assert any("weight 0" in text.en for text in planned.notices)


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


def predicted(question: ExperimentQuestion, columns: dict[str, Any]) -> dict[str, Any]:
    """Return what each objective predicts out of fold."""
    planned = plan(question, columns)
    output = run_unit(planned, planned.units[0], rates=FEW_RATES, steps=FEW_STEPS)
    return {candidate.objective: output.predictions[place] for place, candidate in enumerate(planned.candidates)}


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


def test_a_smoothed_loss_calls_nothing_impossible() -> None:
    columns = {**table(), "y": np.digitize(table()["y"], [-1, 1])}

    planned = plan(asked(candidates=["sparse_categorical_ce(label_smoothing=0.3)"]), columns)
    output = run_unit(planned, planned.units[0], rates=(0.1,), steps=200)

    smoothed = next(place for place, own in enumerate(planned.candidates) if "smoothing" in own.objective)
    predictions = output.predictions[smoothed, 0, -1]
    assert predictions.min() > 0.5 / len(predictions)
    assert predictions.sum(1) == pytest.approx(1, abs=1e-5)


def test_one_objective_by_two_names_takes_part_once_unless_it_is_asked_for() -> None:
    target, _ = read_target(np.digitize(table()["y"], [-1, 1]).astype(float), "multiclass")
    one_hot, goal = Profile(label_encoding="onehot"), Goal()  # books name categorical_ce, the usual ones are of ids

    automatic, books = candidates_of(None, target, one_hot, goal)
    named, _ = candidates_of(["categorical_ce", "sparse_categorical_ce"], target, one_hot, goal)

    cross_entropies = {"categorical_ce", "sparse_categorical_ce"}
    assert books["evidence"] == "categorical_ce"
    assert cross_entropies & {candidate.objective for candidate in automatic} == {"categorical_ce"}
    assert "usual" in automatic[0].origins
    assert cross_entropies <= {candidate.objective for candidate in named}


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


OTHERS = {"binary": ["mse", "listnet", "focal_softmax"], "multiclass": ["mae", "bce", "coral"], "count": ["bce"]}


@pytest.mark.parametrize(("task", "objective"), [(task, each) for task, own in OTHERS.items() for each in own])
def test_losses_of_other_tasks_are_refused_and_those_that_fit_are_named(task: str, objective: str) -> None:
    columns = {**table(), "y": np.digitize(table()["y"], [0] if task == "binary" else [-1, 1])}

    with pytest.raises(BadExperiment, match="does not fit") as refusal:
        plan(asked(task=task, candidates=[objective]), columns)

    assert USUAL[read_task(task)][0] in str(refusal.value)


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
    assert usual < 0.8 * slower


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
