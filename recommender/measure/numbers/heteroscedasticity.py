"""How the spread of residuals depends on the predictions, on all items or on a sample."""

import math

import numpy as np

from recommender.measure.details import Details, detail
from recommender.measure.numbers.residual_blocks import Array, Block
from recommender.measure.numbers.residuals import SIGMA_ERROR
from recommender.measure.numbers.robust_scale import quantiles
from recommender.measure.stats import Z, times_and_over
from recommender.profile import Measured

SAMPLED = 1 << 16  # items: the ratio of two spreads to 1 %
_FIFTH = 5
_BINS, _FEWEST_BINS = 20, 10  # of predictions; a slope over fewer than 10 says little
_WIDEST = 1.0  # half an interval of the exponent: from Poisson, 1, to gamma, 2
_RANK_ERROR = 1.06  # Fisher's z of rank correlations: Fieller, Hartley & Pearson 1957


def heteroscedasticity(block: Block, items: int) -> Measured | None:
    """Return the spread of residuals in the top fifth of the predictions divided by that in the bottom fifth.

    Units: ratio of median absolute deviations; the interval is symmetric in its logarithm. None where the predictions,
    or the residuals of the bottom fifth, do not vary.
    """
    predictions, errors = _columns(block)
    fifth = errors.size // _FIFTH
    order = np.argsort(predictions, kind="stable")
    if fifth < 1 or predictions[order[fifth - 1]] >= predictions[order[-fifth]]:
        return None
    low, high = _mad(errors[order[:fifth]]), _mad(errors[order[-fifth:]])
    if low <= 0 or not math.isfinite(high / low):
        return None
    interval = times_and_over(high / low, SIGMA_ERROR * math.sqrt(2 / fifth))
    return Measured(
        value=high / low,
        interval=interval,
        n=items,
        method=_with_sample_size("top over bottom fifth", block),
        basis="residuals",
    )


def variance_power(block: Block, items: int) -> Measured | None:
    """Return the power p for which the variance of the residuals grows as the mean of the targets to the power p.

    It is the slope of log variance on log mean over 20 groups of equal size by prediction. None where fewer than 10
    groups have both, or where the interval is too wide to tell Poisson (1) from gamma (2).
    """
    predictions, errors = _columns(block)
    groups = np.array_split(np.argsort(predictions, kind="stable"), _BINS)
    targets = block.targets.ravel()
    pairs = [(float(targets[g].mean()), float(errors[g].var(ddof=1))) for g in groups if g.size > 1]
    positive = np.log([pair for pair in pairs if min(pair) > 0])
    if len(positive) < _FEWEST_BINS:
        return None
    mean, variance = positive.T - positive.mean(0)[:, None]
    square = float(mean @ mean)
    slope = float(mean @ variance) / square if square > 0 else math.nan
    residuals = variance - slope * mean
    error = Z * math.sqrt(float(residuals @ residuals) / (len(positive) - 2) / square) if square > 0 else math.nan
    if not error <= _WIDEST:
        return None
    value = max(0.0, slope)
    interval = (max(0.0, slope - error), max(value, slope + error))
    method = _with_sample_size(f"log variance on log mean, {len(positive)} groups", block)
    return Measured(value=value, interval=interval, n=items, method=method, basis="residuals")


def relation_details(block: Block, items: int) -> Details:
    """Return two tests for heteroscedasticity: Spearman's correlation, and Breusch and Pagan's test."""
    predictions, errors = _columns(block)
    correlation = _correlation(ranks(np.abs(errors)), ranks(predictions))
    n = errors.size
    statistic = n * _correlation(np.square(errors), predictions) ** 2
    angle, half = math.atanh(max(-1.0, min(1.0, correlation)) * (1 - 1e-12)), Z * _RANK_ERROR / math.sqrt(max(n - 3, 1))
    return {
        "spearman_spread": detail(
            correlation,
            items,
            _with_sample_size("rank correlation of |residual| and prediction", block),
            "residuals",
            interval=(math.tanh(angle - half), math.tanh(angle + half)),
        ),
        "breusch_pagan": detail(
            statistic, items, _with_sample_size("Koenker's form, chi-square of 1 degree", block), "residuals"
        ),
        "breusch_pagan_p": detail(
            math.erfc(math.sqrt(statistic / 2)) if statistic >= 0 else math.nan,
            items,
            _with_sample_size("chance of that much where the spread is constant", block),
            "residuals",
        ),
    }


def ranks(values: Array) -> Array:
    """Return ranks from 0; equal numbers share the mean of theirs."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    last = np.cumsum(counts)
    mean: Array = last - (counts + 1) / 2
    return mean[place]


def _columns(block: Block) -> tuple[Array, Array]:
    """Return the predictions and the residuals of a single output."""
    predictions = block.predictions
    return (block.errors if predictions is None else predictions).ravel(), block.errors.ravel()


def _mad(values: Array) -> float:
    """Return the median absolute deviation from the median."""
    (centre,) = quantiles(values, (0.5,))
    (deviation,) = quantiles(np.abs(values - centre), (0.5,))
    return float(deviation)


def _correlation(one: Array, other: Array) -> float:
    """Return Pearson's correlation of two columns; NaN where one of them does not vary."""
    a, b = one - one.mean(), other - other.mean()
    size = math.sqrt(float(a @ a)) * math.sqrt(float(b @ b))
    return float(a @ b) / size if size > 0 else math.nan


def _with_sample_size(method: str, block: Block) -> str:
    """Return the name of a method, followed by the size of the sample where not all items were used."""
    n = block.errors.size
    return f"{method}; on a sample of {n}" if n >= SAMPLED else method
