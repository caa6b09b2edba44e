"""The map from model outputs to probabilities, for losses whose minimiser is not the probability."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

IMPORTS = "import torch\nimport torch.nn.functional as F\n"  # of all code that is printed


@dataclass(frozen=True)
class ProbabilityMap:
    """A map from outputs to probabilities.

    `code` defines `probability`; its arguments are what the loss takes beside the targets: `predictions` as the loss
    takes them, (n, C, *s) where classes exclude one another, and arrays of one number a class.
    """

    formula: str
    code: str

    def function(self) -> Callable[..., Tensor]:
        """Return `probability` as a function, made of the printed code."""
        room: dict[str, Any] = {}
        exec(self.code, room)  # noqa: S102 - text of the losses; all that a request puts into it are checked numbers
        probability: Callable[..., Tensor] = room["probability"]
        return probability


ProbabilityMapOf = Callable[[Mapping[str, Any]], ProbabilityMap | None]  # of a loss's parameters; None: not needed
