"""What is refused before anything is measured."""

import torch
from torch import Tensor

from losses.domains import first_index
from losses.errors import NonFiniteInput, ShapeMismatch, UnsupportedDtype
from recommender.errors import NothingToMeasure


def check(targets: Tensor, predictions: Tensor | None) -> None:
    """Refuse arrays that no fact can be measured on.

    Raises: NothingToMeasure, ShapeMismatch, UnsupportedDtype, NonFiniteInput.
    """
    check_numbers("targets", targets)
    if predictions is not None:
        check_numbers("predictions", predictions)


def check_numbers(role: str, values: Tensor) -> None:
    """Refuse one array that has no items, or holds what is no finite real number."""
    if values.is_complex():
        dtype = str(values.dtype).removeprefix("torch.")
        raise UnsupportedDtype(role, dtype, ["floating-point numbers", "integers", "booleans"])
    if values.ndim == 0:
        raise ShapeMismatch(role, "n, ...", values.shape)
    if values.numel() == 0:
        raise NothingToMeasure(role, values.shape)
    finite = torch.isfinite(values)
    if not finite.all():
        raise NonFiniteInput(role, first_index(~finite))


def residuals(targets: Tensor, predictions: Tensor) -> Tensor:
    """Return targets minus predictions in float64.

    Raises: ShapeMismatch; NonFiniteInput where the difference overflows.
    """
    if targets.shape != predictions.shape:
        wanted = ", ".join(map(str, targets.shape))
        raise ShapeMismatch("predictions", wanted, predictions.shape, "Those are the axes of the targets.")
    difference = targets.to(torch.float64) - predictions.to(torch.float64)
    check_numbers("targets - predictions", difference)
    return difference
