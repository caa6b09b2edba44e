"""Classes with an order: each loss decides as the metric wants it, by the likeliest, the median or the mean grade."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.families.classes import logits
from benchmarks.regret.protocol import Family, Metric
from benchmarks.regret.tables.grades import tables
from benchmarks.regret.training import Candidate, Judged, Recipe, Roles, Rows, Sample, first_output, unchanged
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile

CUTS, ROUNDS = 15, 2  # places tried for each cut between two grades, and how often
PLAIN = "sparse_categorical_ce"


def measure(table: Rows, seen: np.ndarray) -> Profile:
    """Measure the grades seen."""
    return measure_profile("ordinal", torch.from_numpy(table.targets[seen]).long()).profile


def candidates(sample: Sample) -> dict[str, Candidate]:
    """Return what is trained: four losses that give every grade a probability, and two of the grade as a number."""
    seen = sample.train.targets
    mean, spread = float(seen.mean()), float(seen.std())

    def thresholds(raw: Tensor) -> Roles:
        return {"predictions": raw.flatten(0, 1)[:, :-1]}

    def number(raw: Tensor) -> Roles:
        return {"predictions": mean + spread * first_output(raw)["predictions"]}

    def grade(raw: Tensor) -> Tensor:
        return mean + spread * raw[..., 0]

    def of_softmax(raw: Tensor) -> Tensor:
        return torch.nan_to_num(raw.double()).softmax(-1)

    return {
        "corn": Candidate("corn", thresholds, _of_thresholds),
        "mae": Candidate("mae", number, grade),
        "mse": Candidate("mse", number, grade),
        "ordinal_emd2": Candidate("ordinal_emd2", logits, of_softmax),
        PLAIN: Candidate(PLAIN, logits, of_softmax),
    }


def _of_thresholds(raw: Tensor) -> Tensor:
    """Return the probability of each grade from those of exceeding one, given the one before."""
    beyond = torch.nan_to_num(raw[..., :-1].double()).sigmoid().cumprod(-1)
    one, none = torch.ones_like(beyond[..., :1]), torch.zeros_like(beyond[..., :1])
    return torch.cat([one, beyond], -1) - torch.cat([beyond, none], -1)


def judge(_: str, entry: Candidate, raw: tuple[Tensor, Tensor], sample: Sample) -> Iterator[Judged]:
    """Yield what a loss scores; kappa is of the mean grade, cut where it was best on the validation part."""
    predicted = [entry.predict(part) for part in raw]
    labels = [sample.validation.targets.double(), sample.test.targets.double()]
    top, several = sample.classes - 1, predicted[0].ndim > raw[0].ndim - 1
    if several:
        likeliest, median = ([decide(p) for p in predicted] for decide in (_likeliest, _median))
        means = [(p * torch.arange(top + 1)).sum(-1) for p in predicted]
        yield Judged.by("ranked_probability", (_ranked(p, y) for p, y in zip(predicted, labels, strict=True)))
    else:
        likeliest = median = [p.round().clamp(0, top) for p in predicted]
        means = [p.double() for p in predicted]
    yield Judged.by("accuracy", ((d == y).double().mean(-1) for d, y in zip(likeliest, labels, strict=True)))
    yield Judged.by("mae", ((d - y).abs().mean(-1) for d, y in zip(median, labels, strict=True)))
    cuts = best_cuts(means[0], labels[0], top)
    yield Judged.by("qwk", (kappa(cut(mean, cuts), y) for mean, y in zip(means, labels, strict=True)))


def _likeliest(p: Tensor) -> Tensor:
    return p.argmax(-1).double()


def _median(p: Tensor) -> Tensor:
    return (p.cumsum(-1) < 1 / 2).sum(-1).clamp(max=p.shape[-1] - 1).double()


def _ranked(p: Tensor, labels: Tensor) -> Tensor:
    reached = labels[:, None] <= torch.arange(p.shape[-1] - 1)
    return (p.cumsum(-1)[..., :-1] - reached.double()).square().mean((-1, -2))


def cut(means: Tensor, cuts: Tensor) -> Tensor:
    """Return the grade of each mean. Shapes: means (..., n), cuts (..., grades - 1)."""
    return (means[..., None] > cuts[..., None, :]).sum(-1).double()


def kappa(grades: Tensor, labels: Tensor) -> Tensor:
    """Return quadratic weighted kappa: one less the squared distances over those of chance. Shapes: (..., n), (n)."""
    apart = (grades - labels).square().mean(-1)
    chance = grades.var(-1, correction=0) + labels.var(correction=0) + (grades.mean(-1) - labels.mean()).square()
    return 1 - apart / chance.clamp(min=1e-12)


def best_cuts(means: Tensor, labels: Tensor, top: int) -> Tensor:
    """Return the cuts of highest kappa, one after another from halves on. Shapes: means (..., n) -> (..., top)."""
    means = torch.nan_to_num(means)
    cuts = (torch.arange(top) + 0.5).double().expand(*means.shape[:-1], top).clone()
    tried = torch.quantile(means, torch.linspace(0.02, 0.98, CUTS, dtype=torch.float64), dim=-1)
    best = kappa(cut(means, cuts), labels)
    for _ in range(ROUNDS):
        for place in range(top):
            for value in tried:
                other = cuts.clone()
                other[..., place] = value
                other = other.sort(-1).values
                score = kappa(cut(means, other), labels)
                better = score > best
                cuts, best = torch.where(better[..., None], other, cuts), torch.where(better, score, best)
    return cuts


FAMILY = Recipe(
    task="ordinal",
    protocol=Family(
        strata=["native"],
        groups={},
        models=["linear", "network"],
        constants=["corn", "mae", "mse", "ordinal_emd2", PLAIN],
        library_default=PLAIN,
        metrics=[
            Metric(name="mae", shown="MAE of the grade", better=-1, relative=False, goal=Goal()),
            Metric(name="qwk", shown="quadratic kappa", better=1, relative=False, goal=Goal(metric="qwk")),
            Metric(
                name="ranked_probability",
                shown="ranked probability",
                better=-1,
                relative=False,
                goal=Goal(metric="ranked_probability_score"),
            ),
            Metric(name="accuracy", shown="accuracy", better=1, relative=False, goal=Goal(decision="accuracy")),
        ],
        thresholds={},
    ),
    tables=tables,
    strata={"native": unchanged},
    measure=measure,
    outputs=lambda sample: sample.classes,
    candidates=candidates,
    judge=judge,
)
