"""Numbers, counts and amounts."""

from collections.abc import Iterator

from torch import Generator

from benchmarks.conformance.draws.random import SHAPES, double, normal, uniform
from benchmarks.conformance.table import Inputs


def numbers(generator: Generator) -> Iterator[Inputs]:
    """Predictions and targets of any size; errors that are 0, tiny, exactly 1 and huge."""
    for shape in SHAPES:
        yield {"predictions": normal(generator, *shape, scale=2), "targets": normal(generator, *shape, scale=2)}
    yield {"predictions": double(0, 1, -1, 2, 1e-8, 1e6, -3e4), "targets": double(0, 0, 0, 2, 0, 0, 3e4)}


def weighted_numbers(generator: Generator) -> Iterator[Inputs]:
    """The same with a weight an item, some of them 0."""
    for inputs in numbers(generator):
        weights = uniform(generator, *inputs["targets"].shape, high=3)
        weights[weights < 0.5] = 0  # noqa: PLR2004 - about a sixth of the items
        weights.view(-1)[0] = 1.0
        yield {**inputs, "weights": weights}


def positives(generator: Generator) -> Iterator[Inputs]:
    """Predictions and targets above 0."""
    for shape in SHAPES:
        pair = {role: 0.05 + normal(generator, *shape).exp() for role in ("predictions", "targets")}
        yield pair
    yield {"predictions": double(1, 0.5, 20, 300), "targets": double(1, 2, 0.5, 310)}


def gaussians(generator: Generator) -> Iterator[Inputs]:
    """Means, variances well above eps, and targets."""
    for shape in SHAPES:
        yield {
            "predictions": normal(generator, *shape),
            "variance": uniform(generator, *shape, low=0.05, high=4),
            "targets": normal(generator, *shape, scale=2),
        }


def scaled(generator: Generator) -> Iterator[Inputs]:
    """Locations, scales and targets."""
    for inputs in gaussians(generator):
        yield {"predictions": inputs["predictions"], "scale": inputs["variance"], "targets": inputs["targets"]}


def log_rates(generator: Generator) -> Iterator[Inputs]:
    """Logarithms of rates and counts."""
    for shape in SHAPES:
        counts = uniform(generator, *shape, high=12).floor()
        yield {"predictions": normal(generator, *shape), "targets": counts}


def rates(generator: Generator) -> Iterator[Inputs]:
    """Rates and counts."""
    for inputs in log_rates(generator):
        yield {**inputs, "predictions": inputs["predictions"].exp()}


def ordinary(generator: Generator) -> Iterator[Inputs]:
    """Predictions and targets of any size, without the edges."""
    yield from list(numbers(generator))[: len(SHAPES)]


def log_positives(generator: Generator) -> Iterator[Inputs]:
    """Logarithms of means, and targets above 0."""
    for inputs in positives(generator):
        yield {**inputs, "predictions": inputs["predictions"].log()}


def dispersed(generator: Generator) -> Iterator[Inputs]:
    """Logarithms of means, dispersions above 0, and counts."""
    for inputs in log_rates(generator):
        shape = inputs["targets"].shape
        yield {**inputs, "dispersion": uniform(generator, *shape, low=0.1, high=2)}


def certain(generator: Generator) -> Iterator[Inputs]:
    """Means, variances below eps, and targets."""
    for inputs in gaussians(generator):
        yield {**inputs, "variance": inputs["variance"] * 1e-8}
