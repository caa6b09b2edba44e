"""Rules for numbers by a metric of their own: logarithms, percentages, intervals and distributions."""

import math
from collections.abc import Sequence
from statistics import NormalDist

import torch
from torch import Tensor

from benchmarks.regret.tables import Table
from benchmarks.regret.training import Part
from benchmarks.rules.data import real, tables
from benchmarks.rules.readings import ends, exponential, number, with_width
from benchmarks.rules.record import Record, Rival
from recommender.profile import Goal
from recommender.tasks import Task

COVERAGE = 0.9
AWAY = NormalDist().inv_cdf((1 + COVERAGE) / 2)
POSITIVE = "Real tables with positive targets, out of the regret benchmark, as they are."
ANY = "Real tables with a number to predict, out of the regret benchmark, as they are."


def positive() -> Sequence[Table]:
    """Return tables whose targets are all positive."""
    return [table for table in tables("regression") if (table.targets > 0).all()]


def any_numbers() -> Sequence[Table]:
    """Return all tables with a number to predict."""
    return tables("regression")


def rmsle(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the root mean squared error of log(1 + y), negative predictions raised to 0."""
    errors: Tensor = predicted.clamp(min=0).log1p() - part.targets.log1p()
    return errors.square().mean(-1).sqrt()


def mape(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean absolute error over the target."""
    return ((predicted - part.targets) / part.targets).abs().mean(-1)


def smape(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the mean absolute error over the mean of target and prediction."""
    return (2 * (predicted - part.targets).abs() / (predicted.abs() + part.targets.abs()).clamp(min=1e-9)).mean(-1)


def interval_score(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the width of intervals (..., n, 2) and what lies outside, times 2 / alpha."""
    lower, upper = predicted.unbind(-1)
    outside = (lower - part.targets).clamp(min=0) + (part.targets - upper).clamp(min=0)
    return (upper - lower + 2 / (1 - COVERAGE) * outside).mean(-1)


def _of_spread(held: Tensor, kept: Part, predicted: Tensor) -> Tensor:
    """Return predictions with the standard deviation of the errors on the validation part: (..., n, 2)."""
    width = (held - kept.targets).square().mean(-1, keepdim=True).sqrt().expand_as(predicted)
    return torch.stack([predicted, width], -1)


def interval_of_normal(held: Tensor, kept: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the interval score of a mean with a standard deviation, taken to be normal."""
    centre, width = predicted.unbind(-1)
    return interval_score(held, kept, torch.stack([centre - AWAY * width, centre + AWAY * width], -1), part)


def interval_of_mean(held: Tensor, kept: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the interval score of a mean with the spread of its errors."""
    return interval_of_normal(held, kept, _of_spread(held, kept, predicted), part)


def crps(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the continuous ranked probability score of normal forecasts (..., n, 2)."""
    centre, width = predicted.double().unbind(-1)
    z = (part.targets - centre) / width
    density, below = torch.exp(-z.square() / 2) / math.sqrt(2 * math.pi), torch.special.ndtr(z)
    score: Tensor = (width * (z * (2 * below - 1) + 2 * density - 1 / math.sqrt(math.pi))).mean(-1)
    return score


def crps_of_mean(held: Tensor, kept: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the same of a mean with the spread of its errors."""
    return crps(held, kept, _of_spread(held, kept, predicted), part)


def log_score(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the negative log likelihood of normal forecasts (..., n, 2)."""
    centre, width = predicted.double().unbind(-1)
    return (width.log() + ((part.targets - centre) / width).square() / 2 + math.log(2 * math.pi) / 2).mean(-1)


def log_score_of_mean(held: Tensor, kept: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the same of a mean with the spread of its errors."""
    return log_score(held, kept, _of_spread(held, kept, predicted), part)


RECORDS = (
    Record(
        rule="evidence.numbers.squared_logarithms",
        task=Task.REGRESSION,
        goal=Goal(metric="rmsle"),
        data=POSITIVE,
        metric="RMSLE",
        better=-1,
        relative=True,
        case=real(positive),
        reading=exponential,
        against=(Rival("mse", exponential), Rival("mae", exponential)),
        score=rmsle,
    ),
    Record(
        rule="evidence.numbers.percentages",
        task=Task.REGRESSION,
        goal=Goal(metric="mape"),
        data=POSITIVE,
        metric="MAPE",
        better=-1,
        relative=True,
        case=real(positive),
        reading=number,
        against=(Rival("mae", number), Rival("mse", number)),
        score=mape,
    ),
    Record(
        rule="evidence.numbers.symmetric_percentages",
        task=Task.REGRESSION,
        goal=Goal(metric="smape"),
        data=POSITIVE,
        metric="SMAPE",
        better=-1,
        relative=True,
        case=real(positive),
        reading=exponential,
        against=(Rival("mae", exponential), Rival("mse", exponential)),
        score=smape,
    ),
    Record(
        rule="evidence.numbers.interval",
        task=Task.REGRESSION,
        goal=Goal(functional="interval", coverage=COVERAGE),
        data=ANY,
        metric="interval score, 90 %",
        better=-1,
        relative=True,
        case=real(any_numbers),
        reading=ends,
        against=(
            Rival("crps_gaussian", with_width, "with normal quantiles", interval_of_normal),
            Rival("mse", number, "with normal quantiles of its errors", interval_of_mean),
        ),
        score=interval_score,
        outputs=lambda _: 2,
    ),
    Record(
        rule="evidence.numbers.ranked_probability",
        task=Task.REGRESSION,
        goal=Goal(metric="crps"),
        data=ANY,
        metric="CRPS",
        better=-1,
        relative=True,
        case=real(any_numbers),
        reading=with_width,
        against=(Rival("beta_nll", with_width), Rival("mse", number, "with the spread of its errors", crps_of_mean)),
        score=crps,
        outputs=lambda _: 2,
    ),
    Record(
        rule="evidence.regression.distribution",
        task=Task.REGRESSION,
        goal=Goal(functional="distribution"),
        data=ANY,
        metric="negative log likelihood",
        better=-1,
        relative=False,
        case=real(any_numbers),
        reading=with_width,
        against=(
            Rival("gaussian_nll", with_width),
            Rival("mse", number, "with the spread of its errors", log_score_of_mean),
        ),
        score=log_score,
        outputs=lambda _: 2,
    ),
)
