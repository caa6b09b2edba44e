"""How much of a mask is background."""

import math

import torch
from torch import Tensor

from recommender.measure.labels import exclusive, shares, whole
from recommender.measure.stats import Z
from recommender.profile import Measured

HALF = 0.5  # a soft mask counts as foreground from here
_WITH_CHANNELS = 4  # axes of (n, C, height, width)


def mask_sparsity(masks: Tensor) -> Measured | None:
    """Return the share of background pixels, with an interval over images: pixels of one are not independent.

    Shapes: (n, C, *s) with entries 0 to 1, or ids (n, *s) with 0 the background. Where the channels of every pixel
    sum to 1, channel 0 is the background; otherwise background is where no channel is on.
    Units: fraction, 0 to 1. None where the numbers are no masks.
    """
    if not (shares(masks) or whole(masks)):
        return None
    empty = background(masks).flatten(1)
    images = empty.sum(1).to(torch.float64) / empty.shape[1]
    n, value = images.shape[0], float(images.mean())
    interval = None
    if n > 1:
        half = Z * float(images.std()) / math.sqrt(n)
        interval = (max(0.0, value - half), min(1.0, value + half))
    return Measured(value=value, interval=interval, n=n, method="mean over images", basis="targets")


def background(masks: Tensor) -> Tensor:
    """Return where there is no foreground."""
    if not shares(masks):
        return masks == 0
    if exclusive(masks):
        return masks[:, 0] >= HALF
    on = masks >= HALF
    return ~on.any(1) if masks.ndim >= _WITH_CHANNELS else ~on
