"""Rules for items with any number of labels: what to train where most labels are rare, and where to cut."""

from collections.abc import Callable
from functools import cache

import numpy as np
import pandas as pd
import torch
from torch import Tensor

from benchmarks.regret.cells import seed_of
from benchmarks.regret.tables import Array, package
from benchmarks.regret.training import Candidate, Part, Roles, Sample
from benchmarks.rules.data import Facts, linear, nothing_known, simulated, split
from benchmarks.rules.record import Case, Record, Rival
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile
from recommender.tasks import Task

MOST_ROWS, FEWEST_POSITIVES = 1500, 30
HALF = 0.5
LABELS, RARE = 30, -4.0  # simulated labels, and the mean logit of one
REAL = "Yeast (14 labels, river), the products of Caravan's customers (ISLP) and solar flares (river), as they are."
SIMULATED = "Simulated: 30 labels, each logistic in six normal features (size 1.5) about a logit of -4; 1200 rows."


@cache
def _tables() -> list[tuple[str, Array, Array]]:
    """Return name, features and labels of every table, rare labels left out."""
    yeast = pd.read_csv(package("river") / "datasets/yeast.csv.gz")
    caravan = pd.read_csv(package("ISLP") / "data/Caravan.csv").drop(columns=["Purchase"])
    flares = pd.read_csv(package("river") / "datasets/solar-flare.csv.zip")
    parts = [
        ("yeast", yeast, [name for name in yeast if name.startswith("Class")]),
        ("Caravan", caravan, [name for name in caravan if name.startswith("A") and name != "AANHANG"]),
        ("solar flares", flares, [name for name in flares if name.endswith("-flares")]),
    ]
    return [_parted(name, table, labels) for name, table, labels in parts]


def _parted(name: str, table: pd.DataFrame, labels: list[str]) -> tuple[str, Array, Array]:
    kept = table.sample(frac=1, random_state=0)[:MOST_ROWS]
    targets = (kept[labels].replace({"TRUE": 1, "FALSE": 0}).astype(float) > 0).to_numpy(float)
    features = kept.drop(columns=labels)
    if name == "Caravan":
        features = features[[column for column in features if column.startswith("M")]]  # P... are the same products
    enough = targets.sum(0) >= FEWEST_POSITIVES
    return name, pd.get_dummies(features, drop_first=True).to_numpy(float), targets[:, enough]


def real(facts: Facts = nothing_known) -> Callable[[int], Case]:
    """Return repeats on the tables, one after another."""

    def case(number: int) -> Case:
        name, features, targets = _tables()[number % len(_tables())]
        rng = np.random.default_rng(seed_of(name, number))
        return Case(name, split(features, targets, rng, facts))

    return case


def rare_labels(rng: np.random.Generator) -> tuple[Array, Array]:
    """Return labels each of which is rare and depends on the features in its own way."""
    x, _ = linear(rng, rows=1200)
    slopes = rng.normal(size=(x.shape[1], LABELS))
    logits = 1.5 * x @ slopes / np.linalg.norm(slopes, axis=0) + RARE
    return x, (rng.random(logits.shape) < 1 / (1 + np.exp(-logits))).astype(float)


def measured(targets: Tensor) -> Profile:
    """Return the profile of the labels."""
    return measure_profile("multilabel", targets).profile


def logits(objective: str, sample: Sample) -> Candidate:
    """Return a logit a label, started from its share, judged as probabilities (..., n, labels)."""
    start = sample.train.targets.mean(0).clamp(1e-3, 1 - 1e-3).logit()

    def inputs(raw: Tensor) -> Roles:
        return {"predictions": (raw + start).flatten(0, 1)}

    return Candidate(objective, inputs, lambda raw: (raw + start).sigmoid())


def _balanced(predicted: Tensor, part: Part, cut: Tensor | float) -> Tensor:
    found, positive = (predicted >= cut).double(), part.targets.double()
    recalls = [(found == side).double().mul(of).sum(-2) / of.sum(-2) for side, of in ((1, positive), (0, 1 - positive))]
    return torch.nanmean((recalls[0] + recalls[1]) / 2, -1)


def balanced_at_half(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return balanced accuracy, the mean over labels, of probabilities cut at a half."""
    return _balanced(predicted, part, HALF)


def balanced_at_share(_: Tensor, kept: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return the same, cut at the share of each label on the validation part."""
    return _balanced(predicted, part, kept.targets.mean(0).clamp(min=1e-3))


def average_precision(_: Tensor, __: Part, predicted: Tensor, part: Part) -> Tensor:
    """Return average precision, the mean over labels that occur."""
    order = predicted.argsort(-2, descending=True)
    hit = part.targets.double().expand(predicted.shape).gather(-2, order)
    places = torch.arange(1, hit.shape[-2] + 1)[:, None]
    occurs = part.targets.sum(0) > 0
    return ((hit.cumsum(-2) / places * hit).sum(-2) / hit.sum(-2).clamp(min=1))[..., occurs].mean(-1)


def _labels(sample: Sample) -> int:
    return sample.train.targets.shape[1]


RECORDS = (
    Record(
        rule="evidence.classification.labels_balanced",
        task=Task.MULTILABEL,
        goal=Goal(decision="balanced"),
        data=REAL,
        metric="balanced accuracy, mean over labels",
        better=1,
        relative=False,
        case=real(),
        reading=logits,
        decided="cut at each label's share",
        against=(
            Rival("bce", logits, "cut at 1/2", balanced_at_half),
            Rival("focal", logits, "cut at 1/2", balanced_at_half),
            Rival("asymmetric", logits, "cut at 1/2", balanced_at_half),
            Rival("asymmetric", logits, "cut at each label's share"),
        ),
        score=balanced_at_share,
        outputs=_labels,
    ),
    Record(
        rule="evidence.classification.many_labels_ranking",
        task=Task.MULTILABEL,
        goal=Goal(decision="ranking"),
        data=SIMULATED,
        metric="average precision, mean over labels",
        better=1,
        relative=False,
        case=simulated(rare_labels, measured),
        reading=logits,
        against=(Rival("bce", logits), Rival("focal", logits)),
        score=average_precision,
        outputs=_labels,
        repeats=12,
    ),
)
