"""The small language in which a loss states its axes: "n C *s, n *s -> n *s".

A name is one axis, a starred name any number of them, the same name always the same length. An axis in lower
case may be cut into chunks when it comes first; one in upper case (classes C, features D) is kept whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor

from losses.errors import ShapeMismatch

Axes = dict[str, tuple[int, ...]]


@dataclass(frozen=True)
class Pattern:
    """The axes of one input, or of the items."""

    names: tuple[str, ...]

    @classmethod
    def parse(cls, text: str) -> "Pattern":
        return cls(tuple(text.split()))

    def __str__(self) -> str:
        return " ".join(self.names)

    @property
    def lead(self) -> str | None:
        """The name of the axis that chunks are cut along, None where nothing is cut."""
        first = self.names[0].lstrip("*") if self.names else ""
        return first if first.islower() else None

    def bind(self, role: str, shape: tuple[int, ...], axes: Axes) -> None:
        """Read the lengths of the axes off a shape into `axes`.

        Raises: ShapeMismatch where the number of axes or an axis already bound differs.
        """
        stars = [position for position, name in enumerate(self.names) if name.startswith("*")]
        spread = len(shape) - (len(self.names) - len(stars))
        if spread < 0 or (spread and not stars) or (not shape and self.lead):
            raise ShapeMismatch(role, str(self), shape)
        taken = 0
        for name in self.names:
            width = spread if name.startswith("*") else 1
            lengths = tuple(shape[taken : taken + width])
            taken += width
            if axes.setdefault(name.lstrip("*"), lengths) != lengths:
                raise ShapeMismatch(
                    role, str(self), shape, f"{list(self.lengths(axes))} would fit; nothing is broadcast."
                )

    def lengths(self, axes: Axes) -> tuple[int, ...]:
        """Return the shape that the bound axes give."""
        return tuple(length for name in self.names for length in axes[name.lstrip("*")])


@dataclass(frozen=True)
class Shapes:
    """The axes of every role in the order of the signature, and of the items that come out."""

    roles: tuple[Pattern, ...]
    items: Pattern

    @classmethod
    def parse(cls, text: str) -> "Shapes":
        inputs, _, items = text.partition("->")
        return cls(tuple(Pattern.parse(part) for part in inputs.split(",")), Pattern.parse(items))

    def bind(self, inputs: Mapping[str, Tensor], roles: tuple[str, ...]) -> Axes:
        """Return the length of every axis of the inputs given.

        Raises: ShapeMismatch.
        """
        axes: Axes = {}
        for role, pattern in zip(roles, self.roles, strict=True):
            if role in inputs:
                pattern.bind(role, tuple(inputs[role].shape), axes)
        return axes
