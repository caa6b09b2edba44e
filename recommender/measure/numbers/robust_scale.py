"""Location and scale of the residuals of every output, by medians.

Few items are measured in memory, several outputs at a time; many in two passes, one output at a time.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, fields

import numpy as np

from recommender.measure.accumulators import CentralMoments, brackets
from recommender.measure.numbers.residual_blocks import Array, ResidualStream

Z_PER_MAD = 0.6745  # normal median absolute deviation, in sigma
TO_SIGMA = 1.4826  # normal sigma over median absolute deviation
MEAN_TO_SIGMA = 1.2533  # normal sigma over mean absolute deviation, sqrt(pi / 2)
QUARTILES = (0.25, 0.5, 0.75)
_SQUARES = 250  # binary exponent up to which the fourth powers of as many numbers as fit in memory stay finite


@dataclass
class Spread:
    """Robust location and scale, one number for each output, divided by two to the power of `shift`."""

    lower: Array  # the first quartile
    centre: Array  # the median
    upper: Array  # the third quartile
    mean: Array
    deviation: Array  # standard
    mean_deviation: Array  # mean distance from the median
    mad: Array  # median distance from the median
    shift: int = field(default=0, kw_only=True)

    def sigma(self, to_sigma: float = TO_SIGMA) -> Array:
        """Return the standard deviation of a normal distribution with the same spread, for each output.

        Where half the values of an output are equal it is computed from the mean absolute deviation.
        """
        return np.where(self.mad > 0, to_sigma * self.mad, MEAN_TO_SIGMA * self.mean_deviation)

    @property
    def fell_back(self) -> bool:
        """Whether half the values of some output are equal, so that the mean absolute deviation is used."""
        return bool((self.mad == 0).any())


def robust_spread(stream: ResidualStream) -> Spread:
    """Return the spread of every output, in a unit in which squares stay finite.

    Raises: NonFiniteInput.
    """
    robust = _spread(stream)
    largest = float(np.max([np.abs(robust.lower), np.abs(robust.upper), np.abs(robust.mean), robust.mean_deviation]))
    shift = 0
    if largest:
        exponent = math.frexp(largest)[1] if math.isfinite(largest) else 1024
        shift = exponent if abs(exponent) > _SQUARES else 0
    if not shift:
        return robust
    stream.rescale(shift)
    robust = _spread(stream)
    robust.shift = shift
    return robust


def _spread(stream: ResidualStream) -> Spread:
    """Return the spread of every output in the unit of the stream."""
    if stream.items > stream.sample_size:
        return _joined(_streamed(stream.columns(k, k + 1), stream) for k in range(stream.width))
    together = max(1, stream.sample_size // stream.items)
    if together >= stream.width:
        return _direct(stream.whole().errors)
    starts = range(0, stream.width, together)
    return _joined(_direct(stream.columns(k, k + together).whole().errors) for k in starts)


def _joined(parts: Iterable[Spread]) -> Spread:
    """Return the spreads of several groups of outputs as one."""
    every = list(parts)
    names = [column.name for column in fields(Spread) if not column.kw_only]
    return Spread(*(np.concatenate([getattr(part, name) for part in every]) for name in names))


def quantiles(values: Array, shares: Iterable[float]) -> list[Array]:
    """Return quantiles along axis 0, interpolated between the two nearest ranks."""
    places = [(values.shape[0] - 1) * share for share in shares]
    ranks = sorted({rank for place in places for rank in (math.floor(place), math.ceil(place))})
    parted = np.partition(values, ranks, axis=0)
    low, high = ([parted[end(place)] for place in places] for end in (math.floor, math.ceil))
    return [a + (b - a) * (place - math.floor(place)) for a, b, place in zip(low, high, places, strict=True)]


def _direct(errors: Array) -> Spread:
    """Return the spread of errors in memory."""
    lower, centre, upper = quantiles(errors, QUARTILES)
    mean = errors.mean(0)
    deviation = np.sqrt(np.square(errors - mean).sum(0) / max(errors.shape[0] - 1, 1))
    distances = np.abs(errors - centre)
    (mad,) = quantiles(distances, (0.5,))
    return Spread(lower, centre, upper, mean, deviation, distances.mean(0), mad)


def _streamed(column: ResidualStream, counter: ResidualStream) -> Spread:
    """Return the spread of one long column in two passes.

    A bracket misses, and takes a third, once in a million times.
    """
    sample = np.sort(column.sample().errors.ravel())
    (lower, centre, upper), moments = _quartiles(column, sample)
    mad, mean_deviation = _mad(column, sample, centre)
    counter.passes += column.passes
    statistics = (lower, centre, upper, moments.mean, moments.deviation, mean_deviation, mad)
    return Spread(*(np.array([fact]) for fact in statistics))


def _quartiles(column: ResidualStream, sample: Array) -> tuple[list[float], CentralMoments]:
    """Return the quartiles and the moments of a long column, reading it again where a bracket misses."""
    tries = 0
    while True:
        orders, moments = brackets(sample, QUARTILES, tries), CentralMoments()
        for block in column.blocks():
            errors = block.errors.ravel()
            moments.add(errors)
            for order in orders:
                order.add(errors)
        quartiles = [order.quantile(share) for order, share in zip(orders, QUARTILES, strict=True)]
        hit = [quartile for quartile in quartiles if quartile is not None]
        if len(hit) == len(quartiles):
            return hit, moments
        tries += 1


def _mad(column: ResidualStream, sample: Array, centre: float) -> tuple[float, float]:
    """Return the median and the mean absolute deviation from a centre, reading again where a bracket misses."""
    ordered = np.sort(np.abs(sample - centre))
    tries = 0
    while True:
        (order,), total = brackets(ordered, (0.5,), tries), 0.0
        for block in column.blocks():
            distances = np.abs(block.errors.ravel() - centre)
            total += float(distances.sum())
            order.add(distances)
        median = order.quantile(0.5)
        if median is not None:
            return median, total / order.n
        tries += 1
