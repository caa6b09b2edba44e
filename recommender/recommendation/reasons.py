"""The reasons for an answer: conditions that were met, and conditions that were nearly met."""

from functools import cache, lru_cache

from losses.text import Language, in_language
from recommender.profile import RANGES, Range
from recommender.question import Question
from recommender.recommendation.answer import Fired
from recommender.recommendation.choice import KEPT
from recommender.rules.formula import significant
from recommender.rules.rulebook import Rulebook
from recommender.rules.table import Bounds, Condition, Rule

NEAR = 2.0  # a factor
_CLEAN = 12  # significant digits: the noise of a float64 subtraction lies beyond


def fired(book: Rulebook, question: Question, language: Language) -> list[Fired]:
    """Return the conditions of every rule that applies; for each head those of the deciding rule first."""
    return [
        _entry(row, condition, question, book.bounds, language)
        for rows in book.applying(question).values()
        for row in rows
        for condition in row.when or (Condition("task", "==", question.task),)
    ]


def nearly(book: Rulebook, question: Question, language: Language) -> list[Fired]:
    """Return the conditions that alone kept a rule from applying and were missed by little."""
    conditions = book.conditions(question.task)
    near = sum(
        bit
        for condition, bit in conditions.numeric
        if condition.fact in question.facts and _by_little(condition, question, book.bounds)
    )
    return [
        _entry(row, condition, question, book.bounds, language)
        for row, missed in conditions.missed(question, near)
        for condition in row.when
        if conditions.bits[condition] & missed
    ]


def _entry(rule: Rule, condition: Condition, question: Question, bounds: Bounds, language: Language) -> Fired:
    """Return a condition of a rule with the value of its fact and the distance from its limit."""
    value, limit = question.value_of(condition.fact), condition.limit(bounds)
    if limit is None or not isinstance(value, float | int):
        return _in_words(rule, condition, _word(value), language)
    inside = value - limit if condition.operator == ">=" else limit - value
    return Fired(
        rule=rule.name,
        fact=condition.fact,
        value=value,
        interval=question.profile.interval(condition.fact),
        operator=condition.operator,
        threshold=limit,
        margin=significant(inside, _CLEAN),
        because=in_language(rule.because, language),
        source=_source(rule, language),
    )


@lru_cache(maxsize=KEPT)
def _in_words(rule: Rule, condition: Condition, value: str, language: Language) -> Fired:
    """Return a condition whose fact is not a number."""
    return Fired(
        rule=rule.name,
        fact=condition.fact,
        value=value,
        interval=None,
        operator=condition.operator,
        threshold=_word(condition.bound),
        margin=None,
        because=in_language(rule.because, language),
        source=_source(rule, language),
    )


@cache
def _source(rule: Rule, language: Language) -> str:
    """Return the source of a rule as text."""
    return rule.source.text(language)


def _word(answer: object) -> str:
    """Return a value of a fact as a word."""
    return " or ".join(answer) if isinstance(answer, tuple) else str(answer).lower()


def _by_little(condition: Condition, question: Question, bounds: Bounds) -> bool:
    """Return whether a condition was missed by little."""
    value, limit = question.value_of(condition.fact), condition.limit(bounds)
    if limit is None or value is None or isinstance(value, str):
        return False
    low, high = question.profile.interval(condition.fact) or (value, value)
    return low <= limit <= high or _within_a_factor(float(value), limit, RANGES[condition.fact])


def _within_a_factor(value: float, limit: float, allowed: Range) -> bool:
    """Return whether two values are within a factor; shares above one half are compared by 1 - share."""
    if allowed.is_share and limit > 1 / 2:
        value, limit = 1 - value, 1 - limit
    return value <= NEAR * limit and limit <= NEAR * value
