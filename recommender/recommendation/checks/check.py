"""What a check is: a function of a question and its answer that returns a warning, or None."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from losses.text import Text
from recommender.question import Question
from recommender.recommendation.choice import Choices
from recommender.rules.rulebook import Rulebook


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question and the answer given to it."""

    book: Rulebook
    question: Question
    chosen: Choices

    @cached_property
    def ids(self) -> set[str]:
        """Every loss recommended."""
        return {term.loss.id for choice in self.chosen for _, term in choice.objective.terms}


Check = Callable[[AnsweredQuestion], Text | None]
TOLERANCE = 0.1  # relative: shares and ratios arrive rounded


class Checks(dict[str, Check]):
    """The checks of a module, in order, by the codes of their warnings."""

    def warns(self, code: str) -> Callable[[Check], Check]:
        """Register a check under the code of its warning."""

        def register(check: Check) -> Check:
            self[code] = check
            return check

        return register
