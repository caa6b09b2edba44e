"""Binary classification: real imbalanced tables, training labels flipped or not, a small model under each loss."""

import time
from collections.abc import Callable, Iterator

import numpy as np
import torch
from scipy.stats import rankdata
from torch import Tensor

from benchmarks.regret.batched import Data, fit
from benchmarks.regret.cells import HALVES, Cell, Done, Row, everywhere, seed_of, write
from benchmarks.regret.tables import Array, Table
from benchmarks.regret.tables.binary import tables
from losses.contract.expression import Objective, parse
from losses.description.probability import probability_map
from recommender.measure import measure_profile
from recommender.rules.formula import SIGNIFICANT_DIGITS, significant

FAMILY = "binary"
SEEDS = 2
MODELS = {"linear": 0, "network": 32}
STRATA = {"native": 0.0, "10 % of labels flipped": 0.1}
CLOSEST = 1e-6  # a probability to 0 or 1 in the log loss
CANDIDATES = {
    "bce": lambda _: "bce",
    "bce weighted": lambda share: f"bce(pos_weight={significant((1 - share) / share, SIGNIFICANT_DIGITS)})",
    "bce root-weighted": lambda share: (
        f"bce(pos_weight={significant(((1 - share) / share) ** 0.5, SIGNIFICANT_DIGITS)})"
    ),
    "bce(label_smoothing=0.1)": lambda _: "bce(label_smoothing=0.1)",
    "bce_logit_adjusted computed": lambda share: f"bce_logit_adjusted(prior={significant(share, SIGNIFICANT_DIGITS)})",
    "focal(alpha=0.25)": lambda _: "focal(alpha=0.25)",
    "focal computed": lambda share: f"focal(alpha={significant(1 - share, SIGNIFICANT_DIGITS)})",
    "focal(alpha=0.5)": lambda _: "focal(alpha=0.5)",
}


def main() -> None:
    """Train every cell and write the results."""
    started = time.monotonic()
    write(FAMILY, everywhere(of_table, list(tables())))
    print(f"{FAMILY}: {time.monotonic() - started:.0f} s")


def of_table(table: Table) -> list[Done]:
    """Return every cell of one table."""
    torch.set_num_threads(1)
    return list(_cells(table))


def _cells(table: Table) -> Iterator[Done]:
    for stratum in STRATA:
        for model in MODELS:
            for half in HALVES:
                yield _cell(table, Cell(FAMILY, table.name, table.cluster, stratum, model, half))


def _cell(table: Table, cell: Cell) -> Done:
    train, validation, test = _split(table, cell)
    targets = _flipped(table.targets, np.concatenate([train, validation]), cell)
    seen = np.concatenate([train, validation])
    measured = measure_profile("binary", torch.from_numpy(targets[seen])).profile
    share = measured.number("positive_share") or 0.5
    candidates = {name: str(parse(make(share))) for name, make in CANDIDATES.items()}
    mean, spread = table.features[train].mean(0), table.features[train].std(0) + 1e-9
    features = np.clip((table.features - mean) / spread, -10, 10)

    def part(rows: np.ndarray, values: Array) -> tuple[Tensor, Tensor]:
        return torch.from_numpy(features[rows]).float(), torch.from_numpy(values[rows]).float()

    data = Data(part(train, targets), part(validation, targets), part(test, table.targets))
    objectives = [parse(text) for text in candidates.values()]
    fits = fit(
        data,
        objectives,
        [torch.clone] * len(objectives),
        hidden=MODELS[cell.model],
        seeds=SEEDS,
        bias=float(np.log(share / (1 - share))),
    )
    rows = []
    for place, (name, text) in enumerate(candidates.items()):
        probabilities = _probabilities(objectives[place])
        tuning = [_scores(out, data.validation[1], probabilities, share) for out in fits.validation[place]]
        tested = [_scores(out, data.test[1], probabilities, share) for out in fits.test[place]]
        for metric in tested[0]:
            sign = 1 if metric in ERRORS else -1
            best = int(np.argmin([sign * scores[metric].mean() for scores in tuning]))
            by_run = tested[best][metric]
            if metric != AT_SHARE:
                rows.append(Row(cell, name, text, metric, float(by_run.mean()), float(by_run.std())))
            elif name == "bce":  # the same training, another threshold: no objective of its own
                scores = float(by_run.mean()), float(by_run.std())
                rows.append(Row(cell, "bce cut at the share", "", "balanced_accuracy", *scores))
    return Done(rows, {"task": "binary", "profile": measured.model_dump(mode="json", exclude_none=True)})


