"""What an answer holds, and which questions are refused."""

import json
import math
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from losses.contract.expression import parse
from losses.errors import Refusal
from losses.text import Language
from recommender.errors import BadThreshold, NoTask, UnknownScenario, UnknownTask, UnknownThreshold
from recommender.metrics import METRICS
from recommender.profile import Goal, Measured, Profile
from recommender.recommendation.recommend import recommend
from recommender.rules.export import export_rules
from recommender.rules.measured_regret import regrets
from recommender.rules.table import RulebookName
from recommender.rules.thresholds import THRESHOLDS
from recommender.tasks import Scenario, Task

facts = st.fixed_dictionaries(
    {},
    optional={
        "outlier_rate": st.floats(0, 1),
        "residual_scale": st.floats(0, exclude_min=True, allow_infinity=False, allow_nan=False),
        "class_imbalance": st.floats(1, allow_infinity=False, allow_nan=False),
        "positive_share": st.floats(0, 1, exclude_min=True, exclude_max=True),
        "mask_sparsity": st.floats(0, 1),
        "classes": st.integers(1, 10**18),
        "label_encoding": st.sampled_from(["onehot", "integer"]),
        "multilabel": st.booleans(),
        "n": st.integers(1, 10**18),
        "boxes": st.booleans(),
    },
)


def test_the_example_of_the_contract_comes_out() -> None:
    profile = Profile(outlier_rate=0.08, n=5000, residual_scale=2.1)

    answer = recommend("regression", profile=profile, goal=Goal(functional="mean")).model_dump(mode="json")

    head = {"head": "output", "objective": "smooth_l1(beta=2.82)", "activation": "none"}
    assert answer["recommended"] == {"objective": "smooth_l1(beta=2.82)", "heads": [head], "rulebook": "article"}
    assert answer["article"] == {
        "objective": "smooth_l1(beta=2.82)",
        "heads": [head],
        "section": "4",
        "rule": "regression.outliers",
        "sources": [{"rule": "regression.outliers", "text": "article, section 4", "strength": None}],
        "measured": [regret.model_dump(mode="json") for regret in regrets("regression.outliers")],
        "compared": [],
    }
    assert answer["borderline"] is False
    (beta,) = answer["parameters"]
    assert (beta["loss"], beta["name"], beta["value"]) == ("smooth_l1", "beta", 2.82)
    assert beta["formula"] == "1.345 * residual_scale"
    decided = answer["fired"][0]
    assert (decided["fact"], decided["value"], decided["interval"]) == ("outlier_rate", 0.08, None)
    assert (decided["operator"], decided["threshold"], decided["margin"]) == (">=", 0.003, 0.077)
    assert answer["nearly"] == []
    assert answer["counterfactual"] == {"fact": "outlier_rate", "below": 0.003, "objective": "mse"}
    assert [(other["objective"], other["origin"]) for other in answer["alternatives"]] == [
        ("mae", "rule"),
        ("huber", "catalogue"),
    ]
    assert [out["objective"] for out in answer["ruled_out"]] == ["mse"]
    assert "beta=2.82" in answer["snippets"]["pytorch"]


def goals() -> list[Goal]:
    """Return a goal with each value that any part of it can have."""
    parts = {
        name: [value for kind in get_args(field.annotation) for value in get_args(kind)] or [True, False]
        for name, field in Goal.model_fields.items()
    }
    parts |= {"quantile": [0.5, 0.9], "coverage": [0.5, 0.9], "false_negative_cost": [10.0], "metric": list(METRICS)}
    parts |= {"cost_matrix": [((0.0, 1.0), (9.0, 0.0)), ((0.0, 1.0, 5.0), (1.0, 0.0, 1.0), (1.0, 1.0, 0.0))]}
    return [Goal(**{name: value}) for name, values in parts.items() for value in values]


@pytest.mark.parametrize("rulebook", get_args(RulebookName))
@pytest.mark.parametrize("task", Task)
def test_every_goal_gets_an_answer_of_either_book_with_goals_beside_it_that_can_be_asked_for(
    task: Task, rulebook: RulebookName
) -> None:
    for goal in goals():
        answer = recommend(task, goal=goal, rulebook=rulebook)

        assert goal.model_dump(exclude_none=True).items() <= answer.goal.model_dump().items()
        for other in answer.other_goals:
            asked = {**answer.goal.model_dump(exclude_none=True), **other.goal.model_dump(exclude_none=True)}
            for part, companion in (("quantile", "quantile"), ("coverage", "interval")):
                if asked.get("functional") != companion:
                    asked.pop(part, None)
            if other.goal.model_fields_set & {"functional", "decision", "segmentation"}:
                asked.pop("metric", None)
            if "false_negative_cost" in other.goal.model_fields_set:
                asked.pop("cost_matrix", None)
            assert recommend(task, goal=Goal(**asked), rulebook=rulebook).objective == other.objective


