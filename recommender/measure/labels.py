"""What labels say of themselves: how many classes, how they are written, how even they are."""

import math
from typing import Literal

import torch
from torch import Tensor

from recommender.measure.stats import LARGEST, times_and_over, wilson
from recommender.profile import Measured

ROUNDING = 1e-4  # of a sum of float32 shares


def whole(values: Tensor) -> bool:
    """Whether every number is whole."""
    return not values.is_floating_point() or bool((values == values.round()).all())


def shares(values: Tensor) -> bool:
    """Whether every number lies between 0 and 1."""
    low, high = values.aminmax()
    return bool(low >= 0) and bool(high <= 1)


def exclusive(targets: Tensor) -> bool:
    """Whether axis 1 holds one-hot rows, or shares that sum to 1."""
    several = targets.ndim > 1 and targets.shape[1] > 1 and shares(targets)
    return several and bool(((targets.to(torch.float64).sum(1) - 1).abs() <= ROUNDING).all())


def label_encoding(targets: Tensor) -> Literal["onehot", "integer"] | None:
    """Return how exclusive classes are written; None where the numbers are neither.

    Shapes: ids (n, *s), or rows (n, C, *s) along axis 1.
    """
    if exclusive(targets):
        return "onehot"
    return "integer" if whole(targets) else None


def class_counts(targets: Tensor) -> Tensor:
    """Return (1, C): how often each class occurs; ids below 0 mark labels that do not count."""
    if exclusive(targets):
        axes = [axis for axis in range(targets.ndim) if axis != 1]
        return targets.to(torch.float64).sum(axes)[None]
    counts: Tensor = torch.unique(targets[targets >= 0], return_counts=True)[1]
    return counts.to(torch.float64)[None]


def label_counts(targets: Tensor) -> Tensor:
    """Return (L, 2): negatives and positives of each label.

    Shapes: multi-hot (n, L, *s), entries 0 to 1; (n) is one label.
    """
    rows = targets.to(torch.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    axes = [axis for axis in range(rows.ndim) if axis != 1]
    positives = rows.sum(axes)
    return torch.stack([rows.numel() / rows.shape[1] - positives, positives], dim=1)


def classes(counts: Tensor) -> Measured:
    """Return the number of classes of (1, C), those that never occur included."""
    return Measured(value=counts.shape[1], n=round(float(counts.sum())), method="count", basis="targets")


def class_imbalance(counts: Tensor) -> Measured | None:
    """Return the largest count of a row over its smallest above 0, in the worst row.

    Units: ratio of at least 1; the interval is symmetric in its logarithm. None where no row has two classes.
    """
    filled = [row[row > 0] for row in counts]
    extremes = [(float(row.min()), float(row.max())) for row in filled if row.numel() > 1]
    if not extremes:
        return None
    fewest, most = max(extremes, key=lambda ends: ends[1] / ends[0])
    ratio = min(most / fewest, LARGEST)
    low, high = times_and_over(ratio, math.sqrt(1 / fewest + 1 / most))
    return Measured(
        value=ratio,
        interval=(max(low, 1.0), high),
        n=round(float(counts[0].sum())),
        method="largest count over smallest",
        basis="targets",
    )


def positive_share(counts: Tensor) -> Measured | None:
    """Return positives over all of (L, 2), with Wilson's interval on the items of one label.

    Units: fraction strictly between 0 and 1. None where all labels are equal.
    """
    n = float(counts[0].sum())
    share = float(counts[:, 1].sum() / counts.sum())
    if not 0 < share < 1:
        return None
    return Measured(value=share, interval=wilson(share, n), n=round(n), method="count", basis="targets")
