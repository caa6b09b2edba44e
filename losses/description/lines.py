"""The lines along which a loss is drawn: one prediction varies, its target is fixed.

What a prediction is follows from the axes and the domains that the loss declares: a number compared with a number, a
score or a probability compared with a label, or the first of two classes, which is the true one.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from losses.contract.domains import Domain
from losses.contract.loss import BoundLoss
from losses.errors import BadOption
from losses.text import Text, listed

LARGEST_PROBABILITY = 0.995  # the probability at either end of the axis; the cross-entropy is 5.3 there
CLASSES = 2  # of which the first is the truth
OPEN_END = 0.01  # of the span: how near a line comes to an end that is outside the domain
ERROR, SCORE, PREDICTION = "error", "score", "prediction"
TRUTH, PROBABILITY = "probability of the truth", "probability"
AXES_OF_OTHERS = {  # of an item, beside those of classes and thresholds
    "D": Text("a vector of D features", "D 个特征的向量"),
    "4": Text("a box of four numbers", "四个数的边界框"),
    "L": Text("a list of L scores", "L 个得分的列表"),
    "T": Text("a sequence of T frames", "T 帧的序列"),
}


@dataclass(frozen=True)
class Line:
    """The inputs of a loss at every point of a line.

    Attributes:
        axis: The name of the quantity on the x axis.
        x: Shape (points).
        inputs: The tensors by role, shapes (points, ...).
        moves: The role of the input that varies.
        direction: The derivative of that input with respect to x, in its shape.
        target: The fixed target, where it is a number or a label.
    """

    axis: str
    x: Tensor
    inputs: dict[str, Tensor]
    moves: str
    direction: Tensor
    target: float | None = None


def why_not(term: BoundLoss) -> Text | None:
    """Return why a loss is not a function of one prediction and its target; None where its axes allow it."""
    loss = term.loss
    if term.kind == "batch":
        return Text(
            "compares items with one another, so a prediction by itself has no value",
            "将各项相互比较,因此单个预测没有值",
        )
    if term.kind == "ratio":
        return Text(
            "is computed from sums over all items, so a prediction by itself has no value",
            "由所有项的总和算出,因此单个预测没有值",
        )
    if len(loss.required) > 2:  # noqa: PLR2004 - a prediction and its target
        taken = listed(loss.required)
        return Text(
            f"takes {taken.en}, and a curve has one prediction and its target",
            f"需要 {taken.zh},而曲线只有一个预测及其目标",
        )
    for role in loss.required:
        for axis in loss.pattern(role).names:
            if axis in AXES_OF_OTHERS:
                taken = AXES_OF_OTHERS[axis]
                return Text(
                    f"takes {taken.en} as {role}, and a curve has one number there",
                    f"的 {role} 是{taken.zh},而曲线在该处只有一个数",
                )
    return None


def lines(term: BoundLoss, points: int, span: float, target: float | None) -> Iterator[Line]:
    """Yield the lines along which a loss can be drawn, the most informative first; `why_not` of the loss is None.

    Raises: BadOption where the loss takes no target of this kind.
    """
    first, *others = term.loss.required
    if not others:
        yield from _alone(first, _grid(points, span), target)
        return
    target_domain = term.domain(others[0])
    for columns in _columns(term.loss.pattern(first).names, target_domain):
        if _is_number(target_domain):
            yield from _beside_a_number(term, columns, points, span, target)
        else:
            yield from _beside_a_label(term, columns, points, span, target)


def _columns(names: tuple[str, ...], target_domain: Domain) -> list[int]:
    """Return the possible lengths of a prediction's own axis; 0 where it has none."""
    if names[1:2] == ("K",):
        return [1]
    if names[1:2] != ("C",):
        return [0]
    if _is_number(target_domain):
        return [1]
    return [CLASSES] if _is_class(target_domain) else [1, CLASSES]


def _is_class(target_domain: Domain) -> bool:
    """Return whether the target says which of several classes is the true one."""
    return target_domain.below is not None or target_domain.simplex or target_domain.minus_infinity


def _is_number(target_domain: Domain) -> bool:
    """Return whether the target is a real number rather than a label or a class."""
    return not (
        target_domain.whole
        or target_domain.simplex
        or target_domain.minus_infinity
        or target_domain.is_of_probabilities
    )


def _grid(points: int, span: float) -> Tensor:
    """Return equally spaced points from -span to span, shape (points)."""
    return torch.linspace(-span, span, points, dtype=torch.float64)


def _alone(role: str, x: Tensor, target: float | None) -> Iterator[Line]:
    """Yield the line of a loss that takes predictions only.

    Raises: BadOption where a target was sent.
    """
    if target is not None:
        raise BadOption("target", Text("This loss takes no target.", "此损失不接受目标。"))
    yield Line(SCORE, x, {role: x}, role, torch.ones_like(x))


