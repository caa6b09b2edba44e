"""Rules for regressions that the regret benchmark seldom or never asks for."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.tables import Array, Table
from benchmarks.regret.training import Candidate, Part, Sample
from benchmarks.rules.data import known, linear, nothing_known, real, simulated, tables
from benchmarks.rules.numbers import ANY, any_numbers
from benchmarks.rules.readings import logarithm, number
from benchmarks.rules.record import Record, Rival
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile
from recommender.tasks import Scenario, Task

PAY = ("Salary", "wage", "lwage", "inc")
MOST_DISPERSED = 10.0  # evidence.counts.spread: from here on the rule does not apply


def rmse(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the root mean squared error."""
    return (predicted - part.targets).square().mean(-1).sqrt()


def totals(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return how far the sum of the predictions is from the sum of the targets, over that."""
    return (predicted.sum(-1) / part.targets.sum(-1) - 1).abs()


def direction(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return 1 - cos of the angle between prediction and target, on average."""
    return (1 - (predicted - part.targets).cos()).mean(-1)


def median_error(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the median absolute error, which exists whatever the tail."""
    return (predicted - part.targets).abs().median(-1).values


def lognormal(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return amounts whose logarithm is linear with normal errors of 0.8."""
    x, eta = linear(rng, size=0.5)
    return x, np.exp(3 + eta + rng.normal(0, 0.8, len(eta)))


def pareto(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return amounts with a Pareto tail of index 1.9 about a log-linear level."""
    x, eta = linear(rng, size=0.5)
    return x, np.exp(3 + eta) * (1 + rng.pareto(1.9, len(eta)))


def heavy(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return a linear function with errors of Student's t of 1.5 degrees: they have no variance."""
    x, eta = linear(rng)
    return x, eta + rng.standard_t(1.5, len(eta))


def angles(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return angles about a direction that turns with a feature, with von Mises errors of concentration 4."""
    x, eta = linear(rng, size=1.5)
    turned = np.pi + eta + rng.vonmises(0, 4, len(eta))
    return x, np.mod(turned, 2 * np.pi)


def pay() -> Sequence[Table]:
    """Return the tables whose target is what somebody earns."""
    return [table for table in tables("regression") if table.name.rpartition(".")[2] in PAY]


def counts() -> Sequence[Table]:
    """Return the tables of counts whose variance is at most ten times the mean."""
    spread = {table.name: table.targets.var() / table.targets.mean() for table in tables("counts")}
    return [
        table
        for table in tables("counts")
        if spread[table.name] < MOST_DISPERSED and _support_alone(torch.from_numpy(table.targets)).support == "counts"
    ]


def _without_sums(targets: Tensor, *, tail: bool) -> Profile:
    """Return the profile of targets alone, without what their total would tell: an earlier rule goes by that."""
    measured = measure_profile("regression", targets.double()).profile
    left_out = {"outlier_sum_share": None, "tail_index" if not tail else "one_sidedness": None}
    return measured.model_copy(update=left_out)


def _long(targets: Tensor) -> Profile:
    return _without_sums(targets, tail=False)


def _heavy_above(targets: Tensor) -> Profile:
    return _without_sums(targets, tail=True)


def _support_alone(targets: Tensor) -> Profile:
    return Profile(support=measure_profile("regression", targets.double()).profile.support)


def turning(objective: str, sample: Sample) -> Candidate:
    """Return the mean direction of the targets and what a model turns it by."""
    seen = sample.train.targets.double()
    start = float(torch.atan2(seen.sin().mean(), seen.cos().mean()))

    def predict(raw: Tensor) -> Tensor:
        return start + raw[..., 0]

    return Candidate(objective, lambda raw: {"predictions": predict(raw).flatten()}, predict)


RECORDS = (
    Record(
        rule="evidence.regression.long_upper_tail",
        task=Task.REGRESSION,
        goal=Goal(functional="mean"),
        data="Simulated amounts: log-linear in six normal features (0.5), lognormal errors (0.8); 600 rows.",
        metric="distance of the totals",
        better=-1,
        relative=False,
        case=simulated(lognormal, _long),
        reading=number,
        against=(Rival("smooth_l1", number), Rival("mae", number), Rival("poisson_nll", logarithm)),
        score=totals,
    ),
    Record(
        rule="evidence.regression.heavy_upper_tail",
        task=Task.REGRESSION,
        goal=Goal(functional="mean"),
        data="Simulated amounts: log-linear in six normal features (0.5), a Pareto tail of index 1.9; 600 rows.",
        metric="distance of the totals",
        better=-1,
        relative=False,
        case=simulated(pareto, _heavy_above),
        reading=number,
        against=(Rival("smooth_l1", number), Rival("mae", number), Rival("poisson_nll", logarithm)),
        score=totals,
    ),
    Record(
        rule="evidence.regression.no_variance",
        task=Task.REGRESSION,
        goal=Goal(functional="mean"),
        data="Simulated: linear in six normal features, errors of Student's t with 1.5 degrees of freedom; 600 rows.",
        metric="median absolute error",
        better=-1,
        relative=True,
        case=simulated(heavy, known(tail_index=1.5)),
        reading=number,
        against=(Rival("mse", number), Rival("smooth_l1", number)),
        score=median_error,
    ),
    Record(
        rule="evidence.regression.angles",
        task=Task.REGRESSION,
        data="Simulated angles from 0 to 2 pi: a direction linear in six normal features (1.5), von Mises errors of "
        "concentration 4; 600 rows.",
        metric="1 - cos of the error",
        better=-1,
        relative=True,
        case=simulated(angles, lambda _: Profile(support="circular")),
        reading=turning,
        against=(Rival("mse", turning),),
        score=direction,
    ),
    Record(
        rule="evidence.regression.counts",
        task=Task.REGRESSION,
        goal=Goal(functional="mean"),
        data="Real tables of counts, out of the regret benchmark, whose variance is at most ten times their mean.",
        metric="RMSE",
        better=-1,
        relative=True,
        case=real(counts, known(support="counts")),
        reading=logarithm,
        against=(Rival("mse", number), Rival("mae", number)),
        score=rmse,
    ),
    Record(
        rule="evidence.regression.salaries",
        task=Task.REGRESSION,
        scenario=Scenario.SALARIES,
        data="Real tables of what people earn, out of the regret benchmark, as they are.",
        metric="distance of the totals",
        better=-1,
        relative=False,
        case=real(pay, nothing_known),
        reading=number,
        against=(Rival("mae", number), Rival("poisson_nll", logarithm)),
        score=totals,
    ),
    Record(
        rule="evidence.regression.default",
        task=Task.REGRESSION,
        data=ANY,
        metric="RMSE",
        better=-1,
        relative=True,
        case=real(any_numbers, nothing_known),
        reading=number,
        against=(Rival("smooth_l1", number), Rival("mae", number)),
        score=rmse,
    ),
)