@given(st.sampled_from(Task), st.none() | st.sampled_from(Scenario), facts, st.sampled_from(["en", "zh"]))
def test_every_question_gets_an_answer_that_is_strict_json_and_can_be_evaluated(
    task: Task, scenario: Scenario | None, known: dict[str, float], language: Language
) -> None:
    profile = Profile.model_validate(known)

    answer = recommend(task, scenario, profile, language=language)

    assert answer == recommend(task, scenario, profile, language=language)
    json.dumps(answer.model_dump(mode="json"), allow_nan=False)
    for objective in answer.experiment.candidates:
        assert str(parse(objective)) == objective
    if answer.recommended is None:
        assert (answer.article, answer.evidence, answer.fired) == (None, None, [])
        return
    assert 2 <= len(answer.experiment.candidates) <= 4
    decided = answer.article or answer.evidence
    assert decided
    assert answer.fired[0].rule == decided.rule.split(", ")[0]


@pytest.mark.parametrize("task", [task for task in Task if recommend(task).recommended])
def test_the_snippet_runs(task: Task) -> None:
    room: dict[str, object] = {}

    exec(recommend(task).snippets.pytorch, room)  # noqa: S102 - it is our own code, and that it runs is the promise

    assert [name for name in room if name.endswith("loss")]


def test_rows_that_apply_without_deciding_are_listed_after_the_one_that_decides() -> None:
    answer = recommend(scenario="salaries", profile=Profile(outlier_rate=0.5))

    assert [(entry.rule, entry.fact) for entry in answer.fired] == [
        ("regression.many_outliers", "outlier_rate"),
        ("regression.salaries_outliers", "scenario"),
        ("regression.salaries_outliers", "outlier_rate"),
        ("regression.outliers", "outlier_rate"),
        ("regression.salaries", "scenario"),
        ("regression.default", "task"),
    ]
    words = answer.fired[1]
    assert (words.value, words.operator, words.threshold, words.margin) == ("salaries", "==", "salaries", None)


def test_a_margin_below_a_threshold_is_positive_inside_too() -> None:
    decided = recommend("regression", profile=Profile(outlier_rate=0.001)).fired[0]

    assert (decided.rule, decided.operator, decided.margin) == ("regression.no_outliers", "<", 0.002)


def test_several_heads_stand_as_a_sum_and_their_alternatives_too() -> None:
    answer = recommend("detection")

    assert answer.objective == "focal + smooth_l1"
    assert [other.objective for other in answer.alternatives] == ["bce + smooth_l1", "focal + smooth_l1(beta=0.111)"]
    assert answer.article is not None
    assert answer.article.rule == "detection.class, detection.box"
    assert "def class_loss(" in answer.snippets.pytorch
    assert "def box_loss(" in answer.snippets.pytorch


def test_what_was_left_out_is_assumed_and_said() -> None:
    answer = recommend("regression")

    assert (answer.goal.functional, answer.goal.outliers) == ("mean", "unknown")
    assert answer.assumptions == [
        "goal.functional was not given; mean was assumed.",
        "goal.outliers was not given; unknown was assumed.",
        "outlier_rate was not measured; few outliers were assumed.",
    ]


@pytest.mark.parametrize(
    ("task", "goal", "metric"),
    [
        ("regression", Goal(), "root mean squared error"),
        ("regression", Goal(functional="median"), "mean absolute error"),
        ("regression", Goal(quantile=0.9), "pinball loss"),
        ("binary", Goal(), "log loss and Brier score"),
        ("multiclass", Goal(decision="balanced"), "balanced accuracy"),
        ("segmentation", Goal(segmentation="boundary"), "95th-percentile Hausdorff distance"),
        ("detection", Goal(), "mean average precision"),
    ],
)
def test_candidates_are_compared_by_what_the_goal_asks(task: str, goal: Goal, metric: str) -> None:
    assert recommend(task, goal=goal).experiment.metric == metric


def test_chinese_is_spoken_where_asked() -> None:
    answer = recommend("regression", profile=Profile(outlier_rate=0.08), language="zh")

    assert answer.fired[0].because == "误差超过 beta 后按线性增长,少数异常值不会主导梯度。"
    assert answer.fired[0].source == "文章第 4 节"


def test_thresholds_can_be_moved() -> None:
    profile = Profile(outlier_rate=0.08, residual_scale=1)

    usual = recommend("regression", profile=profile)
    strict = recommend("regression", profile=profile, thresholds={"outliers.some": 0.1})
    lax = recommend("regression", profile=profile, thresholds={"outliers.many": 0.08})

    assert [usual.objective, strict.objective, lax.objective] == [
        "smooth_l1(beta=1.34)",
        "mse",
        "mae",
    ]
    assert strict.fired[0].threshold == 0.1
    assert len({usual.rules_hash, strict.rules_hash, lax.rules_hash}) == 3


