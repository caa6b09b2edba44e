"""Connected components of masks, computed on runs of pixels: no label array and no loop over pixels.

A run is a stretch of foreground along the last axis. Runs of neighbouring lines that touch, corners included, belong
to one object (8 neighbours of a pixel, 26 of a voxel).
"""

import math
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from losses.contract.deadline import checkpoint
from recommender.measure.numbers.residual_blocks import Array

Ints = NDArray[np.int64]
_PLANE = 2  # axes of a mask whose outline has a length


@dataclass
class Runs:
    """Stretches [start, end) of foreground along the lines of planes (p, ..., width), in order."""

    line: Ints
    start: Ints
    end: Ints
    shape: tuple[int, ...]

    @classmethod
    def of(cls, planes: NDArray[np.bool_]) -> "Runs":
        """Return the runs of masks (p, ..., width)."""
        width = planes.shape[-1]
        lines = np.zeros((planes.size // width, width + 2), dtype=np.int8)
        lines[:, 1:-1] = planes.reshape(-1, width)
        change = np.diff(lines, axis=1)
        line, start = np.nonzero(change == 1)
        return cls(line, start, np.nonzero(change == -1)[1], planes.shape)

    @property
    def plane(self) -> Ints:
        """The number of the plane that each run lies in."""
        return self.line // math.prod(self.shape[1:-1])

    def touching(self) -> list[tuple[Ints, Ints]]:
        """Return the pairs of touching runs, for each direction to a later neighbouring line."""
        places = np.unravel_index(self.line, self.shape[:-1])
        return [
            self._pairs(places, step) for step in product((-1, 0, 1), repeat=len(self.shape) - 2) if step > _same(step)
        ]

    def _pairs(self, places: tuple[Ints, ...], step: tuple[int, ...]) -> tuple[Ints, Ints]:
        """Return the pairs of runs that touch, on lines that are `step` apart.

        The first axis of `places` counts planes.
        """
        neighbours = [places[0], *(place + by for place, by in zip(places[1:], step, strict=True))]
        lengths = self.shape[1:-1]
        inside = np.all([(at >= 0) & (at < size) for at, size in zip(neighbours[1:], lengths, strict=True)], axis=0)
        mine = np.flatnonzero(inside)
        line = np.ravel_multi_index([at[mine] for at in neighbours], self.shape[:-1])
        length = self.shape[-1] + 2  # a run that ends at the end of its line does not touch the next
        first = np.searchsorted(self.line * length + self.end, line * length + self.start[mine], "left")
        final = np.searchsorted(self.line * length + self.start, line * length + self.end[mine], "right")
        count = np.maximum(final - first, 0)
        one = np.repeat(mine, count)
        other = np.repeat(first - np.cumsum(count) + count, count) + np.arange(count.sum())
        return one, other


def _same(step: tuple[int, ...]) -> tuple[int, ...]:
    """Return the step of length 0, which leads to the same line; later lines have greater steps."""
    return (0,) * len(step)


def group_numbers(n: int, one: Ints, other: Ints) -> Ints:
    """Return the number of the connected group of each of n elements; `one` and `other` are connected pairs."""
    root = np.arange(n)
    while True:
        checkpoint()
        mine, theirs = root[one], root[other]
        apart = mine != theirs
        if not apart.any():
            return np.unique(root, return_inverse=True)[1]
        one, other, mine, theirs = one[apart], other[apart], mine[apart], theirs[apart]
        np.minimum.at(root, np.maximum(mine, theirs), np.minimum(mine, theirs))
        while not np.array_equal(root, above := root[root]):
            root = above


@dataclass
class Objects:
    """The connected objects of planes.

    Attributes:
        plane: The number of the plane that each lies in.
        area: Its number of pixels.
        perimeter: Its perimeter in pixels; None for volumes.
        border: Whether it touches the border.
    """

    plane: Ints
    area: Array
    perimeter: Array | None
    at_border: NDArray[np.bool_]


def objects(planes: NDArray[np.bool_]) -> Objects:
    """Return the connected objects of masks (p, height, width) or (p, depth, height, width).

    The perimeter is Crofton's estimate in four directions: 2 pi r for a disc, 5 % less than the sides for a square.
    """
    runs = Runs.of(planes)
    touching = runs.touching()
    one, other = (np.concatenate([pair[side] for pair in touching]) for side in (0, 1))
    group = group_numbers(runs.line.size, one, other)
    count = int(group.max()) + 1 if group.size else 0
    length = runs.end - runs.start
    area = np.bincount(group, length, count).astype(np.float64)
    plane = np.zeros(count, dtype=np.int64)
    plane[group] = runs.plane
    border = np.bincount(group, _at_border(runs), count) > 0
    flat = len(runs.shape) - 1 == _PLANE
    perimeter = _perimeter(runs, group, area, one, other) if flat else None
    return Objects(plane, area, perimeter, border)


def _at_border(runs: Runs) -> NDArray[np.bool_]:
    """Return whether each run touches the border of its plane."""
    places = np.unravel_index(runs.line, runs.shape[:-1])
    touching: NDArray[np.bool_] = (runs.start == 0) | (runs.end == runs.shape[-1])
    for place, size in zip(places[1:], runs.shape[1:-1], strict=True):
        touching |= (place == 0) | (place == size - 1)
    return touching


def _perimeter(runs: Runs, group: Ints, area: Array, one: Ints, other: Ints) -> Array:
    """Return Crofton's perimeter of each object.

    It is pi / 4 times the sum over four directions of how often lines leave the object times the distance of the lines.
    """

    def left(shift: int) -> Array:
        """Return the number of pixels of each object without a neighbour on the next line, `shift` to the right."""
        low = np.maximum(runs.start[one] + shift, runs.start[other])
        high = np.minimum(runs.end[one] + shift, runs.end[other])
        return area - np.bincount(group[one], np.maximum(high - low, 0), area.size)

    across = np.bincount(group, minlength=area.size)
    perimeter: Array = math.pi / 4 * (across + left(0) + (left(-1) + left(1)) / math.sqrt(2))
    return perimeter
