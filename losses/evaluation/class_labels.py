"""The class of each element, for losses whose targets are classes."""

from dataclasses import dataclass

import torch
from torch import Tensor

from losses.contract.loss import BoundLoss, Items
from losses.contract.shapes import Axes
from losses.evaluation.chunks import Dims, dims

MOST_CLASSES = 1_000  # classes told apart in an answer


@dataclass(frozen=True)
class Labels:
    """The class id of every element, shape (elements), -1 for none, and the number of classes."""

    ids: Tensor
    count: int

    def sums(self, amounts: Tensor) -> Tensor:
        """Return the sum of `amounts` over the elements of each class, shape (classes), in float64."""
        labelled = self.ids >= 0
        weights = amounts.detach().to(torch.float64)[labelled]
        return torch.zeros(self.count, dtype=torch.float64, device=weights.device).index_add_(
            0, self.ids[labelled], weights
        )


def element_labels(term: BoundLoss, axes: Axes, inputs: dict[str, Tensor]) -> Labels | None:
    """Return the classes of the elements of one chunk; None where the targets are not classes.

    The class of a one-hot row is its largest entry, that of a label in [0, 1] the nearer end.
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
    """Return numerator and denominator summed over each class, (classes, 2) in float64; None without classes."""
    columns = (items.numerator, items.counts)
    if ("C", 0) in own:
        others = [place for place, dim in enumerate(own) if dim != ("C", 0)]
        return torch.stack([column.sum(others, dtype=torch.float64) for column in columns], 1)
    if labels is None or labels.ids.numel() != items.numerator.numel():
        return None
    return torch.stack([labels.sums(column.flatten()) for column in columns], 1)
