"""Many models trained at once: every loss, learning rate and fold is a replica of one batched network.

All replicas share each matrix product. The first layer is one product a fold, since the replicas of a fold read the
same rows; losses of single items are applied to the replicas folded into the items, others replica by replica.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor

from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss, Items, Sums
from recommender.experiment.candidates import Link

RATES = (0.003, 0.01, 0.03, 0.1)
STEPS, CHECKPOINTS = 320, 4  # steps, not epochs: time does not grow with the rows
WARM_STEPS, WARM_RATE = 60, 0.03  # non-convex losses start from a fit of a convex one, and all others too
BATCH = 256
HIDDEN = {"linear": (), "mlp": (64, 64)}
WEIGHT_DECAY = 1e-2
BETAS, TINY = (0.9, 0.99), 1e-12  # Adam's; losses in the unit of the target can have small gradients
FARTHEST = 30.0  # of a logarithm or a log-odds, beyond which the exponential says nothing


@dataclass(frozen=True)
class Reading:
    """How a model's raw output becomes what a loss takes, and that a prediction.

    `centre`, `spread`: of the target, for the identity; of the others the first is the level at which they start.
    """

    link: Link
    centre: float
    spread: float = 1.0

    def taken(self, raw: Tensor) -> Tensor:
        """Return what the loss takes. Shapes: (..., n) -> (..., n), or (..., n, classes)."""
        if self.link == "identity":
            return self.centre + self.spread * raw
        if self.link == "softmax":
            return raw
        return (raw + self.centre).clamp(-FARTHEST, FARTHEST)

    def predicted(self, raw: Tensor) -> Tensor:
        """Return the prediction: a number, or probabilities."""
        taken = self.taken(raw)
        if self.link == "log":
            return taken.exp()
        if self.link == "softmax" or (self.link == "score" and raw.ndim > 3):  # noqa: PLR2004 - folds, replicas, items, classes
            return taken.softmax(-1)
        return taken.sigmoid() if self.link in ("logit", "score") else taken


@dataclass(frozen=True)
class Trained:
    """What is trained: a loss, how it reads the output, and targets (n) or (n, classes) as it takes them."""

    objective: Objective
    reading: Reading
    targets: Tensor


@dataclass(frozen=True)
class Fold:
    """Features (n, d) of all rows, prepared by those that are trained on; which those are, and which are held out."""

    features: Tensor
    train: Tensor
    held: Tensor


@dataclass(frozen=True)
class Outputs:
    """Predictions (losses, rates, checkpoints, n) or (..., n, classes) of held-out rows, and which fits diverged.

    Shapes: diverged (losses, rates, folds).
    """

    predictions: Tensor
    diverged: Tensor
    steps: tuple[int, ...]


def train(
    folds: Sequence[Fold],
    trained: Sequence[Trained],
    warm: Sequence[Trained],
    *,
    model: str,
    outputs: int,
    seed: int,
    weights: Tensor | None = None,
    rates: Sequence[float] = RATES,
    steps: int = STEPS,
    alive: Callable[[], None] = lambda: None,
) -> Outputs:
    """Train every loss under every rate on every fold, and return what each says of the rows held out.

    `warm`: for each link the loss that is trained first. `alive` is called once a step, and may raise. Shapes: weights
    (n). Raises: what `alive` raises.
    """
    network = _Network(folds, model, outputs, seed)
    starts = {entry.reading.link: _warm(network, entry, weights, seed) for entry in warm}
    parameters = network.replicated([starts[entry.reading.link] for entry in trained for _ in rates])
    rate_of = torch.tensor(list(rates) * len(trained))
    optimiser = _Adam(parameters, network.by_parameter(rate_of), steps)
    n, shape = len(folds[0].features), (outputs,) if outputs > 1 else ()
    every = steps // CHECKPOINTS
    kept = torch.zeros(len(trained), len(rates), CHECKPOINTS, n, *shape)
    diverged = torch.zeros(len(trained), len(rates), len(folds), dtype=torch.bool)
    for step, rows in enumerate(network.batches(seed, steps), 1):
        alive()
        raw = network.forward(network.at(rows), parameters)
        losses = [
            mean_loss(entry, block, rows, weights).sum()
            for entry, block in zip(trained, torch.split(raw, len(rates), 1), strict=True)
        ]
        optimiser.step(step, torch.autograd.grad(torch.stack(losses).sum(), parameters))
        if step % every == 0:
            with torch.no_grad():
                _keep(network, parameters, trained, kept, diverged, step // every - 1)
    return Outputs(kept, diverged, tuple(every * place for place in range(1, CHECKPOINTS + 1)))


def _keep(
    network: "_Network",
    parameters: Sequence[Tensor],
    trained: Sequence[Trained],
    kept: Tensor,
    diverged: Tensor,
    checkpoint: int,
) -> None:
    """Write down what every replica says of the rows that its fold holds out."""
    rates = kept.shape[1]
    for place, fold in enumerate(network.folds):
        own = [part[place : place + 1] for part in network.by_fold(parameters)]
        raw = network.forward(fold.features[fold.held][None], own, folds=1)
        for entry_place, (entry, block) in enumerate(zip(trained, torch.split(raw, rates, 1), strict=True)):
            predicted = entry.reading.predicted(block)[0]
            finite = predicted.isfinite().flatten(1).all(1)
            diverged[entry_place, :, place] |= ~finite
            kept[entry_place, :, checkpoint, fold.held] = predicted.nan_to_num(0.0, 0.0, 0.0)


def mean_loss(entry: Trained, raw: Tensor, rows: Tensor, weights: Tensor | None) -> Tensor:
    """Return the mean of every replica.

    Shapes: raw (folds, replicas, batch) or (..., classes), rows (folds, batch) -> (folds, replicas).
    """
    taken = entry.reading.taken(raw)
    folds, replicas, batch = taken.shape[:3]
    targets = entry.targets[rows][:, None].expand(folds, replicas, *entry.targets[rows].shape[1:])
    weight = None if weights is None else weights[rows][:, None]
    total = taken.new_zeros(folds, replicas)
    for coefficient, term in entry.objective.terms:
        if term.kind == "item":
            out = term({"predictions": taken.flatten(0, 2), "targets": targets.flatten(0, 2)}, None)
            total = total + coefficient * _mean_of_items(out, (folds, replicas, batch), weight)
        else:
            total = total + coefficient * _mean_by_replica(term, taken, targets)
    return total


def _mean_of_items(out: Tensor | Items | Sums, shape: tuple[int, int, int], weight: Tensor | None) -> Tensor:
    if isinstance(out, Sums):
        raise TypeError(out)
    items = out if isinstance(out, Items) else Items(out)
    numerator, denominator = items.numerator.reshape(shape), items.counts.reshape(shape)
    if weight is not None:
        numerator, denominator = numerator * weight, denominator * weight
    return numerator.sum(2) / denominator.sum(2)


def _mean_by_replica(term: BoundLoss, taken: Tensor, targets: Tensor) -> Tensor:
    """Return the value of a loss that looks at all items at once, of each replica by itself."""

    def value(predictions: Tensor, own: Tensor) -> Tensor:
        out = term({"predictions": predictions, "targets": own}, None)
        if isinstance(out, Sums):
            out = out.finish({axis: rows.sum(0) for axis, rows in out.parts.items()})
        items = out if isinstance(out, Items) else Items(out)
        return items.numerator.sum() / items.counts.sum()

    replicas = zip(
        taken.flatten(0, 1), targets.flatten(0, 1), strict=True
    )  # vmap refuses losses that ask for an item()
    return torch.stack([value(predictions, own) for predictions, own in replicas]).reshape(taken.shape[:2])


class _Network:
    """The shapes of one kind of model, with every replica of every fold side by side."""

    def __init__(self, folds: Sequence[Fold], model: str, outputs: int, seed: int) -> None:
        self.folds, self.outputs, self._hidden = folds, outputs, HIDDEN[model]
        self._seed = seed
        self.replicas = 1

    def initial(self) -> list[Tensor]:
        """Return the weights and biases of one replica a fold: He's for hidden layers, small for the last."""
        sizes = (self.folds[0].features.shape[1], *self._hidden, self.outputs)
        parameters = []
        for place, (inner, outer) in enumerate(pairwise(sizes)):
            last = place == len(sizes) - 2
            generator = torch.Generator().manual_seed(self._seed * 1009 + place)
            scale = 0.01 if last else (2 / inner) ** 0.5
            start = torch.randn(inner, outer, generator=generator) * scale
            parameters += [start.repeat(len(self.folds), 1, 1), torch.zeros(len(self.folds), 1, outer)]
        return parameters

    def replicated(self, starts: Sequence[Sequence[Tensor]]) -> list[Tensor]:
        """Return the parameters of as many replicas a fold as there are starts (folds, in, out), ready to be trained.

        The first layer is (folds, in, replicas * out), the others are (folds * replicas, in, out).
        """
        self.replicas = len(starts)
        parameters = []
        for place, same in enumerate(zip(*starts, strict=True)):
            joined = torch.cat(same, 2) if place < 2 else torch.stack(same, 1).flatten(0, 1)  # noqa: PLR2004 - weight, bias
            parameters.append(joined.clone().requires_grad_())
        return parameters

    def by_parameter(self, per_replica: Tensor) -> list[Tensor]:
        """Return one number a replica in a shape that multiplies each parameter."""
        widths = (*self._hidden, self.outputs)
        first = per_replica.repeat_interleave(widths[0])[None, None]
        later = per_replica.repeat(len(self.folds))[:, None, None]
        return [first if place < 2 else later for place in range(2 * len(widths))]  # noqa: PLR2004 - as above

    def by_fold(self, parameters: Sequence[Tensor]) -> list[Tensor]:
        """Return the parameters with the fold as their first axis."""
        folds = len(self.folds)
        return [
            part if place < 2 else part.reshape(folds, self.replicas, *part.shape[1:])  # noqa: PLR2004 - as above
            for place, part in enumerate(parameters)
        ]

    def forward(self, x: Tensor, parameters: Sequence[Tensor], folds: int | None = None) -> Tensor:
        """Return raw outputs. Shapes: x (folds, n, d) -> (folds, replicas, n) or (..., outputs)."""
        folds = len(self.folds) if folds is None else folds
        n = x.shape[1]
        out = torch.baddbmm(parameters[1], x, parameters[0])
        out = out.reshape(folds, n, self.replicas, -1).transpose(1, 2)
        for weight, bias in zip(parameters[2::2], parameters[3::2], strict=True):
            inner = out.relu().reshape(folds * self.replicas, n, -1)
            own = weight.reshape(folds * self.replicas, *weight.shape[-2:]), bias.reshape(folds * self.replicas, 1, -1)
            out = torch.baddbmm(own[1], inner, own[0]).reshape(folds, self.replicas, n, -1)
        return out.squeeze(3) if self.outputs == 1 else out

    def at(self, rows: Tensor) -> Tensor:
        """Return the features of some rows of each fold. Shapes: (folds, batch) -> (folds, batch, d)."""
        return torch.stack([fold.features[own] for fold, own in zip(self.folds, rows, strict=True)])

    def batches(self, seed: int, steps: int) -> Iterator[Tensor]:
        """Yield the rows (folds, batch) of every step: each fold's training rows, shuffled once all were seen."""
        generator = torch.Generator().manual_seed(seed)
        size = min(BATCH, *(len(fold.train) for fold in self.folds))
        waiting = [fold.train[:0] for fold in self.folds]
        for _ in range(steps):
            rows = []
            for place, fold in enumerate(self.folds):
                while len(waiting[place]) < size:
                    shuffled = fold.train[torch.randperm(len(fold.train), generator=generator)]
                    waiting[place] = torch.cat([waiting[place], shuffled])
                rows.append(waiting[place][:size])
                waiting[place] = waiting[place][size:]
            yield torch.stack(rows)


