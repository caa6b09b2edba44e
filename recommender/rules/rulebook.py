"""One book under the thresholds in force: which rows apply, and which decides."""

from dataclasses import dataclass
from functools import cache

from recommender.question import Situation
from recommender.rules import ROWS
from recommender.rules.table import Bounds, Rule, Rulebook
from recommender.tasks import Task

Decision = dict[str, Rule]


@dataclass(frozen=True)
class Book:
    """The rows of one book, in order."""

    name: Rulebook
    bounds: Bounds

    def rows(self, task: Task) -> tuple[Rule, ...]:
        """Return the rows of a task."""
        return _rows(self.name, task)

    def applying(self, situation: Situation) -> dict[str, list[Rule]]:
        """Return the rows that apply, by head; the first of each decides."""
        found: dict[str, list[Rule]] = {}
        for row in self.rows(situation.task):
            if row.applies(situation, self.bounds):
                found.setdefault(row.head, []).append(row)
        return found

    def decide(self, situation: Situation) -> Decision:
        """Return the deciding row of each head."""
        found: Decision = {}
        for row in self.rows(situation.task):
            if row.head not in found and row.applies(situation, self.bounds):
                found[row.head] = row
        return found


@cache
def _rows(book: Rulebook, task: Task) -> tuple[Rule, ...]:
    return tuple(row for row in ROWS if row.book == book and task in row.tasks)
