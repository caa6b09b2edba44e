"""Facts of labels: the number of classes, their encoding, their imbalance."""

import math
from statistics import NormalDist
from typing import Literal

import torch
from torch import Tensor

from recommender.measure.details import Details, detail, list_detail
from recommender.measure.numbers.residual_blocks import BLOCK, pieces
from recommender.measure.stats import LARGEST, Z, times_and_over, wilson
from recommender.profile import Measured

ROUNDING = 1e-4  # of a sum of float32 shares
_DENSE = 1 << 16  # ids apart that are counted in a table; others are sorted
_ALPHA = 0.05
_MATRIX = 2  # axes of (n, C)


def all_whole(values: Tensor) -> bool:
    """Return whether every number is whole."""
    return not values.is_floating_point() or all(bool((piece == piece.round()).all()) for piece in pieces(values))


def in_unit_interval(values: Tensor) -> bool:
    """Return whether every number lies between 0 and 1."""
    low, high = values.aminmax()
    return bool(low >= 0) and bool(high <= 1)


def exclusive(targets: Tensor) -> bool:
    """Return whether axis 1 holds one-hot rows, or shares that sum to 1."""
    several = targets.ndim > 1 and targets.shape[1] > 1 and in_unit_interval(targets)
    return several and all(bool(sums_to_one(piece).all()) for piece in pieces(targets))


def sums_to_one(rows: Tensor) -> Tensor:
    """Return for every row along axis 1 whether it sums to 1."""
    return (rows.sum(1, dtype=torch.float64) - 1).abs() <= ROUNDING


def first_impure(targets: Tensor) -> list[int] | None:
    """Return the index of the first row along axis 1 that does not sum to 1."""
    start = 0
    for piece in pieces(targets):
        wrong = torch.nonzero(~sums_to_one(piece))
        if wrong.numel():
            index = [int(axis) for axis in wrong[0]]
            return [index[0] + start, *index[1:]]
        start += piece.shape[0]
    return None


def label_encoding(targets: Tensor) -> Literal["onehot", "integer"] | None:
    """Return the encoding of exclusive classes; None where the numbers fit neither.

    Shapes: ids (n, *s), or one-hot rows (n, C, *s) along axis 1.
    """
    if exclusive(targets):
        return "onehot"
    return "integer" if all_whole(targets) else None


def value_counts(values: Tensor, most: int | None = None, *, block: int = BLOCK) -> tuple[Tensor, Tensor]:
    """Return the distinct numbers in ascending order and the count of each; stops after `most` distinct numbers.

    `block` is how many numbers are counted at a time.
    """
    seen, counts = torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.int64)
    for piece in pieces(values, block):
        new, times = _counted(piece.flatten())
        seen, place = torch.unique(torch.cat([seen, new]), return_inverse=True)
        counts = torch.zeros(seen.numel(), dtype=torch.int64).index_add_(0, place, torch.cat([counts, times]))
        if most is not None and seen.numel() > most:
            break
    return seen, counts


def _counted(values: Tensor) -> tuple[Tensor, Tensor]:
    """Return the distinct numbers of one block and their counts, on the CPU."""
    low, high = (float(end) for end in values.aminmax())
    if not values.is_floating_point() and high - low < _DENSE:
        table = torch.bincount(values.to(torch.int64) - int(low)).cpu()
        present = table.nonzero().flatten()
        return present.to(torch.float64) + low, table[present]
    new, times = torch.unique(values, return_counts=True)
    return new.to("cpu", torch.float64), times.cpu()


def class_counts(targets: Tensor, classes: int | None = None) -> Tensor:
    """Return how often each class occurs, shape (1, C); ids below 0 do not count.

    For ids, C is `classes` where known, else the number of classes that occur.
    """
    if exclusive(targets):
        return _column_sums(targets)[None]
    ids, counts = value_counts(targets)
    counted = ids >= 0
    if classes is None:
        return counts[counted].to(torch.float64)[None]
    every = torch.zeros(classes, dtype=torch.float64)
    every[ids[counted].long()] = counts[counted].to(torch.float64)
    return every[None]


