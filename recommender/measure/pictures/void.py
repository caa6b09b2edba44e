"""Void labels, which do not count: negative numbers, and 254, 255 and 65535 in label maps."""

from dataclasses import dataclass

import torch
from torch import Tensor

from recommender.measure.classes.labels import all_whole, in_unit_interval, sums_to_one, value_counts
from recommender.measure.numbers.residual_blocks import pieces
from recommender.tasks import Task

# 255: PASCAL VOC, Cityscapes, ADE20K, SMP and torchvision; 254: -2 in a byte; 65535: 255 in two bytes
RESERVED = (254.0, 255.0, 65535.0)
SIGNS = {-1.0, 1.0}  # no void label: -1 is the other class
GREY = 128  # ours: ids spread over a byte up to here and beyond are shades, of which 255 is one more
MOST_IDS = 1 << 16
_PAIR = 2  # classes of a binary task


@dataclass(frozen=True)
class Void:
    """The values in an array that mark void labels."""

    labels: tuple[float, ...]
    below_zero: bool = False

    def without(self, values: Tensor) -> Tensor:
        """Return ids with -1 in place of void values, in a dtype that can hold -1."""
        wide = torch.int16 if values.dtype == torch.uint8 else values.dtype
        return values.to(wide).masked_fill(self.where(values), -1)

    def where(self, values: Tensor) -> Tensor:
        """Return a mask of the void values."""
        void = values < 0 if self.below_zero else torch.zeros_like(values, dtype=torch.bool)
        for label in self.labels:
            void |= values == label
        return void


def rows_that_count(targets: Tensor, void: Void) -> Tensor | None:
    """Return a mask (n, *s) of the one-hot rows along axis 1 that count; None where targets are not such rows.

    A row is void either in all entries or in none; rows that count have shares that sum to 1.
    """
    if targets.ndim == 1 or targets.shape[1] == 1:
        return None
    counted_rows = []
    for piece in pieces(targets):
        marked = void.where(piece)
        counted = ~marked.any(1)
        if not bool((marked.all(1) | (counted & sums_to_one(piece))).all()):
            return None
        counted_rows.append(counted)
    counting = torch.cat(counted_rows)
    return counting if bool(counting.any()) else None


def find_void(task: Task, targets: Tensor, ignore_index: int | None = None) -> Void | None:
    """Return the values that mark void labels; None where all labels count.

    The `ignore_index` of the caller and negative numbers are void. 254, 255 and 65535 are where all other labels are
    far below: next to 0 and 1, to shares, or to ids with a gap before them. {0, 255} is a mask and {-1, 1} are signs,
    so neither is void. In lists of grades, -1 is padding where no other grade is negative.
    """
    if task is Task.RANKING:
        return _padding(targets, ignore_index)
    if task.row.measured_as not in {"pair", "labels", "classes", "grades", "masks"}:
        return None
    named = () if ignore_index is None or ignore_index < 0 else (float(ignore_index),)
    if in_unit_interval(targets):
        return Void(named) if named else None
    labels = _whole_numbers(targets)
    if labels is None or _are_a_pair(task, labels):
        return Void(named) if named else None
    below_zero = labels[0] < 0
    counted = [label for label in labels if label >= 0 and label not in named]
    void = named or _reserved(counted, sparse=targets.ndim > 1)
    return Void(void, below_zero) if void or below_zero else None


def _padding(grades: Tensor, ignore_index: int | None) -> Void | None:
    """Return the grade that pads lists to equal length, -1 or the `ignore_index`; None where no list is padded."""
    mark = -1.0 if ignore_index is None else float(ignore_index)
    others = grades[grades != mark]
    padded = others.numel() < grades.numel()
    return Void((mark,)) if padded and (ignore_index is not None or bool((others >= 0).all())) else None


def _are_a_pair(task: Task, labels: list[float]) -> bool:
    """Return whether two labels are the two classes: any two of a binary task, or signs that are not class ids."""
    kind = task.row.measured_as
    return len(labels) == _PAIR and (kind == "pair" or (kind in {"labels", "masks"} and set(labels) == SIGNS))


def _whole_numbers(targets: Tensor) -> list[float] | None:
    """Return the distinct numbers in ascending order; shares between 0 and 1 are represented by 1.

    None where the others are not whole, or are too many to be labels.
    """
    if all_whole(targets):
        labels = value_counts(targets, MOST_IDS)[0].tolist()
        return labels if len(labels) <= MOST_IDS else None
    outside: set[float] = {1.0}
    for piece in pieces(targets):
        outside |= set(torch.unique(piece[(piece < 0) | (piece > 1)]).tolist())
        if len(outside) > len(RESERVED) + _PAIR:
            return None
    marks = outside - {1.0}
    return sorted(outside) if all(mark in RESERVED or (mark < 0 and mark == int(mark)) for mark in marks) else None


def _reserved(labels: list[float], *, sparse: bool) -> tuple[float, ...]:
    """Return the labels that are reserved for void pixels and lie far from the other labels.

    `sparse`: the array may have few of many classes, as a single image does. A column of ids has to contain most of the
    ids below the gap.
    """
    reserved = [label for label in labels if label in RESERVED]
    for piece in (reserved, reserved[-1:]):
        others = [label for label in labels if label not in piece]
        if not piece or not others or others[-1] < 1 or others[-1] >= piece[0] - 1:
            continue
        dense = 2 * len(others) > others[-1] + 1
        if dense or (sparse and others[-1] < GREY):
            return tuple(piece)
    return ()
