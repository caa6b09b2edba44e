"""The choice of a head: the objective of its deciding row, with the parameters computed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache, lru_cache

from losses.contract.expression import Objective, parse
from losses.contract.loss import BoundLoss
from losses.contract.probability import ProbabilityMap
from losses.description.probability import probability_map
from recommender.question import Facts
from recommender.rules.formula import Computed, Formula
from recommender.rules.rulebook import DecidingRules
from recommender.rules.table import Rule


@dataclass(frozen=True)
class Choice:
    """The objective chosen for one head, and the rule that decided; `text` is the objective as an expression."""

    head: str
    rule: Rule
    text: str
    objective: Objective = field(compare=False)
    parameters: dict[str, Computed] = field(compare=False)

    @property
    def loss(self) -> BoundLoss:
        """The first term of the objective, which the rule is about."""
        return self.objective.terms[0][1]

    def changed_to(self, objective: Objective) -> "Choice":
        """Return the choice with another objective."""
        return replace(self, objective=objective, text=str(objective))


Choices = tuple[Choice, ...]
KEPT = 1024  # most answers that are kept to be given again, of each part: 1 to 5 KB each
_parse = cache(parse)  # of the texts of rows alone, so that it cannot grow


def choose(decision: DecidingRules, facts: Facts) -> Choices:
    """Return the choice for every head that the deciding rules cover."""
    return tuple(
        [_computed(head, rule, facts) if rule.computed else _stated(head, rule) for head, rule in decision.items()]
    )


@cache
def _stated(head: str, rule: Rule) -> Choice:
    """Return the choice of a rule without computed parameters."""
    return Choice(head, rule, str(_parse(rule.recommend)), _parse(rule.recommend), {})


def _computed(head: str, rule: Rule, facts: Facts) -> Choice:
    """Return the choice of a rule with its parameters computed from the facts."""
    objective, parameters = bind(rule.recommend, rule.computed, facts)
    return Choice(head, rule, str(objective), objective, parameters)


@lru_cache(maxsize=KEPT)
def probability_of(choice: Choice) -> ProbabilityMap | None:
    """Return the map from a head's output to probabilities; None where there is none, or none is needed."""
    return probability_map(choice.objective)


def bind(recommend: str, computed: Mapping[str, Formula], facts: Facts) -> tuple[Objective, dict[str, Computed]]:
    """Return the objective of a rule with the computed parameters of its first term, and those parameters."""
    if not computed:
        return _parse(recommend), {}
    parameters = {name: formula(facts) for name, formula in computed.items()}
    values = tuple([(name, parameter.value) for name, parameter in parameters.items()])
    from_facts = frozenset([name for name, parameter in parameters.items() if parameter.known])
    return _bound(recommend, values, from_facts), parameters


@lru_cache(maxsize=4 * KEPT)  # of rows, computed values of three digits
def _bound(recommend: str, values: tuple[tuple[str, float], ...], from_facts: frozenset[str]) -> Objective:
    """Return the objective with these values of parameters.

    `from_facts` are the names of those that were computed from facts.
    """
    (coefficient, first), *other_terms = _parse(recommend).terms
    bound = replace(first.loss.bind({**first.params, **dict(values)}), stated=from_facts)
    return Objective(((coefficient, bound), *other_terms))


def summed(choices: Choices) -> Objective:
    """Return the sum of the objectives of all heads."""
    if len(choices) == 1:
        return choices[0].objective
    return Objective(tuple(term for choice in choices for term in choice.objective.terms))
