"""One row a task: what each row must hold, and what follows from it."""

import re
from typing import get_args

import pytest
import torch

from losses.contract.registry import catalogue
from recommender.errors import UnknownTask
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS
from recommender.tasks import METRIC_OF_AIM, PLACES, Scenario, Task, read_task
from tests.recommender.measure.measured import codes, number

NEW = [Task.COUNT, Task.ORDINAL, Task.RANKING, Task.SEQUENCE, Task.DISTILLATION]
every_task = pytest.mark.parametrize("task", Task)


@every_task
def test_a_row_is_complete(task: Task) -> None:
    row = task.row

    assert re.search("[\u4e00-\u9fff]", row.title.zh) or row.title.zh == row.title.en
    assert set(row.implies) <= set(Profile.model_fields)
    assert not set(row.other_names) & set(Task)
    if row.aim is None:
        assert row.metric
    else:
        values = [value for kind in get_args(Goal.model_fields[row.aim].annotation) for value in get_args(kind)]
        assert getattr(row.default_goal, row.aim) in values
        assert set(values) <= set(METRIC_OF_AIM)


def test_no_two_tasks_have_a_name_in_common() -> None:
    names = [name for task in Task for name in (task, *task.row.other_names)]

    assert len(set(names)) == len(names)


def test_every_scenario_means_one_task() -> None:
    assert set(PLACES) == set(Scenario)
    assert sum(len(task.row.places) for task in Task) == len(Scenario)
    assert all(task.row.in_article for task in Task if task.row.places)


def test_every_task_that_a_loss_names_is_a_task() -> None:
    assert {task for loss in catalogue().values() for task in loss.tasks} <= set(Task)


@pytest.mark.parametrize("task", sorted({task for loss in catalogue().values() for task in loss.tasks}))
def test_a_task_that_has_losses_is_answered_by_the_evidence_book(task: str) -> None:
    assert recommend(task).evidence


@every_task
def test_a_task_is_in_the_article_where_its_book_has_rows_for_it(task: Task) -> None:
    assert task.row.in_article == any(row.book == "article" and task in row.tasks for row in ROWS)


@every_task
def test_what_people_call_a_task_is_a_hint(task: Task) -> None:
    for name in task.row.other_names:
        with pytest.raises(UnknownTask) as refused:
            read_task(name)

        assert refused.value.facts["did_you_mean"] == task


@pytest.mark.parametrize("task", NEW)
@pytest.mark.parametrize("language", ["en", "zh"])
def test_where_the_article_is_silent_the_evidence_answers_and_a_warning_says_why(task: Task, language: str) -> None:
    answer = recommend(task, language=language)  # type: ignore[arg-type] # the two languages

    assert answer.article is None
    assert answer.agreement is None
    assert answer.recommended
    assert (answer.recommended.rulebook, answer.objective) == (
        "evidence",
        recommend(task, rulebook="evidence").objective,
    )
    reason = {notice.code: notice.text for notice in answer.warnings}["article-silent"]
    assert task in reason


@pytest.mark.parametrize(
    ("task", "profile", "goal", "objective"),
    [
        ("count", Profile(), Goal(), "poisson_nll"),
        ("count", Profile(dispersion=1.0), Goal(), "poisson_nll"),
        ("count", Profile(dispersion=3.0), Goal(), "poisson_nll"),
        ("count", Profile(dispersion=3.0), Goal(functional="median"), "mae"),
        ("count", Profile(), Goal(quantile=0.9), "quantile(quantile=0.9)"),
        ("count", Profile(), Goal(functional="distribution"), "negative_binomial_nll"),
        ("count", Profile(), Goal(coverage=0.8), "interval_score(alpha=0.2)"),
        ("survival", Profile(), Goal(), "cox"),
        ("survival", Profile(), Goal(functional="median"), "aft"),
        ("ordinal", Profile(), Goal(), "corn"),
        ("ordinal", Profile(), Goal(decision="probabilities"), "corn"),
        ("ordinal", Profile(), Goal(decision="accuracy"), "corn"),
        ("ranking", Profile(), Goal(), "lambda_loss"),
        ("ranking", Profile(), Goal(ranking="pairs"), "ranknet"),
        ("ranking", Profile(), Goal(ranking="top_one"), "lambda_loss"),
        ("sequence", Profile(), Goal(), "ctc"),
        ("distillation", Profile(), Goal(), "distillation_kl"),
    ],
)
def test_the_new_tasks_get_the_loss_of_their_goal(task: str, profile: Profile, goal: Goal, objective: str) -> None:
    assert recommend(task, profile=profile, goal=goal).objective == objective


def test_counts_are_measured_and_their_mean_is_learnt_alike_whatever_they_spread() -> None:
    poisson = torch.poisson(torch.full((4000,), 3.0), generator=torch.Generator().manual_seed(1))
    gamma = torch.distributions.Gamma(0.5, 0.5 / 3)
    torch.manual_seed(1)
    spread = torch.poisson(gamma.sample((4000,)))

    even, uneven = (measure_profile("count", targets) for targets in (poisson, spread))

    assert number(even, "dispersion") == pytest.approx(1, abs=0.1)
    assert recommend("count", profile=even.profile).objective == "poisson_nll"
    answer = recommend("count", profile=uneven.profile)
    assert (answer.objective, answer.evidence and answer.evidence.rule) == (
        "poisson_nll",
        "evidence.count.overdispersed",
    )
    assert "targets-look-like-labels" not in codes(even)


def test_targets_that_are_no_counts_are_told() -> None:
    assert "not-counts" in codes(measure_profile("count", torch.tensor([0.5, 1.0, 3.0])))
    assert "not-counts" not in codes(measure_profile("count", torch.tensor([0, 1, 3])))


@pytest.mark.parametrize("void", [255, -1])
def test_grades_are_measured_as_classes_and_void_ones_are_left_out(void: int) -> None:
    measured = measure_profile("ordinal", torch.tensor([0, 1, 1, 2, 3, 3, void]))

    assert number(measured, "classes") == 4
