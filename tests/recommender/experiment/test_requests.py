"""The experiment that an answer asks for can be run as it stands."""

from typing import Any

import numpy as np
import pytest

from losses.contract.expression import parse
from recommender.experiment import ExperimentQuestion, plan
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS
from recommender.rules.table import Rule
from recommender.tasks import Task

RANDOM = np.random.default_rng(0)
FEATURES = RANDOM.normal(size=(120, 2))
TARGETS: dict[Task, np.ndarray[Any, Any]] = {
    Task.REGRESSION: np.exp(FEATURES[:, 0] + 0.3 * RANDOM.normal(size=120)),
    Task.COUNT: 1.0 + RANDOM.poisson(np.exp(0.5 * FEATURES[:, 0])),
    Task.BINARY: (FEATURES[:, 0] > 0).astype(int),
    Task.MULTICLASS: np.digitize(FEATURES[:, 0], [-0.5, 0.5]),
}
ASKED = [(row, task) for row in ROWS if row.book == "evidence" for task in row.tasks if task in TARGETS]


@pytest.mark.parametrize(("row", "task"), ASKED, ids=[f"{row.name}, {task}" for row, task in ASKED])
def test_the_request_of_every_rule_is_planned_or_there_is_none(row: Rule, task: Task) -> None:
    there = row.example(row.fires)
    scenario = there.scenario if there.task is task else None

    answer = recommend(task, scenario, there.profile, there.goal, rulebook=row.book)

    request = answer.experiment.request
    if request is None:
        roles = {role for _, term in parse(answer.objective).terms for role in term.loss.required}
        extra = roles - {"predictions", "targets", "class_counts", "priors"}
        assert extra or there.profile.boxes or there.profile.support == "circular"
        return
    body = request.model_copy(update={"dataset": "ds_1", "target": "y"}).model_dump_json()
    planned = plan(
        ExperimentQuestion.model_validate_json(body),
        {"a": FEATURES[:, 0], "b": FEATURES[:, 1], "y": TARGETS[task]},
    )
    assert planned.goal.outliers == there.goal.outliers or there.goal.outliers is None


def test_most_rules_of_tables_ask_for_an_experiment() -> None:
    asked = [recommend(task, profile=row.example(row.fires).profile).experiment.request for row, task in ASKED]

    assert sum(request is not None for request in asked) > 0.8 * len(asked)
