"""Functions that saturate, with gradients that stay accurate in the saturated range.

Autograd computes the derivative from the value: that of a sigmoid as p (1 - p), which is 0 once p rounds to 1, and that
of exp(x) - 1 as its value plus 1, which is 0 once the value rounds to -1. The values are torch's own.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

NEAR = 0.25  # beneath it the series of `excess` is exact in float64
TERMS = 13


class _Sigmoid(torch.autograd.Function):
    """The sigmoid with the derivative sigmoid(-x) sigmoid(x)."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor) -> Tensor:
        return x.sigmoid()

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor], output: Tensor) -> None:  # noqa: ANN401 - torch gives it no type
        ctx.save_for_backward(inputs[0], output)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> Tensor:  # noqa: ANN401 - as above
        x, p = ctx.saved_tensors
        if torch.is_grad_enabled():  # it is differentiated again, which what is done in place would not survive
            again: Tensor = (-x).sigmoid() * p * slope
            return again
        result: Tensor = (-x).sigmoid_().mul_(p).mul_(slope)
        return result


class _Softmax(torch.autograd.Function):
    """The softmax with a derivative that is accurate where one class has almost all of the probability."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, dim: int) -> Tensor:
        return x.softmax(dim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:  # noqa: ANN401 - as above
        ctx.dim = inputs[1]
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - as above
        """Compute the gradient relative to that of the most likely class, whose p near 1 would cancel digits."""
        (p,) = ctx.saved_tensors
        relative = slope - slope.gather(ctx.dim, p.argmax(ctx.dim, keepdim=True))
        centre = (p * relative).sum(ctx.dim, keepdim=True)
        if torch.is_grad_enabled():  # as above
            return (relative - centre) * p, None
        return relative.sub_(centre).mul_(p), None


class _LogSoftmax(torch.autograd.Function):
    """The log-softmax with a derivative that is accurate where one class has almost all of the probability."""

    generate_vmap_rule = True

    @staticmethod
    def forward(x: Tensor, dim: int) -> Tensor:
        return F.log_softmax(x, dim)

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Tensor, int], output: Tensor) -> None:  # noqa: ANN401 - as above
        ctx.dim = inputs[1]
        ctx.save_for_backward(output)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:  # noqa: ANN401 - as above
        """Compute 1 - p of the most likely class as the sum of the other probabilities."""
        (log_p,) = ctx.saved_tensors
        first = log_p.argmax(ctx.dim, keepdim=True)
        first_slope, first_p = slope.gather(ctx.dim, first), log_p.gather(ctx.dim, first).exp()
        others, p = slope.scatter(ctx.dim, first, 0), _zeroed(log_p.exp(), ctx.dim, first)
        rest, sum_of_others = p.sum(ctx.dim, keepdim=True), others.sum(ctx.dim, keepdim=True)
        of_first = first_slope * rest - first_p * sum_of_others
        if torch.is_grad_enabled():  # as above
            return (others - p * (first_slope + sum_of_others)).scatter(ctx.dim, first, of_first), None
        return others.sub_(p.mul_(first_slope + sum_of_others)).scatter_(ctx.dim, first, of_first), None


def _zeroed(values: Tensor, dim: int, at: Tensor) -> Tensor:
    """Return `values` with 0 at the indices `at` along `dim`; in place where no second derivative is recorded."""
    return values.scatter(dim, at, 0) if torch.is_grad_enabled() else values.scatter_(dim, at, 0)


def sigmoid(x: Tensor) -> Tensor:
    """Return the sigmoid, with an accurate gradient where it saturates."""
    return _Sigmoid.apply(x) if _differentiated(x) else x.sigmoid()  # type: ignore[no-untyped-call] # torch's


def softmax(x: Tensor, dim: int = 1) -> Tensor:
    """Return the softmax along one axis, with an accurate gradient where it saturates."""
    return _Softmax.apply(x, dim) if _differentiated(x) else x.softmax(dim)  # type: ignore[no-untyped-call] # torch's


def log_softmax(x: Tensor, dim: int = 1) -> Tensor:
    """Return the log-softmax along one axis, with an accurate gradient where it saturates."""
    return _LogSoftmax.apply(x, dim) if _differentiated(x) else F.log_softmax(x, dim)  # type: ignore[no-untyped-call] # torch's


def expm1(x: Tensor) -> Tensor:
    """Return exp(x) - 1; below -log 2 it is computed as written, exactly enough there, with the derivative exp(x)."""
    if not _differentiated(x):
        return x.expm1()
    near = x > -math.log(2)
    return torch.where(near, x.where(near, 0).expm1(), x.where(~near, -1).exp() - 1)


def excess(x: Tensor) -> Tensor:
    """Return exp(-x) - 1 + x, never below 0; near 0 by its series, which starts with x^2 / 2."""
    near = x.abs() < NEAR
    small, large = x.where(near, 0), x.where(~near, 1)
    series = torch.zeros_like(x)
    for k in range(TERMS, 1, -1):
        series = (1 - series * small) / k
    return torch.where(near, small.square() * series, (-large).exp() - 1 + large)


def _differentiated(x: Tensor) -> bool:
    """Return whether autograd records operations on x."""
    return x.requires_grad and torch.is_grad_enabled()
