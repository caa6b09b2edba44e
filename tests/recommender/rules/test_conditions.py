"""What the bits of conditions decide is what the rows themselves say, for any question and any change of it."""

from typing import Any, get_args

from hypothesis import given
from hypothesis import strategies as st

from recommender.profile import RANGES, Goal, Profile
from recommender.question import Question
from recommender.rules.rulebook import Rulebook, books_in_force
from recommender.rules.table import RulebookName
from recommender.rules.thresholds import THRESHOLDS
from recommender.tasks import Scenario, Task


def words(model: type[Profile | Goal], name: str) -> list[str | bool]:
    return [word for kind in get_args(model.model_fields[name].annotation) for word in get_args(kind)] or [True, False]


def numbers(fact: str) -> st.SearchStrategy[float]:
    """Draw what the fact may be: often a threshold, or one that lies next to it."""
    limits = [threshold.default for threshold, about in THRESHOLDS.values() if about == fact]
    near = [limit + step for limit in limits for step in (-1e-9, 0, 1e-9, 1)]
    drawn = st.sampled_from([*near, 1.0, 0.5]) | st.floats(RANGES[fact].low, min(RANGES[fact].high, 1e6))
    whole = drawn.map(round) if RANGES[fact].whole else drawn
    return whole.filter(RANGES[fact].holds)


FACTS_DRAWN: dict[str, st.SearchStrategy[Any]] = {
    name: numbers(name) if name in RANGES else st.sampled_from(words(Profile, name)) for name in Profile.model_fields
}
GOALS_DRAWN: dict[str, st.SearchStrategy[Any]] = {
    name: st.sampled_from(words(Goal, name)) for name in ("functional", "decision", "segmentation", "outliers")
}
QUESTIONS = st.builds(
    Question,
    st.sampled_from(Task),
    st.none() | st.sampled_from(Scenario),
    st.fixed_dictionaries({}, optional=FACTS_DRAWN).map(lambda facts: Profile(**facts)),
    st.fixed_dictionaries({}, optional=GOALS_DRAWN).map(lambda parts: Goal(**parts)),
)
CHANGES = st.sampled_from(list(FACTS_DRAWN)).flatmap(lambda fact: st.tuples(st.just(fact), FACTS_DRAWN[fact]))


def named(book: Rulebook, question: Question) -> dict[str, list[str]]:
    """Return the names of the rows that apply by their own conditions, by head."""
    applying: dict[str, list[str]] = {}
    for row in book.rows(question.task):
        if row.applies(question, book.bounds):
            applying.setdefault(row.head, []).append(row.name)
    return applying


@given(QUESTIONS, st.sampled_from(get_args(RulebookName)), st.sampled_from([{}, {"outliers.some": 0.01}]))
def test_the_rows_that_apply_are_those_whose_conditions_hold(
    question: Question, name: RulebookName, thresholds: dict[str, float]
) -> None:
    book = books_in_force(thresholds)[name]

    applying = {head: [row.name for row in rows] for head, rows in book.applying(question).items()}

    assert applying == named(book, question)
    assert {head: row.name for head, row in book.decide(question).items()} == {
        head: names[0] for head, names in applying.items()
    }


@given(QUESTIONS, CHANGES, st.sampled_from(get_args(RulebookName)))
def test_a_changed_fact_decides_as_a_question_that_has_it(
    question: Question, change: tuple[str, Any], name: RulebookName
) -> None:
    fact, value = change
    book = books_in_force()[name]
    there = Question(question.task, question.scenario, question.profile.model_copy(update={fact: value}), question.goal)

    changes = question.with_what_follows({fact: value})

    assert book.decide(question, changes) == book.decide(there)
    assert question.facts.changed(changes) == there.facts
