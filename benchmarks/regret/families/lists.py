"""Lists to be put in order: the features of an item give it one score, whatever else stands in its list."""

from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.protocol import Family, Metric
from benchmarks.regret.tables.lists import tables
from benchmarks.regret.training import Candidate, Judged, Part, Recipe, Roles, Rows, Sample, unchanged
from recommender.measure import measure_profile
from recommender.profile import Goal, Profile

TOP = 10  # places that nDCG looks at
LOSSES = ("approx_ndcg", "lambda_loss", "list_mle", "listnet", "mse", "ranking_softmax", "ranknet")


def measure(table: Rows, seen: np.ndarray) -> Profile:
    """Measure how many lists there are; nothing else of them is measured."""
    return measure_profile("ranking", torch.from_numpy(table.targets[seen])).profile


def candidates(sample: Sample) -> dict[str, Candidate]:
    """Return what is trained: losses of lists, and the squared error of the relevance."""
    length = sample.train.targets.shape[1]

    def lists(raw: Tensor) -> Roles:
        return {"predictions": raw[..., 0].reshape(-1, length)}

    def in_lists(raw: Tensor) -> Tensor:
        return raw[..., 0].reshape(*raw.shape[:-2], -1, length)

    return {name: Candidate(name, lists, in_lists) for name in LOSSES}


def judge(_: str, entry: Candidate, raw: tuple[Tensor, Tensor], sample: Sample) -> Iterator[Judged]:
    """Yield what each list scores on average."""
    parts = list(zip(map(entry.predict, raw), (sample.validation, sample.test), strict=True))
    for name, score in (("ndcg", ndcg), ("pairs", pairs), ("mrr", reciprocal_rank)):
        yield Judged.by(name, (score(scores, part) for scores, part in parts))


def _ranked(scores: Tensor, part: Part) -> Tensor:
    """Return relevance in the order of the scores, places not taken last. Shapes: (..., lists, length)."""
    assert part.mask is not None  # noqa: S101 - of lists
    order = torch.nan_to_num(scores.double()).masked_fill(~part.mask, -torch.inf).argsort(-1, descending=True)
    return part.targets.double().expand(scores.shape).gather(-1, order)


def _gain(relevance: Tensor) -> Tensor:
    top = relevance[..., :TOP]
    return ((2**top - 1) / (torch.arange(top.shape[-1]) + 2.0).log2()).sum(-1)


def ndcg(scores: Tensor, part: Part) -> Tensor:
    """Return nDCG at 10 of lists that have anything relevant. Shapes: (..., lists, length) -> (...)."""
    best = _gain(part.targets.double().sort(-1, descending=True).values)
    return (_gain(_ranked(scores, part)) / best)[..., best > 0].mean(-1)


def pairs(scores: Tensor, part: Part) -> Tensor:
    """Return the share of pairs of unequal relevance in the right order, a tie counting half; lists count alike."""
    assert part.mask is not None  # noqa: S101 - of lists
    z, y = torch.nan_to_num(scores), part.targets
    unequal = (y[:, :, None] > y[:, None, :]) & part.mask[:, :, None] & part.mask[:, None, :]
    apart = z[..., :, None] - z[..., None, :]
    right = ((apart > 0).double() + (apart == 0).double() / 2) * unequal
    count = unequal.sum((-1, -2))
    return (right.sum((-1, -2)) / count.clamp(min=1))[..., count > 0].mean(-1)


def reciprocal_rank(scores: Tensor, part: Part) -> Tensor:
    """Return one over the place of the first item of the highest relevance in its list."""
    ranked = _ranked(scores, part)
    best = part.targets.max(-1).values
    first = (ranked == best[:, None]).double().argmax(-1)
    return (1 / (first + 1.0))[..., best > 0].mean(-1)


FAMILY = Recipe(
    task="ranking",
    protocol=Family(
        strata=["native"],
        groups={},
        models=["linear", "network"],
        constants=list(LOSSES),
        library_default="lambda_loss",  # LightGBM's lambdarank and XGBoost's rank:ndcg
        metrics=[
            Metric(name="ndcg", shown="nDCG at 10", better=1, relative=False, goal=Goal(ranking="ndcg")),
            Metric(name="pairs", shown="pairs in order", better=1, relative=False, goal=Goal(ranking="pairs")),
            Metric(name="mrr", shown="reciprocal rank", better=1, relative=False, goal=Goal(ranking="top_one")),
        ],
        thresholds={},
    ),
    tables=tables,
    strata={"native": unchanged},
    measure=measure,
    outputs=lambda _: 1,
    candidates=candidates,
    judge=judge,
)
