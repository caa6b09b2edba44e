"""Random tensors."""

import torch
from torch import Generator, Tensor

SHAPES = ((1,), (7,), (64,), (5, 3), (2, 3, 4))


def normal(generator: Generator, *shape: int, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(shape, generator=generator, dtype=torch.float64)


def uniform(generator: Generator, *shape: int, low: float = 0.0, high: float = 1.0) -> Tensor:
    return low + (high - low) * torch.rand(shape, generator=generator, dtype=torch.float64)


def ids(generator: Generator, *shape: int, classes: int) -> Tensor:
    return torch.randint(classes, shape, generator=generator)


def bits(generator: Generator, *shape: int) -> Tensor:
    return torch.randint(2, shape, generator=generator).double()


def signs(generator: Generator, *shape: int) -> Tensor:
    return 2 * bits(generator, *shape) - 1


def simplex(generator: Generator, *shape: int, sharp: float = 2.0) -> Tensor:
    return normal(generator, *shape, scale=sharp).softmax(1)


def double(*numbers: float) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)
