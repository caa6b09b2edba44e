"""Outliers and spread of residuals, by medians so that the outliers cannot hide themselves."""

import math

import torch
from torch import Tensor

from recommender.measure.stats import LARGEST, SMALLEST, median, times_and_over, wilson
from recommender.profile import Measured

CUT = 3.5  # Iglewicz & Hoaglin 1993; NIST handbook 1.3.5.17
Z_PER_MAD = 0.6745  # normal median absolute deviation, in sigma
TO_SIGMA = 1.4826  # normal sigma over median absolute deviation
MEAN_TO_SIGMA = 1.2533  # normal sigma over mean absolute deviation, sqrt(pi / 2)
SIGMA_ERROR = 1.17  # standard error of the scaled median absolute deviation, in sigma / sqrt(n)


def outlier_rate(residuals: Tensor, basis: str = "residuals") -> Measured:
    """Return the share of residuals whose modified z-score exceeds 3.5.

    Shapes: residuals (n) or (n, outputs), n >= 1; every output has its own centre and scale.
    Units: fraction, 0 to 1; a clean Gaussian gives 0.00047.
    Raises: nothing; where half the residuals are equal the scale falls back to the mean absolute deviation.
    Source: Iglewicz & Hoaglin 1993; NIST handbook 1.3.5.17.
    """
    deviations, _ = _deviations(residuals)
    scales, fell_back = _scales(deviations, 1 / Z_PER_MAD)
    share = float((deviations > CUT * scales).double().mean())
    n = residuals.shape[0]
    method = f"modified z-score above {CUT}"
    if fell_back:
        method += "; mean absolute deviation, since half the values are equal"
    return Measured(value=share, interval=wilson(share, n), n=n, method=method, basis=basis)


def residual_scale(residuals: Tensor, basis: str = "residuals") -> Measured | None:
    """Return 1.4826 times the median absolute deviation; of several outputs, the median of theirs.

    Shapes: residuals (n) or (n, outputs), n >= 1.
    Units: those of the target. None where all residuals are equal.
    """
    deviations, unit = _deviations(residuals)
    scales, fell_back = _scales(deviations, TO_SIGMA)
    scales = scales[scales > 0]
    if scales.numel() == 0:
        return None
    value = min(max(float(median(scales)) * unit, SMALLEST), LARGEST)
    n = residuals.shape[0]
    method = f"{MEAN_TO_SIGMA} * mean absolute deviation" if fell_back else f"{TO_SIGMA} * median absolute deviation"
    low, high = times_and_over(value, SIGMA_ERROR / math.sqrt(n))
    return Measured(value=value, interval=(low, high), n=n, method=method, basis=basis)


def _deviations(residuals: Tensor) -> tuple[Tensor, float]:
    """Return distances from the median by output, and the unit they are in, which keeps them from overflowing."""
    values = residuals.to(torch.float64).reshape(residuals.shape[0], -1)
    unit = float(values.abs().max()) or 1.0
    values = values / unit
    return (values - median(values)).abs(), unit


def _scales(deviations: Tensor, to_sigma: float) -> tuple[Tensor, bool]:
    """Return a normal sigma for each output, and whether some output has half its values equal."""
    mad = median(deviations)
    scales = torch.where(mad > 0, to_sigma * mad, MEAN_TO_SIGMA * deviations.mean(0))
    return scales, bool((mad == 0).any())
