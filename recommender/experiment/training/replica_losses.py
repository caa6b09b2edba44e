"""The value of a loss for each replica, in one call for losses of single items."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss, Items, Loss, Sums
from recommender.experiment.candidates import OF_CLASSES
from recommender.experiment.training.batches import ABSENT
from recommender.experiment.training.reading import Reading, map_of

SMALLEST = 1e-30
ANY_SHAPE = ("*n",)  # of the items of a loss that looks at each by itself
TRIED = torch.linspace(-8, 8, 64)  # errors on which a loss with a parameter a fold is held against those of the folds


@dataclass(frozen=True)
class Trained:
    """What is trained: a loss, the reading of outputs, and the targets (n) or (n, columns) as the loss takes them.

    `by_fold` has the loss with the parameters of each fold; empty where they are equal.
    """

    objective: Objective
    reading: Reading
    targets: Tensor
    by_fold: tuple[Objective, ...] = ()

    def of_fold(self, fold: int) -> "Trained":
        """Return what is trained on one fold alone."""
        return self._apart[fold] if self.by_fold else replace(self, reading=self.reading.of_fold(fold))

    @cached_property
    def of_all_folds(self) -> Objective | None:
        """The loss of all folds at once; None where its parameters differ between them and it takes numbers alone."""
        return joined(self.by_fold) if self.by_fold else self.objective

    @cached_property
    def _apart(self) -> tuple["Trained", ...]:
        """What is trained on each fold: once, as every step asks for it."""
        entries = []
        for fold, objective in enumerate(self.by_fold):
            reading = self.reading.of_fold(fold)
            bent = None if reading.bent is None else map_of(objective)
            entries.append(Trained(objective, replace(reading, bent=bent), self.targets))
        return tuple(entries)


def joined(objectives: Sequence[Objective]) -> Objective | None:
    """Return one objective with the parameters of every fold, as tensors (folds, 1, 1) where these differ.

    None where a loss does not take tensors, as one does that asks whether its parameter is 0: folds are then computed
    one after the other, at so many times the calls.
    """
    terms = []
    for (coefficient, term), *others in zip(*(objective.terms for objective in objectives), strict=True):
        if term.kind != "item" or term.loss.shapes.items.names != ANY_SHAPE:
            return None
        if any(other.loss is not term.loss or weight != coefficient for weight, other in others):
            return None
        values = {name: [term.params[name], *(other.params[name] for _, other in others)] for name in term.params}
        terms.append((coefficient, replace(term, params={name: _of_folds(own) for name, own in values.items()})))
    whole = Objective(tuple(terms))
    try:
        together = _values(whole, TRIED.expand(len(objectives), 1, -1))
    except (RuntimeError, TypeError, ValueError):  # of torch and math, which ask a tensor for one number
        return None
    apart = torch.cat([_values(objective, TRIED.expand(1, 1, -1)) for objective in objectives])
    return whole if torch.equal(together, apart) else None


def _of_folds(values: Sequence[Any]) -> Any:  # noqa: ANN401 - a loss's own parameter
    """Return what all folds have in common, or a tensor of numbers that differ."""
    if all(value == values[0] for value in values):
        return values[0]
    return torch.tensor(values).reshape(-1, 1, 1)


def _values(objective: Objective, errors: Tensor) -> Tensor:
    """Return the loss of errors (folds, 1, n)."""
    total = torch.zeros_like(errors)
    for coefficient, term in objective.terms:
        items = _items(term({"predictions": errors, "targets": torch.zeros_like(errors)}, None))
        total = total + coefficient * items.numerator
    return total


def mean_loss(entry: Trained, raw: Tensor, rows: Tensor, weights: Tensor | None) -> Tensor:
    """Return the weighted mean of every replica.

    Losses of single items are called once, the replicas folded into the items; those that take counts of the classes,
    and those whose parameters are computed, once a fold, since each fold has its own; others replica by replica. Of
    lists of rows, `ABSENT` where a list has ended, a loss of lists has the list for its item, and other losses the rows
    that there are.

    Shapes: raw (folds, replicas, batch, outputs), rows (folds, batch), or (folds, lists, length) of so many rows in
    all, weights (n) -> (folds, replicas).
    """
    objective = entry.of_all_folds
    if objective is None:
        parts = [slice(fold, fold + 1) for fold in range(len(raw))]
        return torch.cat([mean_loss(entry.of_fold(k), raw[part], rows[part], weights) for k, part in enumerate(parts)])
    taken = entry.reading.taken(raw)
    if raw.shape[-1] == 1:
        taken = taken.squeeze(-1)
    flat = rows.flatten(1)
    targets = entry.targets[flat][:, None].expand(*taken.shape[:2], *entry.targets[flat].shape[1:])
    weight = None if weights is None else weights[flat][:, None].expand(taken.shape[:3])
    in_lists = rows.ndim > 2  # noqa: PLR2004 - folds and rows
    if in_lists:
        weight = (flat != ABSENT).to(taken.dtype)[:, None].expand(taken.shape[:3])
    total = taken.new_zeros(taken.shape[:2])
    for coefficient, term in objective.terms:
        if in_lists and takes_lists(term.loss):
            total = total + coefficient * _of_lists(term, taken, targets, rows)
        elif term.kind != "item":
            total = total + coefficient * _of_all_items(term, taken, targets)
        elif any(role in OF_CLASSES for role in term.loss.required):
            total = total + coefficient * _of_items_by_fold(term, entry.reading, taken, targets, weight)
        else:
            total = total + coefficient * _of_items(term, {}, taken, targets, weight)
    return total


def takes_lists(loss: Loss) -> bool:
    """Return whether an item of a loss is a list of predictions that it orders."""
    return loss.shapes.items.names == ("n",) and loss.pattern("predictions").names == ("n", "L")


def _of_lists(term: BoundLoss, taken: Tensor, targets: Tensor, rows: Tensor) -> Tensor:
    """Return the means of a loss of lists. Shapes: taken and targets (folds, replicas, batch) -> (folds, replicas)."""
    shape = (*taken.shape[:2], *rows.shape[1:])
    present = (rows != ABSENT).to(taken.dtype)[:, None].expand(shape)
    given = {"predictions": taken.reshape(shape).flatten(0, 2), "targets": targets.reshape(shape).flatten(0, 2)}
    items = _items(term(given, present.flatten(0, 2)))
    numerator, counts = (part.reshape(shape[:3]).sum(2) for part in (items.numerator, items.counts))
    return numerator / counts.clamp(min=SMALLEST)


def _of_items(
    term: BoundLoss, more: dict[str, Tensor], taken: Tensor, targets: Tensor, weight: Tensor | None
) -> Tensor:
    """Return the means of a loss of single items. Shapes: (folds, replicas, batch, ...) -> (folds, replicas)."""
    shape = (*taken.shape[:3], -1)
    if term.loss.shapes.items.names != ANY_SHAPE:
        taken, targets = taken.flatten(0, 2), targets.flatten(0, 2)
    items = _items(term({"predictions": taken, "targets": targets, **more}, None))
    numerator = items.numerator.reshape(shape).sum(3)
    denominator = items.counts.reshape(shape).sum(3)
    if weight is not None:
        numerator, denominator = numerator * weight, denominator * weight
    return numerator.sum(2) / denominator.sum(2).clamp(min=SMALLEST)  # 0 where no row of a batch counts


def _of_items_by_fold(
    term: BoundLoss, reading: Reading, taken: Tensor, targets: Tensor, weight: Tensor | None
) -> Tensor:
    """Return the means of a loss that takes the class counts of each fold."""
    counts = reading.counts
    if counts is None:
        raise ValueError(f"{term} takes counts of classes, and the target has none")
    needs = [role for role in OF_CLASSES if role in term.loss.required]
    means = []
    for fold, own in enumerate(counts):
        part = slice(fold, fold + 1)
        weighed = None if weight is None else weight[part]
        means.append(_of_items(term, dict.fromkeys(needs, own), taken[part], targets[part], weighed))
    return torch.cat(means)


def _of_all_items(term: BoundLoss, taken: Tensor, targets: Tensor) -> Tensor:
    """Return the values of a loss that looks at all items at once, of each replica by itself; it takes no weights."""

    def value(predictions: Tensor, own: Tensor) -> Tensor:
        """Return the value of one replica."""
        out = term({"predictions": predictions, "targets": own}, None)
        if isinstance(out, Sums):
            out = out.finish({axis: part.sum(0) for axis, part in out.parts.items()})
        items = _items(out)
        return items.numerator.sum() / items.counts.sum()

    # One after another: torch's vmap refuses losses that ask a tensor for one number.
    replicas = zip(taken.flatten(0, 1), targets.flatten(0, 1), strict=True)
    return torch.stack([value(predictions, own) for predictions, own in replicas]).reshape(taken.shape[:2])


def _items(out: Tensor | Items | Sums) -> Items:
    """Return the result of a formula as items."""
    if isinstance(out, Sums):
        raise TypeError("a loss of items gave sums")
    return out if isinstance(out, Items) else Items(out)