def _beside_a_number(term: BoundLoss, columns: int, points: int, span: float, target: float | None) -> Iterator[Line]:
    """Yield the line of the error and that of the prediction, for a target that is a number."""
    first, second = term.loss.required
    domain, target_domain = term.domain(first), term.domain(second)

    def line(axis: str, x: Tensor, fixed: float) -> Line:
        """Return a line whose prediction varies as `x`, with the target at `fixed`."""
        shaped = x.reshape(points, *[1] * columns)
        inputs = {first: shaped, second: torch.full_like(shaped, fixed)}
        return Line(axis, x, inputs, first, torch.ones_like(shaped), None if axis == ERROR else fixed)

    if domain.free and target_domain.free:
        yield line(ERROR, _grid(points, span), 0.0)
    least, most = target_domain.ends
    fixed = target if target is not None else 1.0 if least <= 1 <= most else target_domain.legal
    middle = fixed if domain.ends == target_domain.ends else 0.0
    yield line(PREDICTION, _within(domain, middle - span, middle + span, points), fixed)
    if domain.low is not None or domain.high is not None:  # where the loss is infinite at an end
        yield line(PREDICTION, _within(_without_ends(domain), middle - span, middle + span, points), fixed)


def _within(domain: Domain, low: float, high: float, points: int) -> Tensor:
    """Return equally spaced points from `low` to `high`, limited to the domain."""
    near = OPEN_END * (high - low)
    if domain.low is not None:
        low = max(low, domain.low)
    if domain.above is not None:
        low = max(low, domain.above + near)
    if domain.high is not None:
        high = min(high, domain.high)
    if domain.under is not None:
        high = min(high, domain.under - near)
    return torch.linspace(low, high, points, dtype=torch.float64)


def _without_ends(domain: Domain) -> Domain:
    """Return the domain with its closed ends open."""
    above = domain.above if domain.low is None else domain.low
    under = domain.under if domain.high is None else domain.high
    return replace(domain, low=None, high=None, above=above, under=under)


def _beside_a_label(term: BoundLoss, columns: int, points: int, span: float, target: float | None) -> Iterator[Line]:
    """Yield the line of the probability, where the loss has one, and that of the score; the target is a label."""
    first, second = term.loss.required
    domain, target_domain = term.domain(first), term.domain(second)
    fixed = _label(target_domain, columns, points, target)
    shown = None if _is_class(target_domain) else 1.0 if target is None else target
    probability = torch.linspace(1 - LARGEST_PROBABILITY, LARGEST_PROBABILITY, points, dtype=torch.float64)
    if domain.minus_infinity or domain.is_of_probabilities:
        out, direction = _put_out(domain, probability.logit() if domain.minus_infinity else probability, columns)
        name = PROBABILITY if shown not in {None, 1.0} else TRUTH
        yield Line(name, probability, {first: out, second: fixed}, first, direction, shown)
    if not domain.is_of_probabilities:
        x = _within(domain, -span, span, points)
        out, direction = _put_out(domain, x, columns)
        name = SCORE if domain.ends == (-math.inf, math.inf) else PREDICTION
        yield Line(name, x, {first: out, second: fixed}, first, direction, shown)


def _put_out(domain: Domain, moved: Tensor, columns: int) -> tuple[Tensor, Tensor]:
    """Return the model's outputs where one of their numbers varies as `moved`, and their derivative by it."""
    if columns < CLASSES:
        shaped = moved.reshape(len(moved), *[1] * columns)
        return shaped, torch.ones_like(shaped)
    ones, zeros = torch.ones_like(moved), torch.zeros_like(moved)
    if domain.simplex:
        return torch.stack([moved, 1 - moved], 1), torch.stack([ones, -ones], 1)
    return torch.stack([moved, zeros], 1), torch.stack([ones, zeros], 1)


def _label(target_domain: Domain, columns: int, points: int, target: float | None) -> Tensor:
    """Return the target at every point: a label, or the first of two classes.

    Raises: BadOption where a target was sent and the loss takes classes.
    """
    if _is_class(target_domain):
        if target is not None:
            raise BadOption(
                "target",
                Text(
                    "The target of this loss is a class, and the truth is the first of two.",
                    "此损失的目标是类别,真实类别为两类中的第一类。",
                ),
            )
        if target_domain.whole:
            return torch.zeros(points, dtype=torch.int64)
        row = torch.tensor([0.0, -torch.inf] if target_domain.minus_infinity else [1.0, 0.0], dtype=torch.float64)
        return row.expand(points, CLASSES)
    label = 1.0 if target is None else target
    if columns < CLASSES:
        of_items = target_domain.up_to is not None  # the number of thresholds that the item exceeds
        return torch.full((points, *[1] * (0 if of_items else columns)), label, dtype=torch.float64)
    return torch.tensor([label, 0.0], dtype=torch.float64).expand(points, CLASSES)
