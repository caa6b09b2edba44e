"""How training parts of tables with a number to predict are contaminated."""

from dataclasses import replace
from typing import NamedTuple, TypeVar

import numpy as np

from benchmarks.regret.tables import Array, Table

Kind = TypeVar("Kind", bound=Table)


class Stratum(NamedTuple):
    """Which share of the training targets is moved, how, and by how many robust standard deviations."""

    share: float
    how: str
    sigmas: float


STRATA = {
    "natural": Stratum(0.0, "none", 0.0),
    "t3 noise": Stratum(1.0, "t3", 0.5),
    "symmetric 1 %": Stratum(0.01, "symmetric", 10.0),
    "symmetric 20 %": Stratum(0.20, "symmetric", 10.0),
    "one-sided 5 %": Stratum(0.05, "one-sided", 10.0),
    "one-sided 20 %": Stratum(0.20, "one-sided", 10.0),
    "subtle 10 %": Stratum(0.10, "subtle", 4.0),
    "leverage 5 %": Stratum(0.05, "leverage", 10.0),
}


def contaminated(table: Kind, seen: np.ndarray, train: np.ndarray, stratum: Stratum, seed: int) -> Kind:
    """Return the table with some of the rows `seen` moved, and no other; spreads are those of the rows `train`."""
    rng = np.random.default_rng(seed)
    features, targets = table.features.copy(), table.targets.copy()
    size = stratum.sigmas * robust(targets[train])[1]
    hit = rng.choice(seen, round(stratum.share * len(seen)), replace=False)
    if stratum.how == "symmetric":
        targets[hit] += rng.normal(0, size, len(hit))
    elif stratum.how == "one-sided":
        targets[hit] += np.abs(rng.normal(size, size / 5, len(hit)))
    elif stratum.how == "t3":
        targets[hit] += size * rng.standard_t(3, len(hit))
    elif stratum.how == "subtle":
        targets[hit] += size * rng.choice([-1, 1], len(hit)) * rng.uniform(0.75, 1.25, len(hit))
    elif stratum.how == "leverage":
        targets[hit] += size
        features[hit] += 5 * features[train].std(0) * rng.choice([-1, 1], features.shape[1])
    return replace(table, features=features, targets=targets)


def robust(values: Array) -> tuple[float, float]:
    """Return the median and 1.4826 median absolute deviations; the standard deviation where that is 0."""
    centre = float(np.median(values))
    return centre, float(1.4826 * np.median(np.abs(values - centre))) or float(values.std()) or 1.0
