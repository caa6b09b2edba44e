"""Estimates label noise by confident learning on out-of-fold predictions."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from losses.text import Text
from recommender.errors import IdOutOfRange, NotProbabilities, SingleColumn
from recommender.measure.classes.labels import in_unit_interval
from recommender.measure.details import Detail, detail
from recommender.measure.numbers.residual_blocks import pieces
from recommender.measure.stats import Z, wilson

PredictionKind = Literal["probabilities", "logits"]
ENOUGH_IN_CLASS = 50  # items: each class has a confidence of its own
TRUE_OF_FLAGGED = 0.5  # 51 % of the flagged were wrong, Northcutt, Athalye & Mueller 2021, arXiv:2103.14749
_ROUNDING = 1e-3  # of a sum of probabilities; half precision carries three digits
_NUMBERS = 1 << 18  # of predictions in memory at once
_MATRIX = 2  # axes of (n, C)
_PAIR = 2  # classes of a binary task


@dataclass
class ClassScores:
    """Predictions (n, C) as they were sent, read as probabilities."""

    predictions: Tensor
    kind: PredictionKind
    pair: bool  # one column, of the positive class

    def blocks(self) -> Iterator[Tensor]:
        """Yield blocks of rows as probabilities in float64."""
        for piece in pieces(self.predictions, _NUMBERS):
            rows = piece.to(torch.float64)
            if self.pair:
                positive = rows if self.kind == "probabilities" else rows.sigmoid()
                yield torch.cat([1 - positive, positive], dim=1)
            else:
                yield rows if self.kind == "probabilities" else rows.softmax(1)


def binary_scores(predictions: Tensor, items: int, kind: PredictionKind | None) -> ClassScores | None:
    """Return predictions (n), (n, 1) or (n, 2) as probabilities of the positive class; None for other axes.

    Raises: NotProbabilities.
    """
    rows = predictions[:, None] if predictions.ndim == 1 else predictions
    if rows.ndim != _MATRIX or rows.shape[0] != items or rows.shape[1] > _PAIR:
        return None
    return ClassScores(rows, _kind(rows, kind), pair=rows.shape[1] == 1)


def class_scores(predictions: Tensor, items: int, kind: PredictionKind | None) -> ClassScores | None:
    """Return predictions (n, C, *s) as probabilities of the classes; None for other axes.

    Raises: SingleColumn, NotProbabilities.
    """
    if predictions.ndim < _MATRIX or predictions.shape[0] != items:
        return None
    if predictions.shape[1] == 1:
        raise SingleColumn(predictions.shape)
    return ClassScores(predictions, _kind(predictions, kind), pair=False)


def _kind(rows: Tensor, kind: PredictionKind | None) -> PredictionKind:
    """Return whether the numbers are logits or probabilities: as stated, or else judged by their values."""
    if kind == "logits":
        return kind
    if not in_unit_interval(rows):
        wanted, index = Text("from 0 to 1", " 0 到 1 的数"), _first(rows, lambda piece: (piece < 0) | (piece > 1))
    elif rows.shape[1] > 1:
        wanted = Text("probabilities that sum to 1 along axis 1", "沿轴 1 之和为 1 的概率")
        index = _first(rows, _off_one)
    else:
        return "probabilities"
    if index and kind:
        raise NotProbabilities(wanted, index)
    return "logits" if index else "probabilities"


def _off_one(rows: Tensor) -> Tensor:
    """Return which rows along axis 1 do not sum to 1."""
    return (rows.sum(1, dtype=torch.float64) - 1).abs() > _ROUNDING


def _first(rows: Tensor, wrong: Callable[[Tensor], Tensor]) -> list[int]:
    """Return the index of the first row for which `wrong` is true; an empty list where there is none."""
    start = 0
    for piece in pieces(rows):
        positions = torch.nonzero(wrong(piece))
        if positions.numel():
            index = [int(axis) for axis in positions[0]]
            return [index[0] + start, *index[1:]]
        start += piece.shape[0]
    return []


def check_ids(ids: Tensor, classes: int) -> None:
    """Refuse a class id that has no column in the predictions.

    Raises: IdOutOfRange.
    """
    if bool(ids.amax() >= classes):
        raise IdOutOfRange(classes, _first(ids, lambda piece: piece >= classes))


@dataclass
class Confidence:
    """Sums over the items of each class.

    Attributes:
        total: The sum of the probabilities predicted for the items' own class, shape (C).
        count: The number of items, shape (C).
        right: The number of items whose own class is predicted, shape (C).
    """

    total: Tensor
    count: Tensor
    right: Tensor

    @classmethod
    def none(cls, classes: int) -> "Confidence":
        """Return the sums over no items."""
        return cls(*torch.zeros(3, classes, dtype=torch.float64))

    def add(self, ids: Tensor, rows: Tensor) -> None:
        """Add a block of labels and probabilities; labels below 0 do not count."""
        counted = ids >= 0
        own_class = ids[counted]
        probabilities = rows[counted]
        self.total.index_add_(0, own_class, probabilities.gather(1, own_class[:, None])[:, 0])
        self.right += torch.bincount(own_class[probabilities.argmax(1) == own_class], minlength=self.count.numel())
        self.count += torch.bincount(own_class, minlength=self.count.numel())

    def merge(self, other: "Confidence") -> None:
        """Add the sums of another block."""
        self.total += other.total
        self.count += other.count
        self.right += other.right

    @property
    def tells_classes_apart(self) -> bool:
        """Whether the predictions find the own class of items significantly more often than chance does, at 95 %."""
        share = self.right / self.count
        error = float((share * (1 - share) / self.count).sum().sqrt()) / share.numel()
        return float(share.mean()) - Z * error > 1 / share.numel()


def flagged(ids: Tensor, rows: Tensor, thresholds: Tensor) -> int:
    """Return how many items of a block are confidently predicted as another class than their label."""
    confident = torch.where(rows >= thresholds, rows, -1.0)
    best, place = confident.max(1)
    return int(((best >= 0) & (place != ids) & (ids >= 0)).sum())


def confidence(ids: Tensor, scores: ClassScores) -> Confidence:
    """Return the mean confidence of every class, in one pass; ids (n) are whole."""
    confident, start = Confidence.none(_PAIR if scores.pair else scores.predictions.shape[1]), 0
    for rows in scores.blocks():
        confident.add(ids[start : start + rows.shape[0]].long(), rows)
        start += rows.shape[0]
    return confident


def label_noise(ids: Tensor, scores: ClassScores, confident: Confidence) -> Detail | None:
    """Return half the share of labels that confident learning flags: about half of those flagged were wrong.

    The interval reaches from 0 to the whole flagged share, since it is unknown which of them are wrong.
    Source: Northcutt, Jiang & Chuang 2021, arXiv:1911.00068.
    """
    thresholds, count, start = confident.total / confident.count, 0, 0
    for rows in scores.blocks():
        count += flagged(ids[start : start + rows.shape[0]].long(), rows, thresholds)
        start += rows.shape[0]
    items = round(float(confident.count.sum()))
    share = count / items
    method = f"hint: {TRUE_OF_FLAGGED} * labels that confident learning flags in {scores.kind}, assumed out-of-fold"
    interval = (0.0, wilson(share, items)[1])
    return detail(TRUE_OF_FLAGGED * share, items, method, "predictions", interval=interval)
