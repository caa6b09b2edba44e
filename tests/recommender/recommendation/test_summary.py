"""The first sentence says what to do, the open question what would change it, and the experiment how to settle it."""

from typing import get_args

import pytest

from recommender.profile import Goal, Profile
from recommender.recommendation.recommend import recommend
from recommender.recommendation.summary import ALIKE, ENOUGH_ORIGINS
from recommender.rules import ROWS
from recommender.rules.measured_regret import measured_regrets
from recommender.rules.table import RulebookName

OUTLIERS = Profile(outlier_rate=0.08, residual_scale=1.0)


@pytest.mark.parametrize("rulebook", get_args(RulebookName))
@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_rule_is_summed_up_in_one_sentence_that_names_a_loss(row: object, rulebook: RulebookName) -> None:
    question = row.example(row.fires)  # type: ignore[attr-defined] # a row of the table

    said = {
        language: recommend(
            question.task, question.scenario, question.profile, question.goal, rulebook=rulebook, language=language
        )
        for language in ("en", "zh")
    }

    english, chinese = said["en"], said["zh"]
    books = [book.objective for book in (english.article, english.evidence) if book]
    assert any(objective in english.summary for objective in books)
    assert any(objective in chinese.summary for objective in books)
    assert (english.summary[-1], chinese.summary[-1]) == (".", "。")
    assert english.summary.isascii() or "é" in english.summary
    assert next(iter(english.model_dump())) == "summary"


def test_two_books_that_agree_are_one_answer() -> None:
    answer = recommend("regression", profile=OUTLIERS)

    assert answer.summary.startswith("Use smooth_l1(beta=1.34), as both books say: ")


def test_a_quantile_is_compared_by_what_was_measured_at_its_level() -> None:
    goal = Goal(functional="quantile", quantile=0.9)
    entries = measured_regrets().rules["evidence.regression.quantile"]
    measured = next(entry for entry in entries if entry.metric == "pinball at 0.9")

    answer, other = (recommend("regression", goal=goal.model_copy(update={"quantile": q})) for q in (0.9, 0.8))

    assert measured.other_book is not None
    assert f"{100 * measured.other_book:.1f} % behind it (pinball at 0.9" in answer.summary
    assert "our benchmark says too little of the two" in other.summary


def test_of_two_answers_the_one_that_was_measured_better_is_named_with_both_figures() -> None:
    profile = Profile(outlier_rate=0.15, residual_scale=1.0)
    entries = measured_regrets().rules["evidence.regression.many_outliers"]
    measured = next(entry for entry in entries if entry.metric == "RMSE")

    answer = recommend("regression", profile=profile)

    assert measured.clusters >= ENOUGH_ORIGINS
    assert measured.other_book is not None
    assert answer.summary.startswith("For root mean squared error use tukey_biweight(c=4.68), not smooth_l1(beta=1.34)")
    assert f"{100 * measured.mean_regret:.1f} %" in answer.summary
    assert f"{100 * measured.other_book:.1f} %" in answer.summary


def test_a_total_that_would_be_missed_is_said_at_once() -> None:
    profile = Profile(
        support="nonnegative", zero_share=0.9, outlier_rate=0.1, total_under_huber=0.06, variance_power=1.6
    )

    answer = recommend("regression", profile=profile)

    assert "use tweedie(power=1.6), not smooth_l1" in answer.summary
    assert "about 6 % of the true total" in answer.summary


def test_where_recommended_holds_the_other_answer_the_sentence_says_which_to_act_on_and_why() -> None:
    profile = Profile(outlier_rate=0.15, residual_scale=1.0)

    shown = {book: recommend("regression", profile=profile, rulebook=book) for book in get_args(RulebookName)}

    assert shown["article"].objective == "smooth_l1(beta=1.34)"
    assert "`recommended` holds smooth_l1(beta=1.34) only because rulebook=article" in shown["article"].summary
    assert "rulebook=evidence puts tukey_biweight(c=4.68) there" in shown["article"].summary
    assert "`recommended` holds" not in shown["evidence"].summary


def test_of_two_losses_measured_alike_the_one_that_learns_what_is_wanted_is_named() -> None:
    profile = Profile(outlier_rate=0.1, residual_scale=1.0)
    entries = measured_regrets().rules["evidence.regression.signal"]
    measured = next(entry for entry in entries if entry.metric == "RMSE")

    said = recommend("regression", profile=profile, goal=Goal(outliers="signal")).summary

    assert measured.other_book is not None
    assert abs(measured.mean_regret - measured.other_book) < ALIKE
    assert said.startswith("For root mean squared error use mse, not smooth_l1(beta=1.34) of the article")


@pytest.mark.parametrize(
    ("goal", "profile", "cut"),
    [
        (Goal(false_negative_cost=9.0), Profile(), "say yes from a probability of 0.1 on"),
        (Goal(decision="balanced"), Profile(positive_share=0.02), "say yes from a probability of 0.02 on"),
    ],
)
def test_where_the_threshold_is_the_answer_it_is_in_the_sentence(goal: Goal, profile: Profile, cut: str) -> None:
    assert cut in recommend("binary", profile=profile, goal=goal, rulebook="evidence").summary


def test_who_did_not_say_what_outliers_are_is_asked_where_it_matters() -> None:
    ask = recommend("regression", profile=OUTLIERS).ask

    assert ask
    assert ask.fact == "goal.outliers"
    for option in ask.answers:
        goal = Goal(outliers=option.value)  # type: ignore[arg-type] # a value of the goal
        told = recommend("regression", profile=OUTLIERS, goal=goal, rulebook="evidence")
        assert told.objective == option.objective
    assert len({option.objective for option in ask.answers}) == 2


def test_who_did_not_say_what_model_it_is_is_asked_where_it_matters() -> None:
    answer = recommend("regression", profile=OUTLIERS, goal=Goal(outliers="errors"), rulebook="evidence")

    assert answer.ask
    assert {option.value: option.objective for option in answer.ask.answers} == {
        "linear": answer.objective,
        "flexible": "barron_general(alpha=0, scale=1.69)",
    }


@pytest.mark.parametrize(
    ("task", "goal", "profile"),
    [
        ("regression", Goal(outliers="errors"), OUTLIERS.model_copy(update={"model": "linear"})),
        ("regression", Goal(), Profile()),
        ("binary", Goal(), Profile()),
    ],
    ids=["it was said", "no outliers were measured", "another task"],
)
def test_nobody_is_asked_what_changes_nothing(task: str, goal: Goal, profile: Profile) -> None:
    assert recommend(task, goal=goal, profile=profile).ask is None


def test_the_experiment_is_asked_for_with_the_goal_in_force() -> None:
    answer = recommend("regression", profile=Profile(outlier_rate=0.15, residual_scale=1.0), goal=Goal(metric="mae"))

    request = answer.experiment.request
    assert request
    assert answer.article
    assert answer.evidence
    assert {answer.article.objective, answer.evidence.objective} <= set(answer.experiment.candidates)
    assert (request.task, request.goal, request.candidates) == ("regression", answer.goal, "auto")


@pytest.mark.parametrize("task", ["segmentation", "detection", "generation", "similarity"])
def test_tasks_without_table_columns_have_no_experiment_to_send(task: str) -> None:
    assert recommend(task).experiment.request is None
