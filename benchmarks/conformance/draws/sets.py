"""Embeddings, pairs, lists and sequences."""

from collections.abc import Iterator

import torch
from torch import Generator

from benchmarks.conformance.draws.classes import sparse
from benchmarks.conformance.draws.random import SHAPES, bits, double, ids, normal, signs
from benchmarks.conformance.table import Draws, Inputs


def embeddings(*roles: str, unit: bool = False) -> Draws:
    """Rows of features for every role."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for shape in ((1, 3), (8, 5), (40, 16)):
            rows = {role: normal(generator, *shape) for role in roles}
            yield {role: row / row.norm(dim=1, keepdim=True) for role, row in rows.items()} if unit else rows

    return draw


def scores(generator: Generator) -> Iterator[Inputs]:
    """Scores and labels of 0 and 1, none at a kink."""
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape, scale=2), "targets": bits(generator, *shape)}
    yield {"predictions": double(50, -50, 0.99, -0.2, 300), "targets": double(1, 0, 0, 1, 0)}


def pairs(generator: Generator) -> Iterator[Inputs]:
    """Pairs of embeddings and whether they belong together, as -1 and 1."""
    for n, features in ((1, 3), (8, 5), (40, 16)):
        first, second = (normal(generator, n, features) for _ in range(2))
        yield {"first": first, "second": second, "targets": signs(generator, n)}


def views(generator: Generator) -> Iterator[Inputs]:
    """Embeddings of two views of the same items."""
    for n, features in ((2, 3), (8, 5), (24, 16)):
        first = normal(generator, n, features)
        yield {"first": first, "second": first + normal(generator, n, features, scale=0.5)}


def labelled(per_label: int) -> Draws:
    """Embeddings with labels, so many items a label."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for labels, features in ((2, 3), (4, 5), (9, 16)):
            targets = torch.arange(labels).repeat(per_label)
            targets = targets[torch.randperm(len(targets), generator=generator)]
            yield {"predictions": normal(generator, len(targets), features), "targets": targets}

    return draw


def sequences(generator: Generator) -> Iterator[Inputs]:
    """Logits (n, C, T) and labels without the blank 0, every alignment possible, labels padded with 0."""
    for n, classes, frames, longest in ((1, 3, 6, 2), (4, 6, 20, 7), (3, 5, 30, 10)):
        lengths = torch.randint(1, longest + 1, (n,), generator=generator)
        lengths[0] = longest
        targets = 1 + ids(generator, n, longest, classes=classes - 1)
        targets = targets.where(torch.arange(longest) < lengths[:, None], 0)
        yield {
            "predictions": normal(generator, n, classes, frames, scale=2),
            "targets": targets,
            "prediction_lengths": torch.full((n,), frames),
            "target_lengths": lengths,
        }


def lists(generator: Generator) -> Iterator[Inputs]:
    """Scores of lists and the relevance of their items."""
    for n, length in ((1, 3), (6, 5), (20, 11)):
        yield {
            "predictions": normal(generator, n, length, scale=2),
            "targets": ids(generator, n, length, classes=5).double(),
        }


def many_views(generator: Generator) -> Iterator[Inputs]:
    """Two views of enough items for correlations to differ from 1."""
    yield from (inputs for inputs in views(generator) if len(inputs["first"]) > 2)  # noqa: PLR2004 - two always do


def with_counts(generator: Generator) -> Iterator[Inputs]:
    """Class logits with ids and how many items each class has."""
    for inputs in sparse(edges=False)(generator):
        classes = inputs["predictions"].shape[1]
        yield {**inputs, "class_counts": 1 + ids(generator, classes, classes=500)}


def ranks(generator: Generator) -> Iterator[Inputs]:
    """Logits of K thresholds, and ranks from 0 to K."""
    for n, thresholds in ((1, 1), (8, 4), (30, 9)):
        yield {
            "predictions": normal(generator, n, thresholds, scale=2),
            "targets": ids(generator, n, classes=thresholds + 1),
        }
