"""Functions that saturate, with gradients that keep their digits there.

Autograd takes the derivative from the value: that of a sigmoid as p (1 - p), which is 0 once p rounds to 1, and that of
exp(x) - 1 as its value plus 1, which is 0 once the value rounds to -1. Values are torch's own.
"""

import math
from typing import Any

import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

NEAR = 0.25  # beneath it the series of `excess` is exact in float64
TERMS = 13


class _Sigmoid(torch.autograd.Function):
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
        """Take derivatives relative to that of the likeliest class, whose p near 1 would cancel digits."""
        (p,) = ctx.saved_tensors
        relative = slope - slope.gather(ctx.dim, p.argmax(ctx.dim, keepdim=True))
        centre = (p * relative).sum(ctx.dim, keepdim=True)
        if torch.is_grad_enabled():  # as above
            return (relative - centre) * p, None
        return relative.sub_(centre).mul_(p), None


class _LogSoftmax(torch.autograd.Function):
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
        """Take 1 - p of the likeliest as the sum of the others."""
        (log_p,) = ctx.saved_tensors
        first = log_p.argmax(ctx.dim, keepdim=True)
        own, own_p = slope.gather(ctx.dim, first), log_p.gather(ctx.dim, first).exp()
        others, p = slope.scatter(ctx.dim, first, 0), _zeroed(log_p.exp(), ctx.dim, first)
        rest, sum_of_others = p.sum(ctx.dim, keepdim=True), others.sum(ctx.dim, keepdim=True)
        of_first = own * rest - own_p * sum_of_others
        if torch.is_grad_enabled():  # as above
            return (others - p * (own + sum_of_others)).scatter(ctx.dim, first, of_first), None
        return others.sub_(p.mul_(own + sum_of_others)).scatter_(ctx.dim, first, of_first), None


def _zeroed(values: Tensor, dim: int, at: Tensor) -> Tensor:
    return values.scatter(dim, at, 0) if torch.is_grad_enabled() else values.scatter_(dim, at, 0)


def sigmoid(x: Tensor) -> Tensor:
    """Return the probability of a logit."""
    return _Sigmoid.apply(x) if _differentiated(x) else x.sigmoid()  # type: ignore[no-untyped-call] # torch's


def softmax(x: Tensor, dim: int = 1) -> Tensor:
    """Return the probabilities of logits along one axis."""
    return _Softmax.apply(x, dim) if _differentiated(x) else x.softmax(dim)  # type: ignore[no-untyped-call] # torch's


def log_softmax(x: Tensor, dim: int = 1) -> Tensor:
    """Return the log-probabilities of logits along one axis."""
    return _LogSoftmax.apply(x, dim) if _differentiated(x) else F.log_softmax(x, dim)  # type: ignore[no-untyped-call] # torch's


def expm1(x: Tensor) -> Tensor:
    """Return exp(x) - 1: far below 0 by the subtraction, which is exact there and has the derivative exp(x)."""
    if not _differentiated(x):
        return x.expm1()
    near = x > -math.log(2)
    return torch.where(near, x.where(near, 0).expm1(), x.where(~near, -1).exp() - 1)


def excess(x: Tensor) -> Tensor:
    """Return exp(-x) - 1 + x, never below 0; around 0 it is half the square of x, by its series."""
    near = x.abs() < NEAR
    small, large = x.where(near, 0), x.where(~near, 1)
    series = torch.zeros_like(x)
    for k in range(TERMS, 1, -1):
        series = (1 - series * small) / k
    return torch.where(near, small.square() * series, (-large).exp() - 1 + large)


def _differentiated(x: Tensor) -> bool:
    return x.requires_grad and torch.is_grad_enabled()
