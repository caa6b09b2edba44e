"""What the evidence book says of labels: each row on both sides of its edge, and how it stands to the article."""

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

LABELLED = {Task.BINARY, Task.MULTILABEL, Task.MULTICLASS}
MINE = [row for row in ROWS if row.book == "evidence" and LABELLED & set(row.tasks)]

PROBABILITIES = Goal(decision="probabilities")
RANKING = Goal(decision="ranking")
BALANCED = Goal(decision="balanced")
ACCURACY = Goal(decision="accuracy")
COST = Goal(false_negative_cost=10.0)


def ask(task: str, profile: Profile, goal: Goal) -> Recommendation:
    return recommend(task, profile=profile, goal=goal, rulebook="evidence")


FIRES_AND_SILENT = [
    # task, goal, facts that fire, objective, facts that do not, objective
    (
        "multiclass",
        Goal(metric="brier"),
        {"label_noise": 0.02, "classes": 5},
        "sparse_categorical_ce(label_smoothing=0.025)",
        {"label_noise": 0.0199, "classes": 5},
        "categorical_ce",
    ),
    ("binary", ACCURACY, {"label_noise": 0.02}, "bce(label_smoothing=0.04)", {"label_noise": 0.0199}, "bce"),
    ("binary", ACCURACY, {"label_noise": 0.2}, "bce(label_smoothing=0.1)", {"label_noise": 0.0}, "bce"),
    ("multilabel", RANKING, {"classes": 20, "positive_share": 0.0499}, "asymmetric", {"classes": 19}, "bce"),
    ("multiclass", ACCURACY, {"ordered": True}, "corn", {"ordered": False}, "categorical_ce"),
    ("multiclass", ACCURACY, {"label_noise": 0.2}, "generalized_ce", {}, "categorical_ce"),
    (
        "multiclass",
        ACCURACY,
        {"label_noise": 0.05, "classes": 5},
        "sparse_categorical_ce(label_smoothing=0.0625)",
        {"label_noise": 0.0199, "classes": 5},
        "categorical_ce",
    ),
    (
        "multiclass",
        ACCURACY,
        {"label_noise": 0.05, "label_encoding": "onehot"},
        "categorical_ce(label_smoothing=0.05)",
        {"label_noise": 0.01, "label_encoding": "onehot"},
        "categorical_ce",
    ),
    ("multiclass", ACCURACY, {"classes": 1000}, "sparse_categorical_ce", {"classes": 999}, "categorical_ce"),
    (
        "multiclass",
        ACCURACY,
        {"label_encoding": "integer"},
        "sparse_categorical_ce",
        {"label_encoding": "onehot"},
        "categorical_ce",
    ),
]


@pytest.mark.parametrize(
    ("task", "goal", "fires", "objective", "silent", "other"),
    FIRES_AND_SILENT,
    ids=[
        f"{objective} for {task}, {goal.decision}: {fires} not {silent}"
        for task, goal, fires, objective, silent, _ in FIRES_AND_SILENT
    ],
)
def test_a_fact_on_either_side_of_its_edge_gives_either_objective(
    task: str, goal: Goal, fires: dict[str, object], objective: str, silent: dict[str, object], other: str
) -> None:
    inside, outside = (ask(task, Profile.model_validate(facts), goal) for facts in (fires, silent))

    assert inside.objective == objective
    assert outside.objective == other


IMBALANCED = Profile(class_imbalance=19, positive_share=0.05)
STANDING: list[tuple[str, str, Profile, Goal, str, Agreement]] = [
    ("C1 probabilities", "binary", IMBALANCED, PROBABILITIES, "bce", "conflict"),
    ("C1 ranking", "binary", IMBALANCED, RANKING, "bce", "conflict"),
    ("C1 accuracy", "binary", IMBALANCED, ACCURACY, "bce", "conflict"),
    ("C1 balanced", "binary", IMBALANCED, BALANCED, "bce", "conflict"),
    ("C1 costs", "binary", IMBALANCED, COST, "bce", "conflict"),
    ("C1 many classes", "multiclass", Profile(class_imbalance=19), PROBABILITIES, "categorical_ce", "conflict"),
    (
        "C1 long tail",
        "multiclass",
        Profile(class_imbalance=100, classes=10),
        BALANCED,
        "logit_adjusted",
        "conflict",
    ),
    (
        "C1 labels",
        "multilabel",
        Profile(class_imbalance=100, classes=80, positive_share=0.036),
        RANKING,
        "asymmetric",
        "conflict",
    ),
    ("K1", "binary", Profile(class_imbalance=2), PROBABILITIES, "bce", "agree"),
    ("K2", "multilabel", Profile(), PROBABILITIES, "bce", "agree"),
    ("K3", "multiclass", Profile(label_encoding="onehot"), PROBABILITIES, "categorical_ce", "agree"),
    ("K4, C8", "multiclass", Profile(label_encoding="integer"), PROBABILITIES, "sparse_categorical_ce", "agree"),
    ("C8 many", "multiclass", Profile(classes=10_000), PROBABILITIES, "sparse_categorical_ce", "agree"),
    ("K5", "multiclass", Profile(ordered=True), PROBABILITIES, "corn", "conflict"),
    ("N2 log loss", "binary", Profile(label_noise=0.1), PROBABILITIES, "bce", "agree"),
    ("N2 Brier", "binary", Profile(label_noise=0.1), Goal(metric="brier"), "bce(label_smoothing=0.1)", "refine"),
    ("N3", "multiclass", Profile(label_noise=0.3), ACCURACY, "generalized_ce", "conflict"),
    ("N3 log loss", "multiclass", Profile(label_noise=0.3), PROBABILITIES, "categorical_ce", "agree"),
    (
        "N3 ids",
        "multiclass",
        Profile(label_noise=0.3, label_encoding="integer"),
        PROBABILITIES,
        "sparse_categorical_ce",
        "agree",
    ),
    ("N4", "binary", Profile(label_noise=0.1, class_imbalance=19), RANKING, "bce(label_smoothing=0.1)", "conflict"),
    ("I4 not measured", "binary", Profile(), BALANCED, "bce", "agree"),
]


