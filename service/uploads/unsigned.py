"""Unsigned 64-bit integers, which torch supports only where they fit an int64."""

import torch
from torch import Tensor

from losses.errors import shown
from losses.text import Text
from service.problems import BadRequest


def signed(name: str, numbers: Tensor) -> Tensor:
    """Return unsigned integers as int64.

    Raises: BadRequest where one of them is 2^63 or more.
    """
    numbers = numbers.view(torch.int64) if numbers.dtype == torch.uint64 else numbers
    if numbers.dtype == torch.int64 and numbers.numel() and int(numbers.min()) < 0:
        raise BadRequest(
            Text(
                f"{shown(name)} has whole numbers of 2^63 and more; send int64.",
                f"{shown(name)} 有 2^63 及以上的整数;请发送 int64。",
            ),
            role=shown(name),
        )
    return numbers
