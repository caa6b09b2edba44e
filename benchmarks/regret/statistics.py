"""Means over clusters with cluster-bootstrap intervals; nothing here knows of losses."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES = 4000
CATASTROPHE = 0.10


class Estimate(NamedTuple):
    """A mean over clusters, its 95 % interval, and what lies in the tail."""

    mean: float
    low: float
    high: float
    p95: float
    worst: float
    catastrophes: float


def estimate(values: Array, clusters: Sequence[str]) -> Estimate:
    """Return the mean of the clusters' means; clusters are resampled, cells within them are not.

    Shapes: values (n), one cluster name each. Catastrophes: the share of cells with a regret above 10 %.
    """
    means = cluster_means(values, clusters)
    resampled = _resampled(len(means))
    low, high = np.percentile(means[resampled].mean(1), [2.5, 97.5])
    return Estimate(
        float(means.mean()),
        float(low),
        float(high),
        float(np.percentile(values, 95)),
        float(values.max()),
        float((values > CATASTROPHE).mean()),
    )


def gap_closed(policy: Array, constant: Array, clusters: Sequence[str]) -> tuple[float, float, float]:
    """Return 1 - regret(policy) / regret(constant) with its 95 % interval."""
    mine, theirs = cluster_means(policy, clusters), cluster_means(constant, clusters)
    resampled = _resampled(len(mine))
    shares = 1 - mine[resampled].mean(1) / theirs[resampled].mean(1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return float(1 - mine.mean() / theirs.mean()), float(low), float(high)


def cluster_means(values: Array, clusters: Sequence[str]) -> Array:
    """Return one mean a cluster, clusters in the order of their names."""
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    return np.bincount(place, values, len(names)) / np.bincount(place, minlength=len(names))


def _resampled(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