@pytest.mark.parametrize(
    ("task", "profile", "goal", "objective", "standing"),
    [row[1:] for row in STANDING],
    ids=[f"{name}: {standing}" for name, *_, standing in STANDING],
)
def test_the_books_stand_to_each_other_as_the_tables_say(
    task: str, profile: Profile, goal: Goal, objective: str, standing: Agreement
) -> None:
    answer = ask(task, profile, goal)

    assert answer.objective == objective
    assert answer.agreement == standing


every_row = pytest.mark.parametrize("row", MINE, ids=[row.name for row in MINE])


@every_row
def test_a_row_offers_something_to_compare_with(row: Rule) -> None:
    there = row.example(row.fires)

    answer = ask(there.task, there.profile, there.goal)

    assert 2 <= len(answer.experiment.candidates) <= 4


def assert_true(there: Question) -> None:
    answer = ask(there.task, there.profile, there.goal)
    change = answer.counterfactual
    if change is not None:
        changed = ask(there.task, moved(there.profile, change), there.goal)
        assert changed.objective == change.objective != answer.objective
    for other in answer.other_goals:
        whole = Goal(**{**there.goal.model_dump(exclude_none=True), **other.goal.model_dump(exclude_none=True)})
        assert ask(there.task, there.profile, whole).objective == other.objective


@every_row
def test_what_would_change_the_answer_does(row: Rule) -> None:
    assert_true(row.example(row.fires))
    assert_true(row.example(row.silent))


@given(
    st.sampled_from(sorted(LABELLED)),
    st.sampled_from([PROBABILITIES, RANKING, BALANCED, ACCURACY, COST]),
    st.none() | st.floats(1, 1e6),
    st.none() | st.floats(1e-4, 1 - 1e-4),
    st.none() | st.floats(0, 1),
    st.none() | st.integers(2, 10**6),
)
def test_any_question_about_labels_is_answered_and_its_change_is_true(
    task: Task, goal: Goal, imbalance: float | None, share: float | None, noise: float | None, classes: int | None
) -> None:
    facts = Profile(class_imbalance=imbalance, positive_share=share, label_noise=noise, classes=classes)

    assert_true(Question(task, profile=facts, goal=goal))


def test_focal_loss_is_never_recommended_for_ordinary_classification() -> None:
    assert not [row.name for row in MINE if "focal" in row.recommend]


def test_who_insists_on_focal_loss_gets_the_share_of_negatives_as_alpha() -> None:
    answer = ask("binary", IMBALANCED, PROBABILITIES)

    assert "focal(alpha=0.95)" in [other.objective for other in answer.alternatives]


def test_milder_weights_are_offered_for_an_order() -> None:
    answer = ask("binary", Profile(class_imbalance=99, positive_share=0.01), RANKING)

    assert "bce(pos_weight=9.95)" in [other.objective for other in answer.alternatives]


def test_costs_can_go_into_a_weight_where_the_threshold_cannot_move() -> None:
    answer = ask("binary", Profile(), COST)

    assert "bce(pos_weight=10)" in [other.objective for other in answer.alternatives]
    assert "weights-or-threshold" in {warning.code for warning in answer.warnings}


@pytest.mark.parametrize(
    ("noise", "classes", "smoothing"), [(0.02, 2, 0.04), (0.02, 100, 0.0202), (0.08, 5, 0.1), (0.02, None, 0.02)]
)
def test_labels_are_smoothed_by_no_more_than_their_noise(noise: float, classes: int | None, smoothing: float) -> None:
    answer = ask("multiclass", Profile(label_noise=noise, classes=classes), ACCURACY)

    assert [(parameter.name, parameter.value) for parameter in answer.parameters] == [("label_smoothing", smoothing)]


def test_the_smaller_class_is_taken_to_be_positive_where_only_the_ratio_is_known() -> None:
    answer = ask("binary", Profile(class_imbalance=19), BALANCED)

    assert answer.decision
    assert (answer.decision.threshold, answer.decision.formula) == (0.05, "1 / (1 + class_imbalance)")
    assert "bce_logit_adjusted(prior=0.05)" in {other.objective for other in answer.alternatives}


@pytest.mark.parametrize(
    ("task", "items", "said"),
    [
        ("binary", 19, "no loss learns it"),
        ("binary", 20, "several splits"),
        ("multilabel", 99, "several splits"),
        ("multiclass", 100, None),
        ("regression", 5, None),
    ],
)
def test_few_items_of_a_class_are_warned_of(task: str, items: int, said: str | None) -> None:
    answer = recommend(task, profile=Profile(smallest_class=items))
    texts = [warning.text for warning in answer.warnings if warning.code == "rare-class"]

    assert len(texts) == (said is not None)
    assert all(said in text for text in texts if said)


def test_an_example_of_every_part_of_the_goal_can_be_tried() -> None:
    costs = [other.goal.false_negative_cost for other in ask("segmentation", Profile(), Goal()).other_goals]

    assert 10.0 in costs
