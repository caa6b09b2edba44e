"""The value and the gradient of a loss along one axis: the error, the score, or the probability of the true class."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss
from losses.description.lines import ERROR, Line, lines, why_not
from losses.errors import BadOption
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.text import Text

SAME = 1e-9  # relative: how near two values are that rounding alone tells apart


@dataclass(frozen=True)
class Curve:
    """Value and gradient of an objective at every x.

    Attributes:
        loss: The objective as an expression.
        axis: The name of the quantity on the x axis.
        gradient: The derivative with respect to the model's output.
        target: The target that the prediction is compared with, where it is a number or a label.
    """

    loss: str
    axis: str
    x: list[float]
    value: list[float]
    gradient: list[float]
    target: float | None = None


@dataclass(frozen=True)
class _Drawn:
    """One loss along one line: its value and gradient at every point."""

    line: Line
    value: Tensor
    gradient: Tensor

    @property
    def is_flat(self) -> bool:
        """Whether the value is constant and the gradient 0."""
        return not bool(self.gradient.any()) and bool((self.value == self.value[0]).all())

    @property
    def is_finite(self) -> bool:
        """Whether every value and every gradient is finite."""
        return bool(self.value.isfinite().all() and self.gradient.isfinite().all())

    def shares(self, other: "_Drawn | None") -> bool:
        """Whether both have the same points on the x axis."""
        return other is not None and torch.equal(self.line.x, other.line.x)


def curve(objective: Objective, points: int, span: float, target: float | None = None) -> Curve:
    """Return value and gradient of an objective along the first axis that it has; see `curves_along_one_axis`."""
    return curves_along_one_axis([objective], points, span, target)[0]


def curves_along_one_axis(
    objectives: Sequence[Objective], points: int, span: float, target: float | None = None
) -> list[Curve]:
    """Return value and gradient of several objectives, along the first axis that all of them have.

    Args:
        objectives: The objectives.
        points: The number of points.
        span: Half the width of the axis, in units of the error, the score or the prediction.
        target: The target that predictions are compared with; None: 1.

    Raises: BadOption where a loss is not a function of one prediction and its target, or where the objectives share no
    axis; DomainViolation where the target is outside the domain of the loss.
    """
    of_terms = [[_along_axes(term, points, span, target) for _, term in objective.terms] for objective in objectives]
    first, *others = [along for terms in of_terms for along in terms]
    axis = next((axis for axis in first if all(first[axis].shares(other.get(axis)) for other in others)), None)
    if axis is None:
        listed = "; ".join(dict.fromkeys(" or ".join(along) for along in [first, *others]))
        raise BadOption(
            "loss",
            Text(
                f"These losses are functions of different things ({listed}), and share no axis.",
                f"这些损失是不同量({listed})的函数,没有共同的轴。",
            ),
        )
    return [
        _added(objective, [along[axis] for along in terms])
        for objective, terms in zip(objectives, of_terms, strict=True)
    ]


def _added(objective: Objective, terms: list[_Drawn]) -> Curve:
    """Return the curve of a sum from the curves of its terms."""
    coefficients = [coefficient for coefficient, _ in objective.terms]
    value = sum(weight * term.value for weight, term in zip(coefficients, terms, strict=True))
    gradient = sum(weight * term.gradient for weight, term in zip(coefficients, terms, strict=True))
    line = terms[0].line
    return Curve(
        loss=str(objective),
        axis=line.axis,
        x=line.x.tolist(),
        value=torch.as_tensor(value).tolist(),
        gradient=torch.as_tensor(gradient).tolist(),
        target=line.target,
    )


def _along_axes(term: BoundLoss, points: int, span: float, target: float | None) -> dict[str, _Drawn]:
    """Return a loss along every axis on which it is finite and not constant, by the axis's name.

    Raises: BadOption with the reason, where there is none.
    """
    reason = why_not(term)
    if reason:
        raise BadOption("loss", Text(f"{term.loss.id} {reason.en}.", f"{term.loss.id} {reason.zh}。"))
    along: dict[str, _Drawn] = {}
    finite = True
    for line in lines(term, points, span, target):
        if line.axis in along or (line.axis == ERROR and not _is_of_the_error(term, line)):
            continue
        drawn = _along(term, line)
        finite &= drawn.is_finite
        if drawn.is_finite and not drawn.is_flat:
            along[line.axis] = drawn
    if not along and finite:
        raise BadOption(
            "loss",
            Text(
                f"{term.loss.id} says nothing of a single prediction, only of how several lie together.",
                f"{term.loss.id} 不针对单个预测,只针对多个预测之间的关系。",
            ),
        )
    if not along:
        raise BadOption(
            "span",
            Text(
                f"{term.loss.id} is not finite so far out; ask with a shorter span.",
                f"{term.loss.id} 在这么远处不是有限的;请使用更短的 span。",
            ),
        )
    return along


def _along(term: BoundLoss, line: Line) -> _Drawn:
    """Return the value and the gradient of a loss along a line."""
    objective = Objective(((1.0, term),))
    value = _values(objective, line.inputs)
    options = Options(reduction="sum", gradient="full", standard_error=False)
    gradients = evaluate(objective, line.inputs, options=options).gradients
    if gradients is None:  # the sum is not finite
        return _Drawn(line, value, torch.full_like(value, torch.nan))
    gradient = gradients[line.moves] * line.direction
    return _Drawn(line, value, gradient.reshape(len(line.x), -1).sum(1))


def _values(objective: Objective, inputs: Mapping[str, Tensor]) -> Tensor:
    """Return the value of an objective for each item."""
    values = evaluate(objective, inputs, options=Options(reduction="none")).values
    if values is None:
        raise TypeError(objective)
    return values.reshape(len(values), -1).sum(1)


def _is_of_the_error(term: BoundLoss, line: Line) -> bool:
    """Return whether the loss depends only on the difference between prediction and target."""
    objective = Objective(((1.0, term),))
    moved = {role: tensor + 1 for role, tensor in line.inputs.items()}
    values, shifted = _values(objective, line.inputs), _values(objective, moved)
    return torch.allclose(values, shifted, rtol=SAME, atol=SAME)
