"""How the absolute gradient is distributed over the items."""

import math
from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor

from losses.evaluation.chunks import Dims

TOP = (1, 5, 10)  # percent of the items


@dataclass(frozen=True)
class Shares:
    """Summary of the absolute gradient of every item.

    Attributes:
        absolute_sum: The sum over all items.
        largest: The largest of one item.
        zero_share: The fraction of items whose gradient is 0.
        top_1_percent_share: The fraction of `absolute_sum` in the 1 % of items with the largest gradients, at least
            one item; None where all are 0. Likewise 5 and 10 %.
        by_class: The fraction of `absolute_sum` in each class; None where the targets are not classes.
    """

    absolute_sum: float
    largest: float
    zero_share: float
    top_1_percent_share: float | None
    top_5_percent_share: float | None
    top_10_percent_share: float | None
    by_class: list[float] | None


def per_item(gradient: Tensor, own: Dims, items: Dims) -> Tensor:
    """Return the absolute gradient of every item, summed over the axes `own` of the input that items lack, flat."""
    extra = [position for position, dim in enumerate(own) if items and dim not in items]
    size = gradient.abs().to(torch.float64)
    return (size.sum(extra) if extra else size).flatten()


def gradient_shares(sizes: Iterable[Tensor], by_class: Tensor | None) -> Shares:
    """Return the summary of absolute gradients.

    Args:
        sizes: The absolute gradients of the items, in pieces.
        by_class: Their sums by class, shape (classes); None without classes.
    """
    gathered = list(sizes)
    flat = torch.cat(gathered) if gathered else torch.zeros(0)
    total = float(flat.sum())
    leading = [math.ceil(flat.numel() * percent / 100) for percent in TOP]
    largest = flat.topk(leading[-1]).values if flat.numel() else flat
    top = [float(largest[:count].sum()) / total if total else None for count in leading]
    return Shares(
        absolute_sum=total,
        largest=float(largest[0]) if flat.numel() else 0.0,
        zero_share=float((flat == 0).double().mean()) if flat.numel() else 0.0,
        top_1_percent_share=top[0],
        top_5_percent_share=top[1],
        top_10_percent_share=top[2],
        by_class=None if by_class is None or not total else (by_class / total).tolist(),
    )
