"""One book under the thresholds in force: which rows apply, and which decides."""

from dataclasses import dataclass

from recommender.rules import ROWS
from recommender.rules.table import Bounds, Rule, Rulebook
from recommender.situation import Situation
from recommender.tasks import Task

Decision = dict[str, Rule]


@dataclass(frozen=True)
class Book:
    """The rows of one book, in order."""

    name: Rulebook
    bounds: Bounds
    table: tuple[Rule, ...] = ROWS

    def rows(self, task: Task) -> list[Rule]:
        """Return the rows of a task."""
        return [row for row in self.table if row.book == self.name and task in row.tasks]

    def applying(self, situation: Situation) -> dict[str, list[Rule]]:
        """Return the rows that apply, by head; the first of each decides."""
        found: dict[str, list[Rule]] = {}
        for row in self.rows(situation.task):
            if row.applies(situation, self.bounds):
                found.setdefault(row.head, []).append(row)
        return found

    def decide(self, situation: Situation) -> Decision:
        """Return the deciding row of each head."""
        return {head: rows[0] for head, rows in self.applying(situation).items()}
