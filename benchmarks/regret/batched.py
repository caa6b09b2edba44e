"""Many small models at once: every loss, learning rate and seed is one replica of a batched network."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from losses.contract.expression import Objective
from losses.contract.loss import Items

LEARNING_RATES = (0.01, 0.03, 0.1)
STEPS = 160
WARM_STEPS, WARM_RATE = 80, 0.03
CHECKPOINTS = 8
WEIGHT_DECAY = 1e-2
BETAS = (0.9, 0.99)
TINY = 1e-12  # Adam's: losses in the unit of the target can have small gradients


@dataclass(frozen=True)
class Data:
    """Features (n, d) and targets (n) of the three parts."""

    train: tuple[Tensor, Tensor]
    validation: tuple[Tensor, Tensor]
    test: tuple[Tensor, Tensor]


@dataclass(frozen=True)
class Fits:
    """The outputs (losses, rates * checkpoints, seeds, n) on two parts."""

    validation: Tensor
    test: Tensor


Weigh = Callable[[Tensor], Tensor]  # outputs (replicas, n, outputs) -> the mean loss of each (replicas)


class Warmed(NamedTuple):
    """The initial weights (seeds, ...) of the replicas of some losses, and which losses those are."""

    parameters: list[Tensor]
    alike: Tensor


def mean_loss(objective: Objective, predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the mean of each replica. Shapes: predictions (r, n), targets (n) -> (r)."""
    total = predictions.new_zeros(len(predictions))
    for coefficient, term in objective.terms:
        out = term({"predictions": predictions, "targets": targets.expand_as(predictions)}, None)
        if isinstance(out, Items):
            total = total + coefficient * out.numerator.sum(1) / out.counts.sum(1)
        else:
            total = total + coefficient * out.mean(1)  # type: ignore[union-attr] # no quotient among these losses
    return total


def fit(
    data: Data,
    objectives: Sequence[Objective],
    read: Sequence[Callable[[Tensor], Tensor]],
    *,
    hidden: int,
    seeds: int,
    bias: float = 0.0,
    warm: int | None = None,
) -> Fits:
    """Train every loss at every rate from every seed, and return the outputs after `read`.

    `read` converts the raw output to the input of each loss. `hidden` = 0 is a linear model. All replicas of a seed
    start with the same weights; `warm` names the loss that is trained first for losses with the same reading.
    """
    x, y = data.train
    first = initial(x.shape[1], hidden, seeds, torch.tensor([bias]))
    warmed = None
    if warm is not None:
        alike = torch.tensor([reads is read[warm] for reads in read])
        warmed = Warmed(_warm(x, y, objectives[warm], read[warm], first), alike)

    def weigh(objective: Objective, reads: Callable[[Tensor], Tensor]) -> Weigh:
        return lambda raw: mean_loss(objective, reads(raw.squeeze(2)), y)

    weighed = [weigh(*pair) for pair in zip(objectives, read, strict=True)]
    parts = train(x, weighed, [data.validation[0], data.test[0]], first, seeds, warmed)
    return Fits(*(_read(part.squeeze(-1), read) for part in parts))


def train(
    x: Tensor,
    losses: Sequence[Weigh],
    views: Sequence[Tensor],
    first: Sequence[Tensor],
    seeds: int,
    warmed: Warmed | None = None,
) -> list[Tensor]:
    """Train one replica a loss, learning rate and seed, and return what each puts out on every view.

    Shapes: x (n, d), views (m, d), first (seeds, ...) -> (losses, rates * checkpoints, seeds, m, outputs).
    """
    kinds, rates = len(losses), len(LEARNING_RATES)
    parameters = [same.repeat(kinds * rates, 1, 1).requires_grad_() for same in first]
    if warmed is not None:
        alike = warmed.alike.repeat_interleave(rates * seeds)
        parameters = [
            torch.where(alike[:, None, None], start.repeat(kinds * rates, 1, 1), cold).detach().requires_grad_()
            for start, cold in zip(warmed.parameters, parameters, strict=True)
        ]
    step_sizes = torch.tensor(LEARNING_RATES).repeat_interleave(seeds).repeat(kinds)[:, None, None]
    means, squares = [torch.zeros_like(p) for p in parameters], [torch.zeros_like(p) for p in parameters]
    kept: list[list[Tensor]] = []
    each = rates * seeds
    for step in range(1, STEPS + 1):
        raw = _forward(x, parameters)
        total = torch.stack(
            [weigh(raw[place * each : (place + 1) * each]).sum() for place, weigh in enumerate(losses)]
        ).sum()
        gradients = torch.autograd.grad(total, parameters)
        decay = 0.5 * (1 + torch.cos(torch.tensor(torch.pi * step / STEPS)))
        with torch.no_grad():
            for parameter, gradient, mean, square in zip(parameters, gradients, means, squares, strict=True):
                gradient = torch.nan_to_num(gradient)  # noqa: PLW2901 - a diverged replica stays where it is
                mean.lerp_(gradient, 1 - BETAS[0])
                square.lerp_(gradient.square(), 1 - BETAS[1])
                move = (mean / (1 - BETAS[0] ** step)) / ((square / (1 - BETAS[1] ** step)).sqrt() + TINY)
                parameter.sub_(step_sizes * decay * (move + WEIGHT_DECAY * parameter))
            if step % (STEPS // CHECKPOINTS) == 0:
                kept.append([_forward(view, parameters) for view in views])
    return [
        torch.stack([part[place].reshape(kinds, rates, seeds, *part[place].shape[1:]) for part in kept], 2).flatten(
            1, 2
        )
        for place in range(len(views))
    ]


def _read(raw: Tensor, read: Sequence[Callable[[Tensor], Tensor]]) -> Tensor:
    return torch.stack([read[place](part) for place, part in enumerate(raw)])


def _warm(
    x: Tensor, y: Tensor, objective: Objective, read: Callable[[Tensor], Tensor], first: Sequence[Tensor]
) -> list[Tensor]:
    """Return the weights of every seed after some steps under one loss."""
    parameters = [start.clone().requires_grad_() for start in first]
    optimiser = torch.optim.Adam(parameters, lr=WARM_RATE, betas=BETAS, eps=TINY)
    for _ in range(WARM_STEPS):
        optimiser.zero_grad()
        mean_loss(objective, read(_forward(x, parameters).squeeze(2)), y).sum().backward()  # type: ignore[no-untyped-call] # torch
        optimiser.step()
    return [parameter.detach() for parameter in parameters]


def initial(features: int, hidden: int, seeds: int, bias: Tensor) -> list[Tensor]:
    """Return the weights of every seed: He's for the hidden layer, small for the last. Shapes: bias (outputs)."""
    first, outputs = [], len(bias)
    for seed in range(seeds):
        generator = torch.Generator().manual_seed(seed)
        if hidden:
            inner = torch.randn(features, hidden, generator=generator) * (2 / features) ** 0.5
            outer = torch.randn(hidden, outputs, generator=generator) * 0.01
            first.append([inner, torch.zeros(1, hidden), outer, bias[None].clone()])
        else:
            first.append([torch.randn(features, outputs, generator=generator) * 0.01, bias[None].clone()])
    return [torch.stack(same) for same in map(list, zip(*first, strict=True))]


def _forward(x: Tensor, parameters: Sequence[Tensor]) -> Tensor:
    """Return (replicas, n, outputs)."""
    out = x.expand(len(parameters[0]), *x.shape)
    for place in range(0, len(parameters), 2):
        out = torch.baddbmm(parameters[place + 1], out, parameters[place])
        if place + 2 < len(parameters):
            out = out.relu()
    return out