def label_counts(targets: Tensor) -> Tensor:
    """Return the counts of negatives and positives of each label, shape (L, 2); entries below 0 do not count.

    Shapes: targets (n, L, *s) with entries from 0 to 1, or (n) for one label.
    """
    rows = targets[:, None] if targets.ndim == 1 else targets
    if bool(rows.amin() < 0):
        positives, each = _column_sums(rows.clamp(min=0)), _column_sums(rows >= 0)
    else:
        positives = _column_sums(rows)
        each = torch.full_like(positives, rows.numel() / rows.shape[1])
    return torch.stack([each - positives, positives], dim=1)


def _column_sums(rows: Tensor) -> Tensor:
    """Return the sums over all axes but axis 1, shape (L)."""
    axes = [axis for axis in range(rows.ndim) if axis != 1]
    total = torch.zeros(rows.shape[1], dtype=torch.float64)
    for piece in pieces(rows):
        total += piece.sum(axes, dtype=torch.float64).cpu()
    return total


def classes(counts: Tensor) -> Measured:
    """Return the number of classes from counts (1, C); classes that never occur are included."""
    return Measured(value=counts.shape[1], n=round(float(counts.sum())), method="count", basis="targets")


def class_imbalance(counts: Tensor) -> Measured | None:
    """Return the largest count of a row divided by its smallest positive one, for the most imbalanced row.

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
    """Return the share of positives in counts (L, 2), with Wilson's interval for the items of one label.

    Units: fraction strictly between 0 and 1. None where all labels are equal.
    """
    n = float(counts[0].sum())
    share = float(counts[:, 1].sum() / counts.sum())
    if not 0 < share < 1:
        return None
    return Measured(value=share, interval=wilson(share, n), n=round(n), method="count", basis="targets")


def smallest_class(counts: Tensor, n: int) -> Measured:
    """Return the number of items of the smallest class; 0 where a class never occurs."""
    return Measured(value=math.floor(float(counts.min())), n=n, method="count", basis="targets")


def share_details(counts: Tensor) -> Details:
    """Return how balanced the counts (C) of classes are; the intervals of their shares hold simultaneously.

    Source: Goodman 1965, doi:10.1080/00401706.1965.10490252; for two classes Wilson's interval of the one share.
    """
    total, k = float(counts.sum()), counts.numel()
    several = 2  # classes
    z = Z if k <= several else NormalDist().inv_cdf(1 - _ALPHA / (2 * k))
    share = (counts / total).tolist()
    entropy = -sum(p * math.log(p) for p in share if p > 0)
    n, intervals = round(total), [wilson(p, total, z) for p in share]
    return {
        "class_shares": list_detail(
            share, n, "count; Wilson" if k <= several else "count; Goodman", intervals=intervals
        ),
        "effective_classes": detail(math.exp(entropy), n, "exp(entropy)"),
        "entropy_score": detail(
            1 - entropy / math.log(k) if k > 1 else math.nan, n, "1 - entropy / ln(classes); 0 even, 1 one class"
        ),
        "rarest_share": detail(min(share) * k, n, "smallest share times classes; 1 where even"),
    }


def multilabel_details(targets: Tensor, counts: Tensor) -> Details:
    """Return how many labels items have, and how imbalanced the labels are.

    Source: Charte et al. 2015, doi:10.1016/j.neucom.2014.08.091.
    """
    items, positives = targets.numel() // counts.shape[0], counts[:, 1]
    share = (positives / counts.sum(1).clamp(min=1)).tolist()
    occurring = positives[positives > 0]
    details: Details = {
        "label_shares": list_detail(share, items, "count; Wilson", intervals=[wilson(p, items) for p in share]),
        "cardinality": detail(sum(share), items, "labels an item"),
        "density": detail(sum(share) / len(share), items, "labels an item over labels"),
    }
    if occurring.numel():
        uneven = float((occurring.max() / occurring).mean())
        details["mean_imbalance"] = detail(uneven, items, "MeanIR: mean over labels of most positives over its own")
    if targets.ndim == _MATRIX:
        empty = sum(int((piece.amax(1) <= 0).sum()) for piece in pieces(targets)) / items
        details["all_zero_share"] = detail(empty, items, "items without a label", interval=wilson(empty, items))
    return details
