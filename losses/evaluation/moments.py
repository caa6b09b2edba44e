"""Means and co-moments of rows that arrive in chunks, merged without loss of precision."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from torch import Tensor

SAFE = 1e-200  # products between it and its inverse keep all their digits, however they are summed
LOST = 1e-3  # of a sum of squares: where less is left once the mean is out, more than 3 of 16 digits have cancelled


@dataclass(slots=True)
class RowMoments:
    """The moments of m rows of k columns: m, the means (k), and the sums of products of centred columns (k, k)."""

    count: int
    means: list[float]
    centred: list[list[float]]


@dataclass
class Moments:
    """Moments of all rows so far; k is small, so that plain Python is faster than torch.

    Attributes:
        unit: The power of 2 that means are measured in, so that products of very large or small numbers stay in range.
        count: The number of rows.
        means: The mean of each column, shape (k).
        centred: The sums over rows of products of centred columns, shape (k, k).

    Source: Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115 (pairwise update).
    """

    unit: float = 1.0
    count: int = 0
    means: list[float] = field(default_factory=list)
    centred: list[list[float]] = field(default_factory=list)

    def add(self, columns: Sequence[Tensor], sums: list[float] | None = None) -> None:
        """Add rows, given as k columns of float64 with shape (m); `sums` are the sums of the columns, if known."""
        rows = columns[0].shape[0]
        if not rows:
            return
        if self.unit != 1:
            columns, sums = [column / self.unit for column in columns], None
        products = _products(columns)
        moments = moments_of_products(rows, sums or [column.sum().item() for column in columns], products)
        self.take(moments or self._moments_of(columns, products))

    def _moments_of(self, columns: Sequence[Tensor], products: list[list[float]]) -> RowMoments:
        """Return the moments of rows whose products are out of range, or lose too many digits once centred."""
        rows = columns[0].shape[0]
        if not all(SAFE < row[k] < 1 / SAFE for k, row in enumerate(products)):
            scaled = self._rescaled(columns)
            if scaled is not None:
                columns, products = scaled, _products(scaled)
        means = [column.sum().item() / rows for column in columns]
        centred = _added(products, -rows, means)
        if not all(row[k] > LOST * products[k][k] for k, row in enumerate(centred)):
            centred = _products([column - mean for column, mean in zip(columns, means, strict=True)])
        return RowMoments(rows, means, centred)

    def join(self, other: "Moments") -> None:
        """Add the rows of other moments."""
        if not other.count:
            return
        if not self.count:
            self.unit = other.unit
        self._coarsen(max(self.unit, other.unit))
        factor = self.unit / other.unit
        centred = [[product / factor / factor for product in row] for row in other.centred]
        self.take(RowMoments(other.count, [mean / factor for mean in other.means], centred))

    def take(self, rows: RowMoments) -> None:
        """Add rows whose moments are known; they are in the same unit."""
        added, means, centred = rows.count, rows.means, rows.centred
        if self.count:
            total = self.count + added
            step = [mean - before for mean, before in zip(means, self.means, strict=True)]
            centred = _added(centred, self.count * added / total, step)
            centred = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(self.centred, centred, strict=True)]
            means = [mean + away * added / total for mean, away in zip(self.means, step, strict=True)]
        self.count, self.means, self.centred = self.count + added, means, centred

    def _coarsen(self, unit: float) -> None:
        """Convert the moments to another unit, a power of 2."""
        factor = unit / self.unit
        self.unit = unit
        self.means = [mean / factor for mean in self.means]
        self.centred = [[product / factor / factor for product in row] for row in self.centred]

    def _rescaled(self, columns: Sequence[Tensor]) -> list[Tensor] | None:
        """Return the columns in a unit that fits them and the moments so far; None where no other unit helps.

        The moments are converted to that unit.
        """
        largest = max(float(column.abs().amax()) for column in columns)
        before = max((row[k] for k, row in enumerate(self.centred)), default=0.0) + sum(x * x for x in self.means)
        if not 0 < largest < math.inf or (largest < 1 and before > 0):
            return None
        factor = 2.0 ** (math.frexp(largest)[1] - 1)
        self._coarsen(self.unit * factor)
        return [column / factor for column in columns]

    def error_of_sum(self, direction: list[float]) -> float | None:
        """Return the standard error of the sum over rows of the dot product with `direction` (k).

        None for fewer than 2 rows.
        """
        if self.count < 2:  # noqa: PLR2004 - one row has no spread
            return None
        longest = max(map(abs, direction)) or 1.0
        along, spread = [step / longest for step in direction], 0.0
        for a, row in zip(along, self.centred, strict=True):
            for b, product in zip(along, row, strict=True):
                spread += a * b * product
        error = longest * (self.unit * float((max(spread, 0.0) * self.count / (self.count - 1)) ** 0.5))
        return error if math.isfinite(error) else None


def row_moments(
    count: int, facts: Mapping[str, float], shift: Sequence[float], *, by_means: bool = False
) -> RowMoments | None:
    """Return the moments of rows from sums and products of shifted columns; None where too many digits cancel.

    Args:
        count: The number of rows.
        facts: The sum of each shifted column as "sum k", and the products of two as "product k j" for j <= k.
        shift: What was subtracted from each column.
        by_means: The shift is the means of the columns up to rounding, so that nothing cancels.
    """
    if not count:
        return RowMoments(0, [], [])
    places = range(len(shift))
    sums = [facts[f"sum {k}"] for k in places]
    products = [[facts[f"product {max(i, j)} {min(i, j)}"] for j in places] for i in places]
    moments = moments_of_products(count, sums, products, by_means=by_means)
    if moments is not None:
        moments.means = [moved + mean for moved, mean in zip(shift, moments.means, strict=True)]
    return moments


def moments_of_products(
    rows: int, sums: list[float], products: list[list[float]], *, by_means: bool = False
) -> RowMoments | None:
    """Return the moments of rows; None where products are out of range, or lose too many digits once centred.

    Args:
        rows: The number of rows, at least 1.
        sums: The sum of each column.
        products: The dot product of every column with every other.
        by_means: The columns are centred up to rounding, so that nothing cancels.
    """
    means = [total / rows for total in sums]
    centred = _added(products, -rows, means)
    for k, row in enumerate(centred):
        square = products[k][k]
        if not square == sums[k] == 0 and not (SAFE < square < 1 / SAFE and (by_means or row[k] > LOST * square)):
            return None
    return RowMoments(rows, means, centred)


def _products(columns: Sequence[Tensor]) -> list[list[float]]:
    """Return the dot product of every column with every other, (k, k)."""
    if len(columns) == 1:
        return [[columns[0].dot(columns[0]).item()]]
    half = [[float(column.dot(other)) for other in columns[: place + 1]] for place, column in enumerate(columns)]
    return [[half[max(i, j)][min(i, j)] for j in range(len(half))] for i in range(len(half))]


def _added(products: list[list[float]], factor: float, vector: list[float]) -> list[list[float]]:
    """Return `products` plus `factor` times the outer product of `vector` with itself."""
    if len(vector) == 1:  # as of most losses
        return [[products[0][0] + factor * vector[0] * vector[0]]]
    return [
        [product + factor * a * b for b, product in zip(vector, row, strict=True)]
        for a, row in zip(vector, products, strict=True)
    ]
