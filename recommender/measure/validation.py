"""Checks of the arrays before measuring."""

from collections.abc import Mapping

import torch
from torch import Tensor

from losses.contract.domain_checks import first_index
from losses.errors import NonFiniteInput, ShapeMismatch, UnsupportedDtype
from recommender.errors import NothingToMeasure
from recommender.measure.numbers.residual_blocks import LEAVE_OUT, pieces


def check_arrays(arrays: Mapping[str, Tensor]) -> None:
    """Refuse arrays on which no fact can be measured.

    Raises: NothingToMeasure, ShapeMismatch, UnsupportedDtype, NonFiniteInput.
    """
    for role, values in arrays.items():
        check_numbers(role, values)


def check_numbers(role: str, values: Tensor) -> None:
    """Refuse an array that has no items, or numbers that are not finite and real."""
    if values.is_complex():
        dtype = str(values.dtype).removeprefix("torch.")
        raise UnsupportedDtype(role, dtype, ["floating-point numbers", "integers", "booleans"])
    if values.ndim == 0:
        raise ShapeMismatch(role, "n, ...", values.shape)
    if values.numel() == 0:
        raise NothingToMeasure(role, values.shape)
    if values.is_floating_point() and not bool(torch.isfinite(torch.stack(values.aminmax())).all()):
        _refuse(role, values)


def _refuse(role: str, values: Tensor) -> None:
    """Raise NonFiniteInput with the index of the first number that is not finite."""
    start = 0
    for piece in pieces(values):
        finite = torch.isfinite(piece)
        if not finite.all():
            raise NonFiniteInput(role, first_index(~finite, start), LEAVE_OUT)
        start += piece.shape[0]
