"""Trains every loss at every learning rate on every fold, and keeps the out-of-fold predictions."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor

from recommender.experiment.training.adam import Adam
from recommender.experiment.training.batches import Fold, row_batches, spread_batches
from recommender.experiment.training.network import Network, of_fold, replicated
from recommender.experiment.training.replica_losses import Trained, mean_loss

RATES = (0.003, 0.01, 0.03, 0.1)
# Of linear models of several classes: by RATES 50 % of fits took the largest. On 8 tables of the regret benchmark these
# scored 1.3 % less log loss; of numbers they cost 0.9 %, of two classes 0.6 %.
RATES_OF_CLASSES = (0.01, 0.03, 0.1, 0.3)
STEPS = 320  # not epochs: time does not grow with the rows
# Predictions are kept after a sixteenth of the steps, an eighth, ...: 20 steps are 5 epochs of 600 rows, after which a
# network may learn the noise. With the first at a quarter, log loss on a table of 616 rows was 1.97 in place of 0.49.
CHECKPOINTS = (16, 8, 4, 2, 1)
# Steps and rate of the convex fit from which losses that are not convex start. A network learns the noise at a rate
# that a linear model needs.
WARM = {"linear": (60, 0.03), "mlp": (20, 0.01)}
BATCH = 128  # half the time of 256 rows at the same error, on 5,000 rows with curves and products
MOST_NUMBERS = (
    2**23
)  # parameters of the replicas that are trained at once: 128 MiB with their gradient and Adam's means
FAR = 1e3  # spreads of the target, beyond which an output has diverged
WORSE = 0.05  # of its own loss at the start, by which a fit that ends above it has diverged
CHECKED = 8  # batches of training rows on which that is seen


@dataclass(frozen=True)
class Schedule:
    """The seed, the learning rates and the number of steps of a training."""

    seed: int
    rates: tuple[float, ...] = RATES
    steps: int = STEPS
    batch: int = BATCH

    @property
    def checkpoints(self) -> tuple[int, ...]:
        """The numbers of steps after which predictions are stored."""
        return tuple(max(1, self.steps // part) for part in CHECKPOINTS)


@dataclass(frozen=True)
class Outputs:
    """What models say of the rows they were not trained on, the mean where several folds predict a row, 0 where none.

    Shapes: predictions (losses, rates, checkpoints, n, outputs), 0 where a fit diverged; diverged (losses, rates,
    folds).
    """

    predictions: Tensor
    diverged: Tensor


def train(
    folds: Sequence[Fold],
    trained: Sequence[Trained],
    starts: Sequence[Trained | None],
    model: str,
    schedule: Schedule,
    weights: Tensor | None = None,
    alive: Callable[[], None] = lambda: None,
) -> Outputs:
    """Train every loss under every rate on every fold, as many at once as memory allows.

    `starts`: for each loss the convex one that its models are trained with first, None for one that is convex. `alive`
    is called once a step and may raise. Shapes: weights (n). Raises: what `alive` raises.
    """
    network = Network(model, folds[0].features.shape[1], trained[0].reading.outputs, len(folds))
    with _threads(1 if model == "linear" else torch.get_num_threads()):
        return _train(network, folds, trained, starts, schedule, weights, alive)


def _train(
    network: Network,
    folds: Sequence[Fold],
    trained: Sequence[Trained],
    starts: Sequence[Trained | None],
    schedule: Schedule,
    weights: Tensor | None,
    alive: Callable[[], None],
) -> Outputs:
    """Train some losses at once, and write their predictions into the outputs."""
    first = _first(network, folds, starts, weights, schedule)
    most = max(1, MOST_NUMBERS // (network.parameters_a_replica() * len(folds) * len(schedule.rates)))
    parts = []
    for place in range(0, len(trained), most):
        chunk = slice(place, place + most)
        replicas = _Replicas(network, folds, trained[chunk], schedule, weights)
        parts.append(replicas.run(first[chunk], alive))
    return Outputs(
        torch.cat([part.predictions for part in parts]),
        torch.cat([part.diverged for part in parts]),
    )


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Compute on so many threads. The products of linear models are so small that waiting for another takes longer."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


class _Replicas:
    """The models of some losses under every rate on every fold, which are trained at once."""

    def __init__(
        self,
        network: Network,
        folds: Sequence[Fold],
        trained: Sequence[Trained],
        schedule: Schedule,
        weights: Tensor | None,
    ) -> None:
        self._network, self._folds, self._trained = network, folds, trained
        self._schedule, self._weights = schedule, weights
        losses, rates, n = len(trained), len(schedule.rates), len(folds[0].features)
        self._diverged = torch.zeros(losses, rates, len(folds), dtype=torch.bool)
        self._kept = folds[0].features.new_zeros(losses, rates, len(CHECKPOINTS), n, network.outputs)
        times = torch.bincount(torch.cat([fold.held_out for fold in folds]), minlength=n)
        self._shares = 1 / times.clamp(min=1).to(self._kept.dtype)

    def run(self, starts: Sequence[Sequence[Tensor]], alive: Callable[[], None]) -> Outputs:
        """Train from these parameters, shape (folds, in, out) for each loss."""
        schedule = self._schedule
        parameters = replicated([start for start in starts for _ in schedule.rates])
        adam = Adam(parameters, torch.tensor(schedule.rates * (len(self._trained) * len(self._folds))), schedule.steps)
        for step, rows in enumerate(row_batches(self._folds, schedule.seed, schedule.steps, schedule.batch), 1):
            alive()
            gradients = gradients_of(self._network, self._folds, self._trained, parameters, rows, self._weights)
            adam.step([self._finite(gradient) for gradient in gradients])
            if step in schedule.checkpoints:
                self._keep(schedule.checkpoints.index(step), parameters)
        begun = self._own_losses(replicated(starts))
        ended = self._own_losses(parameters).reshape(len(self._folds), len(self._trained), len(schedule.rates))
        worse = ended > (begun + WORSE * begun.abs())[:, :, None]
        self._diverged |= (worse | ~ended.isfinite()).permute(1, 2, 0)
        return Outputs(self._kept, self._diverged)

    def _own_losses(self, parameters: Sequence[Tensor]) -> Tensor:
        """Return the loss of each model on some of its own training rows, (folds, replicas).

        A bounded loss has no gradient far from the targets, where a fit moves at random.
        """
        total: Tensor | float = 0.0
        batches = list(spread_batches(self._folds, self._schedule.batch, CHECKED))
        for rows in batches:
            raw = self._network.forward(_features(self._folds, rows), parameters)[-1]
            blocks = torch.split(raw, raw.shape[1] // len(self._trained), 1)
            means = [
                mean_loss(entry, block, rows, self._weights) for entry, block in zip(self._trained, blocks, strict=True)
            ]
            total = total + torch.cat(means, 1) * rows.shape[1] / sum(part.shape[1] for part in batches)
        return torch.as_tensor(total)

    def _finite(self, gradient: Tensor) -> Tensor:
        """Return a gradient with zeros where it is not finite, so that such a replica does not move."""
        if not gradient.sum().isfinite():  # which is in one pass what looking at every number is in two
            ended = ~gradient.isfinite().flatten(1).all(1)
            self._diverged |= ended.reshape(len(self._folds), *self._diverged.shape[:2]).permute(1, 2, 0)
            gradient = gradient.nan_to_num(0.0, 0.0, 0.0)
        return gradient

    def _keep(self, checkpoint: int, parameters: Sequence[Tensor]) -> None:
        """Store the out-of-fold predictions of every model at a checkpoint, and mark the models that diverged."""
        rates = len(self._schedule.rates)
        for place, fold in enumerate(self._folds):
            own = of_fold(parameters, len(self._folds), place)
            raw = self._network.forward(fold.features[fold.held_out][None], own)[-1]
            for loss, (entry, block) in enumerate(zip(self._trained, torch.split(raw, rates, 1), strict=True)):
                predicted = entry.of_fold(place).reading.predicted(block)[0]
                usable = predicted.isfinite() & (block[0].abs() <= FAR)
                self._diverged[loss, :, place] |= ~usable.flatten(1).all(1)
                shares = self._shares[fold.held_out, None]
                self._kept[loss, :, checkpoint, fold.held_out] += predicted.nan_to_num(0.0, 0.0, 0.0) * shares


def gradients_of(
    network: Network,
    folds: Sequence[Fold],
    trained: Sequence[Trained],
    parameters: Sequence[Tensor],
    rows: Tensor,
    weights: Tensor | None,
) -> list[Tensor]:
    """Return the gradient of every parameter on a batch of each fold; only the losses are differentiated by torch.

    Shapes: rows (folds, batch) or (folds, lists, length); parameters and gradients (folds * replicas, in, out).
    """
    outs = network.forward(_features(folds, rows), parameters)
    raw = outs[-1].detach().requires_grad_()
    each = raw.shape[1] // len(trained)
    values = [
        mean_loss(entry, block, rows, weights).sum()
        for entry, block in zip(trained, torch.split(raw, each, 1), strict=True)
    ]
    (of_raw,) = torch.autograd.grad(torch.stack(values).sum(), raw)
    return network.gradients(outs, of_raw, parameters)


def _first(
    network: Network,
    folds: Sequence[Fold],
    starts: Sequence[Trained | None],
    weights: Tensor | None,
    schedule: Schedule,
) -> list[list[Tensor]]:
    """Return the initial parameters of every loss: equal weights, trained for some steps with a convex loss."""
    steps, rate = WARM[network.model]
    by_start: dict[int, list[Tensor]] = {}
    for start in starts:
        if id(start) in by_start:
            continue
        parameters = network.initial(schedule.seed, folds[0].features.dtype)
        if start is not None:
            adam = Adam(parameters, torch.full((len(folds),), rate), steps)
            for rows in row_batches(folds, schedule.seed + 1, steps, schedule.batch):
                adam.step(gradients_of(network, folds, [start], parameters, rows, weights))
        by_start[id(start)] = parameters
    return [by_start[id(start)] for start in starts]


def _features(folds: Sequence[Fold], rows: Tensor) -> Tensor:
    """Return the features (folds, batch, d) of a batch of each fold; for padding, those of another row."""
    return torch.stack([fold.features[own.flatten()] for fold, own in zip(folds, rows, strict=True)])
