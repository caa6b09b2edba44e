"""Facts of residuals: outliers, scale, tails and skewness, by medians, which outliers do not move.

Each fact is one function of the summary of residuals (n) or (n, outputs); every output has its own centre and scale.
"""

import math

import numpy as np

from recommender.measure.details import Detail, Details, detail
from recommender.measure.numbers.residual_blocks import Array
from recommender.measure.numbers.residual_scores import CUT, ResidualSummary
from recommender.measure.numbers.robust_scale import MEAN_TO_SIGMA, TO_SIGMA
from recommender.measure.stats import (
    LARGEST,
    SMALLEST,
    Z,
    l_kurtosis,
    medcouple,
    rank_interval,
    times_and_over,
    wilson,
)
from recommender.profile import Measured

SIGMA_ERROR = 1.17  # standard error of the scaled median absolute deviation, in sigma / sqrt(n)
CLEAN_RATE = 0.000465  # of a normal, beyond a modified z-score of 3.5
MASKED = 3.0  # times the classic rate: outliers hide behind the standard deviation that they inflate
_MEDCOUPLE_VARIANCE = 1.25  # times 1 / n, of normal samples: Brys, Hubert & Struyf 2004
_COMPARED = 2000  # numbers that the medcouple compares with one another: a million pairs
HUBER_CUT = 1.345  # scales: Huber 1964, 95 % efficiency on normal errors
_REWEIGHTED, _STILL = 100, 1e-9
FEWEST_FLAGGED = 6  # all on one side by chance: 2 * 0.5 ** 6 = 3 %


def outlier_rate(summary: ResidualSummary) -> Measured:
    """Return the share of residuals whose modified z-score exceeds 3.5.

    Units: fraction, 0 to 1; for normal residuals 0.00047. Where half the residuals are equal, the scale falls back to
    the mean absolute deviation.
    Source: Iglewicz & Hoaglin 1993; NIST handbook 1.3.5.17.
    """
    share = summary.scores.flagged / summary.numbers
    method = f"modified z-score above {CUT}"
    if summary.spread.fell_back:
        method += "; mean absolute deviation, since half the values are equal"
    return Measured(
        value=share, interval=wilson(share, summary.items), n=summary.items, method=method, basis=summary.basis
    )


def residual_scale(summary: ResidualSummary) -> Measured | None:
    """Return 1.4826 times the median absolute deviation; for several outputs, the median of theirs.

    Units: those of the target. None where all residuals are equal.
    """
    sigma = summary.spread.sigma()
    sigma = sigma[sigma > 0]
    if not sigma.size:
        return None
    value = min(max(_in_units(float(np.median(sigma)), summary.spread.shift), SMALLEST), LARGEST)
    fell_back = summary.spread.fell_back
    method = f"{MEAN_TO_SIGMA} * mean absolute deviation" if fell_back else f"{TO_SIGMA} * median absolute deviation"
    interval = times_and_over(value, SIGMA_ERROR / math.sqrt(summary.items))
    return Measured(value=value, interval=interval, n=summary.items, method=method, basis=summary.basis)


def one_sidedness(summary: ResidualSummary) -> Measured | None:
    """Return how far the outliers lie on one side: 0 where as many are above as below, 1 where all are on one side.

    None where there are so few that all lie on one side by chance in 5 % of samples.
    """
    flagged = summary.scores.flagged
    if flagged < FEWEST_FLAGGED:
        return None
    share = max(summary.scores.above, summary.scores.below) / flagged
    low, high = wilson(share, flagged)
    interval = (max(0.0, 2 * low - 1), 2 * high - 1)
    return Measured(
        value=2 * share - 1, interval=interval, n=flagged, method="|above - below| / flagged", basis=summary.basis
    )


