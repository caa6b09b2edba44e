"""Whether the outputs of a model trained with an objective are probabilities, and the map that makes them some."""

from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss
from losses.contract.probability import ProbabilityMap
from losses.text import Text

EXACT_WHERE = Text(
    en="Where the loss is minimised this is the probability itself; elsewhere it is as far off as the output is.",
    zh="在损失取最小值处,所得即为概率本身;在其他位置,其偏差与输出的偏差相当。",
)


def probability_map_of_term(term: BoundLoss) -> ProbabilityMap | None:
    """Return the map of a loss under its parameters; None where there is none, or none is needed."""
    map_of = term.loss.probability
    return map_of(term.params) if map_of else None


def probability_map(objective: Objective) -> ProbabilityMap | None:
    """Return the map of an objective with a single term; None for a sum, whose minimiser has no closed form."""
    return probability_map_of_term(objective.terms[0][1]) if len(objective.terms) == 1 else None


def tells_probability(objective: Objective) -> bool:
    """Return whether the output is a probability or can be mapped to one; for a sum, only where no term needs a map."""
    terms = [term for _, term in objective.terms]
    if len(terms) == 1 and terms[0].loss.probability is not None:
        return True
    return all(term.loss.elicits == "probability" and probability_map_of_term(term) is None for term in terms)
