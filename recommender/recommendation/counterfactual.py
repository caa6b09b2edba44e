"""What would change the answer: the nearest fact across a threshold, and whether an interval already reaches."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from recommender.profile import RANGES
from recommender.question import Situation
from recommender.recommendation.answer import AtLeast, Below
from recommender.recommendation.choice import choose, total
from recommender.rules.rulebook import Book, Decision
from recommender.rules.table import Threshold


@dataclass(frozen=True)
class Move:
    """A fact put just across a threshold."""

    fact: str
    limit: float
    value: float
    measured: bool
    distance: float


def nearest_change(book: Book, situation: Situation) -> Below | AtLeast | None:
    """Return the smallest change of one fact that changes the objective; measured facts come first.

    Distances: difference for shares, logarithm of the ratio elsewhere.
    """
    decided = book.decide(situation)
    now, objective_now = _recommended(decided), str(total(choose(decided, situation)))
    for move in sorted(_moves(book, situation), key=lambda move: (not move.measured, move.distance)):
        there = replace(situation, profile=situation.profile.replace(move.fact, move.value))
        decision = book.decide(there)
        if _recommended(decision) == now:
            continue
        objective = str(total(choose(decision, there)))
        if objective != objective_now:
            if move.value < move.limit:
                return Below(fact=move.fact, below=move.limit, objective=objective)
            return AtLeast(fact=move.fact, at_least=move.limit, objective=objective)
    return None


def _recommended(decision: Decision) -> list[str]:
    return [rule.recommend for rule in decision.values()]


def borderline(book: Book, situation: Situation) -> bool:
    """Whether another row decides at an end of some measured fact's interval."""
    now = book.decide(situation)
    profile = situation.profile
    return any(
        book.decide(replace(situation, profile=profile.replace(fact, end))) != now
        for fact in RANGES
        for end in profile.interval(fact) or ()
    )


def _moves(book: Book, situation: Situation) -> Iterator[Move]:
    bounds = {
        (condition.fact, book.bounds[condition.bound.name])
        for row in book.rows(situation.task)
        for condition in row.when
        if isinstance(condition.bound, Threshold)
    }
    for fact, limit in sorted(bounds):
        known, allowed = situation.profile.number(fact), RANGES[fact]
        under = float(math.ceil(limit) - 1) if allowed.whole else math.nextafter(limit, -math.inf)
        over = float(math.ceil(limit)) if allowed.whole else limit
        for value in (under, over):
            elsewhere = known is None or (known >= limit) != (value >= limit)
            if elsewhere and allowed.holds(value):
                yield Move(fact, limit, value, known is not None, _distance(known, limit, share=allowed.is_share))


def _distance(known: float | None, limit: float, *, share: bool) -> float:
    if known is None:
        return 0.0
    if share:
        return abs(known - limit)
    return abs(math.log(known / limit)) if known > 0 < limit else math.inf
