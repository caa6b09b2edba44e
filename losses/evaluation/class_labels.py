"""The class that each element belongs to, where the targets name classes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from losses.contract.loss import BoundLoss, Items
from losses.contract.shapes import Axes
from losses.evaluation.chunks import Dims, dims

MOST_CLASSES = 1_000  # classes told apart in an answer


@dataclass(frozen=True)
class Labels:
    """A class id for every element, -1 where it has none."""

    ids: Tensor
    count: int

    def sums(self, amounts: Tensor) -> Tensor:
        """Return the sum of the amounts of each class, in float64."""
        known = self.ids >= 0
        weights = amounts.detach().to(torch.float64)[known]
        return torch.zeros(self.count, dtype=torch.float64, device=weights.device).index_add_(
            0, self.ids[known], weights
        )


def element_labels(term: BoundLoss, axes: Axes, inputs: dict[str, Tensor]) -> Labels | None:
    """Return the classes of the elements of one chunk, flat; None where the targets name no classes.

    One-hot targets name the largest entry, labels from 0 to 1 the nearer end.
    """
    if "targets" not in inputs:
        return None
    domain, own = term.domain("targets"), dims(term.loss.pattern("targets"), axes)
    targets, elements = inputs["targets"], dims(term.loss.elements, axes)
    if domain.whole and domain.below == "C" and own == elements and axes["C"][0] <= MOST_CLASSES:
        ids = targets.where((targets >= 0) & (targets < axes["C"][0]), -1)
        return Labels(ids.flatten(), axes["C"][0])
    if (domain.low, domain.high) != (0, 1):
        return None
    if own == elements:
        return Labels((targets > 1 / 2).flatten().to(torch.int64), 2)
    if ("C", 0) in own and tuple(dim for dim in own if dim != ("C", 0)) == elements and axes["C"][0] <= MOST_CLASSES:
        single = axes["C"][0] == 1
        ids = (targets[:, 0] > 1 / 2).to(torch.int64) if single else targets.argmax(1)
        return Labels(ids.flatten(), 2 if single else axes["C"][0])
    return None


def class_sums(items: Items, own: Dims, labels: Labels | None) -> Tensor | None:
    """Return numerator and denominator of each class, (classes, 2); None where the items have no classes."""
    columns = (items.numerator, items.counts)
    if ("C", 0) in own:
        others = [place for place, dim in enumerate(own) if dim != ("C", 0)]
        return torch.stack([column.sum(others, dtype=torch.float64) for column in columns], 1)
    if labels is None or labels.ids.numel() != items.numerator.numel():
        return None
    return torch.stack([labels.sums(column.flatten()) for column in columns], 1)
