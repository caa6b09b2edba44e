"""Void labels, which are not counted: numbers below 0, and 254, 255 and 65535 in label maps."""

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
    """The values of an array that mark void labels."""

    labels: tuple[float, ...]
    below_zero: bool = False

    def without(self, values: Tensor) -> Tensor:
        """Return ids with -1 in place of void values, in a dtype that holds -1."""
        wide = torch.int16 if values.dtype == torch.uint8 else values.dtype
        return values.to(wide).masked_fill(self.where(values), -1)

    def where(self, values: Tensor) -> Tensor:
        """Return where the void values are."""
        void = values < 0 if self.below_zero else torch.zeros_like(values, dtype=torch.bool)
        for label in self.labels:
            void |= values == label
        return void


def rows_that_count(targets: Tensor, void: Void) -> Tensor | None:
    """Return where one-hot rows along axis 1 count, (n, *s); None where targets hold no such rows.

    A row is void in every place or in none, and those that count hold shares that sum to 1.
    """
    if targets.ndim == 1 or targets.shape[1] == 1:
        return None
    counted = []
    for some in pieces(targets):
        marked = void.where(some)
        kept = ~marked.any(1)
        if not bool((marked.all(1) | (kept & sums_to_one(some))).all()):
            return None
        counted.append(kept)
    counting = torch.cat(counted)
    return counting if bool(counting.any()) else None


def find_void(task: Task, targets: Tensor, ignore_index: int | None = None) -> Void | None:
    """Return the values that mark void labels; None where all labels count.

    A number that the caller names does, and so do numbers below 0. 255, 254 and 65535 do where other labels are far
    below: beside 0 and 1, beside shares, and beside ids that leave a gap. {0, 255} is a mask, {-1, 1} are signs. Of
    grades in lists -1 fills up a list where no other is below 0.
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
    """Return the grade that pads lists to one length, -1 unless it is named; None where no list is padded."""
    mark = -1.0 if ignore_index is None else float(ignore_index)
    others = grades[grades != mark]
    padded = others.numel() < grades.numel()
    return Void((mark,)) if padded and (ignore_index is not None or bool((others >= 0).all())) else None


def _are_a_pair(task: Task, labels: list[float]) -> bool:
    """Whether two labels are the two classes: any two of a binary task, and signs unless they are class ids."""
    kind = task.row.measured_as
    return len(labels) == _PAIR and (kind == "pair" or (kind in {"labels", "masks"} and set(labels) == SIGNS))


def _whole_numbers(targets: Tensor) -> list[float] | None:
    """Return the different numbers in order; of shares those that lie outside of 0 to 1, and 1 for the rest.

    None where these are not whole, or are too many to be labels.
    """
    if all_whole(targets):
        labels = value_counts(targets, MOST_IDS)[0].tolist()
        return labels if len(labels) <= MOST_IDS else None
    outside: set[float] = {1.0}
    for some in pieces(targets):
        outside |= set(torch.unique(some[(some < 0) | (some > 1)]).tolist())
        if len(outside) > len(RESERVED) + _PAIR:
            return None
    marks = outside - {1.0}
    return sorted(outside) if all(mark in RESERVED or (mark < 0 and mark == int(mark)) for mark in marks) else None


def _reserved(labels: list[float], *, sparse: bool) -> tuple[float, ...]:
    """Return the labels that are reserved for void pixels and lie apart from the others.

    `sparse`: few of many classes may occur, as in one image. A column of ids has to hold most of those below the gap.
    """
    reserved = [label for label in labels if label in RESERVED]
    for some in (reserved, reserved[-1:]):
        others = [label for label in labels if label not in some]
        if not some or not others or others[-1] < 1 or others[-1] >= some[0] - 1:
            continue
        dense = 2 * len(others) > others[-1] + 1
        if dense or (sparse and others[-1] < GREY):
            return tuple(some)
    return ()
