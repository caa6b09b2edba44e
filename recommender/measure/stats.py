"""Order statistics, shapes and intervals that the measurements share."""

import math
import sys

import numpy as np

from recommender.measure.numbers.residual_blocks import Array

Z = 1.959964  # 95 % of a normal lies within
SMALLEST, LARGEST = sys.float_info.min, sys.float_info.max


def wilson(share: float, n: float, z: float = Z) -> tuple[float, float]:
    """Return Wilson's interval of a share among n items; 95 % by default (Wilson 1927, doi:10.2307/2276774)."""
    centre = share + z**2 / (2 * n)
    half = z * math.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    low, high = ((centre + side) / (1 + z**2 / n) for side in (-half, half))
    return max(0.0, min(low, share)), min(1.0, max(high, share))


def times_and_over(value: float, log_error: float) -> tuple[float, float]:
    """Return the 95 % interval of a positive number, given the standard error of its logarithm."""
    factor = math.exp(min(Z * log_error, math.log(LARGEST)))
    return value / factor, min(value * factor, LARGEST)


def rank_interval(n: int, quantile: float) -> tuple[int, int]:
    """Return the ranks, from 0 to n - 1, between which a quantile lies in 95 % of samples."""
    half = Z * math.sqrt(n * quantile * (1 - quantile))
    place = quantile * n - 0.5
    return max(0, math.floor(place - half)), min(n - 1, math.ceil(place + half))


def medcouple(ordered: Array) -> float:
    """Return the medcouple of sorted numbers (Brys, Hubert & Struyf 2004, doi:10.1198/106186004X12632).

    Units: -1 to 1, 0 for symmetry. Every number above the median is compared with every one below, n ** 2 / 4 pairs.
    """
    n = ordered.size
    centre = (ordered[(n - 1) // 2] + ordered[n // 2]) / 2
    up = ordered[ordered >= centre] - centre
    down = centre - ordered[ordered <= centre]
    total = up[:, None] + down[None]
    kernel = np.divide(up[:, None] - down[None], total, out=np.zeros_like(total), where=total > 0)
    ties = int(np.count_nonzero(ordered == centre))
    if ties:  # numbers equal to the median are compared by rank, each with each
        ranks = np.arange(ties)
        kernel[:ties, -ties:] = np.sign(ranks[:, None] - ranks[None])
    flat = kernel.ravel()
    middle = ((flat.size - 1) // 2, flat.size // 2)
    flat.partition(middle)
    return float((flat[middle[0]] + flat[middle[1]]) / 2)


def l_kurtosis(ordered: Array) -> float:
    """Return the ratio of the fourth L-moment to the second, of sorted numbers; NaN where all are equal.

    Units: -0.25 to 1; normal 0.1226. Source: Hosking 1990, JRSS B 52:105.
    """
    n = ordered.size
    weight, sums = np.ones(n), []
    for power in range(4):
        sums.append(float((weight * ordered).sum()) / n)
        weight = weight * (np.arange(n) - power) / max(n - 1 - power, 1)
    spread = 2 * sums[1] - sums[0]
    return (20 * sums[3] - 30 * sums[2] + 12 * sums[1] - sums[0]) / spread if spread > 0 else math.nan
