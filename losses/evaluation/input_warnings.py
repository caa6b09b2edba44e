"""Warnings about inputs that are legal but probably not intended."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor

from losses.contract.encodings import Extremes
from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss

MOST_LOOKED_AT = 1 << 12  # pixels, of the first item
FEW = 8  # classes that a mask of several labels may well have
FLAT = 3  # axes: items, classes and pixels, or a volume alone


@dataclass(frozen=True)
class InputWarning:
    """A warning: a code for machines and a sentence."""

    code: str
    text: str


def warnings(objective: Objective, inputs: Mapping[str, Tensor], seen: list[dict[str, Extremes]]) -> list[InputWarning]:
    """Return the warnings about the inputs of an evaluation, each once.

    Args:
        objective: The objective.
        inputs: The tensors by role.
        seen: The extremes of every input, by term and role.
    """
    warned: dict[tuple[str, str, str], InputWarning] = {}
    for (_, term), extremes in zip(objective.terms, seen, strict=True):
        for role, encoding in term.mistakable:
            if role in extremes and encoding.is_like(extremes[role]):
                text = encoding.text.format(role=role, loss=term.loss.id)
                warned[term.loss.id, role, encoding.code] = InputWarning(encoding.code, text)
        if term.one_class_of_several and "targets" in extremes:
            for warning in _several_classes(term, inputs["targets"]):
                warned[term.loss.id, "targets", warning.code] = warning
    return list(warned.values())


def _several_classes(term: BoundLoss, targets: Tensor) -> Iterator[InputWarning]:
    """Yield a warning where some pixel has several classes although the loss expects one."""
    classes = targets.shape[1]
    if not len(targets) or classes == 1:
        return
    one_of_several = term.params.get("from_logits") is not False and term.params.get("activation") != "sigmoid"
    if not one_of_several and (classes < FEW or targets.ndim > FLAT):
        return
    pixels = targets[0].flatten(1)[:, :MOST_LOOKED_AT] if targets.ndim > 2 else targets[0].unsqueeze(1)  # noqa: PLR2004 - n C
    if float(pixels.sum(0).max()) > 1.5:  # noqa: PLR2004 - soft labels sum to 1
        yield InputWarning("several-classes-a-pixel", _read_as(targets.shape, one_of_several=one_of_several))


def _read_as(shape: tuple[int, ...], *, one_of_several: bool) -> str:
    """Return how the axes of class masks were read, and how to send them otherwise."""
    sigmoid = " several labels a pixel with activation=sigmoid," if one_of_several else ""
    return (
        f"targets of shape {list(shape)} were read as {shape[0]} items with {shape[1]} classes on axis 1, and some "
        "pixel has several of them. Masks of one class are sent as (n, 1, ...), a volume alone as (1, 1, ...),"
        f"{sigmoid} classes on the last axis with class_axis=-1."
    )