def outlier_magnitude(summary: ResidualSummary) -> Measured | None:
    """Return the median absolute modified z-score of the outliers; None where there are none."""
    flagged, value = summary.scores.flagged, summary.scores.magnitude.quantile(0.5)
    if not flagged or value is None:
        return None
    low, high = summary.scores.magnitude.ranks(rank_interval(flagged, 0.5))
    interval = None if low is None or high is None else (low, high)
    method = "median modified z-score of the flagged"
    return Measured(value=value, interval=interval, n=flagged, method=method, basis=summary.basis)


def outlier_sum_share(summary: ResidualSummary) -> Measured | None:
    """Return the share of the sum of the targets that outliers carry, which a loss that ignores them loses.

    Units: fraction, 0 to 1; the interval is that of a ratio of sums. None where some target is negative or all are 0.
    """
    sums, n = summary.scores.sums, summary.numbers
    if sums.least < 0 or not 0 < sums.total < math.inf:
        return None
    share = min(1.0, sums.flagged / sums.total)
    squares = (1 - 2 * share) * sums.flagged_squares + share**2 * sums.total_squares
    error = Z * math.sqrt(max(squares, 0.0) * n / max(1, n - 1)) / sums.total
    if not math.isfinite(error):
        return None
    method = "sum of the flagged targets / sum of all"
    interval = (max(0.0, share - error), min(1.0, share + error))
    return Measured(value=share, interval=interval, n=summary.items, method=method, basis=summary.basis)


def total_under_huber(summary: ResidualSummary) -> Measured | None:
    """Return the estimated sum of predictions under the Huber loss, divided by the true sum; 1 for symmetric errors.

    The Huber centre of the residuals (1.345 scales) approximates what that loss fits, as if it moved every prediction
    by the same amount. None where some target is negative, where nothing varies, and for several outputs.
    """
    return _total_at(summary, _huber_centre(summary.sample), f"Huber's centre of the residuals, {HUBER_CUT} scales")


def total_under_mae(summary: ResidualSummary) -> Measured | None:
    """Return the estimated sum of predictions under MAE, divided by the true sum; see `total_under_huber`."""
    return _total_at(summary, 0.0, "median of the residuals")


def _total_at(summary: ResidualSummary, centre: float, method: str) -> Measured | None:
    """Return 1 plus the distance of `centre` from the mean residual, divided by the mean target."""
    sums, sigma = summary.scores.sums, summary.spread.sigma()
    if sigma.size > 1 or not sigma.all() or sums.least < 0 or not 0 < sums.total < math.inf:
        return None
    off = _in_units(float(sigma[0]) * (centre - summary.scores.moments.mean), summary.spread.shift)
    ratio = max(0.0, 1 + off / (sums.total / summary.numbers))
    return Measured(value=ratio, n=summary.items, method=method, basis=summary.basis) if math.isfinite(ratio) else None


def _huber_centre(scores: Array) -> float:
    """Return the minimiser of the Huber loss over scores with scale 1 and median 0, by iterative reweighting."""
    centre = 0.0
    for _ in range(_REWEIGHTED):
        off = np.abs(scores - centre)
        weights = np.minimum(1.0, np.divide(HUBER_CUT, off, out=np.ones_like(off), where=off > HUBER_CUT))
        moved = float(weights @ scores / weights.sum())
        if abs(moved - centre) <= _STILL:
            return moved
        centre = moved
    return centre


def tail_index(summary: ResidualSummary) -> Measured | None:
    """Return Hill's estimate of the tail index of distances from the median; below 2 the variance is infinite.

    Units: exponent. None where the tail does not vary.
    Source: Hill 1975, doi:10.1214/aos/1176343247; k = min(0.1 n, max(20, 2 sqrt(n))).
    """
    largest = summary.scores.tail.finish()
    k = largest.size - 1
    if k < 1 or largest[k] <= 0:
        return None
    slope = float(np.log(largest[:k] / largest[k]).mean())
    if slope <= 0:
        return None
    value, error = 1 / slope, Z / math.sqrt(k)
    interval = (value * max(0.0, 1 - error), value * (1 + error))
    return Measured(value=value, interval=interval, n=summary.items, method=f"Hill, largest {k}", basis=summary.basis)


