"""Medians and intervals that the measurements share."""

import math
import sys

from torch import Tensor

Z = 1.959964  # 95 % of a normal lies within
SMALLEST, LARGEST = sys.float_info.min, sys.float_info.max


def median(values: Tensor) -> Tensor:
    """Return the median along axis 0; of an even number, the mean of the middle two."""
    n = values.shape[0]
    low = values.kthvalue((n + 1) // 2, dim=0).values
    high = values.kthvalue(n // 2 + 1, dim=0).values
    return low + (high - low) / 2


def wilson(share: float, n: float) -> tuple[float, float]:
    """Return Wilson's 95 % interval of a share among n (Wilson 1927, doi:10.2307/2276774)."""
    centre = share + Z**2 / (2 * n)
    half = Z * math.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    low, high = ((centre + side) / (1 + Z**2 / n) for side in (-half, half))
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def times_and_over(value: float, log_error: float) -> tuple[float, float]:
    """Return the 95 % interval of a positive number whose logarithm has that standard error."""
    factor = math.exp(min(Z * log_error, math.log(LARGEST)))
    return value / factor, min(value * factor, LARGEST)
