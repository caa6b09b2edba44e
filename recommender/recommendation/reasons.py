"""The reasons for an answer: the conditions that were met, and those that were nearly met."""

from typing import Any

from losses.text import Language, in_language
from recommender.profile import RANGES, Range
from recommender.question import Question
from recommender.recommendation.answer import Fired
from recommender.rules.formulas import significant
from recommender.rules.rulebook import Rulebook
from recommender.rules.table import Bounds, Condition, Rule

NEAR = 2.0  # a factor
_CLEAN = 12  # significant digits: the noise of a float64 subtraction lies beyond


def fired(book: Rulebook, question: Question, language: Language) -> list[Fired]:
    """Return the conditions of every row that applies; by head, the deciding row's first."""
    return [
        _entry(row, condition, question, book.bounds, language)
        for rows in book.applying(question).values()
        for row in rows
        for condition in row.when or (Condition("task", "==", question.task),)
    ]


def nearly(book: Rulebook, question: Question, language: Language) -> list[Fired]:
    """Return the conditions that alone kept a row from applying, and that were missed by little."""
    entries = []
    for row in book.rows(question.task):
        missed = [condition for condition in row.when if not condition.holds(question, book.bounds)]
        if missed and all(_by_little(condition, question, book.bounds) for condition in missed):
            entries += [_entry(row, condition, question, book.bounds, language) for condition in missed]
    return entries


def _entry(rule: Rule, condition: Condition, question: Question, bounds: Bounds, language: Language) -> Fired:
    value, limit = question.value_of(condition.fact), condition.limit(bounds)
    compared: dict[str, Any] = {
        "value": _word(value),
        "threshold": _word(condition.bound),
        "interval": None,
        "margin": None,
    }
    if limit is not None and isinstance(value, float | int):
        inside = value - limit if condition.operator == ">=" else limit - value
        interval = question.profile.interval(condition.fact)
        compared = {"value": value, "threshold": limit, "interval": interval, "margin": significant(inside, _CLEAN)}
    return Fired(
        rule=rule.name,
        fact=condition.fact,
        operator=condition.operator,
        because=in_language(rule.because, language),
        source=rule.source.text(language),
        **compared,
    )


def _word(answer: object) -> str:
    return " or ".join(answer) if isinstance(answer, tuple) else str(answer).lower()


def _by_little(condition: Condition, question: Question, bounds: Bounds) -> bool:
    value, limit = question.value_of(condition.fact), condition.limit(bounds)
    if limit is None or value is None or isinstance(value, str):
        return False
    low, high = question.profile.interval(condition.fact) or (value, value)
    return low <= limit <= high or _within_a_factor(float(value), limit, RANGES[condition.fact])


def _within_a_factor(value: float, limit: float, allowed: Range) -> bool:
    """Compare shares above one half by what is left to 1: 0.5 is no neighbour of 0.95."""
    if allowed.is_share and limit > 1 / 2:
        value, limit = 1 - value, 1 - limit
    return value <= NEAR * limit and limit <= NEAR * value
