"""Counterfactuals: the nearest change of a fact that changes the answer, and facts near a threshold."""

import math
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from recommender.profile import RANGES, Measured
from recommender.question import Question
from recommender.recommendation.answer import AtLeast, Below
from recommender.recommendation.choice import choose, summed
from recommender.rules.conditions import Conditions, DecidingRules
from recommender.rules.rulebook import Rulebook


class Move(NamedTuple):
    """A fact moved just across a threshold; moves sort by distance, measured facts first."""

    unmeasured: bool
    distance: float
    fact: str
    limit: float
    value: float


def nearest_change(book: Rulebook, question: Question, objective_now: str) -> Below | AtLeast | None:
    """Return the smallest change of one fact that changes the objective; None where no single fact does.

    Changes of measured facts come before those of unknown ones. The distance is the difference for shares, the
    logarithm of the ratio for other facts.
    """
    conditions = book.conditions(question.task)
    decided = conditions.decide(question)
    now = _recommended(decided)
    for move in sorted(_moves(conditions, question)):
        changes = question.with_what_follows({move.fact: move.value})
        decision = conditions.decide(question, changes)
        if decision is decided or _recommended(decision) == now:
            continue
        objective = str(summed(choose(decision, question.facts.changed(changes))))
        if objective != objective_now:
            if move.value < move.limit:
                return Below(fact=move.fact, below=move.limit, objective=objective)
            return AtLeast(fact=move.fact, at_least=move.limit, objective=objective)
    return None


def _recommended(decision: DecidingRules) -> list[str]:
    """Return the objectives of the deciding rules."""
    return [rule.recommend for rule in decision.values()]


def borderline(book: Rulebook, question: Question) -> bool:
    """Return whether another rule would decide at an end of the confidence interval of some measured fact."""
    now = book.decide(question)
    return any(
        book.decide(question, question.with_what_follows({fact: end})) != now
        for fact, stated in question.profile.given()
        if isinstance(stated, Measured)
        for end in stated.interval or ()
    )


def _moves(conditions: Conditions, question: Question) -> Iterator[Move]:
    """Yield the moves of every known fact across each of its thresholds."""
    for fact, limit, value in _crossings(conditions):
        current = question.facts.number(fact)
        if current is None or (current >= limit) != (value >= limit):
            distance = 0.0 if current is None else _distance(current, limit, share=RANGES[fact].is_share)
            yield Move(current is None, distance, fact, limit, value)


@lru_cache(maxsize=256)  # tasks times books times thresholds in force
def _crossings(conditions: Conditions) -> list[tuple[str, float, float]]:
    """Return each threshold of a fact with the values just below it and at it, where the fact may have them."""
    crossings = []
    for fact, limit in conditions.limits:
        allowed = RANGES[fact]
        under = float(math.ceil(limit) - 1) if allowed.whole else math.nextafter(limit, -math.inf)
        over = float(math.ceil(limit)) if allowed.whole else limit
        crossings += [(fact, limit, value) for value in (under, over) if allowed.holds(value)]
    return crossings


def _distance(value: float, limit: float, *, share: bool) -> float:
    """Return the distance of a fact from a threshold: the difference for shares, else the |log ratio|."""
    if share:
        return abs(value - limit)
    return abs(math.log(value / limit)) if value > 0 < limit else math.inf
