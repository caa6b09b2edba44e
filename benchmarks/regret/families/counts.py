"""Counts: real ones, which spread more than their mean as a rule, and the same thinned until they hardly do."""

from collections.abc import Iterator

import numpy as np
import torch
from sklearn.linear_model import PoissonRegressor
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor
from torch.nn import functional as F  # noqa: N812 - torch's own name for it

from benchmarks.regret.protocol import Family, Metric
from benchmarks.regret.tables.counts import tables
from benchmarks.regret.training import Candidate, Judged, Recipe, Roles, Rows, Sample, Seen, unchanged, with_targets
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile

LEVEL = 0.9  # of the quantile
LEFT_OVER = 0.3  # of the variance beyond the mean, over the mean, after thinning: dispersion is then near 1
LOWEST = 1e-2  # of the mean count: lower predictions are raised to it where a deviance is taken
NEGATIVE_BINOMIAL = "negative_binomial_nll"


def thinned(table: Rows, seen: np.ndarray, rng: np.random.Generator) -> Seen:
    """Return the table with every event kept at random with one probability: the excess variance shrinks with it."""
    mean, variance = table.targets.mean(), table.targets.var()
    share = min(1.0, LEFT_OVER / max(variance / mean - 1, 1e-9))
    return with_targets(table, rng.binomial(table.targets.astype(int), share).astype(float)), seen


def measure(table: Rows, seen: np.ndarray) -> Profile:
    """Measure the counts seen, with the out-of-fold predictions of a Poisson regression."""
    pilot = make_pipeline(StandardScaler(), PoissonRegressor(alpha=1e-3, max_iter=300))
    counts = table.targets[seen]
    predicted = cross_val_predict(pilot, table.features[seen], counts, cv=5)
    return measure_profile("count", torch.from_numpy(counts), torch.from_numpy(predicted)).profile


def candidates(sample: Sample) -> dict[str, Candidate]:
    """Return what is trained: three with a log link, and three in the unit of the counts."""
    seen = sample.train.targets
    mean, spread = float(seen.mean().clamp(min=1e-3)), float(seen.std()) or 1.0
    level = float(np.log(mean))

    def log_mean(raw: Tensor) -> Tensor:
        return (raw[..., 0] + level).clamp(-30, 30)

    def logarithm(raw: Tensor) -> Roles:
        return {"predictions": log_mean(raw).flatten()}

    def with_dispersion(raw: Tensor) -> Roles:
        return {**logarithm(raw), "dispersion": F.softplus(raw[..., 1]).flatten()}

    def straight(raw: Tensor) -> Tensor:
        return mean + spread * raw[..., 0]

    def number(raw: Tensor) -> Roles:
        return {"predictions": straight(raw).flatten()}

    def exponential(raw: Tensor) -> Tensor:
        return log_mean(raw).exp()

    return {
        "mae": Candidate("mae", number, straight),
        "mse": Candidate("mse", number, straight),
        NEGATIVE_BINOMIAL: Candidate(NEGATIVE_BINOMIAL, with_dispersion, exponential),
        "poisson_nll": Candidate("poisson_nll", logarithm, exponential),
        f"quantile({LEVEL})": Candidate(f"quantile(quantile={LEVEL})", number, straight),
        "tweedie(power=1.5)": Candidate("tweedie", logarithm, exponential),
    }


def judge(_: str, entry: Candidate, raw: tuple[Tensor, Tensor], sample: Sample) -> Iterator[Judged]:
    """Yield errors of the prediction as it is; a deviance of it where it is positive."""
    mean = float(sample.train.targets.double().mean())
    parts = [
        (entry.predict(part).double(), seen.targets.double())
        for part, seen in zip(raw, (sample.validation, sample.test), strict=True)
    ]
    yield Judged.by("poisson_deviance", (deviance(p.clamp(min=LOWEST * mean), y) for p, y in parts))
    yield Judged.by("rmse", ((p - y).square().mean(-1).sqrt() for p, y in parts))
    yield Judged.by("mae", ((p - y).abs().mean(-1) for p, y in parts))
    yield Judged.by("pinball", (pinball(y - p, LEVEL) for p, y in parts))


def deviance(means: Tensor, counts: Tensor) -> Tensor:
    """Return the mean Poisson deviance. Shapes: (..., n), (n) -> (...)."""
    return 2 * (torch.xlogy(counts, counts / means) - counts + means).mean(-1)


def pinball(errors: Tensor, level: float) -> Tensor:
    """Return the mean pinball loss of errors (..., n)."""
    return (level * errors).maximum((level - 1) * errors).mean(-1)


FAMILY = Recipe(
    task="count",
    protocol=Family(
        strata=["as counted", "thinned"],
        groups={},
        models=["linear", "network"],
        constants=["mae", "mse", NEGATIVE_BINOMIAL, "poisson_nll", f"quantile({LEVEL})", "tweedie(power=1.5)"],
        library_default="mse",
        metrics=[
            Metric(
                name="poisson_deviance",
                shown="Poisson deviance",
                better=-1,
                relative=True,
                goal=Goal(metric="poisson_deviance"),
            ),
            Metric(name="rmse", shown="RMSE", better=-1, relative=True, goal=Goal(metric="rmse")),
            Metric(name="mae", shown="MAE", better=-1, relative=True, goal=Goal(functional="median")),
            Metric(
                name="pinball",
                shown="pinball at 0.9",
                better=-1,
                relative=True,
                goal=Goal(functional="quantile", quantile=LEVEL),
            ),
        ],
        thresholds={},
    ),
    tables=tables,
    strata={"as counted": unchanged, "thinned": thinned},
    measure=measure,
    outputs=lambda _: 2,
    candidates=candidates,
    judge=judge,
)
