"""Whether the two rule books agree, derived from their answers."""

from typing import Literal

from losses.contract.expression import Objective

Agreement = Literal["agree", "refine", "conflict"]


def agreement(article: Objective, evidence: Objective) -> Agreement:
    """Return how the answers of the two books compare.

    That is "agree" for equal losses and parameters, "refine" where the evidence keeps every loss of the article and
    adds or changes something, else "conflict".
    """
    if article.terms == evidence.terms:
        return "agree"
    return "refine" if _ids(article) <= _ids(evidence) else "conflict"


def _ids(objective: Objective) -> set[str]:
    """Return the ids of the losses of an objective."""
    return {term.loss.id for _, term in objective.terms}
