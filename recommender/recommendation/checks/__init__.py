"""Checks that add warnings to an answer: a module for each thing that is checked."""

from recommender.notices import WarningText
from recommender.question import Question
from recommender.recommendation.checks import data, goal, outputs, unused
from recommender.recommendation.checks.check import AnsweredQuestion
from recommender.recommendation.choice import Choices
from recommender.rules.rulebook import Rulebook

_CHECKS = {**goal.CHECKS, **outputs.CHECKS, **data.CHECKS, **unused.CHECKS}  # in the order of their warnings


def answer_warnings(book: Rulebook, question: Question, chosen: Choices) -> list[WarningText]:
    """Return the warnings of the computed parameters, of the deciding rows, and of all checks."""
    if not chosen:
        return []
    answered = AnsweredQuestion(book, question, chosen)
    computed = [each for choice in chosen for parameter in choice.parameters.values() for each in parameter.warnings]
    computed += [each for choice in chosen for each in choice.rule.warnings]
    checked = [WarningText(code, text) for code, check in _CHECKS.items() if (text := check(answered))]
    return [*computed, *checked]
