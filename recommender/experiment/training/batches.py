"""The rows of a training step: a batch of rows of each fold, or a batch of whole lists for ranking."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor

ROWS_OF_LISTS, FEWEST_LISTS = 256, 4  # of one batch: twice the rows of other batches, as a list is one item
LONGEST = 64  # rows of a list in one batch, drawn anew each time: the pairs of a list grow with its square
ABSENT = -1  # the row of a place that no row of a list takes


@dataclass(frozen=True)
class Lists:
    """Rows in lists. Shapes: rows (n), those of a list adjacent; starts (lists), the position of each first row."""

    rows: Tensor
    starts: Tensor

    @classmethod
    def of(cls, rows: Tensor, queries: Tensor) -> "Lists":
        """Return rows (n) as lists, one for each query; `queries` has the query of all rows."""
        order = queries[rows].sort(stable=True)
        new = torch.ones(len(rows), dtype=torch.bool)
        new[1:] = order.values[1:] != order.values[:-1]
        return cls(rows[order.indices], new.nonzero()[:, 0])

    def __len__(self) -> int:
        """Return the number of lists."""
        return len(self.starts)

    @property
    def longest(self) -> int:
        """The number of rows of the longest list."""
        return int(self._lengths.max())

    @property
    def _lengths(self) -> Tensor:
        """The number of rows of each list."""
        ends = torch.cat([self.starts[1:], torch.tensor([len(self.rows)])])
        return ends - self.starts

    def padded(self, chosen: Tensor, width: int, generator: torch.Generator) -> Tensor:
        """Return the rows of the lists `chosen`, (lists, width), padded with `ABSENT`.

        Longer lists are sampled at random.
        """
        starts, lengths = self.starts[chosen], self._lengths[chosen]
        places = torch.arange(width).expand(len(chosen), width)
        drawn = [
            torch.randperm(length, generator=generator)[:width] if length > width else own
            for length, own in zip(lengths.tolist(), places, strict=True)
        ]
        within = torch.stack(drawn)
        rows = self.rows[(starts[:, None] + within).clamp(max=len(self.rows) - 1)]
        return rows.where(within < lengths[:, None], ABSENT)


@dataclass(frozen=True)
class Fold:
    """Features (n, d) of all rows, prepared by those that are trained on; which those are, and which are predicted.

    `lists`: the rows that are trained on, in the lists that losses put in order; None where a row is an item.
    """

    features: Tensor
    train: Tensor
    held_out: Tensor
    lists: Lists | None = None

    @property
    def items(self) -> int:
        """How many rows, or lists, there are to train on."""
        return len(self.train) if self.lists is None else len(self.lists)


def items_a_batch(folds: Sequence[Fold], batch: int) -> int:
    """Return how many rows, or lists, of each fold make a batch of `batch` rows."""
    width = _width(folds)
    size = batch if width is None else lists_a_batch(width)
    return min(size, *(fold.items for fold in folds))


def lists_a_batch(longest: int) -> int:
    """Return how many lists make a batch, given the length of the longest."""
    return max(FEWEST_LISTS, ROWS_OF_LISTS // min(LONGEST, longest))


def row_batches(folds: Sequence[Fold], seed: int, steps: int, batch: int) -> Iterator[Tensor]:
    """Yield rows (folds, batch) or lists of rows (folds, lists, length): each fold's own, shuffled again once all were.

    A place of a list that no row takes is `ABSENT`.
    """
    generator = torch.Generator().manual_seed(seed)
    size = items_a_batch(folds, batch)
    waiting = [torch.empty(0, dtype=torch.long) for _ in folds]
    for _ in range(steps):
        for place, fold in enumerate(folds):
            while len(waiting[place]) < size:
                waiting[place] = torch.cat([waiting[place], torch.randperm(fold.items, generator=generator)])
        yield _rows(folds, [own[:size] for own in waiting], generator)
        waiting = [own[size:] for own in waiting]


def spread_batches(folds: Sequence[Fold], batch: int, batches: int) -> Iterator[Tensor]:
    """Yield at most so many batches of rows, or lists, that lie evenly among those of each fold; always the same."""
    size = items_a_batch(folds, batch)
    most = min(batches * size, *(fold.items for fold in folds))
    places = [torch.linspace(0, fold.items - 1, most).long() for fold in folds]
    generator = torch.Generator().manual_seed(0)
    for begin, end in pairwise([*range(0, most, size), most]):
        yield _rows(folds, [own[begin:end] for own in places], generator)


def _rows(folds: Sequence[Fold], chosen: Sequence[Tensor], generator: torch.Generator) -> Tensor:
    """Return the rows of the chosen items of each fold."""
    width = _width(folds)
    parts = []
    for fold, own in zip(folds, chosen, strict=True):
        if fold.lists is None or width is None:
            parts.append(fold.train[own])
        else:
            parts.append(fold.lists.padded(own, width, generator))
    return torch.stack(parts)


def _width(folds: Sequence[Fold]) -> int | None:
    """Return the width of the lists of a batch; None where items are rows."""
    longest = [fold.lists.longest for fold in folds if fold.lists is not None]
    return min(LONGEST, max(longest)) if longest else None
