"""One book under the thresholds in force: which rows apply, and which decides."""

from dataclasses import dataclass
from functools import cache

from recommender.question import Question
from recommender.rules import ROWS
from recommender.rules.table import Bounds, Rule, RulebookName
from recommender.tasks import Task

DecidingRules = dict[str, Rule]


@dataclass(frozen=True)
class Rulebook:
    """The rows of one book, in order."""

    name: RulebookName
    bounds: Bounds

    def rows(self, task: Task) -> tuple[Rule, ...]:
        """Return the rows of a task."""
        return _rows(self.name, task)

    def applying(self, question: Question) -> dict[str, list[Rule]]:
        """Return the rows that apply, by head; the first of each decides."""
        applying: dict[str, list[Rule]] = {}
        for row in self.rows(question.task):
            if row.applies(question, self.bounds):
                applying.setdefault(row.head, []).append(row)
        return applying

    def decide(self, question: Question) -> DecidingRules:
        """Return the deciding row of each head."""
        deciding: DecidingRules = {}
        for row in self.rows(question.task):
            if row.head not in deciding and row.applies(question, self.bounds):
                deciding[row.head] = row
        return deciding


@cache
def _rows(book: RulebookName, task: Task) -> tuple[Rule, ...]:
    return tuple(row for row in ROWS if row.book == book and task in row.tasks)
