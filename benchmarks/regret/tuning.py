"""Thresholds of the evidence book tuned on some clusters, so that they can be scored on the others."""

from collections.abc import Collection, Mapping, Sequence

import numpy as np

from benchmarks.regret.policies import Matrix
from benchmarks.regret.statistics import Array, cluster_means
from recommender.rules.thresholds import bounds_in_force

ROUNDS = 3

Setting = Mapping[str, float]


class Tuner:
    """Coordinate search over a grid, from the thresholds that the rules have; no setting is tried twice.

    A threshold moves only where that saves more than one standard error over clusters (Breiman et al. 1984, the rule
    of one standard error): a grid of few clusters fits noise otherwise.
    """

    def __init__(self, matrices: Sequence[Matrix], grid: Mapping[str, Sequence[float]]) -> None:
        self.matrices, self.grid = matrices, grid
        self.cells = matrices[0].cells
        self._clusters = np.array([cell.cluster for cell in self.cells])
        self._situations = [[matrix.situation(cell) for cell in self.cells] for matrix in matrices]
        self._known: dict[tuple[tuple[str, float], ...], Array] = {}

    def tuned(self, without: Collection[str] = ()) -> dict[str, float]:
        """Return the setting of least mean regret on all clusters but some, over all metrics of the family."""
        keep = ~np.isin(self._clusters, list(without))
        clusters = self._clusters[keep].tolist()

        def losses(setting: Setting) -> Array:
            return cluster_means(self._regrets(setting)[keep], clusters)

        shipped = bounds_in_force()
        setting = {name: shipped[name] for name in self.grid}
        for _ in range(ROUNDS):
            for name, values in self.grid.items():
                tried = [{**setting, name: value} for value in values]
                best = min(filter(_legal, tried), key=lambda other: losses(other).mean())
                saved = losses(setting) - losses(best)
                if saved.mean() > saved.std(ddof=1) / len(saved) ** 0.5:
                    setting = best
        return setting

    def _regrets(self, setting: Setting) -> Array:
        """Return the regret of each cell, summed over the metrics."""
        key = tuple(sorted(setting.items()))
        if key not in self._known:
            self._known[key] = np.sum([self._of(place, setting) for place in range(len(self.matrices))], 0)
        return self._known[key]

    def _of(self, place: int, setting: Setting) -> Array:
        matrix = self.matrices[place]
        chosen = [
            matrix.advised(cell, situation, setting)
            for cell, situation in zip(self.cells, self._situations[place], strict=True)
        ]
        return np.array([matrix.regret(cell, name) for cell, name in zip(self.cells, chosen, strict=True)])


def _legal(setting: Setting) -> bool:
    return setting.get("evidence.outliers.some", 0.0) <= setting.get("evidence.outliers.many", 1.0)
