"""The rule for counts whose whole distribution is forecast."""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from benchmarks.regret.tables import Table
from benchmarks.regret.training import Candidate, Part, Roles, Sample
from benchmarks.rules.data import real, tables
from benchmarks.rules.readings import exponential
from benchmarks.rules.record import Record, Rival
from recommender.profile import Goal
from recommender.tasks import Task


def every() -> Sequence[Table]:
    """Return all tables of counts."""
    return tables("counts")


def spread_counts(objective: str, sample: Sample) -> Candidate:
    """Return the logarithm of a mean and a dispersion, judged by both: (..., n, 2)."""
    mean = exponential(objective, sample)

    def predict(raw: Tensor) -> Tensor:
        return torch.stack([mean.predict(raw), F.softplus(raw[..., 1])], -1)

    def inputs(raw: Tensor) -> Roles:
        centre, dispersion = predict(raw).flatten(0, 1).unbind(-1)
        return {"predictions": centre.log(), "dispersion": dispersion}

    return Candidate(objective, inputs, predict)


def poisson(objective: str, sample: Sample) -> Candidate:
    """Return the logarithm of a mean, judged as a forecast without dispersion beyond it."""
    mean = exponential(objective, sample)

    def predict(raw: Tensor) -> Tensor:
        centre = mean.predict(raw)
        return torch.stack([centre, torch.zeros_like(centre)], -1)

    return Candidate(objective, lambda raw: {"predictions": mean.predict(raw).log().flatten()}, predict)


def log_score(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the negative log likelihood of counts; a dispersion of 0 is Poisson's distribution."""
    mean, dispersion = predicted.double().unbind(-1)
    y, size = part.targets.double(), 1 / dispersion.clamp(min=1e-6)
    spread = (
        torch.lgamma(y + size)
        - torch.lgamma(size)
        + size * (size / (size + mean)).log()
        + y * (mean / (size + mean)).log()
    )
    plain = y * mean.log() - mean
    return (torch.lgamma(y + 1) - torch.where(dispersion > 0, spread, plain)).mean(-1)


RECORDS = (
    Record(
        rule="evidence.count.distribution",
        task=Task.COUNT,
        goal=Goal(functional="distribution"),
        data="Real tables of counts, out of the regret benchmark, as they are.",
        metric="negative log likelihood",
        better=-1,
        relative=False,
        case=real(every),
        reading=spread_counts,
        against=(Rival("poisson_nll", poisson),),
        score=log_score,
        outputs=lambda _: 2,
        repeats=40,
    ),
)
