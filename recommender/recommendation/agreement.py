"""Whether the two rule books agree, derived from their answers."""

from typing import Literal

from losses.contract.expression import Objective

Agreement = Literal["agree", "refine", "conflict"]


def agreement(article: Objective, evidence: Objective) -> Agreement:
    """Return agree for equal losses and parameters, refine where every loss of the article stays, else conflict."""
    if article.terms == evidence.terms:
        return "agree"
    return "refine" if _ids(article) <= _ids(evidence) else "conflict"


def _ids(objective: Objective) -> set[str]:
    return {term.loss.id for _, term in objective.terms}
