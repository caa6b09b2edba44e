"""One rule book with its thresholds: which rules apply, and which decides."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import get_args

from recommender.question import Question
from recommender.rules import ROWS
from recommender.rules.conditions import Changes, Conditions, DecidingRules
from recommender.rules.table import Bounds, Rule, RulebookName
from recommender.rules.thresholds import bounds_in_force
from recommender.tasks import Task

__all__ = ["DecidingRules", "Rulebook", "books_in_force"]


@dataclass(frozen=True, eq=False)
class Rulebook:
    """The rules of one book, in order, under the thresholds in force."""

    name: RulebookName
    bounds: Bounds
    _by_task: dict[Task, Conditions] = field(default_factory=dict, repr=False, compare=False)

    def rows(self, task: Task) -> tuple[Rule, ...]:
        """Return the rules for a task."""
        return _rows(self.name, task)

    def conditions(self, task: Task) -> Conditions:
        """Return the conditions of the rules for a task."""
        conditions = self._by_task.get(task)
        if conditions is None:
            conditions = self._by_task[task] = Conditions(self.rows(task), self.bounds)
        return conditions

    def applying(self, question: Question) -> Mapping[str, tuple[Rule, ...]]:
        """Return the rules that apply, by head; the first of each decides."""
        return self.conditions(question.task).applying(question)

    def decide(self, question: Question, changes: Changes | None = None) -> DecidingRules:
        """Return the deciding rule of each head, with some facts of the question changed."""
        return self.conditions(question.task).decide(question, changes)


def books_in_force(thresholds: Mapping[str, float] | None = None) -> Mapping[RulebookName, Rulebook]:
    """Return both books under overrides of thresholds.

    Raises: UnknownThreshold, BadThreshold.
    """
    return _books(tuple(sorted((thresholds or {}).items())))


@lru_cache(maxsize=16)  # a service has one set of thresholds, and now and then a request with its own
def _books(thresholds: tuple[tuple[str, float], ...]) -> Mapping[RulebookName, Rulebook]:
    """Return both books, cached by the overrides."""
    bounds = bounds_in_force(dict(thresholds))
    return {name: Rulebook(name, bounds) for name in get_args(RulebookName)}


@cache
def _rows(book: RulebookName, task: Task) -> tuple[Rule, ...]:
    """Return the rules of a book for a task."""
    return tuple(row for row in ROWS if row.book == book and task in row.tasks)
