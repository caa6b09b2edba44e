"""Regression: real tables, the training part contaminated or not, a linear model or a small network under each loss."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch
from sklearn.ensemble import HistGradientBoostingRegressor
from sklearn.linear_model import HuberRegressor
from sklearn.model_selection import cross_val_predict
from torch import Tensor

from benchmarks.regret.batched import Data, fit
from benchmarks.regret.cells import HALVES, Cell, Done, Row, everywhere, seed_of, write, write_questions
from benchmarks.regret.strata import STRATA, contaminated, robust
from benchmarks.regret.tables import Array, Table
from benchmarks.regret.tables.regression import tables
from losses.contract.expression import parse
from recommender.measure import measure_profile
from recommender.profile import Profile
from recommender.rules.formula import SIGNIFICANT_DIGITS, significant

FAMILY = "regression"
SEEDS = 2
MODELS = {"linear": 0, "network": 8}
SIGNAL = ("none",)  # where extreme targets are no mistakes
HUBER = "smooth_l1 computed"


class Candidate(NamedTuple):
    """A loss, what it reads of the raw output, and the prediction behind what it reads."""

    objective: str
    read: Callable[[Tensor], Tensor]
    predict: Callable[[Tensor], Tensor] = torch.clone


def main() -> None:
    """Train every cell and write the results."""
    started = time.monotonic()
    write(FAMILY, everywhere(of_table, list(tables())))
    print(f"{FAMILY}: {time.monotonic() - started:.0f} s")


def of_table(table: Table) -> list[Done]:
    """Return every cell of one table."""
    torch.set_num_threads(1)
    return list(_cells(table))


def measure() -> None:
    """Measure every cell again, and leave what was trained: for facts that are new."""
    write_questions(FAMILY, dict(everywhere(_questions, list(tables()))))


def _questions(table: Table) -> list[tuple[str, dict[str, object]]]:
    torch.set_num_threads(1)
    return [(cell.key, _question(table, cell, _measured(table, cell)[1])) for cell in _keys(table)]


def _keys(table: Table) -> Iterator[Cell]:
    for stratum in STRATA:
        for model in MODELS:
            for half in HALVES:
                yield Cell(FAMILY, table.name, table.cluster, stratum, model, half)


def _cells(table: Table) -> Iterator[Done]:
    for cell in _keys(table):
        yield _cell(table, cell)


def seen_part(table: Table, cell: Cell) -> Table:
    """Return the rows of a cell that are not tested on, contaminated."""
    train, validation, _ = _split(table, cell)
    seen = np.concatenate([train, validation])
    dirty = _contaminated(table, cell)
    return replace(table, features=dirty.features[seen], targets=dirty.targets[seen])


def _contaminated(table: Table, cell: Cell) -> Table:
    """Return the table of a cell, contaminated where it is seen."""
    train, validation, _ = _split(table, cell)
    seen = np.concatenate([train, validation])
    return contaminated(table, seen, train, STRATA[cell.stratum], seed_of(cell.key, "contamination"))


def _measured(table: Table, cell: Cell) -> tuple[Table, Profile]:
    """Return the table of a cell, contaminated where it is seen, and its profile."""
    train, validation, _ = _split(table, cell)
    seen = np.concatenate([train, validation])
    dirty = _contaminated(table, cell)
    targets = dirty.targets[seen]
    pilot = _pilot(dirty.features[seen], targets, cell.model)
    return dirty, measure_profile("regression", torch.from_numpy(targets), torch.from_numpy(pilot)).profile


def _question(table: Table, cell: Cell, measured: Profile) -> dict[str, object]:
    told = {"features": table.features.shape[1] + 1, "model": "flexible" if MODELS[cell.model] else "linear"}
    return {"task": "regression", "profile": measured.model_dump(mode="json", exclude_none=True) | told}


def _cell(table: Table, cell: Cell) -> Done:
    train, validation, test = _split(table, cell)
    dirty, measured = _measured(table, cell)
    seen = np.concatenate([train, validation])
    candidates = _candidates(measured, dirty.targets[seen], dirty.targets[train])
    features = _standard(dirty.features, train)

    def part(rows: np.ndarray) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(features[rows]).float(), torch.from_numpy(dirty.targets[rows]).float()

    data = Data(part(train), part(validation), part(test))
    fits = fit(
        data,
        [parse(entry.objective) for entry in candidates.values()],
        [entry.read for entry in candidates.values()],
        hidden=MODELS[cell.model],
        seeds=SEEDS,
        warm=list(candidates).index(HUBER),
    )
    rows = []
    for place, (name, entry) in enumerate(candidates.items()):
        tuning = _scores(entry.predict(fits.validation[place]), data.validation[1])
        for metric, tested in _scores(entry.predict(fits.test[place]), data.test[1]).items():
            # what is to be forecast is clean: where outliers are errors the absolute error tunes for both metrics
            by = tuning[metric if STRATA[cell.stratum].how in SIGNAL else "mae"].mean(1)
            scores = tested[int(torch.nan_to_num(by, nan=torch.inf).argmin())]
            rows.append(Row(cell, name, str(parse(entry.objective)), metric, float(scores.mean()), float(scores.std())))
    return Done(rows, _question(table, cell, measured))


def _candidates(profile: Profile, seen: Array, train: Array) -> dict[str, Candidate]:
    """Return what is trained: six losses on any targets, and those that the seen targets' range admits."""
    centre, spread = robust(train)
    scale = profile.number("residual_scale") or spread
    level = float(np.log(max(train.mean(), 1e-3)))

    def straight(raw: Tensor) -> Tensor:
        return centre + spread * raw

    def log_link(raw: Tensor) -> Tensor:
        return (raw + level).clamp(-30, 30)

    candidates = {
        "mse": Candidate("mse", straight),
        "mae": Candidate("mae", straight),
        HUBER: Candidate(f"smooth_l1(beta={significant(1.345 * scale, SIGNIFICANT_DIGITS)})", straight),
        "smooth_l1(beta=1)": Candidate("smooth_l1", straight),
        "tukey_biweight computed": Candidate(
            f"tukey_biweight(c={significant(4.685 * scale, SIGNIFICANT_DIGITS)})", straight
        ),
        "cauchy computed": Candidate(
            f"barron_general(alpha=0, scale={significant(1.686 * scale, SIGNIFICANT_DIGITS)})", straight
        ),
    }
    if (seen >= 0).all():
        power = significant(min(max(profile.number("variance_power") or 1.5, 1.1), 1.9), SIGNIFICANT_DIGITS)
        candidates["poisson_nll"] = Candidate("poisson_nll", log_link, torch.exp)
        candidates["tweedie computed"] = Candidate(f"tweedie(power={power})", log_link, torch.exp)
    if (seen > 0).all():
        candidates["gamma_deviance"] = Candidate("gamma_deviance", log_link, torch.exp)
    if (seen >= 0).all() and (seen <= 1).all():
        share = float(np.clip(train.mean(), 1e-3, 1 - 1e-3))
        start = float(np.log(share / (1 - share)))
        candidates["bce"] = Candidate("bce", lambda raw: raw + start, torch.sigmoid)
    return candidates


