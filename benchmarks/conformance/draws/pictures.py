"""Masks, pixels and boxes."""

from collections.abc import Iterator

import torch
from torch import Generator, Tensor

from benchmarks.conformance.draws.random import ids, normal, uniform
from benchmarks.conformance.table import Draws, Inputs

MASKS = ((1, 4, 4), (3, 8, 8), (2, 5, 7))


def masks(classes: int, *, empty: bool = False, soft: bool = False) -> Draws:
    """Logits and masks of images: 0 or 1 an image for one class, one-hot for several; some masks without a pixel."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for n, height, width in MASKS:
            predictions = normal(generator, n, classes, height, width, scale=2)
            if classes == 1:
                targets = (uniform(generator, n, 1, height, width) < 0.3).double()  # noqa: PLR2004 - about a third
                targets[:, :, 0, 0] = 1
                if empty:
                    targets[0] = 0
            else:
                wanted = ids(generator, n, height, width, classes=classes)
                wanted[:, 0, :classes] = torch.arange(classes)  # every class has a pixel in every image
                if empty:
                    wanted[wanted == classes - 1] = 0
                targets = torch.nn.functional.one_hot(wanted, classes).movedim(-1, 1).double()
            if soft:
                targets = uniform(generator, *targets.shape)
            yield {"predictions": predictions, "targets": targets}

    return draw


def pixel_ids(classes: int, *, ignored: int | None = None) -> Draws:
    """Class logits of images and an id a pixel; every class has a pixel in every image."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for n, height, width in MASKS:
            targets = ids(generator, n, height, width, classes=classes)
            if ignored is not None:
                targets[uniform(generator, *targets.shape) < 0.3] = ignored  # noqa: PLR2004 - about a third
            targets[:, 0, :classes] = torch.arange(classes)
            yield {"predictions": normal(generator, n, classes, height, width, scale=2), "targets": targets}

    return draw


def boxes(generator: Generator) -> Iterator[Inputs]:
    """Boxes that overlap, contain one another, are equal up to a little, and lie apart."""

    def drawn(n: int) -> Tensor:
        corner = uniform(generator, n, 2, high=10)
        return torch.cat([corner, corner + uniform(generator, n, 2, low=0.5, high=8)], 1)

    for n in (1, 8, 60):
        yield {"predictions": drawn(n), "targets": drawn(n)}
    near = drawn(12)
    yield {"predictions": near + uniform(generator, 12, 4, low=-0.1, high=0.1), "targets": near}
    apart = torch.tensor([[0, 0, 1, 1], [0, 0, 4, 4], [1, 1, 2, 2]], dtype=torch.float64)
    others = torch.tensor([[5, 6, 7, 9], [1, 1.5, 2, 3], [0, 0.5, 4, 4]], dtype=torch.float64)
    yield {"predictions": apart, "targets": others}
