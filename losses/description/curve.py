"""The value and the gradient of a loss along a line: the error, the score, the probability of the truth."""

from dataclasses import dataclass

import torch
from torch import Tensor

from losses.contract.domains import Domain
from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss
from losses.errors import BadOption
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options

LARGEST_PROBABILITY = 0.995  # the probability at either end of the axis; the cross-entropy is 5.3 there


@dataclass(frozen=True)
class Line:
    """The axis of a curve, and the inputs of the loss at every point of it."""

    axis: str
    x: Tensor
    inputs: dict[str, Tensor]
    moved: str


@dataclass(frozen=True)
class Curve:
    """Value and gradient at every x; the gradient is taken with respect to what the model puts out."""

    loss: str
    axis: str
    x: list[float]
    value: list[float]
    gradient: list[float]


def curve(objective: Objective, points: int, span: float) -> Curve:
    """Return value and gradient of an objective along its axis, errors and scores from -span to span.

    Raises: BadOption where the loss is not a function of one prediction and its target.
    """
    lines = [_line(term, points, span) for _, term in objective.terms]
    first = lines[0]
    if any(line.axis != first.axis for line in lines):
        raise BadOption("loss", "The terms are functions of different things, so the sum has no curve.")
    per_item = evaluate(objective, first.inputs, options=Options(reduction="none"))
    summed = evaluate(objective, first.inputs, options=Options(reduction="sum", gradient="full", standard_error=False))
    if per_item.values is None or summed.gradients is None:
        raise BadOption("loss", f"{objective} is not finite along its axis.")
    slope = summed.gradients[first.moved]
    return Curve(
        loss=str(objective),
        axis=first.axis,
        x=first.x.tolist(),
        value=per_item.values.tolist(),
        gradient=(slope if slope.ndim == 1 else slope[:, 0]).tolist(),
    )


def _line(term: BoundLoss, points: int, span: float) -> Line:
    roles = term.loss.required
    domains = [term.domain(role) for role in roles]
    straight = torch.linspace(-span, span, points, dtype=torch.float64)
    probability = torch.linspace(1 - LARGEST_PROBABILITY, LARGEST_PROBABILITY, points, dtype=torch.float64)
    match _layout(term), [_kind(domain) for domain in domains]:
        case "items", ["real"]:
            return Line("score", straight, {roles[0]: straight}, roles[0])
        case "items", ["real", "real"]:
            return Line("error", straight, {roles[0]: straight, roles[1]: torch.zeros_like(straight)}, roles[0])
        case "items", ["logit" | "probability" as kind, "probability"]:
            at = probability.logit() if kind == "logit" else probability
            truth = torch.ones_like(probability)
            return Line("probability of the truth", probability, {roles[0]: at, roles[1]: truth}, roles[0])
        case "classes", ["logits" | "distribution" as kind, "id" | "distribution" as label]:
            both = torch.stack([probability, 1 - probability], 1)
            ids = torch.zeros(points, dtype=torch.int64)
            truth = ids if label == "id" else torch.eye(2, dtype=torch.float64)[ids]
            at = both.log() if kind == "logits" else both
            return Line("probability of the truth", probability, {roles[0]: at, roles[1]: truth}, roles[0])
    message = f"{term.loss.id} is no function of one prediction and its target, so it has no curve."
    raise BadOption("loss", message)


def _layout(term: BoundLoss) -> str:
    """Return whether every entry is an item, or every row of classes."""
    if term.kind != "item" or term.loss.sums_itself:
        return "other"
    patterns = {str(term.loss.pattern(role)) for role in term.loss.required}
    if len(patterns) == 1 and patterns <= {"*n", "*f"}:
        return "items"
    return "classes" if patterns <= {"n C *s", "n *s"} else "other"


def _kind(domain: Domain) -> str:
    if domain.whole:
        return "id"
    if domain.minus_infinity:
        return "logits" if any(other.simplex for other in domain.instead.values()) else "logit"
    if domain.simplex:
        return "distribution"
    if (domain.low, domain.high) == (0, 1):
        return "probability"
    ends = (domain.low, domain.high, domain.above, domain.under)
    return "real" if ends == (None,) * 4 and not domain.corners else "bounded"
