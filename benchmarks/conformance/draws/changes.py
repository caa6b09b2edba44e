"""Draws made of other draws: weighted, as probabilities, with other shapes."""

from collections.abc import Iterator

import torch
from torch import Generator

from benchmarks.conformance.draws.random import double, uniform
from benchmarks.conformance.table import Draws, Inputs


def on_simplex(draws: Draws) -> Draws:
    """The same with a softmax over the predictions."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": (inputs["predictions"].clamp(-9, 9) / 2).softmax(1)}

    return draw


def with_class_weights(draws: Draws) -> Draws:
    """The same with a weight for every entry of axis 1 of the predictions."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            classes = inputs["predictions"].shape[1]
            yield {**inputs, "class_weights": uniform(generator, classes, low=0.2, high=3)}

    return draw


def with_alpha(draws: Draws, alpha: float) -> Draws:
    """The same with class weights of 1 - alpha for class 0 and alpha for the others."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            classes = inputs["predictions"].shape[1]
            yield {**inputs, "class_weights": double(1 - alpha, *[alpha] * (classes - 1))}

    return draw


def weighted(draws: Draws, *, zeros: bool = False) -> Draws:
    """The same with a weight an item along axis 0; some of them 0 where asked."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            n = len(inputs["targets"])
            weights = uniform(generator, n, low=0.1, high=3)
            if zeros:
                weights[1::3] = 0
            yield {**inputs, "weights": weights}

    return draw


def flat(draws: Draws) -> Draws:
    """Only those with two axes, or one more column for those with one: for libraries that know rows."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            if inputs["targets"].ndim <= 2:  # noqa: PLR2004 - rows and columns
                yield {
                    name: tensor.unsqueeze(1) if tensor.ndim == 1 and tensor.is_floating_point() else tensor
                    for name, tensor in inputs.items()
                }

    return draw


def two_axes(draws: Draws) -> Draws:
    """Only those whose predictions have two axes."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        yield from (inputs for inputs in draws(generator) if inputs["predictions"].ndim == 2)  # noqa: PLR2004 - rows and columns

    return draw


def as_probabilities(draws: Draws) -> Draws:
    """The same with a sigmoid over the predictions."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": inputs["predictions"].sigmoid()}

    return draw


def hard(draws: Draws) -> Draws:
    """Only those whose labels are 0 and 1."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        yield from (inputs for inputs in draws(generator) if bool(((inputs["targets"] % 1) == 0).all()))

    return draw


def mild(draws: Draws) -> Draws:
    """The same with predictions of which no probability rounds to 0 or 1."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": inputs["predictions"].clamp(-3, 3)}

    return draw


def raised(draws: Draws) -> Draws:
    """The same with predictions all above 0."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": inputs["predictions"] - inputs["predictions"].min() + 0.1}

    return draw


def first_costs(draws: Draws) -> Draws:
    """The same triplets with the first of them sure to cost something."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            positive, negative = inputs["positive"].clone(), inputs["negative"].clone()
            positive[0], negative[0] = -inputs["anchor"][0], inputs["anchor"][0] + 0.1
            yield {"anchor": inputs["anchor"], "positive": positive, "negative": negative}

    return draw


def numbered(draws: Draws) -> Draws:
    """The same with a label of its own for every row."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "targets": torch.arange(len(inputs["first"]))}

    return draw


def as_softmax(draws: Draws) -> Draws:
    """The same with a softmax over the predictions."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {**inputs, "predictions": inputs["predictions"].softmax(1)}

    return draw


def one_image(draws: Draws) -> Draws:
    """Only the first image of each."""

    def draw(generator: Generator) -> Iterator[Inputs]:
        for inputs in draws(generator):
            yield {name: tensor[:1] for name, tensor in inputs.items()}

    return draw