def _scores(predictions: Tensor, targets: Tensor) -> dict[str, Tensor]:
    """Return each metric of predictions (settings, seeds, n), by setting and seed."""
    error = (predictions - targets).double()
    return {"rmse": error.square().mean(-1).sqrt(), "mae": error.abs().mean(-1)}


def _split(table: Table, cell: Cell) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of the three parts: each half has test rows of its own, 25 %, the same in every stratum."""
    order = np.random.default_rng(seed_of(table.name, cell.model)).permutation(len(table.targets))
    tests = np.split(order[: 2 * (len(order) // 4)], 2)
    test = tests[HALVES.index(cell.half)]
    rest = np.random.default_rng(seed_of(cell.key)).permutation(np.setdiff1d(order, test))
    train, validation = np.split(rest, [int(0.75 * len(rest))])
    return train, validation, test


def _pilot(features: Array, targets: Array, model: str) -> Array:
    """Return out-of-fold predictions of a robust pilot of the same kind as the model."""
    if model == "linear":
        centre, spread = robust(targets)
        pilot = HuberRegressor(max_iter=300)
        standard = _standard(features, np.arange(len(features)))
        return centre + spread * cross_val_predict(pilot, standard, (targets - centre) / spread, cv=5)
    boosted = HistGradientBoostingRegressor(loss="absolute_error", max_iter=60, max_leaf_nodes=8)
    return cross_val_predict(boosted, features, targets, cv=5)


def _standard(features: Array, train: np.ndarray) -> Array:
    return np.clip((features - features[train].mean(0)) / (features[train].std(0) + 1e-9), -10, 10)


if __name__ == "__main__":
    main()
