"""Quantiles: a high and a low one of the tables with a number to predict, as they are."""

from collections.abc import Iterator
from importlib import import_module
from statistics import NormalDist

import numpy as np
import torch
from sklearn.linear_model import HuberRegressor
from sklearn.model_selection import cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from benchmarks.regret.families.counts import pinball
from benchmarks.regret.protocol import Family, Metric
from benchmarks.regret.strata import robust
from benchmarks.regret.training import Candidate, Judged, Recipe, Roles, Rows, Sample, unchanged
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile
from recommender.rules.formulas import huber_beta

LEVELS = (0.1, 0.9)
SHIFTED = "mse moved by a normal quantile"


def tables() -> Iterator[Rows]:
    """Yield the tables with a number to predict; packages of data are imported where they are read."""
    yield from import_module("benchmarks.regret.tables.regression").tables()


def measure(table: Rows, seen: np.ndarray) -> Profile:
    """Measure the targets seen, with the out-of-fold predictions of a robust linear pilot."""
    targets = table.targets[seen]
    centre, spread = robust(targets)
    pilot = make_pipeline(StandardScaler(), HuberRegressor(max_iter=300))
    predicted = centre + spread * cross_val_predict(pilot, table.features[seen], (targets - centre) / spread, cv=5)
    return measure_profile("regression", torch.from_numpy(targets), torch.from_numpy(predicted)).profile


def candidates(sample: Sample) -> dict[str, Candidate]:
    """Return what is trained: the quantile and the expectile of either level, and losses of the centre."""
    centre, spread = robust(sample.train.targets.double().numpy())

    def straight(raw: Tensor) -> Tensor:
        return centre + spread * raw[..., 0]

    def number(raw: Tensor) -> Roles:
        return {"predictions": straight(raw).flatten()}

    objectives = {
        "mse": "mse",
        "smooth_l1(beta=1)": "smooth_l1",
        "mae": "mae",
        "smooth_l1 computed": f"smooth_l1(beta={huber_beta(sample.profile).value})",
    }
    for level in LEVELS:
        objectives |= {f"{name}({level})": f"{name}({name}={level})" for name in ("quantile", "expectile")}
    return {name: Candidate(text, number, straight) for name, text in objectives.items()}


def judge(name: str, entry: Candidate, raw: tuple[Tensor, Tensor], sample: Sample) -> Iterator[Judged]:
    """Yield the pinball loss at either level, of losses of another level's none."""
    errors = [
        seen.targets.double() - entry.predict(part).double()
        for part, seen in zip(raw, (sample.validation, sample.test), strict=True)
    ]
    for level in LEVELS:
        if name.startswith(("quantile", "expectile")) and f"({level})" not in name:
            continue
        yield Judged.by(f"pinball {level}", (pinball(error, level) for error in errors))
        if name == "mse":
            away = NormalDist().inv_cdf(level) * errors[0].std(-1, keepdim=True)
            yield Judged.by(f"pinball {level}", (pinball(error - away, level) for error in errors), SHIFTED)


def _pinball(level: float) -> Metric:
    goal = Goal(functional="quantile", quantile=level)
    return Metric(name=f"pinball {level}", shown=f"pinball at {level}", better=-1, relative=True, goal=goal)


FAMILY = Recipe(
    task="regression",
    protocol=Family(
        strata=["native"],
        groups={},
        models=["linear", "network"],
        constants=[
            *(f"expectile({level})" for level in LEVELS),
            "mae",
            "mse",
            SHIFTED,
            *(f"quantile({level})" for level in LEVELS),
            "smooth_l1 computed",
            "smooth_l1(beta=1)",
        ],
        library_default="mse",
        metrics=[_pinball(level) for level in LEVELS],
        thresholds={},
    ),
    tables=tables,
    strata={"native": unchanged},
    measure=measure,
    outputs=lambda _: 1,
    candidates=candidates,
    judge=judge,
)