def _probabilities(objective: Objective) -> Callable[[Tensor], Tensor]:
    """Return the printed repair of a loss as a function; sigmoid where it needs none."""
    to_probability = probability_map(objective)
    if to_probability is None:
        return torch.sigmoid
    names: dict[str, Callable[[Tensor], Tensor]] = {}
    exec(to_probability.code, names)  # noqa: S102 - the code a reader of a recommendation is given
    return names["probability"]


AT_SHARE = "balanced_accuracy, cut at the share"
ERRORS = ("brier", "brier_repaired", "log_loss_repaired")


def _scores(
    logits: Tensor, targets: Tensor, probabilities: Callable[[Tensor], Tensor], share: float
) -> dict[str, np.ndarray]:
    """Return each metric by seed. Shapes: logits (seeds, n), targets (n). `share`: of positives, where seen."""
    z, y = torch.nan_to_num(logits.double()), targets.double()
    raw, fixed = z.sigmoid(), probabilities(z)
    positive = y > 0
    hit, at_share = (((z > 0) == positive).double(), ((fixed >= share) == positive).double())
    safe = fixed.clamp(CLOSEST, 1 - CLOSEST)
    ranks = torch.from_numpy(rankdata(z.numpy(), axis=1))
    positives, negatives = positive.sum(), (~positive).sum()
    above = ranks[:, positive].sum(1) - positives * (positives + 1) / 2
    scores = {
        "balanced_accuracy": (hit[:, positive].mean(1) + hit[:, ~positive].mean(1)) / 2,
        AT_SHARE: (at_share[:, positive].mean(1) + at_share[:, ~positive].mean(1)) / 2,
        "auc": above / (positives * negatives),
        "accuracy": hit.mean(1),
        "brier": (raw - y).square().mean(1),
        "brier_repaired": (fixed - y).square().mean(1),
        "log_loss_repaired": -(y * safe.log() + (1 - y) * (1 - safe).log()).mean(1),
    }
    return {name: score.numpy() for name, score in scores.items()}


def _split(table: Table, cell: Cell) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return rows of the three parts, each class in proportion: each half has test rows of its own, 30 %."""
    fixed, own = np.random.default_rng(seed_of(table.name)), np.random.default_rng(seed_of(cell.key))
    parts: tuple[list[np.ndarray], ...] = ([], [], [])
    for label in (0.0, 1.0):
        rows = fixed.permutation(np.flatnonzero(table.targets == label))
        tests = np.split(rows[: 2 * round(0.3 * len(rows))], 2)
        test = tests[HALVES.index(cell.half)]
        rest = np.setdiff1d(rows, test)
        train, validation = np.split(own.permutation(rest), [round(0.65 * len(rest))])
        for into, some in zip(parts, (train, validation, test), strict=True):
            into.append(some)
    return tuple(np.concatenate(some) for some in parts)  # type: ignore[return-value] # three


def _flipped(targets: Array, seen: np.ndarray, cell: Cell) -> Array:
    """Return labels of which some seen ones are flipped; the test part is untouched.

    As many positives as negatives are lost, in share of the smaller class, so that it does not drown.
    """
    rng, flipped = np.random.default_rng(seed_of(cell.key, "flips")), targets.copy()
    positives = seen[targets[seen] > 0]
    negatives = seen[targets[seen] == 0]
    count = round(STRATA[cell.stratum] * min(len(positives), len(negatives)))
    for rows in (positives, negatives):
        hit = rng.choice(rows, count, replace=False)
        flipped[hit] = 1 - flipped[hit]
    return flipped


if __name__ == "__main__":
    main()