@pytest.mark.parametrize(
    ("thresholds", "refusal", "named"),
    [
        ({"outlier.some": 0.1}, UnknownThreshold, "outliers.some"),
        ({"zzz": 0.1}, UnknownThreshold, "imbalance.some"),
        ({"outliers.some": math.nan}, BadThreshold, "between 0 and 1"),
        ({"outliers.some": 1.5}, BadThreshold, "between 0 and 1"),
        ({"outliers.some": True}, BadThreshold, "between 0 and 1"),
        ({"imbalance.some": 0.5}, BadThreshold, "at least 1"),
        ({"imbalance.some": math.inf}, BadThreshold, "at least 1"),
        ({"outliers.some": 0.3}, BadThreshold, "at most outliers.many"),
        ({"classes.many": 0.5}, BadThreshold, "whole number"),
    ],
)
def test_a_threshold_out_of_place_is_refused(thresholds: dict[str, float], refusal: type[Refusal], named: str) -> None:
    with pytest.raises(refusal, match=named):
        recommend("regression", thresholds=thresholds)


@pytest.mark.parametrize(
    ("task", "scenario", "refusal", "hint"),
    [
        (None, None, NoTask, None),
        ("clasification", None, UnknownTask, "multiclass"),
        ("regresion", None, UnknownTask, "regression"),
        ("zzz", None, UnknownTask, None),
        (None, "salary", UnknownScenario, "salaries"),
        ("binary", "zzz", UnknownScenario, None),
    ],
)
def test_a_question_without_a_known_task_is_refused_with_the_near_name(
    task: str | None, scenario: str | None, refusal: type[Refusal], hint: str | None
) -> None:
    with pytest.raises(refusal) as refused:
        recommend(task, scenario)

    assert refused.value.facts.get("did_you_mean") == hint
    assert "zzz" not in refused.value.message


def test_the_page_of_rules_is_plain_data_with_the_thresholds_in_force() -> None:
    page = export_rules({"outliers.some": 0.01})

    plain = json.loads(json.dumps(page, allow_nan=False))
    values = {threshold["name"]: threshold["value"] for threshold in plain["thresholds"]}
    assert values == {name: threshold.default for name, (threshold, _) in THRESHOLDS.items()} | {"outliers.some": 0.01}
    row = next(row for row in plain["rules"] if row["name"] == "regression.outliers")
    assert row["when"] == [
        {"fact": "outlier_rate", "operator": ">=", "threshold": "outliers.some", "value": 0.01},
    ]
    assert row["computed"]["beta"]["otherwise"]["formula"] == "1.345"
    assert plain["rules_hash"] == recommend("regression", thresholds={"outliers.some": 0.01}).rules_hash
    assert len(plain["rules_hash"]) == 16


def test_a_measured_fact_shows_its_interval() -> None:
    rate = Measured(value=0.08, interval=(0.06, 0.1), n=700)

    assert recommend("regression", profile=Profile(outlier_rate=rate)).fired[0].interval == (0.06, 0.1)


def test_a_parameter_computed_from_a_fact_is_printed_also_where_it_is_the_default() -> None:
    balanced = Goal(decision="balanced")

    measured = recommend("binary", profile=Profile(positive_share=0.1), goal=balanced, rulebook="evidence")
    spread = recommend("regression", profile=Profile(outlier_rate=0.1, residual_scale=1 / 1.345))

    assert "bce_logit_adjusted(prior=0.1)" in {other.objective for other in measured.alternatives}
    assert spread.objective == "smooth_l1(beta=1)"
    assert (measured.agreement, spread.agreement) == ("agree", "agree")


@pytest.mark.parametrize(
    ("profile", "goal", "heads"),
    [
        (Profile(), Goal(), {"denoiser": "mse"}),
        (Profile(paired=True), Goal(), {"image": "mae"}),
        (
            Profile(paired=True),
            Goal(generation="adversarial"),
            {"image": "mae", "generator": "adversarial_generator", "discriminator": "adversarial_discriminator"},
        ),
    ],
    ids=["new pictures", "pictures with targets", "pictures with targets that have to look real"],
)
def test_pictures_that_have_targets_are_compared_with_them(profile: Profile, goal: Goal, heads: dict[str, str]) -> None:
    answer = recommend("generation", profile=profile, goal=goal, rulebook="evidence")

    assert answer.recommended
    assert {head.head: head.objective for head in answer.recommended.heads} == heads
