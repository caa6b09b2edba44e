"""Plans of experiments: what is refused before anything trains, and what is left out."""

from typing import Any

import numpy as np
import pytest

from recommender.errors import BadExperiment, UnknownMetric
from recommender.experiment import plan
from recommender.experiment.candidates import USUAL, candidates_of
from recommender.experiment.target import read_target
from recommender.profile import Goal, Profile
from recommender.tasks import read_task
from tests.recommender.experiment.tables import asked, table

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


def test_rows_of_no_weight_are_left_out_and_it_is_said() -> None:
    planned = plan(asked(weights="w"), {**table(), "w": (np.arange(300) % 3).astype(float)})

    assert planned.n == 200
    assert any("weight 0" in text.en for text in planned.notices)


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


OTHERS = {"binary": ["mse", "listnet", "focal_softmax"], "multiclass": ["mae", "bce", "coral"], "count": ["bce"]}


@pytest.mark.parametrize(("task", "objective"), [(task, each) for task, own in OTHERS.items() for each in own])
def test_losses_of_other_tasks_are_refused_and_those_that_fit_are_named(task: str, objective: str) -> None:
    columns = {**table(), "y": np.digitize(table()["y"], [0] if task == "binary" else [-1, 1])}

    with pytest.raises(BadExperiment, match="does not fit") as refusal:
        plan(asked(task=task, candidates=[objective]), columns)

    assert USUAL[read_task(task)][0] in str(refusal.value)
