"""Converts nested JSON lists of numbers to tensors, and tensors to nested lists."""

import math

import numpy as np
import torch
from torch import Tensor

from losses.text import Text
from service.problems import BadRequest
from service.uploads.json_bodies.text import rounded

EXACT = 1 << 53  # whole numbers up to it are float64
DEEPEST = 8  # axes: a batch of 3-D images with channels has 5


def from_lists(role: str, value: object, *, booleans: bool) -> Tensor:
    """Return nested lists as a float64 tensor, or as a whole-number or boolean one where all entries are.

    `booleans` says whether true or false occur in the text, so that they are searched for only then.

    Raises: BadRequest for anything but numbers in lists of equal lengths.
    """
    depth, inner = 0, value
    while isinstance(inner, list) and inner:
        depth, inner = depth + 1, inner[0]
    if not isinstance(value, list) or depth > DEEPEST:
        raise too_deep(role)
    try:
        array = np.array(value)
    except (ValueError, OverflowError):
        raise ragged(role) from None
    if not array.size:
        return torch.empty(array.shape, dtype=torch.float64)
    kind = array.dtype.kind
    mixed = booleans and kind != "b" and _any_boolean(value)
    # beside smaller ones numpy rounds whole numbers of 2^63 and more
    if kind not in "fib" or mixed or (kind == "f" and abs(array).max() >= 1 << 63 and _all_whole(value)):
        raise not_numbers(role)
    if kind == "f" and abs(array).max() >= EXACT and not _all_exact(value):
        raise rounded()
    return torch.from_numpy(array)


def too_deep(role: str) -> BadRequest:
    """Return the refusal of lists that are nested too deeply."""
    return BadRequest(
        Text(
            f"{role} must be a list of numbers, nested at most {DEEPEST} deep.",
            f"{role} 必须是数的列表,最多嵌套 {DEEPEST} 层。",
        ),
        role=role,
    )


def ragged(role: str) -> BadRequest:
    """Return the refusal of lists of unequal lengths."""
    return BadRequest(
        Text(
            f"{role} must be a list of numbers whose rows all have the same length.",
            f"{role} 必须是数的列表,且各行长度相同。",
        ),
        role=role,
    )


def not_numbers(role: str) -> BadRequest:
    """Return the refusal of lists that contain anything but numbers."""
    return BadRequest(
        Text(
            f"{role} must hold numbers only: no text, no null, no true among numbers, nothing of 2^63 or more.",
            f"{role} 只能有数:不能有文本、null、数中混入的 true,也不能有 2^63 及以上的数。",
        ),
        role=role,
    )


def _all_whole(value: object) -> bool:
    """Return whether all entries of nested lists are whole numbers."""
    if isinstance(value, list):
        return all(_all_whole(entry) for entry in value)
    return isinstance(value, int)


def _all_exact(value: object) -> bool:
    """Return whether every whole number among fractions is exact as a float64."""
    if isinstance(value, list):
        return all(_all_exact(entry) for entry in value)
    return not isinstance(value, int) or int(float(value)) == value


def _any_boolean(value: object) -> bool:
    """Return whether true or false occur among numbers, where numpy would read them as 1 and 0."""
    if isinstance(value, list):
        return any(_any_boolean(entry) for entry in value)
    return isinstance(value, bool)


def to_lists(tensor: Tensor) -> list[object]:
    """Return a tensor as nested lists, with null for non-finite numbers, which JSON lacks."""

    def strict(entry: object) -> object:
        """Return a value with None for non-finite numbers."""
        if isinstance(entry, list):
            return [strict(inner) for inner in entry]
        return entry if isinstance(entry, float) and math.isfinite(entry) else None

    lists = strict(tensor.to(torch.float64).tolist())
    return lists if isinstance(lists, list) else [lists]
