"""Adam with a learning rate for each replica."""

import math
from collections.abc import Sequence

import torch
from torch import Tensor

BETAS = (0.9, 0.99)
TINY = 1e-12  # losses in the unit of the target can have small gradients
WEIGHT_DECAY = 1e-2


class Adam:
    """Adam with decoupled weight decay (Loshchilov & Hutter 2019) and cosine decay of the learning rates.

    Shapes: parameters (replicas, ...), rates (replicas).
    """

    def __init__(self, parameters: Sequence[Tensor], rates: Tensor, steps: int) -> None:
        self._parameters, self._steps, self._taken = parameters, steps, 0
        self._rates = [rates.reshape(-1, *(1,) * (part.ndim - 1)).to(part.dtype) for part in parameters]
        self._means = [torch.zeros_like(part) for part in parameters]
        self._squares = [torch.zeros_like(part) for part in parameters]

    def step(self, gradients: Sequence[Tensor]) -> None:
        """Move every parameter in place; gradients must be finite."""
        decay = 0.5 * (1 + math.cos(math.pi * self._taken / self._steps))
        self._taken += 1
        first, second = (1 - beta**self._taken for beta in BETAS)
        for parameter, gradient, mean, square, rate in zip(
            self._parameters, gradients, self._means, self._squares, self._rates, strict=True
        ):
            mean.lerp_(gradient, 1 - BETAS[0])
            square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
            move = square.div(second).sqrt_().add_(TINY).reciprocal_().mul_(mean).div_(first)
            parameter.sub_(move.add_(parameter, alpha=WEIGHT_DECAY).mul_(rate * decay))
