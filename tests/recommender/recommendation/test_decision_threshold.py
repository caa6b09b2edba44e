"""Where a probability is cut into yes and no."""

import pytest
import torch
from pydantic import ValidationError

from recommender.profile import Goal, Profile
from recommender.recommendation.recommend import recommend

RARE = Profile(class_imbalance=19, positive_share=0.05)


@pytest.mark.parametrize("task", ["binary", "multilabel"])
@pytest.mark.parametrize(("cost", "threshold"), [(1.0, 0.5), (9.0, 0.1), (0.25, 0.8), (2e-4, 0.999800039992)])
def test_unequal_costs_move_the_threshold(task: str, cost: float, threshold: float) -> None:
    cut = recommend(task, goal=Goal(false_negative_cost=cost)).decision

    assert cut is not None
    assert (cut.threshold, cut.on, cut.formula) == (threshold, "probability", "1 / (1 + false_negative_cost)")
    assert "Elkan 2001" in cut.source
    assert "weights or a threshold, not both" in cut.because


@pytest.mark.parametrize("cost", [0.25, 4.0])
def test_the_threshold_costs_least(cost: float) -> None:
    probabilities = (torch.arange(1000, dtype=torch.float64) + 0.5) / 1000
    cut = recommend("binary", goal=Goal(false_negative_cost=cost)).decision
    assert cut is not None
    assert cut.threshold is not None

    def costs(threshold: float) -> float:
        yes = probabilities >= threshold
        return float(torch.where(yes, 1 - probabilities, cost * probabilities).sum())

    assert costs(cut.threshold) == min(costs(threshold / 100) for threshold in range(101))


def test_the_threshold_of_balanced_error_is_the_share_of_positives() -> None:
    probabilities = torch.rand(2000, generator=torch.Generator().manual_seed(1), dtype=torch.float64) ** 4
    share = round(float(probabilities.mean()), 3)
    cut = recommend("binary", profile=Profile(positive_share=share), goal=Goal(decision="balanced")).decision
    assert cut is not None

    def error(threshold: float) -> float:
        yes = probabilities >= threshold
        missed = (probabilities * ~yes).sum() / probabilities.sum()
        false = ((1 - probabilities) * yes).sum() / (1 - probabilities).sum()
        return float(missed + false) / 2

    assert cut.threshold is not None
    assert (cut.threshold, cut.formula) == (share, "positive_share")
    assert "Menon" in cut.source
    assert error(cut.threshold) <= min(error(threshold / 100) for threshold in range(101)) + 1e-6


def test_a_threshold_whose_fact_is_missing_is_said_to_be_missing() -> None:
    answer = recommend("binary", goal=Goal(decision="balanced"))

    (told,) = [warned.text for warned in answer.warnings if warned.code == "no-threshold"]
    assert answer.decision is None
    assert "positive_share, which was not measured" in told


def test_accuracy_is_cut_in_the_middle() -> None:
    cut = recommend("binary", profile=RARE, goal=Goal(decision="accuracy")).decision

    assert cut is not None
    assert (cut.threshold, cut.formula) == (0.5, "1/2")


@pytest.mark.parametrize(
    ("task", "goal"),
    [
        ("binary", Goal()),
        ("binary", Goal(decision="ranking")),
        ("segmentation", Goal()),
        ("multiclass", Goal(decision="balanced")),
        ("regression", Goal(functional="mean")),
    ],
)
def test_no_threshold_is_given_where_no_yes_or_no_is_asked_for(task: str, goal: Goal) -> None:
    answer = recommend(task, goal=goal)

    assert answer.decision is None
    assert "no-threshold" not in {warned.code for warned in answer.warnings}


def test_an_output_that_is_no_probability_has_no_threshold_by_formula() -> None:
    answer = recommend("segmentation", goal=Goal(false_negative_cost=4.0))

    (told,) = [warned.text for warned in answer.warnings if warned.code == "no-threshold"]
    assert answer.decision is None
    assert told.startswith("The output of dice is no probability")


def test_a_bent_output_has_its_threshold_on_the_repaired_probability() -> None:
    answer = recommend("binary", profile=RARE, goal=Goal(false_negative_cost=4.0))

    assert answer.objective == "focal(alpha=0.95)"
    assert answer.decision is not None
    assert (answer.decision.threshold, len(answer.repair)) == (0.2, 1)


def test_reasons_are_given_in_chinese_too() -> None:
    for goal in (Goal(false_negative_cost=4.0), Goal(decision="balanced"), Goal(decision="accuracy")):
        cut = recommend("multilabel", profile=RARE, goal=goal, language="zh").decision
        assert cut is not None
        assert not cut.because.isascii()


def test_alternatives_bring_their_own_repair() -> None:
    answer = recommend("binary")

    repaired = {other.objective: other.repair for other in answer.alternatives}
    assert answer.repair == []
    assert [head.head for head in repaired["focal"]] == ["output"]


def test_each_head_has_its_own_repair() -> None:
    answer = recommend("detection")

    assert [head.head for head in answer.repair] == ["class"]


def test_costs_of_two_classes_are_a_miss_in_false_alarms() -> None:
    priced = recommend("binary", goal=Goal(cost_matrix=((1.0, 3.0), (9.0, 1.0)))).decision

    assert priced == recommend("binary", goal=Goal(false_negative_cost=4.0)).decision
    assert priced is not None
    probabilities = torch.linspace(0, 1, 1001, dtype=torch.float64)
    no, yes = 1 * (1 - probabilities) + 9 * probabilities, 3 * (1 - probabilities) + 1 * probabilities
    assert float(probabilities[yes <= no].min()) == pytest.approx(priced.threshold, abs=2e-3)


def test_of_several_classes_the_one_of_least_expected_cost_is_taken() -> None:
    costs = ((0.0, 1.0, 5.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0))

    answer = recommend("multiclass", profile=Profile(classes=3), goal=Goal(cost_matrix=costs), rulebook="evidence")

    assert answer.decision is not None
    assert (answer.decision.threshold, answer.decision.formula) == (None, "argmin_j sum_i p_i * cost_matrix[i][j]")
    assert answer.objective == "categorical_ce"
    assert "take the class of least expected cost" in answer.summary


@pytest.mark.parametrize(
    ("goal", "said"),
    [
        ({"cost_matrix": [[0, 1], [9]]}, "as many columns as rows"),
        ({"cost_matrix": [[0, 1], [9, 10]]}, "costs least"),
        ({"cost_matrix": [[0, 1], [9, 0]], "false_negative_cost": 3}, "either a cost_matrix or"),
    ],
)
def test_costs_that_mean_nothing_are_refused(goal: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Goal.model_validate(goal)


def test_costs_survive_being_written_and_read() -> None:
    goal = Goal(cost_matrix=((0.0, 1.0), (9.0, 0.0)))

    assert Goal.model_validate_json(goal.model_dump_json()) == goal
