"""Checks: functions of a question and its answer that return a warning, or None."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from losses.text import Text
from recommender.question import Question
from recommender.recommendation.choice import Choices
from recommender.rules.rulebook import Rulebook


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question, the book that was asked, and the choices that it made."""

    book: Rulebook
    question: Question
    chosen: Choices

    @cached_property
    def ids(self) -> set[str]:
        """The ids of all recommended losses."""
        return {term.loss.id for choice in self.chosen for _, term in choice.objective.terms}


Check = Callable[[AnsweredQuestion], Text | None]
TOLERANCE = 0.1  # relative: shares and ratios arrive rounded


class Checks(dict[str, Check]):
    """The checks of a module, in order, by the codes of their warnings."""

    def warns(self, code: str) -> Callable[[Check], Check]:
        """Return a decorator that registers a check under the code of its warning."""

        def register(check: Check) -> Check:
            """Register the check."""
            self[code] = check
            return check

        return register
