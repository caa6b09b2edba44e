"""What would change the answer is said truly."""

from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.profile import Measured, Profile
from recommender.question import Question
from recommender.recommendation.answer import AtLeast, Below, Recommendation
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS
from recommender.rules.table import Rule, RulebookName
from recommender.tasks import Task
from tests.recommender.counterfactuals import moved


def ask(question: Question, rulebook: RulebookName, profile: Profile | None = None) -> Recommendation:
    facts = profile or question.profile
    return recommend(question.task, question.scenario, facts, question.goal, rulebook=rulebook)


def assert_true(question: Question, rulebook: RulebookName) -> None:
    answer = ask(question, rulebook)
    change = answer.counterfactual
    if change is None:
        return
    there = ask(question, rulebook, moved(question.profile, change))
    assert there.objective == change.objective != answer.objective


@pytest.mark.parametrize("row", ROWS, ids=[row.name for row in ROWS])
def test_the_announced_change_changes_the_answer_as_announced(row: Rule) -> None:
    assert_true(row.example(row.fires), row.book)
    assert_true(row.example(row.silent), row.book)


@given(
    st.sampled_from(Task),
    st.none() | st.floats(0, 1),
    st.none() | st.floats(1, 1e6),
    st.none() | st.floats(0, 1),
    st.none() | st.integers(1, 10**6),
)
def test_the_announced_change_is_true_of_any_profile(
    task: Task, outliers: float | None, imbalance: float | None, sparsity: float | None, classes: int | None
) -> None:
    facts = Profile(outlier_rate=outliers, class_imbalance=imbalance, mask_sparsity=sparsity, classes=classes)

    for rulebook in get_args(RulebookName):
        assert_true(Question(task, profile=facts), rulebook)


@pytest.mark.parametrize(
    ("task", "profile", "change"),
    [
        ("regression", Profile(outlier_rate=0.08), Below(fact="outlier_rate", below=0.003, objective="mse")),
        ("regression", Profile(outlier_rate=0.19), AtLeast(fact="outlier_rate", at_least=0.2, objective="mae")),
        (
            "regression",
            Profile(outlier_rate=0.001, residual_scale=10),
            AtLeast(fact="outlier_rate", at_least=0.003, objective="smooth_l1(beta=13.4)"),
        ),
        ("binary", Profile(), AtLeast(fact="class_imbalance", at_least=9, objective="focal(alpha=0.9)")),
        ("binary", Profile(class_imbalance=99), Below(fact="class_imbalance", below=9, objective="bce")),
        (
            "multiclass",
            Profile(classes=5000),
            Below(fact="classes", below=1000, objective="categorical_ce"),
        ),
        (
            "multiclass",  # classes decide nothing here, so a fact not measured comes next
            Profile(label_encoding="integer", classes=5000),
            AtLeast(fact="class_imbalance", at_least=9, objective="focal_softmax"),
        ),
        ("segmentation", Profile(mask_sparsity=0.99), Below(fact="mask_sparsity", below=0.95, objective="dice")),
        ("detection", Profile(), None),
        ("similarity", Profile(n=10), None),
    ],
)
def test_the_nearest_change_is_the_one_announced(task: str, profile: Profile, change: Below | AtLeast | None) -> None:
    assert recommend(task, profile=profile).counterfactual == change


@pytest.mark.parametrize(
    ("interval", "expected"),
    [((0.07, 0.09), False), ((0.002, 0.15), True), ((0.004, 0.25), True), (None, False)],
)
def test_an_interval_across_a_threshold_is_borderline(interval: tuple[float, float] | None, *, expected: bool) -> None:
    rate = Measured(value=0.08, interval=interval)

    answer = recommend("regression", profile=Profile(outlier_rate=rate))

    assert answer.borderline is expected
    assert answer.objective.startswith("smooth_l1")


@pytest.mark.parametrize(
    ("task", "profile", "rules"),
    [
        ("regression", Profile(outlier_rate=0.08), []),
        ("regression", Profile(outlier_rate=0.11), ["regression.many_outliers"]),
        ("regression", Profile(outlier_rate=0.002), ["regression.outliers"]),
        ("regression", Profile(outlier_rate=0.0), []),
        ("regression", Profile(outlier_rate=Measured(value=0.0, interval=(0, 0.02))), ["regression.outliers"]),
        ("binary", Profile(class_imbalance=5), ["classification.imbalanced"]),
        ("binary", Profile(class_imbalance=4), []),
        ("segmentation", Profile(mask_sparsity=0.91), ["segmentation.sparse"]),
        ("segmentation", Profile(mask_sparsity=0.5), []),
        ("multiclass", Profile(classes=501), ["multiclass.many_classes"]),
    ],
)
def test_rows_missed_by_a_factor_of_two_nearly_fired(task: str, profile: Profile, rules: list[str]) -> None:
    answer = recommend(task, profile=profile)

    assert [entry.rule for entry in answer.nearly] == rules
    assert all(entry.margin is not None and entry.margin <= 0 for entry in answer.nearly)
