"""What the evidence book says of masks: each row on both sides of its edge, and how it stands to the article."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.recommendation.agreement import Agreement
from recommender.recommendation.answer import Recommendation
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS
from recommender.rules.table import Rule
from recommender.tasks import Task
from tests.recommender.counterfactuals import moved

MINE = [row for row in ROWS if row.book == "evidence" and Task.SEGMENTATION in row.tasks]

OVERLAP = Goal(segmentation="overlap", empty_masks=False)
WITH_EMPTY = Goal(segmentation="overlap", empty_masks=True)
BOUNDARY = Goal(segmentation="boundary")
PROBABILITIES = Goal(segmentation="probabilities")
OVER_THE_BATCH = "dice(group=batch) + bce"


def ask(profile: Profile, goal: Goal) -> Recommendation:
    return recommend("segmentation", profile=profile, goal=goal, rulebook="evidence")


STANDING: list[tuple[str, Profile, Goal, str, Agreement]] = [
    ("S1 dense", Profile(mask_sparsity=0.7), OVERLAP, "dice + bce", "refine"),
    ("S3 sparse", Profile(mask_sparsity=0.95), OVERLAP, "dice + bce", "refine"),
    ("S3 small", Profile(mask_sparsity=0.9, small_share=0.5), OVERLAP, "dice + bce", "refine"),
    ("one class in its background", Profile(classes=2), OVERLAP, "dice + bce", "refine"),
    ("several classes", Profile(classes=3), OVERLAP, "dice + categorical_ce", "refine"),
    ("several that overlap", Profile(classes=3, multilabel=True), OVERLAP, "dice + bce", "refine"),
    ("several, as probabilities", Profile(classes=3), PROBABILITIES, "categorical_ce", "conflict"),
    (
        "S4 recall",
        Profile(),
        Goal(segmentation="overlap", false_negative_cost=4.0),
        "tversky(alpha=0.2, beta=0.8)",
        "conflict",
    ),
    ("S5 mostly empty", Profile(empty_share=0.5), WITH_EMPTY, "bce", "conflict"),
    ("S5 some empty", Profile(empty_share=0.499), WITH_EMPTY, OVER_THE_BATCH, "refine"),
    ("S5 few empty", Profile(empty_share=0.0499, mask_sparsity=0.7), WITH_EMPTY, "dice + bce", "refine"),
    ("S5 not measured", Profile(), WITH_EMPTY, OVER_THE_BATCH, "refine"),
    ("S5 empty, not counted", Profile(empty_share=0.5, mask_sparsity=0.95), OVERLAP, "dice + bce", "refine"),
    ("S6 labels missing", Profile(missing_labels=True), OVERLAP, "dice", "agree"),
    ("S7 thin", Profile(thinness=10.0), OVERLAP, "dice + cldice", "refine"),
    ("S7 less thin", Profile(thinness=9.9), OVERLAP, "dice + bce", "refine"),
    ("S8 boundary", Profile(), BOUNDARY, "dice + hausdorff_dt", "refine"),
    (
        "S8 boundary, half empty and counted",
        Profile(empty_share=0.5),
        Goal(segmentation="boundary", empty_masks=True),
        "dice(group=batch) + bce + hausdorff_dt",
        "refine",
    ),
    ("S9 probabilities", Profile(mask_sparsity=0.99), PROBABILITIES, "bce", "conflict"),
    ("S10 tiny", Profile(mask_sparsity=0.999), OVERLAP, "dice + bce", "refine"),
    ("C4 nothing measured", Profile(), OVERLAP, "dice + bce", "refine"),
]


@pytest.mark.parametrize(
    ("profile", "goal", "objective", "standing"),
    [row[1:] for row in STANDING],
    ids=[f"{name}: {objective}, {standing}" for name, _, _, objective, standing in STANDING],
)
def test_the_books_stand_to_each_other_as_the_tables_say(
    profile: Profile, goal: Goal, objective: str, standing: Agreement
) -> None:
    answer = ask(profile, goal)

    assert answer.objective == objective
    assert answer.agreement == standing


every_row = pytest.mark.parametrize("row", MINE, ids=[row.name for row in MINE])


@every_row
def test_a_row_offers_something_to_compare_with(row: Rule) -> None:
    there = row.example(row.fires)

    assert 2 <= len(ask(there.profile, there.goal).experiment.candidates) <= 4


def assert_true(there: Question) -> None:
    answer = ask(there.profile, there.goal)
    change = answer.counterfactual
    if change is not None:
        changed = ask(moved(there.profile, change), there.goal)
        assert changed.objective == change.objective != answer.objective
    for other in answer.other_goals:
        whole = Goal(**{**there.goal.model_dump(exclude_none=True), **other.goal.model_dump(exclude_none=True)})
        assert ask(there.profile, whole).objective == other.objective


@every_row
def test_what_would_change_the_answer_does(row: Rule) -> None:
    assert_true(row.example(row.fires))
    assert_true(row.example(row.silent))


shares = st.none() | st.floats(0, 1)


@given(st.sampled_from([OVERLAP, WITH_EMPTY, BOUNDARY, PROBABILITIES]), shares, shares, shares)
def test_any_question_about_masks_is_answered_and_its_change_is_true(
    goal: Goal, sparsity: float | None, empty: float | None, small: float | None
) -> None:
    facts = Profile(mask_sparsity=sparsity, empty_share=empty, small_share=small)

    assert_true(Question(Task.SEGMENTATION, profile=facts, goal=goal))


@pytest.mark.parametrize(("cost", "alpha", "beta"), [(1.0, 0.5, 0.5), (9.0, 0.1, 0.9), (0.25, 0.8, 0.2)])
def test_misses_and_false_alarms_weigh_as_they_cost(cost: float, alpha: float, beta: float) -> None:
    answer = ask(Profile(), Goal(segmentation="overlap", false_negative_cost=cost))

    assert {parameter.name: parameter.value for parameter in answer.parameters} == {"alpha": alpha, "beta": beta}


def test_tiny_foreground_needs_patches_before_any_loss() -> None:
    answer = ask(Profile(mask_sparsity=0.9995), OVERLAP)

    assert "sample-foreground-patches" in {warning.code for warning in answer.warnings}
    assert "generalized_dice" in [out.objective for out in answer.ruled_out]


def test_weights_by_inverse_frequency_and_focal_loss_alone_are_ruled_out_for_sparse_masks() -> None:
    out = {ruled.objective for ruled in ask(Profile(mask_sparsity=0.99), OVERLAP).ruled_out}

    assert out == {"bce(pos_weight=100)", "focal"}