class _Adam:
    """Adam with a rate for each replica, decayed to 0 along a cosine, and weights that decay."""

    def __init__(self, parameters: Sequence[Tensor], rates: Sequence[Tensor], steps: int) -> None:
        self._parameters, self._rates, self._steps = parameters, rates, steps
        self._means = [torch.zeros_like(part) for part in parameters]
        self._squares = [torch.zeros_like(part) for part in parameters]

    @torch.no_grad()
    def step(self, step: int, gradients: Sequence[Tensor]) -> None:
        """Move every parameter; a replica whose gradient is not finite stays where it is."""
        decay = 0.5 * (1 + math.cos(math.pi * (step - 1) / self._steps))
        first, second = 1 - BETAS[0] ** step, 1 - BETAS[1] ** step
        for parameter, gradient, mean, square, rate in zip(
            self._parameters, gradients, self._means, self._squares, self._rates, strict=True
        ):
            finite = gradient.nan_to_num(0.0, 0.0, 0.0)
            mean.lerp_(finite, 1 - BETAS[0])
            square.mul_(BETAS[1]).addcmul_(finite, finite, value=1 - BETAS[1])
            move = (mean / first).div_((square / second).sqrt_().add_(TINY))
            parameter.sub_(rate * decay * move.add_(parameter, alpha=WEIGHT_DECAY))


def _warm(network: _Network, entry: Trained, weights: Tensor | None, seed: int) -> list[Tensor]:
    """Return the parameters of every fold after some steps under one loss."""
    first = network.initial()
    parameters = network.replicated([first])
    optimiser = _Adam(parameters, [torch.tensor(WARM_RATE)] * len(parameters), WARM_STEPS)
    for step, rows in enumerate(network.batches(seed + 1, WARM_STEPS), 1):
        loss = mean_loss(entry, network.forward(network.at(rows), parameters), rows, weights).sum()
        optimiser.step(step, torch.autograd.grad(loss, parameters))
    return [part.detach() for part in parameters]


def as_tensor(values: np.ndarray) -> Tensor:
    """Return numbers as float32."""
    return torch.from_numpy(np.ascontiguousarray(values, dtype=np.float32))
