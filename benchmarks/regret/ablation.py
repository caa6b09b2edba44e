"""What each part of a question is worth, and whether the printed counterfactual is true."""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from benchmarks.regret.cells import Cell, seed_of
from benchmarks.regret.policies import Matrix, UntrainedError, decided
from benchmarks.regret.score import Family, Scored
from benchmarks.regret.statistics import cluster_means
from recommender.profile import RANGES, Goal
from recommender.question import Question
from recommender.recommendation.answer import AtLeast, Below
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS

DRAWS = 5
NORMAL_95 = 1.96  # half a 95 % interval in standard deviations


@dataclass(frozen=True)
class Ablation:
    """The mean regret of the evidence book with a changed question; None where it names a loss that was not trained."""

    asked: str
    regret: float | None


class Fidelity(NamedTuple):
    """The number of printed counterfactuals whose answer changed exactly as stated."""

    true: int
    nearest: int
    checked: int


def ablations(family: Family, scored: Scored) -> Iterator[Ablation]:
    """Yield the change in regret under each change of the question that affects an answer."""
    matrix = scored.matrix
    plain = {cell: matrix.situation(cell) for cell in matrix.cells}
    whole = _regret(family, matrix, plain)
    yield Ablation("as it is", whole)
    for name, goal in _other_goals(family, scored):
        yield Ablation(name, _regret(family, matrix, {cell: matrix.situation(cell, goal) for cell in matrix.cells}))
    decides, feeds = _facts(matrix)
    for fact in sorted(decides | feeds):
        without = {
            cell: replace(now, profile=now.profile.model_copy(update={fact: None})) for cell, now in plain.items()
        }
        regret = _regret(family, matrix, without)
        if regret != whole:
            yield Ablation(f"without {fact}", regret)
    draws = [
        _regret(family, matrix, {cell: _moved(now, decides - feeds, cell, draw) for cell, now in plain.items()})
        for draw in range(DRAWS)
    ]
    known = [regret for regret in draws if regret is not None]
    yield Ablation("facts drawn from their intervals", float(np.mean(known)) if len(known) == DRAWS else None)


def fidelity(family: Family, scored: Scored) -> Fidelity:
    """Move the cited fact to its threshold and just across, and compare with the printed counterfactual."""
    matrix, outcomes = scored.matrix, []
    for cell in matrix.cells[::2]:
        situation, thresholds = matrix.situation(cell), family.without[cell.cluster]
        change = recommend(
            situation.task, profile=situation.profile, goal=situation.goal, rulebook="evidence", thresholds=thresholds
        ).counterfactual
        if change is None:
            continue
        now = decided(situation, thresholds=thresholds)
        before, after = (_at(situation, change.fact, value) for value in _sides(change))
        known = situation.profile.number(change.fact) is not None  # a fact never measured has no near side
        stays = not known or decided(before, thresholds=thresholds) == now
        outcomes.append((decided(after, thresholds=thresholds) == change.objective, stays))
    return Fidelity(sum(true for true, _ in outcomes), sum(stays for _, stays in outcomes), len(outcomes))


def _sides(change: Below | AtLeast) -> tuple[float, float]:
    """Return the last value that changes nothing, and the first that does."""
    limit = change.below if isinstance(change, Below) else change.at_least
    if RANGES[change.fact].whole:
        under, over = float(math.ceil(limit) - 1), float(math.ceil(limit))
    else:
        under, over = math.nextafter(limit, -math.inf), limit
    return (over, under) if isinstance(change, Below) else (under, over)


def _at(situation: Question, fact: str, value: float) -> Question:
    return replace(situation, profile=situation.profile.replace(fact, value))


def _other_goals(family: Family, scored: Scored) -> Iterator[tuple[str, Goal]]:
    yield "goal left out", Goal()
    if scored.matrix.asks_of_outliers:
        yield "not told what outliers are", scored.matrix.metric.goal
    for other in family.scored.values():
        if other is not scored:
            yield f"goal of {other.matrix.metric.shown}", other.matrix.metric.goal


def _facts(matrix: Matrix) -> tuple[set[str], set[str]]:
    """Return measured facts that conditions of the book ask for, and those that its formulas compute with."""
    task = matrix.situation(matrix.cells[0]).task
    rows = [row for row in ROWS if row.book == "evidence" and task in row.tasks]
    decides = {condition.fact for row in rows for condition in row.when}
    feeds = {name for row in rows for formula in row.computed.values() for name in formula.inputs}
    profiles = [matrix.situation(cell).profile for cell in matrix.cells]
    measured = {name for profile in profiles for name in profile.model_dump(exclude_none=True)}
    return decides & measured, feeds & measured


def _moved(now: Question, facts: set[str], cell: Cell, draw: int) -> Question:
    """Return the question with each fact drawn anew from what its interval leaves open."""
    rng, profile = np.random.default_rng(seed_of(cell.key, draw)), now.profile
    for fact in sorted(facts & set(RANGES)):
        value, interval = profile.number(fact), profile.interval(fact)
        if value is not None and interval is not None and not RANGES[fact].whole:
            drawn = value + rng.standard_normal() * (interval[1] - interval[0]) / (2 * NORMAL_95)
            profile = profile.replace(fact, float(np.clip(drawn, *interval)))
    return replace(now, profile=profile)


def _regret(family: Family, matrix: Matrix, situations: dict[Cell, Question]) -> float | None:
    try:
        regrets = [
            matrix.regret(cell, matrix.advised(cell, now, family.without[cell.cluster]))
            for cell, now in situations.items()
        ]
    except UntrainedError:
        return None
    return float(cluster_means(np.array(regrets), [cell.cluster for cell in situations]).mean())
