"""Thresholds of the evidence book tuned on some clusters, so that they can be scored on the others."""

from collections.abc import Sequence
from functools import cache

import numpy as np

from benchmarks.regret.cells import Cell
from benchmarks.regret.policies import Matrix, asked, candidate
from benchmarks.regret.statistics import Array, cluster_means
from recommender.bounds import THRESHOLDS

# Only these are tuned: the thresholds of the evidence book that decide in a family, on a grid a reader can check.
GRIDS: dict[str, dict[str, tuple[float, ...]]] = {
    "regression": {
        "evidence.outliers.some": (0.001, 0.003, 0.01, 0.02, 0.05),
        "evidence.outliers.many": (0.03, 0.06, 0.09, 0.12, 0.2),
        "evidence.outliers.pull": (0.1, 0.3, 0.6, 1.0),
        "evidence.counts.spread": (1.5, 10.0, 100.0),
    },
    "binary": {"evidence.imbalance.uneven": (1.2, 1.5, 3.0, 9.0)},
    "segmentation": {},
}
ROUNDS = 2


class Tuner:
    """Coordinate search over the grid of a family; what each setting chooses is asked for once."""

    def __init__(self, matrices: Sequence[Matrix]) -> None:
        self.matrices, self.grid = matrices, GRIDS[matrices[0].family]
        self._regret = cache(self._uncached)

    def _uncached(self, place: int, cell: Cell, setting: tuple[tuple[str, float], ...]) -> float:
        matrix = self.matrices[place]
        objective, _ = asked(matrix, cell, "evidence", dict(setting))
        return matrix.regret(cell, candidate(matrix, cell, objective))

    def tuned(self, cells: Sequence[Cell]) -> dict[str, float]:
        """Return the setting of least mean regret on these cells, over all metrics of the family.

        A default is left only for what is better by more than the standard error of the difference over clusters
        (Breiman et al. 1984, the one-standard-error rule): thresholds are to be tuned, not fitted to noise.
        """
        setting = {name: THRESHOLDS[name][0].default for name in self.grid}
        for _ in range(ROUNDS):
            for name, values in self.grid.items():
                now = self._by_cluster(cells, setting)
                for value in values:
                    there = {**setting, name: value}
                    if not _legal(there):
                        continue
                    gain = now - self._by_cluster(cells, there)
                    if gain.mean() > gain.std() / len(gain) ** 0.5:
                        setting, now = there, now - gain
        return setting

    def _by_cluster(self, cells: Sequence[Cell], setting: dict[str, float]) -> Array:
        """Return the regret of each cluster, summed over the metrics."""
        key = tuple(sorted(setting.items()))
        clusters = [cell.cluster for cell in cells]
        found = [[self._regret(place, cell, key) for cell in cells] for place in range(len(self.matrices))]
        return cluster_means(np.array(found).sum(0), clusters)


def _legal(setting: dict[str, float]) -> bool:
    return setting.get("evidence.outliers.some", 0.0) <= setting.get("evidence.outliers.many", 1.0)
