"""The notation in which a loss states its axes: "n C *s, n *s -> n *s".

A name is one axis, a starred name any number of axes; the same name always has the same length. An axis in lower case
may be cut into chunks if it comes first; one in upper case (classes C, features D) is never cut. A number is an axis of
that length.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from torch import Tensor

from losses.errors import ShapeMismatch
from losses.text import Text, paragraph

Axes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Pattern:
    """The axes of one input, or of the items, as names."""

    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        """Return the pattern of names separated by spaces."""
        return cls(tuple(text.split()))

    def __str__(self) -> str:
        """Return the names separated by spaces."""
        return " ".join(self.names)

    @cached_property
    def item_axis(self) -> str | None:
        """The name of the axis that is cut into chunks; None where there is none."""
        first = self.names[0].lstrip("*") if self.names else ""
        return first if first.islower() else None

    @cached_property
    def has_classes(self) -> bool:
        """Whether axis 1 is the axis of classes, C."""
        return self.names[1:2] == ("C",)

    @cached_property
    def _bare(self) -> list[tuple[str, bool, tuple[int] | None]]:
        """For every name: the name without its star, whether it had one, and the length where the name is a number."""
        return [
            (name.lstrip("*"), name.startswith("*"), (int(name),) if name.isdigit() else None) for name in self.names
        ]

    @cached_property
    def _starred(self) -> int:
        """The number of starred names."""
        return sum(starred for _, starred, _ in self._bare)

    def bind(self, role: str, shape: tuple[int, ...], axes: Axes, way_out: str | Text = "") -> None:
        """Read the lengths of the axes from a shape, and add them to `axes`.

        Raises: ShapeMismatch where the number of axes is wrong, an axis already has another length, or an upper-case
        axis is empty; `way_out` is added to its message.
        """
        spread = len(shape) - len(self._bare) + self._starred
        if spread < 0 or (spread and not self._starred) or (not shape and self.item_axis):
            raise ShapeMismatch(role, str(self), shape, way_out)
        shape_axes: Axes = {}
        taken = 0
        for bare, starred, _ in self._bare:
            width = spread if starred else 1
            shape_axes[bare] = shape[taken : taken + width]
            taken += width
        fitting = self.lengths(shape_axes | axes)
        if fitting != shape:
            expected = list(fitting)
            fits = Text(f"{expected} would fit; nothing is broadcast.", f"应为 {expected};此处不做广播。")
            raise ShapeMismatch(role, str(self), shape, paragraph(fits, way_out))
        if 0 in shape:
            for name in self.names:
                if name.isupper() and shape_axes[name] == (0,):
                    raise ShapeMismatch(
                        role, str(self), shape, Text(f"{name} must be at least 1.", f"{name} 至少为 1。")
                    )
        axes |= shape_axes

    def lengths(self, axes: Axes) -> tuple[int, ...]:
        """Return the shape that the pattern has with these lengths of its axes."""
        lengths: tuple[int, ...] = ()
        for bare, _, number in self._bare:
            lengths += axes[bare] if number is None else number
        return lengths


@dataclass(frozen=True)
class Shapes:
    """The axes of every input in the order of the signature, and of the items of the result."""

    roles: tuple[Pattern, ...]
    items: Pattern

    @classmethod
    def parse(cls, text: str) -> "Shapes":
        """Return the axes that a text in the notation of this module states."""
        inputs, _, items = text.partition("->")
        return cls(tuple(Pattern.parse(part) for part in inputs.split(",")), Pattern.parse(items))

    def bind(self, inputs: Mapping[str, Tensor], roles: tuple[str, ...], way_outs: Mapping[str, str | Text]) -> Axes:
        """Return the length of every axis, by name, from the shapes of the inputs.

        Args:
            inputs: The tensors by role; optional ones may be missing.
            roles: The roles in the order of the signature.
            way_outs: Advice to add to the refusal of a role whose shape does not fit.

        Raises: ShapeMismatch.
        """
        axes: Axes = {}
        for role, pattern in zip(roles, self.roles, strict=True):
            if role in inputs:
                pattern.bind(role, tuple(inputs[role].shape), axes, way_outs.get(role, ""))
        return axes