def skewness(summary: ResidualSummary) -> Measured:
    """Return the medcouple of the residuals, from -1 to 1; for many, that of a sample.

    Source: Brys, Hubert & Struyf 2004, doi:10.1198/106186004X12632.
    """
    ordered, method = summary.sample, "medcouple"
    if ordered.size > _COMPARED:
        places = np.linspace(0, ordered.size - 1, _COMPARED).round().astype(np.int64)
        ordered, method = ordered[places], f"medcouple of {_COMPARED} quantiles"
    value = medcouple(ordered)
    half = Z * math.sqrt(_MEDCOUPLE_VARIANCE / min(summary.items, ordered.size))
    interval = (max(-1.0, value - half), min(1.0, value + half))
    return Measured(value=value, interval=interval, n=summary.items, method=method, basis=summary.basis)


def mean_median_gap(summary: ResidualSummary) -> Measured | None:
    """Return the distance of the mean from the median in residual scales; for several outputs, the median of theirs.

    The standard error assumes the density of a normal distribution of that scale at the median.
    """
    spread = summary.spread
    sigma = spread.sigma()
    varying = sigma > 0
    if not varying.any():
        return None
    gaps = np.abs(spread.mean - spread.centre)[varying] / sigma[varying]
    ratio, mean_ratio = spread.deviation[varying] / sigma[varying], spread.mean_deviation[varying] / sigma[varying]
    half_pi = math.pi / 2  # variance of the median times n / sigma ** 2
    variance = np.maximum(ratio**2 + half_pi - 2 * math.sqrt(half_pi) * mean_ratio, half_pi - 1)
    value, error = float(np.median(gaps)), Z * math.sqrt(float(np.median(variance)) / summary.items)
    if not math.isfinite(value + error):
        return None
    interval = (max(0.0, value - error), value + error)
    return Measured(
        value=value, interval=interval, n=summary.items, method="|mean - median| / scale", basis=summary.basis
    )


def residual_details(summary: ResidualSummary) -> Details:
    """Return further numbers of the summary for people: other outlier rates, and moments."""
    rate = summary.scores.flagged / summary.numbers
    items, basis, moments = summary.items, summary.basis, summary.scores.moments
    low, high = wilson(rate, items)
    return {
        "excess_rate": detail(
            rate - CLEAN_RATE,
            items,
            "outlier_rate less that of a clean normal",
            basis,
            interval=(low - CLEAN_RATE, high - CLEAN_RATE),
        ),
        "tukey_fence_rate": _rate(
            summary.scores.beyond_fence, summary, "beyond 1.5 interquartile ranges; normal 0.007"
        ),
        "z_above_3_rate": _rate(summary.scores.beyond_classic, summary, "beyond 3 standard deviations; normal 0.0027"),
        "masking": Detail(
            value=summary.scores.flagged >= MASKED * max(summary.scores.beyond_classic, 1),
            n=items,
            method="outlier_rate at least 3 times z_above_3_rate",
            basis=basis,
        ),
        "l_kurtosis": detail(l_kurtosis(summary.sample), items, "L-moments; normal 0.1226", basis),
        "excess_kurtosis": detail(moments.kurtosis, items, "fourth standardised moment - 3; normal 0", basis),
        "moment_skewness": detail(moments.skewness, items, "third standardised moment; normal 0", basis),
    }


def _rate(count: int, summary: ResidualSummary, method: str) -> Detail | None:
    """Return the share of residuals that a method flags."""
    share = count / summary.numbers
    return detail(share, summary.items, method, summary.basis, interval=wilson(share, summary.items))


def _in_units(value: float, shift: int) -> float:
    """Return a number in the unit of the targets, or the largest float64 where it overflows."""
    try:
        return math.ldexp(value, shift)
    except OverflowError:
        return LARGEST
