"""Move classes from the last axis, as Keras and token models have them, to axis 1, as every formula has them."""

from collections.abc import Mapping
from typing import Literal

from torch import Tensor

from losses.contract.expression import Objective
from losses.errors import BadOption, DomainViolation, NonFiniteInput, Refusal, ShapeMismatch
from losses.text import Text

ClassAxis = Literal[1, -1]
FLAT = 2  # axes, of which the last is axis 1


def roles_of_classes(objective: Objective) -> set[str]:
    """Return the inputs that have classes on axis 1."""
    return {role for _, term in objective.terms for role in term.loss.roles if term.loss.pattern(role).has_classes}


def classes_on_axis_1(objective: Objective, inputs: Mapping[str, Tensor], class_axis: ClassAxis) -> dict[str, Tensor]:
    """Return views of the inputs with their classes on axis 1.

    Raises: BadOption where no loss has classes on an axis.
    """
    if class_axis == 1:
        return dict(inputs)
    roles = roles_of_classes(objective)
    if not roles:
        raise BadOption(
            "class_axis",
            Text(
                f"No input of {objective} has an axis of classes; leave class_axis out.",
                f"{objective} 的输入都没有类别轴;请去掉 class_axis。",
            ),
        )
    return {role: _moved(tensor) if role in roles else tensor for role, tensor in inputs.items()}


def factors_on_axis_1(tensor: Tensor, inputs: Mapping[str, Tensor], class_axis: ClassAxis) -> Tensor:
    """Return weights or a mask with the class axis moved to axis 1; unchanged where they have none."""
    if class_axis == 1 or tensor.ndim < max([each.ndim for each in inputs.values()], default=0):
        return tensor
    return _moved(tensor)


def moved_back(objective: Objective, slopes: Mapping[str, Tensor], class_axis: ClassAxis) -> dict[str, Tensor]:
    """Return gradients with the class axis moved back to where the inputs have it."""
    if class_axis == 1:
        return dict(slopes)
    roles = roles_of_classes(objective)
    return {
        role: slope.movedim(1, -1).contiguous() if role in roles and slope.ndim > FLAT else slope
        for role, slope in slopes.items()
    }


def in_the_axes_sent(
    refusal: ShapeMismatch | DomainViolation | NonFiniteInput,
    objective: Objective,
    inputs: Mapping[str, Tensor],
    class_axis: ClassAxis,
) -> Refusal:
    """Return a refusal in terms of the axes that the caller sent.

    A ShapeMismatch that the other `class_axis` would avoid advises to use it.
    """
    if isinstance(refusal, ShapeMismatch):
        way_out = _other_axis(objective, inputs, class_axis)
        return refusal if way_out is None else ShapeMismatch(refusal.role, refusal.expected, refusal.got, way_out)
    moved = class_axis == -1 and refusal.role in roles_of_classes(objective) and len(refusal.index) > FLAT
    if not moved:
        return refusal
    first, of_class, *others = refusal.index
    return refusal.at([first, *others, of_class])


def _other_axis(objective: Objective, inputs: Mapping[str, Tensor], class_axis: ClassAxis) -> Text | None:
    """Return the advice to use the other class axis, where the inputs fit with that one only; None otherwise."""
    classed = roles_of_classes(objective)
    roles = [role for role, tensor in inputs.items() if role in classed and tensor.ndim > FLAT]
    moved = {role: _moved(tensor) if role in roles else tensor for role, tensor in inputs.items()}
    current, alternative = (inputs, moved) if class_axis == 1 else (moved, inputs)
    if not roles or _fit(objective, current) or not _fit(objective, alternative):
        return None
    if class_axis == -1:
        return Text(
            "They fit with classes on axis 1, the default: leave class_axis out.",
            "类别在轴 1(默认)时它们匹配:请去掉 class_axis。",
        )
    shapes = {role: list(moved[role].shape) for role in roles}
    sent = ", ".join(f"{role}.movedim(-1, 1) of shape {shape}" for role, shape in shapes.items())
    chinese = "、".join(f"形状为 {shape} 的 {role}.movedim(-1, 1)" for role, shape in shapes.items())
    return Text(
        f"Classes stand on axis 1: send {sent}, or ask with class_axis=-1.",
        f"类别位于轴 1:请发送{chinese},或使用 class_axis=-1。",
    )


def _fit(objective: Objective, inputs: Mapping[str, Tensor]) -> bool:
    """Return whether the shapes of the inputs fit the axes of every term."""
    try:
        for _, term in objective.terms:
            term.loss.shapes.bind(inputs, term.loss.roles, {})
    except ShapeMismatch:
        return False
    return True


def _moved(tensor: Tensor) -> Tensor:
    """Return a tensor with its last axis moved to axis 1, if it has more than two."""
    return tensor.movedim(-1, 1) if tensor.ndim > FLAT else tensor
