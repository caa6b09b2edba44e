"""Statistics that are updated block by block, and merged: moments, order statistics, largest numbers, extremes."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from recommender.measure.numbers.residual_blocks import Array

_MARGIN = 5.0  # standard errors of a rank in the sample: a bracket misses once in two million times
_WIDER = 4.0  # times, after a miss


@dataclass
class CentralMoments:
    """Count, mean and central sums of powers 2 to 4.

    Merging them does not cancel digits (Pebay 2008, SAND2008-6212).
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0
    m3: float = 0.0
    m4: float = 0.0

    @classmethod
    def of(cls, values: Array) -> "CentralMoments":
        """Return the moments of one block."""
        flat = values.ravel()
        mean = float(flat.mean())
        off = flat - mean
        square = off * off
        return cls(flat.size, mean, float(square.sum()), float(square @ off), float(square @ square))

    def add(self, values: Array) -> None:
        """Add a block of numbers."""
        self.merge(CentralMoments.of(values))

    def merge(self, other: "CentralMoments") -> None:
        """Add the numbers of other moments."""
        if not other.n:
            return
        n, gap = self.n + other.n, other.mean - self.mean
        mine, theirs = self.n / n, other.n / n
        weight = gap * gap * self.n * theirs
        self.m4 += other.m4 + weight * gap * gap * (mine * mine - mine * theirs + theirs * theirs)
        self.m4 += 6 * gap * gap * (mine * mine * other.m2 + theirs * theirs * self.m2)
        self.m4 += 4 * gap * (mine * other.m3 - theirs * self.m3)
        self.m3 += other.m3 + weight * gap * (mine - theirs) + 3 * gap * (mine * other.m2 - theirs * self.m2)
        self.m2 += other.m2 + weight
        self.mean += gap * theirs
        self.n = n

    @property
    def deviation(self) -> float:
        """The sample standard deviation (divided by n - 1)."""
        return math.sqrt(self.m2 / max(self.n - 1, 1))

    @property
    def skewness(self) -> float:
        """The third standardised moment; NaN where all numbers are equal."""
        return math.sqrt(self.n) * self.m3 / self.m2**1.5 if self.m2 > 0 else math.nan

    @property
    def kurtosis(self) -> float:
        """The excess kurtosis (0 for a normal distribution); NaN where all numbers are equal."""
        return self.n * self.m4 / self.m2**2 - 3 if self.m2 > 0 else math.nan


class GrowingArray:
    """An array that blocks are appended to; its memory doubles when full, which avoids fragmentation."""

    def __init__(self) -> None:
        self._room = np.empty(0)
        self._size = 0

    def add(self, values: Array) -> None:
        """Append a block."""
        needed = self._size + values.size
        if needed > self._room.size:
            room = np.empty(max(needed, 2 * self._room.size))
            room[: self._size] = self.all
            self._room = room
        self._room[self._size : needed] = values
        self._size = needed

    @property
    def all(self) -> Array:
        """All numbers; the caller may sort the array in place."""
        return self._room[: self._size]


