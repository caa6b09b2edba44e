"""Facts of the values of regression targets: support, counts, zeros, and accumulation at round numbers."""

import math
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from recommender.measure.accumulators import CentralMoments, EndCounts
from recommender.measure.details import Detail, Details, detail
from recommender.measure.numbers.residual_blocks import Array, Block, ResidualStream
from recommender.measure.stats import times_and_over, wilson
from recommender.profile import Measured

NEARLY_ALL_WHOLE = 0.999  # share of whole targets: a few typing errors do not make counts a measure
LOWEST_COUNT = 1  # ours: counts come down to 0 or 1; whole numbers that do not are rounded measurements
PILED_UP = 0.02  # share of targets at one end from which they may be censored there
FLOOR = 0.05  # of the mean target
FLOOR_SAMPLE = 1 << 16
_ROUND = 10  # heaping: people round to tens
HEAPING_SAMPLE = 1 << 16

Support = Literal["real", "nonnegative", "positive", "unit", "counts"]


@dataclass
class Amounts:
    """Counts, extremes and moments of the targets, and the squared distance of counts from positive predictions."""

    ends: EndCounts = field(default_factory=EndCounts)
    moments: CentralMoments = field(default_factory=CentralMoments)
    whole: int = 0
    zeros: int = 0
    floor: float = 0.0  # predictions below count as this
    squares: float = 0.0  # of residuals, each over its prediction
    floored: int = 0  # items whose prediction is below the floor

    def add(self, block: Block) -> None:
        """Add a block."""
        targets = block.targets.ravel()
        self.ends.add(targets)
        self.moments.add(targets)
        self.whole += int(np.count_nonzero(targets == np.rint(targets)))
        self.zeros += targets.size - int(np.count_nonzero(targets))
        if block.predictions is not None:
            predictions = block.predictions.ravel()
            self.floored += int(np.count_nonzero(predictions < self.floor))
            predictions = np.maximum(predictions, self.floor)
            self.squares += (
                float((np.square(targets - predictions) / predictions).sum()) if self.floor > 0 else math.nan
            )

    def merge(self, other: "Amounts") -> None:
        """Add the statistics of another block."""
        self.ends.merge(other.ends)
        self.moments.merge(other.moments)
        self.whole += other.whole
        self.zeros += other.zeros
        self.squares += other.squares
        self.floored += other.floored


def amounts(stream: ResidualStream) -> Amounts:
    """Return the statistics of the targets that their facts are computed from, in one pass.

    Raises: NonFiniteInput.
    """
    mean = float(stream.sample(FLOOR_SAMPLE).targets.mean())
    counted = Amounts(floor=FLOOR * mean if math.isfinite(mean) else 0.0)
    for block in stream.blocks():
        counted.add(block)
    return counted


def support(counted: Amounts) -> Support:
    """Return the narrowest of the known supports that contains all targets."""
    least, most = counted.ends.least, counted.ends.most
    if least >= 0 and most > 1 and least <= LOWEST_COUNT and counted.whole >= NEARLY_ALL_WHOLE * counted.moments.n:
        return "counts"
    if least >= 0 and most <= 1:
        return "unit"
    if least > 0:
        return "positive"
    return "nonnegative" if least == 0 else "real"


def are_counts(counted: Amounts) -> bool:
    """Return whether the targets are non-negative whole numbers."""
    return counted.ends.least >= 0 and counted.whole == counted.moments.n


def zero_share(counted: Amounts, items: int) -> Measured:
    """Return the share of targets that are exactly 0."""
    share = counted.zeros / counted.moments.n
    return Measured(value=share, interval=wilson(share, items), n=items, method="count", basis="targets")


def dispersion(counted: Amounts, items: int, *, judged: bool, features: int | None = None) -> Measured | None:
    """Return Pearson's chi-square divided by its degrees of freedom; without predictions, variance over mean.

    Units: 1 for Poisson counts; the interval is that of a variance. Predictions below a twentieth of the mean target
    are raised to that, since a pilot model that is not a count model predicts some at 0 or below.
    """
    n, mean = counted.moments.n, counted.moments.mean
    if judged:
        freedom = n - (features or 1)
        if freedom < 1:
            return None
        value, method = counted.squares / freedom, f"Pearson chi-square / {freedom}"
        if counted.floored:
            method += f"; {counted.floored} predictions raised to {counted.floor:.3g}"
    else:
        value = counted.moments.m2 / max(n - 1, 1) / mean if mean > 0 else math.nan
        method = "variance / mean"
    if not math.isfinite(value):
        return None
    basis = "residuals" if judged else "targets"
    interval = times_and_over(value, math.sqrt(2 / items))  # variance of chi-square / n is 2 / n
    return Measured(value=value, interval=interval, n=items, method=method, basis=basis)


def amount_details(counted: Amounts, stream: ResidualStream) -> Details:
    """Return where targets accumulate: at whole numbers, tens, the extremes, and at zero beyond a count model."""
    n, items = counted.moments.n, stream.items

    def share(count: int, method: str) -> Detail | None:
        """Return the share of targets that are counted by a method."""
        return detail(count / n, items, method, interval=wilson(count / n, items))

    integers = share(counted.whole, "count of whole targets")
    details: Details = {
        "integer_share": integers,
        "share_at_least": share(counted.ends.at_least, "targets equal to the least; censored there from 0.02, perhaps"),
        "share_at_most": share(counted.ends.at_most, "targets equal to the largest; censored there from 0.02, perhaps"),
        "censored": Detail(
            value=n > 1 / PILED_UP and max(counted.ends.at_least, counted.ends.at_most) > PILED_UP * n,
            n=items,
            method="more than 0.02 of the targets equal one end",
            basis="targets",
        ),
    }
    if counted.whole >= NEARLY_ALL_WHOLE * n:
        details["heaping"] = heaping(stream.sample(HEAPING_SAMPLE).targets)
    if support(counted) == "counts":
        details["zero_excess"] = zero_excess(counted, items)
    return details


def heaping(targets: Array) -> Detail | None:
    """Return the share of whole targets that are multiples of 10; near 0.1 where nothing was rounded."""
    tens = float(np.mean(np.remainder(targets, _ROUND) == 0))
    n = targets.shape[0]
    return detail(tens, n, "multiples of 10; 0.1 where nobody rounds", interval=wilson(tens, n))


def zero_excess(counted: Amounts, items: int) -> Detail | None:
    """Return by how many standard errors the share of zeros exceeds that of a Poisson distribution with the same mean.

    Above 3 there is an excess.
    """
    expected = math.exp(-counted.moments.mean)
    error = math.sqrt(expected * (1 - expected) / items)
    score = (counted.zeros / counted.moments.n - expected) / error if error > 0 else math.nan
    return detail(score, items, "(zeros - exp(-mean)) / standard error; excess above 3")
