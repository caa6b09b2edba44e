"""The map from model outputs to probabilities, for losses whose minimiser is not the probability."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

IMPORTS = "import torch\nimport torch.nn.functional as F\n"  # of all code that is printed


@dataclass(frozen=True)
class ProbabilityMap:
    """A map from the outputs of a model to probabilities.

    Attributes:
        formula: The map as a formula.
        code: Python code that defines `probability`. It takes `predictions` as the loss takes them, (n, C, *s) for
            exclusive classes, and the loss's other inputs besides the targets, such as class weights (C).
    """

    formula: str
    code: str

    def function(self) -> Callable[..., Tensor]:
        """Return the function `probability` that `code` defines."""
        room: dict[str, Any] = {}
        exec(self.code, room)  # noqa: S102 - text of the losses; all that a request puts into it are checked numbers
        probability: Callable[..., Tensor] = room["probability"]
        return probability


ProbabilityMapOf = Callable[[Mapping[str, Any]], ProbabilityMap | None]  # of a loss's parameters; None: not needed
