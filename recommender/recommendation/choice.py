"""The choice of a head: the objective of its deciding row, with the parameters computed."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache

from losses.contract.expression import Objective, parse
from losses.contract.loss import BoundLoss
from recommender.question import Question
from recommender.rules.formulas import Computed, Formula
from recommender.rules.rulebook import DecidingRules
from recommender.rules.table import Rule


@dataclass(frozen=True)
class Choice:
    """The objective of one head, and the row that decided."""

    head: str
    rule: Rule
    objective: Objective
    parameters: dict[str, Computed]

    @property
    def loss(self) -> BoundLoss:
        """The first term: the one the row is about."""
        return self.objective.terms[0][1]


Choices = tuple[Choice, ...]
_parse = cache(parse)  # of the texts of rows alone, so that it cannot grow


def choose(decision: DecidingRules, question: Question) -> Choices:
    """Return the choice of every head."""
    return tuple(Choice(head, rule, *bind(rule.recommend, rule.computed, question)) for head, rule in decision.items())


def bind(recommend: str, computed: Mapping[str, Formula], question: Question) -> tuple[Objective, dict[str, Computed]]:
    """Return the objective of a row with the parameters of its first term filled in, and those parameters."""
    objective = _parse(recommend)
    if not computed:
        return objective, {}
    (coefficient, first), *rest = objective.terms
    parameters = {name: formula(question) for name, formula in computed.items()}
    values = {name: parameter.value for name, parameter in parameters.items()}
    known = {name for name, formula in computed.items() if formula.is_known(question)}
    bound = replace(first.loss.bind({**first.params, **values}), stated=frozenset(known))
    return Objective(((coefficient, bound), *rest)), parameters


def summed(choices: Choices) -> Objective:
    """Return the sum over the heads."""
    return Objective(tuple(term for choice in choices for term in choice.objective.terms))
