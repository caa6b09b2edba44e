"""The data of records: real tables, one after another and each split anew, or draws of a stated generator."""

from collections.abc import Callable, Sequence
from functools import cache
from importlib import import_module

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.cells import seed_of
from benchmarks.regret.tables import Array, Table
from benchmarks.regret.training import Part, Sample
from benchmarks.rules.record import Case
from recommender.profile import Profile

Draw = Callable[[np.random.Generator], tuple[Array, Array]]  # features (n, d) and targets (n, ...)
Facts = Callable[[Tensor], Profile]  # of the targets that are seen in training
Spoil = Callable[[Array, np.random.Generator], Array]  # what is done to the targets that are seen in training
TEST, CHECK = 0.3, 0.2  # shares of the rows
ROWS, FEATURES = 600, 6  # of a simulated table


@cache
def tables(module: str) -> list[Table]:
    """Return the tables of a module of benchmarks/regret/tables."""
    return list(import_module(f"benchmarks.regret.tables.{module}").tables())


def nothing_known(_: Tensor) -> Profile:
    """Return an empty profile: the question tells the goal alone."""
    return Profile()


def known(**facts: object) -> Facts:
    """Return the same facts for all data."""
    return lambda _: Profile.model_validate(facts)


def real(
    chosen: Callable[[], Sequence[Table]], facts: Facts = nothing_known, spoil: Spoil | None = None
) -> Callable[[int], Case]:
    """Return repeats on real tables: one after another, with another split each time round."""

    def case(number: int) -> Case:
        listed = chosen()
        table = listed[number % len(listed)]
        rng = np.random.default_rng(seed_of(table.name, number))
        return Case(table.cluster, split(table.features, table.targets, rng, facts, spoil))

    return case


def simulated(draw: Draw, facts: Facts = nothing_known, spoil: Spoil | None = None) -> Callable[[int], Case]:
    """Return repeats on draws of a generator; each stands for itself."""

    def case(number: int) -> Case:
        rng = np.random.default_rng(seed_of("rules", number))
        return Case(f"draw {number}", split(*draw(rng), rng, facts, spoil))

    return case


def split(
    features: Array, targets: Array, rng: np.random.Generator, facts: Facts = nothing_known, spoil: Spoil | None = None
) -> Sample:
    """Return a half to train on, a fifth to choose by and the rest to judge by, which is never spoilt."""
    order = rng.permutation(len(features))
    test, rest = np.split(order, [round(TEST * len(order))])
    check, learn = np.split(rest, [round(CHECK * len(order))])
    if spoil is not None:
        targets = targets.copy()
        targets[rest] = spoil(targets[rest], rng)
    mean, spread = features[learn].mean(0), features[learn].std(0) + 1e-9
    x = torch.from_numpy(np.clip((features - mean) / spread, -10, 10)).float()
    y = torch.from_numpy(targets).float()
    profile = facts(torch.from_numpy(targets[rest]))
    return Sample(Part(x[learn], y[learn]), Part(x[check], y[check]), Part(x[test], y[test]), profile)


def linear(rng: np.random.Generator, rows: int = ROWS, size: float = 1.0) -> tuple[Array, Array]:
    """Return normal features and a linear function of them of that standard deviation."""
    x = rng.normal(size=(rows, FEATURES))
    slopes = rng.normal(size=FEATURES)
    return x, size * x @ slopes / np.linalg.norm(slopes)
