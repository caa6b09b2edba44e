"""Means and co-moments of rows that arrive in chunks, merged without loss of precision."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from torch import Tensor

LOST = 1e-3  # of a sum of squares: where less is left once the mean is out, more than 3 of 16 digits have cancelled


@dataclass
class Moments:
    """Count, means and sums of centred products of k-vectors; k is small, so that Python is faster at it than torch.

    Source: Chan, Golub & LeVeque 1983, doi:10.1080/00031305.1983.10483115 (pairwise update).
    """

    count: int = 0
    means: list[float] = field(default_factory=list)
    centred: list[list[float]] = field(default_factory=list)

    def add(self, columns: Sequence[Tensor], sums: list[float] | None = None) -> None:
        """Take in rows as k columns (m) of float64, whose sums may be known."""
        more = columns[0].shape[0]
        if not more:
            return
        means = [total / more for total in sums or [float(column.sum()) for column in columns]]
        products = _products(columns)
        centred = _added(products, -more, means)
        if not all(row[k] > LOST * products[k][k] for k, row in enumerate(centred)):
            centred = _products([column - mean for column, mean in zip(columns, means, strict=True)])
        if self.count:
            total = self.count + more
            step = [mean - before for mean, before in zip(means, self.means, strict=True)]
            centred = _added(centred, self.count * more / total, step)
            centred = [[a + b for a, b in zip(*rows, strict=True)] for rows in zip(self.centred, centred, strict=True)]
            means = [mean + away * more / total for mean, away in zip(self.means, step, strict=True)]
        self.count, self.means, self.centred = self.count + more, means, centred

    def error_of_sum(self, direction: list[float]) -> float | None:
        """Return the standard error of the sum over rows of row times `direction`; None from fewer than 2 rows."""
        if self.count < 2:  # noqa: PLR2004 - one row has no spread
            return None
        spread = sum(
            a * b * product
            for a, row in zip(direction, self.centred, strict=True)
            for b, product in zip(direction, row, strict=True)
        )
        return float((max(spread, 0.0) * self.count / (self.count - 1)) ** 0.5)


def _products(columns: Sequence[Tensor]) -> list[list[float]]:
    """Return the product of every column with every other."""
    if len(columns) == 1:
        return [[columns[0].dot(columns[0]).item()]]
    half = [[float(column.dot(other)) for other in columns[: place + 1]] for place, column in enumerate(columns)]
    return [[half[max(i, j)][min(i, j)] for j in range(len(half))] for i in range(len(half))]


def _added(products: list[list[float]], factor: float, vector: list[float]) -> list[list[float]]:
    """Return the products with `factor` times those of a vector with itself added."""
    return [
        [product + factor * a * b for b, product in zip(vector, row, strict=True)]
        for a, row in zip(vector, products, strict=True)
    ]
