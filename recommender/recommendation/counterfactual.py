"""What would change the answer: the nearest threshold of a fact, and whether the interval of a fact crosses one."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from recommender.profile import RANGES
from recommender.question import Question
from recommender.recommendation.answer import AtLeast, Below
from recommender.recommendation.choice import choose, summed
from recommender.rules.rulebook import DecidingRules, Rulebook
from recommender.rules.table import Threshold


@dataclass(frozen=True)
class Move:
    """A fact moved just across a threshold."""

    fact: str
    limit: float
    value: float
    measured: bool
    distance: float


def nearest_change(book: Rulebook, question: Question) -> Below | AtLeast | None:
    """Return the smallest change of one fact that changes the objective; measured facts come first.

    Distances: difference for shares, logarithm of the ratio elsewhere.
    """
    decided = book.decide(question)
    now, objective_now = _recommended(decided), str(summed(choose(decided, question)))
    for move in sorted(_moves(book, question), key=lambda move: (not move.measured, move.distance)):
        there = replace(question, profile=question.profile.replace(move.fact, move.value))
        decision = book.decide(there)
        if _recommended(decision) == now:
            continue
        objective = str(summed(choose(decision, there)))
        if objective != objective_now:
            if move.value < move.limit:
                return Below(fact=move.fact, below=move.limit, objective=objective)
            return AtLeast(fact=move.fact, at_least=move.limit, objective=objective)
    return None


def _recommended(decision: DecidingRules) -> list[str]:
    return [rule.recommend for rule in decision.values()]


def borderline(book: Rulebook, question: Question) -> bool:
    """Whether another row decides at an end of some measured fact's interval."""
    now = book.decide(question)
    profile = question.profile
    return any(
        book.decide(replace(question, profile=profile.replace(fact, end))) != now
        for fact in RANGES
        for end in profile.interval(fact) or ()
    )


def _moves(book: Rulebook, question: Question) -> Iterator[Move]:
    bounds = {
        (condition.fact, book.bounds[condition.bound.name])
        for row in book.rows(question.task)
        for condition in (*row.when, *row.unless)
        if isinstance(condition.bound, Threshold)
    }
    for fact, limit in sorted(bounds):
        known, allowed = question.profile.number(fact), RANGES[fact]
        under = float(math.ceil(limit) - 1) if allowed.whole else math.nextafter(limit, -math.inf)
        over = float(math.ceil(limit)) if allowed.whole else limit
        for value in (under, over):
            elsewhere = known is None or (known >= limit) != (value >= limit)
            if elsewhere and allowed.holds(value):
                yield Move(fact, limit, value, known is not None, _distance(known, limit, share=allowed.is_share))


def _distance(known: float | None, limit: float, *, share: bool) -> float:
    """Return how far a fact is from a threshold: the difference of shares, else |log ratio|; 0 where it is unknown."""
    if known is None:
        return 0.0
    if share:
        return abs(known - limit)
    return abs(math.log(known / limit)) if known > 0 < limit else math.inf
