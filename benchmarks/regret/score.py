"""Every policy in every cell of a family: regrets, and which rule of which book they are owed to."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from benchmarks.regret.cells import Cell, read
from benchmarks.regret.policies import DEFAULT, METRICS, Matrix, asked, candidate, literal
from benchmarks.regret.statistics import Array, Estimate, estimate, gap_closed
from benchmarks.regret.tuning import Tuner

EVIDENCE, EVIDENCE_UNTOLD = "evidence book", "evidence book, outliers not explained"
ARTICLE, ARTICLE_LITERAL = "article, computed", "article, literal"
BEST_CONSTANT, LIBRARY, RANDOM = "best constant elsewhere", "library default", "random"


@dataclass
class Scored:
    """One family under one metric."""

    matrix: Matrix
    cells: list[Cell]
    regrets: dict[str, Array]
    rules: dict[str, list[str]]
    best: list[str]

    @property
    def noise(self) -> float:
        """How much seeds of one loss differ, in the unit of regret."""
        return self.matrix.noise()

    @property
    def clusters(self) -> list[str]:
        """The cluster of each cell."""
        return [cell.cluster for cell in self.cells]

    def estimate(self, policy: str, where: str | None = None) -> Estimate:
        """Return the regret of a policy, over all strata or in one."""
        keep = np.array([where is None or cell.stratum == where for cell in self.cells])
        return estimate(
            self.regrets[policy][keep], [name for name, kept in zip(self.clusters, keep, strict=True) if kept]
        )

    def gap(self, policy: str) -> tuple[float, float, float]:
        """Return the share of the gap from the best constant to the oracle that a policy closes."""
        return gap_closed(self.regrets[policy], self.regrets[BEST_CONSTANT], self.clusters)


@dataclass
class Family:
    """All metrics of a family, and the thresholds in force."""

    name: str
    scored: dict[str, Scored]
    thresholds: dict[str, float]
    by_cluster: dict[str, dict[str, float]]


def family(name: str) -> Family:
    """Score every policy on what was trained. Thresholds are those tuned without the cell's own cluster."""
    rows, questions = read(name)
    matrices = [Matrix.of(name, metric, rows, questions) for metric in METRICS[name]]
    tuner = Tuner(matrices)
    cells = matrices[0].cells
    clusters = sorted({cell.cluster for cell in cells})
    held_out = {cluster: tuner.tuned([cell for cell in cells if cell.cluster != cluster]) for cluster in clusters}
    scored = {matrix.metric.name: _score(matrix, held_out) for matrix in matrices}
    return Family(name, scored, tuner.tuned(cells), held_out)


def _score(matrix: Matrix, held_out: dict[str, dict[str, float]]) -> Scored:
    regrets: dict[str, list[float]] = defaultdict(list)
    rules: dict[str, list[str]] = defaultdict(list)
    constant = {
        cluster: matrix.best_constant([cell for cell in matrix.cells if cell.cluster != cluster])
        for cluster in held_out
    }
    for cell in matrix.cells:

        def add(policy: str, name: str, rule: str = "", cell: Cell = cell) -> None:
            regrets[policy].append(matrix.regret(cell, name))
            rules[policy].append(rule)

        thresholds = held_out[cell.cluster]
        for policy, told in ((EVIDENCE, True), (EVIDENCE_UNTOLD, False)):
            objective, rule = asked(matrix, cell, "evidence", thresholds, told=told)
            add(policy, candidate(matrix, cell, objective), rule)
        objective, rule = asked(matrix, cell, "article")
        add(ARTICLE, candidate(matrix, cell, objective), rule)
        add(ARTICLE_LITERAL, candidate(matrix, cell, literal(objective)), rule)
        add(BEST_CONSTANT, constant[cell.cluster])
        add(LIBRARY, DEFAULT[matrix.family])
        for name in matrix.constants:
            add(name, name)
        regrets[RANDOM].append(float(np.mean([matrix.regret(cell, name) for name in matrix.constants])))
    arrays = {policy: np.array(values) for policy, values in regrets.items()}
    return Scored(matrix, matrix.cells, arrays, dict(rules), sorted(set(constant.values())))
