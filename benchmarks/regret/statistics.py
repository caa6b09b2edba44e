"""Means over clusters with cluster-bootstrap intervals; nothing here knows of losses."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
RESAMPLES = 4000
CATASTROPHE = 0.10
NORMAL_95 = 1.96


class Estimate(NamedTuple):
    """A mean over clusters, its 95 % interval, and what lies in the tail."""

    mean: float
    low: float
    high: float
    p95: float
    worst: float
    catastrophes: float


class Gap(NamedTuple):
    """The share of the way from a constant to the oracle, with its 95 % interval."""

    share: float
    low: float
    high: float


class WinCounts(NamedTuple):
    """In how many clusters one policy is better than another, as good, and worse."""

    wins: int
    ties: int
    losses: int


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


def gap_closed(policy: Array, constant: Array, clusters: Sequence[str]) -> Gap:
    """Return 1 - regret(policy) / regret(constant)."""
    mine, theirs = cluster_means(policy, clusters), cluster_means(constant, clusters)
    resampled = _resampled(len(mine))
    shares = 1 - mine[resampled].mean(1) / theirs[resampled].mean(1)
    low, high = np.percentile(shares, [2.5, 97.5])
    return Gap(float(1 - mine.mean() / theirs.mean()), float(low), float(high))


def win_counts(difference: Array, noise: Array) -> WinCounts:
    """Return how many differences of regret are below the noise, within it, and above. Shapes: (clusters) each."""
    return WinCounts(
        int((difference < -noise).sum()), int((abs(difference) <= noise).sum()), int((difference > noise).sum())
    )


def noise_by_cluster(variances: Array, clusters: Sequence[str]) -> Array:
    """Return half a 95 % interval of each cluster's mean, where independent values have these variances."""
    return NORMAL_95 * np.sqrt(cluster_means(variances, clusters) / cluster_sizes(clusters))


def noise_of_mean(variances: Array, clusters: Sequence[str]) -> float:
    """Return half a 95 % interval of the mean of clusters' means, where independent values have these variances."""
    by_cluster = noise_by_cluster(variances, clusters)
    return float(np.sqrt((by_cluster**2).sum()) / len(by_cluster))


def of_pairs(halves: Array) -> Array:
    """Return the mean of each two values that follow one another. Shapes: (2 n) -> (n)."""
    means: Array = halves.reshape(-1, 2).mean(1)
    return means


def cluster_means(values: Array, clusters: Sequence[str]) -> Array:
    """Return one mean a cluster, clusters in the order of their names."""
    names, place = np.unique(np.asarray(clusters), return_inverse=True)
    means: Array = np.bincount(place, values, len(names)) / np.bincount(place, minlength=len(names))
    return means


def cluster_sizes(clusters: Sequence[str]) -> NDArray[np.int64]:
    """Return how many values a cluster has, clusters in the order of their names."""
    return np.unique(np.asarray(clusters), return_counts=True)[1]


def _resampled(count: int) -> NDArray[np.int64]:
    return np.random.default_rng(0).integers(0, count, (RESAMPLES, count))
