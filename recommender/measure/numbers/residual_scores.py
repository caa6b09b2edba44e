"""The statistics that the facts of residuals are computed from, in three passes."""

import math
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from recommender.measure.accumulators import CentralMoments, Largest, QuantileBracket, brackets
from recommender.measure.numbers.residual_blocks import Array, Block, ResidualStream
from recommender.measure.numbers.robust_scale import Z_PER_MAD, Spread, robust_spread

CUT = 3.5  # Iglewicz & Hoaglin 1993; NIST handbook 1.3.5.17
CLASSIC_CUT = 3.0  # the z-score of text books
WHISKER = 1.5  # Tukey 1977: fences lie so many interquartile ranges beyond the quartiles
_TAIL_SHARE, _FEWEST_TAIL, _TAIL_ROOT = 0.1, 20, 2.0  # the tail is min(0.1 n, max(20, 2 sqrt(n))) items


@dataclass
class OutlierLimits:
    """The centre and the scale of every output, and the limits of outliers in modified z-scores."""

    centre: Array
    per_unit: Array  # modified z-scores per unit of the residuals
    fence: tuple[Array, Array]
    classic: tuple[Array, Array]

    @classmethod
    def of(cls, spread: Spread) -> "OutlierLimits":
        """Return the limits for a robust centre and scale; where an output does not vary, its scores are 0."""
        scale = spread.sigma(1 / Z_PER_MAD)
        per_unit = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
        reach = WHISKER * (spread.upper - spread.lower)
        ends = (spread.lower - reach, spread.upper + reach)
        deviation = CLASSIC_CUT * spread.deviation
        classic = (spread.mean - deviation, spread.mean + deviation)
        low, high = ((end - spread.centre) * per_unit for end in ends)
        return cls(
            spread.centre,
            per_unit,
            (low, high),
            ((classic[0] - spread.centre) * per_unit, (classic[1] - spread.centre) * per_unit),
        )

    def scores(self, block: Block) -> Array:
        """Return the modified z-scores of a block, in its shape."""
        scores: Array = (block.errors - self.centre) * self.per_unit
        return scores


@dataclass
class FlaggedSums:
    """Sums of the targets and of their squares, over all items and over outliers, and the smallest target."""

    total: float = 0.0
    flagged: float = 0.0
    total_squares: float = 0.0
    flagged_squares: float = 0.0
    least: float = math.inf

    def add(self, targets: Array, flagged: NDArray[np.bool_]) -> None:
        """Add a block of targets, of which `flagged` marks the outliers."""
        flagged_targets = targets[flagged]
        self.merge(
            FlaggedSums(
                float(targets.sum()),
                float(flagged_targets.sum()),
                float(np.vdot(targets, targets)),
                float(flagged_targets @ flagged_targets),
                float(targets.min()),
            )
        )

    def merge(self, other: "FlaggedSums") -> None:
        """Add the sums of another block."""
        self.total += other.total
        self.flagged += other.flagged
        self.total_squares += other.total_squares
        self.flagged_squares += other.flagged_squares
        self.least = min(self.least, other.least)


@dataclass
class ResidualScores:
    """Counts and extremes of the modified z-scores of all outputs together."""

    limits: OutlierLimits
    magnitude: QuantileBracket  # of the flagged
    tail: Largest  # of the absolute scores
    moments: CentralMoments = field(default_factory=CentralMoments)
    above: int = 0
    below: int = 0
    beyond_fence: int = 0
    beyond_classic: int = 0
    sums: FlaggedSums = field(default_factory=FlaggedSums)

    def add(self, block: Block) -> None:
        """Add a block."""
        scores = self.limits.scores(block)
        self.moments.add(scores)
        self.beyond_fence += _outside(scores, self.limits.fence)
        self.beyond_classic += _outside(scores, self.limits.classic)
        above = int(np.count_nonzero(scores > CUT))
        np.abs(scores, out=scores)
        beyond = scores > CUT
        self.sums.add(block.targets, beyond)
        flagged = scores[beyond]
        self.above += above
        self.below += flagged.size - above
        self.magnitude.add(flagged)
        self.tail.add(scores.ravel())

    def merge(self, other: "ResidualScores") -> None:
        """Add the counts of another with the same limits."""
        self.moments.merge(other.moments)
        self.magnitude.merge(other.magnitude)
        self.tail.merge(other.tail)
        self.above += other.above
        self.below += other.below
        self.beyond_fence += other.beyond_fence
        self.beyond_classic += other.beyond_classic
        self.sums.merge(other.sums)

    @property
    def flagged(self) -> int:
        """The number of outliers."""
        return self.above + self.below


def _outside(scores: Array, limits: tuple[Array, Array]) -> int:
    """Return how many scores lie outside the limits."""
    return int(np.count_nonzero(scores < limits[0])) + int(np.count_nonzero(scores > limits[1]))


def tail_length(n: int) -> int:
    """Return how many of the largest residuals count as the tail."""
    return math.floor(min(_TAIL_SHARE * n, max(_FEWEST_TAIL, _TAIL_ROOT * math.sqrt(n))))


@dataclass
class ResidualSummary:
    """The statistics that the facts of residuals are computed from.

    `items` along axis 0, `numbers` over all outputs.
    """

    items: int
    numbers: int
    basis: str
    spread: Spread
    scores: ResidualScores
    sample: Array  # of the scores, sorted
    passes: int


def summarise(stream: ResidualStream) -> ResidualSummary:
    """Return the statistics of the residuals.

    Reads the stream three times, or more where a bracket missed its quantile.

    Raises: NonFiniteInput.
    """
    robust = robust_spread(stream)
    limits = OutlierLimits.of(robust)
    sample = np.sort(limits.scores(stream.sample()).ravel())
    flagged = np.sort(np.abs(sample[np.abs(sample) > CUT]))
    numbers = stream.items * stream.width
    tries = 0
    while True:
        (order,) = brackets(flagged, (0.5,), tries)
        scores = ResidualScores(limits, order, Largest(tail_length(numbers) + 1))
        for block in stream.blocks():
            scores.add(block)
        if not scores.flagged or order.quantile(0.5) is not None:
            return ResidualSummary(stream.items, numbers, stream.basis, robust, scores, sample, stream.passes)
        tries += 1
