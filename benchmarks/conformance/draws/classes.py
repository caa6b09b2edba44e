"""Logits, probabilities and classes."""

from collections.abc import Iterator

import torch
from torch import Generator

from benchmarks.conformance.draws.random import SHAPES, bits, double, ids, normal, signs, simplex, uniform
from benchmarks.conformance.table import Draws, Inputs


def logits(generator: Generator) -> Iterator[Inputs]:
    """Logits and labels of 0 and 1; logits that are 0, saturated, and very far on the wrong side."""
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape, scale=3), "targets": bits(generator, *shape)}
    yield {"predictions": double(0, 0, 20, -20, 20, -20), "targets": double(0, 1, 1, 0, 0, 1)}
    yield {"predictions": double(200, -200, 90, -90, 0), "targets": double(0, 1, 0, 1, 1)}


def soft_logits(generator: Generator) -> Iterator[Inputs]:
    """Logits and labels between 0 and 1."""
    yield from logits(generator)
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape, scale=3), "targets": uniform(generator, *shape)}


def binary_probabilities(generator: Generator) -> Iterator[Inputs]:
    """Probabilities inside (0, 1) and labels, hard and soft."""
    for shape in SHAPES:
        yield {"predictions": uniform(generator, *shape, low=0.01, high=0.99), "targets": bits(generator, *shape)}
    yield {"predictions": uniform(generator, 9, low=0.01, high=0.99), "targets": uniform(generator, 9)}
    yield {"predictions": double(0.5, 0.5, 1e-5, 1e-5, 0.999), "targets": double(0, 1, 0, 1, 1)}


CLASSES = ((1, 2), (6, 4), (33, 10), (3, 5, 4), (2, 3, 4, 5))


def sparse(*, ignored: int | None = None, weighted: bool = False, edges: bool = True) -> Draws:
    """Class logits with ids, some of them ignored, with or without class weights."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for n, classes, *rest in CLASSES:
            targets = ids(generator, n, *rest, classes=classes)
            if ignored is not None and targets.numel() > 1:
                targets[uniform(generator, *targets.shape) < 0.3] = ignored  # noqa: PLR2004 - about a third
            if ignored is not None:
                targets.view(-1)[0] = classes - 1
            inputs = {"predictions": normal(generator, n, classes, *rest, scale=3), "targets": targets}
            yield inputs | ({"class_weights": uniform(generator, classes, low=0.2, high=3)} if weighted else {})
        if edges and not weighted:
            far = torch.tensor([[0, 0, 0], [150, -150, 0], [1e3, 0, 0]], dtype=torch.float64)
            yield {"predictions": far, "targets": torch.tensor([0, 1, 0])}

    return draw


def dense(*, soft: bool = True) -> Draws:
    """Class logits with one-hot rows, then with soft ones."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for n, classes, *rest in CLASSES:
            predictions = normal(generator, n, classes, *rest, scale=3)
            hot = torch.nn.functional.one_hot(ids(generator, n, *rest, classes=classes), classes)
            yield {"predictions": predictions, "targets": hot.movedim(-1, 1).double()}
            if soft:
                yield {"predictions": predictions, "targets": simplex(generator, n, classes, *rest)}

    return draw


def multilabel(generator: Generator) -> Iterator[Inputs]:
    """Logits of several labels an item, at least one of which holds and one of which does not."""
    for n, classes in ((1, 3), (9, 5), (40, 12)):
        targets = bits(generator, n, classes)
        targets[:, 0], targets[:, -1] = 1, 0
        yield {"predictions": normal(generator, n, classes, scale=2), "targets": targets}


def soft_classes(generator: Generator) -> Iterator[Inputs]:
    """Class logits with distributions as targets, one of them with zeros."""
    for n, classes, *rest in CLASSES:
        yield {
            "predictions": normal(generator, n, classes, *rest, scale=2),
            "targets": simplex(generator, n, classes, *rest),
        }
    yield {"predictions": double(1, -2, 0.5).reshape(1, 3), "targets": double(0.5, 0.5, 0).reshape(1, 3)}


def teachers(generator: Generator) -> Iterator[Inputs]:
    """Logits of a student and of its teacher."""
    for n, classes, *rest in CLASSES:
        pair = [normal(generator, n, classes, *rest, scale=3) for _ in range(2)]
        yield dict(zip(("student", "teacher"), pair, strict=True))


def ordered(generator: Generator) -> Iterator[Inputs]:
    """Scores of pairs and which of the two is to be higher."""
    for shape in SHAPES:
        first, second = (normal(generator, *shape) for _ in range(2))
        yield {"first": first, "second": second, "targets": signs(generator, *shape)}


def with_priors(generator: Generator) -> Iterator[Inputs]:
    """Class logits with ids and how frequent each class is."""
    for inputs in sparse(edges=False)(generator):
        classes = inputs["predictions"].shape[1]
        if inputs["predictions"].ndim == 2:  # noqa: PLR2004 - torch adds the priors along the last axis
            yield {**inputs, "priors": uniform(generator, classes, low=0.1).softmax(0)}


def mild_logits(generator: Generator) -> Iterator[Inputs]:
    """Logits of which no probability rounds to 0 or 1, and labels."""
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape).clamp(-4, 4), "targets": bits(generator, *shape)}


def positive_targets(generator: Generator) -> Iterator[Inputs]:
    """Class logits with distributions that have no zeros."""
    yield from list(soft_classes(generator))[: len(CLASSES)]


def certain_probabilities(_: Generator) -> Iterator[Inputs]:
    """Probabilities of 0 and 1 with labels for and against."""
    yield {"predictions": double(0, 1, 0, 0.5), "targets": double(0, 1, 1, 1)}
    yield {"predictions": double(1, 0.5), "targets": double(0, 1)}