@dataclass
class QuantileBracket:
    """Exact order statistics within an interval: the counts below and above it, and the numbers inside."""

    low: float
    high: float
    n: int = 0
    above_low: int = 0
    at_low: int = 0
    at_high: int = 0
    inside: GrowingArray = field(default_factory=GrowingArray)

    @classmethod
    def around(cls, ordered: Array, quantile: float, width: float = 1.0) -> "QuantileBracket":
        """Return a bracket that should contain a quantile, chosen from a sorted sample of the numbers.

        Args:
            ordered: The sorted sample.
            quantile: The quantile, 0 to 1.
            width: Half the width of the bracket, in units of five standard errors of the rank.
        """
        last = ordered.size - 1
        if last < 0:
            return cls(-math.inf, math.inf)
        half = 1 + width * _MARGIN * math.sqrt(ordered.size * quantile * (1 - quantile))
        first, final = math.floor(last * quantile - half), math.ceil(last * quantile + half)
        low = float(ordered[first]) if first >= 0 else -math.inf
        high = float(ordered[final]) if final <= last else math.inf
        return cls(low, high)

    def add(self, values: Array) -> None:
        """Add a block of numbers."""
        above = values > self.low
        self.n += values.size
        self.above_low += int(np.count_nonzero(above))
        self.at_low += int(np.count_nonzero(values == self.low))
        self.at_high += int(np.count_nonzero(values == self.high)) if self.high > self.low else 0
        np.logical_and(above, values < self.high, out=above)
        self.inside.add(values[above])

    def merge(self, other: "QuantileBracket") -> None:
        """Add the numbers of another bracket with the same interval."""
        self.n += other.n
        self.above_low += other.above_low
        self.at_low += other.at_low
        self.at_high += other.at_high
        self.inside.add(other.inside.all)

    def ranks(self, ranks: Iterable[int]) -> list[float | None]:
        """Return the numbers of the given ranks, from 0; None for a rank outside the bracket."""
        inside = self.inside.all
        to_low = self.n - self.above_low
        wanted = list(ranks)
        places = sorted({rank - to_low for rank in wanted if 0 <= rank - to_low < inside.size})
        if places:
            inside.partition(places)
        return [self._ranked(rank, to_low, inside) for rank in wanted]

    def _ranked(self, rank: int, to_low: int, inside: Array) -> float | None:
        """Return the number of one rank; None where it is outside the bracket."""
        if not to_low - self.at_low <= rank < to_low + inside.size + self.at_high:
            return None
        if rank < to_low:
            return self.low
        return float(inside[rank - to_low]) if rank < to_low + inside.size else self.high

    def quantile(self, share: float) -> float | None:
        """Return a quantile, interpolated between the two nearest ranks; None where it is outside the bracket."""
        place = (self.n - 1) * share
        low, high = self.ranks((math.floor(place), math.ceil(place))) if self.n else (None, None)
        return None if low is None or high is None else low + (high - low) * (place - math.floor(place))


def brackets(ordered: Array, quantiles: Iterable[float], tries: int) -> list[QuantileBracket]:
    """Return a bracket for each quantile; each further try makes them wider."""
    return [QuantileBracket.around(ordered, quantile, _WIDER**tries) for quantile in quantiles]


@dataclass
class Largest:
    """The largest k of the numbers."""

    k: int
    floor: float = -math.inf
    kept: list[Array] = field(default_factory=list)
    size: int = 0

    def add(self, values: Array) -> None:
        """Add a block of numbers."""
        new = values[values > self.floor]
        self.kept.append(new)
        self.size += new.size
        if self.size > 4 * self.k:  # so that sorting out costs less than looking
            self._sort_out()

    def merge(self, other: "Largest") -> None:
        """Add the numbers of another with the same k."""
        self.kept += other.kept
        self._sort_out()

    def finish(self) -> Array:
        """Return the k largest numbers in descending order."""
        self._sort_out()
        return np.sort(self.kept[0])[::-1]

    def _sort_out(self) -> None:
        """Keep the k largest numbers; ties with the smallest of them are interchangeable."""
        every = np.concatenate(self.kept) if self.kept else np.empty(0)
        if every.size > self.k:
            every = np.partition(every, every.size - self.k)[-self.k :].copy()
            self.floor = float(every.min())
        self.kept, self.size = [every], every.size


@dataclass
class EndCounts:
    """The minimum and the maximum, and how often each occurs."""

    least: float = math.inf
    most: float = -math.inf
    at_least: int = 0
    at_most: int = 0

    def add(self, values: Array) -> None:
        """Add a block of numbers."""
        least, most = float(values.min()), float(values.max())
        # rarely reached: a block seldom holds the least or the largest number so far
        at_least = int(np.count_nonzero(values == least)) if least <= self.least else 0
        at_most = int(np.count_nonzero(values == most)) if most >= self.most else 0
        self.merge(EndCounts(least, most, at_least, at_most))

    def merge(self, other: "EndCounts") -> None:
        """Add the counts of another block."""
        if other.least <= self.least:
            self.at_least = other.at_least + (self.at_least if other.least == self.least else 0)
            self.least = other.least
        if other.most >= self.most:
            self.at_most = other.at_most + (self.at_most if other.most == self.most else 0)
            self.most = other.most
