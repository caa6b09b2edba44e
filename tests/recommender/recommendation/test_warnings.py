"""Warnings appear where they are true, and nowhere else."""

import pytest

from recommender.profile import Goal, Measured, Profile
from recommender.recommendation.recommend import recommend

NO_GOAL = Goal()
THREE_PRICED = ((0.0, 1.0, 5.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0))
ON_TARGETS = Measured(value=0.1, basis="targets")
ON_RESIDUALS = Measured(value=0.1, basis="residuals")

CASES = [
    ("goal-not-elicited", "regression", Profile(outlier_rate=0.5), Goal(functional="mean"), True),
    ("goal-not-elicited", "regression", Profile(outlier_rate=0.1), Goal(functional="median"), True),
    ("goal-not-elicited", "regression", Profile(outlier_rate=0.5), Goal(functional="median"), False),
    ("goal-not-elicited", "regression", Profile(outlier_rate=0.5), Goal(quantile=0.5), False),
    ("goal-not-elicited", "regression", Profile(outlier_rate=0.5), Goal(quantile=0.9), True),
    ("goal-not-elicited", "regression", Profile(outlier_rate=0.0), NO_GOAL, False),
    ("goal-not-elicited", "regression", Profile(), Goal(functional="distribution"), True),
    ("goal-not-elicited", "detection", Profile(), Goal(functional="mean"), False),
    ("goal-not-elicited", "binary", Profile(), Goal(functional="mean"), False),
    ("outliers-are-signal", "regression", Profile(outlier_rate=0.1), Goal(outliers="signal"), True),
    ("outliers-are-signal", "regression", Profile(outlier_rate=0.1), NO_GOAL, False),
    ("outliers-are-signal", "regression", Profile(), Goal(outliers="signal"), False),
    ("output-not-a-probability", "binary", Profile(class_imbalance=20), NO_GOAL, True),
    ("output-not-a-probability", "multiclass", Profile(class_imbalance=20), NO_GOAL, True),
    ("output-not-a-probability", "binary", Profile(), NO_GOAL, False),
    ("dice-is-not-iou", "segmentation", Profile(), NO_GOAL, True),
    ("dice-is-not-iou", "detection", Profile(), NO_GOAL, False),
    ("empty-masks", "segmentation", Profile(), Goal(empty_masks=True), True),
    ("empty-masks", "segmentation", Profile(), NO_GOAL, False),
    ("boundary-not-measured", "segmentation", Profile(), Goal(segmentation="boundary"), True),
    ("boundary-not-measured", "segmentation", Profile(), NO_GOAL, False),
    ("classes-contradict-task", "binary", Profile(classes=3), NO_GOAL, True),
    ("classes-contradict-task", "binary", Profile(classes=2), NO_GOAL, False),
    ("classes-contradict-task", "binary", Profile(classes=1), NO_GOAL, True),
    ("classes-contradict-task", "multilabel", Profile(classes=1), NO_GOAL, False),
    ("multilabel-contradicts-task", "multiclass", Profile(multilabel=True), NO_GOAL, True),
    ("multilabel-contradicts-task", "multilabel", Profile(multilabel=True), NO_GOAL, False),
    ("multilabel-contradicts-task", "multilabel", Profile(multilabel=False), NO_GOAL, True),
    ("multilabel-contradicts-task", "binary", Profile(multilabel=False), NO_GOAL, False),
    ("shares-disagree", "binary", Profile(positive_share=0.5, class_imbalance=20), NO_GOAL, True),
    ("shares-disagree", "binary", Profile(positive_share=0.05, class_imbalance=19), NO_GOAL, False),
    ("shares-disagree", "binary", Profile(positive_share=0.95, class_imbalance=19), NO_GOAL, False),
    ("measured-on-targets", "regression", Profile(outlier_rate=ON_TARGETS), NO_GOAL, True),
    ("measured-on-targets", "regression", Profile(outlier_rate=ON_RESIDUALS), NO_GOAL, False),
    ("few-items", "regression", Profile(n=49), NO_GOAL, True),
    ("few-items", "regression", Profile(n=50), NO_GOAL, False),
    ("fact-not-used", "regression", Profile(class_imbalance=3), NO_GOAL, True),
    ("fact-not-used", "segmentation", Profile(class_imbalance=3), NO_GOAL, True),
    ("fact-not-used", "binary", Profile(class_imbalance=3, positive_share=0.25, classes=2, n=99), NO_GOAL, False),
    ("fact-not-used", "regression", Profile(residual_scale=1, boxes=False), NO_GOAL, False),
    ("goal-not-used", "multiclass", Profile(), Goal(false_negative_cost=5.0), True),
    ("goal-not-used", "binary", Profile(), Goal(false_negative_cost=5.0), False),
    ("goal-not-used", "binary", Profile(), Goal(functional="median"), True),
    ("goal-not-used", "multiclass", Profile(), Goal(cost_matrix=THREE_PRICED), False),
    ("goal-not-used", "binary", Profile(), Goal(cost_matrix=((0.0, 1.0), (9.0, 0.0))), False),
    ("goal-not-used", "regression", Profile(), Goal(cost_matrix=THREE_PRICED), True),
    ("classes-contradict-task", "multiclass", Profile(classes=4), Goal(cost_matrix=THREE_PRICED), True),
    ("classes-contradict-task", "multiclass", Profile(classes=3), Goal(cost_matrix=THREE_PRICED), False),
    ("goal-not-used", "regression", Profile(), Goal(quantile=0.9), False),
    ("goal-not-used", "segmentation", Profile(), NO_GOAL, False),
    ("logits-cost-memory", "multiclass", Profile(classes=670_000, class_imbalance=1000), NO_GOAL, True),
    ("logits-cost-memory", "multiclass", Profile(classes=999), NO_GOAL, False),
    ("variance-is-infinite", "regression", Profile(tail_index=1.9), Goal(outliers="signal"), True),
    ("variance-is-infinite", "regression", Profile(tail_index=2.0), Goal(outliers="signal"), False),
    ("standardised-targets-assumed", "regression", Profile(outlier_rate=0.1), NO_GOAL, True),
    ("standardised-targets-assumed", "regression", Profile(outlier_rate=0.1, residual_scale=1), NO_GOAL, False),
]


@pytest.mark.parametrize(("code", "task", "profile", "goal", "expected"), CASES)
def test_a_warning_is_given_where_it_is_true(
    code: str, task: str, profile: Profile, goal: Goal, *, expected: bool
) -> None:
    english = recommend(task, profile=profile, goal=goal).warnings
    chinese = recommend(task, profile=profile, goal=goal, language="zh").warnings

    assert (code in {warning.code for warning in english}) is expected
    assert [warning.code for warning in english] == [warning.code for warning in chinese]
    for said, other in zip(english, chinese, strict=True):
        assert said.text.isascii()
        assert not other.text.isascii()


@pytest.mark.parametrize(
    ("task", "scenario", "expected"),
    [("regression", "spam", True), ("binary", "spam", False), ("detection", "small_objects", False)],
)
def test_a_scenario_of_another_task_is_pointed_out(task: str, scenario: str, *, expected: bool) -> None:
    codes = {warning.code for warning in recommend(task, scenario).warnings}

    assert ("scenario-outside-task" in codes) is expected


def test_the_papers_alpha_is_warned_of_where_a_rare_disease_was_not_measured() -> None:
    answer = recommend(scenario="rare_disease")

    assert answer.objective == "focal"
    assert "alpha-favours-negatives" in {warning.code for warning in answer.warnings}
