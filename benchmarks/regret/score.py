"""Every policy in every cell of a family: regrets, and which rule of which book they are owed to."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from benchmarks.regret import quick_experiment
from benchmarks.regret.ask import Advice, Answer, ask
from benchmarks.regret.cells import Cell, read
from benchmarks.regret.policies import Matrix, literal
from benchmarks.regret.protocol import check, protocol
from benchmarks.regret.statistics import (
    Array,
    Estimate,
    Gap,
    WinCounts,
    cluster_means,
    estimate,
    gap_closed,
    noise_by_cluster,
    noise_of_mean,
    of_pairs,
    win_counts,
)
from benchmarks.regret.tuning import Tuner

EVIDENCE, EVIDENCE_UNTOLD = "evidence book", "evidence book, not told what outliers are"
ARTICLE, ARTICLE_LITERAL = "article, computed", "article, literal"
BEST_CONSTANT, LIBRARY, RANDOM, WORST = "best constant elsewhere", "library default", "random", "worst constant"
ADVISED = "evidence book, overruled by the quick experiment"
ORACLE, LUCKY = "oracle", "best of the same half, by luck"


@dataclass
class Scored:
    """One family under one metric; lists and arrays run over the halves of cells."""

    matrix: Matrix
    chosen: dict[str, list[str]]
    regrets: dict[str, Array]
    rules: dict[str, list[str]]
    best: list[str]

    def variances(self, policy: str, other: str) -> Array:
        """Return the variance, owed to seeds, of the difference of two policies; none where they choose alike."""
        both = zip(self.matrix.cells, self.chosen[policy], self.chosen[other], strict=True)
        return np.array(
            [
                0.0 if mine == theirs else self.matrix.variance(cell, mine) + self.matrix.variance(cell, theirs)
                for cell, mine, theirs in both
            ]
        )

    def noise(self, policy: str, other: str) -> float:
        """Return by how much the mean regrets of two policies would differ for other seeds: half a 95 % interval."""
        return noise_of_mean(self.variances(policy, other), self.halves)

    @cached_property
    def pairs(self) -> list[Cell]:
        """The first half of every cell."""
        return self.matrix.cells[::2]

    @cached_property
    def catastrophes_by_noise(self) -> float:
        """The share of cells in which the best of one half is over 10 % behind the best of the other."""
        behind = np.array([self.matrix.by_noise(cell) for cell in self.matrix.cells])
        return estimate(of_pairs(behind), self._clusters).catastrophes

    @cached_property
    def worst(self) -> str:
        """The constant of largest mean regret."""
        return max(self.matrix.constants, key=lambda name: self.estimate(name).mean)

    def estimate(self, policy: str, strata: Sequence[str] | None = None) -> Estimate:
        """Return the regret of a policy, the halves of a cell averaged, over all strata or some."""
        name = self.worst if policy == WORST else policy
        keep = np.array([strata is None or cell.stratum in strata for cell in self.pairs])
        return estimate(of_pairs(self.regrets[name])[keep], np.array(self._clusters)[keep].tolist())

    def of_model(self, model: str) -> "Scored":
        """Return the cells of one kind of model; the best constant is that of least regret on these cells elsewhere."""
        keep = np.array([cell.model == model for cell in self.matrix.cells])
        matrix = self.matrix.only(model)
        regrets = {policy: values[keep] for policy, values in self.regrets.items()}
        chosen = {
            policy: [name for name, kept in zip(names, keep, strict=True) if kept]
            for policy, names in self.chosen.items()
        }
        elsewhere = {cluster: best_constant(matrix, [cluster]) for cluster in {cell.cluster for cell in matrix.cells}}
        chosen[BEST_CONSTANT] = [elsewhere[cell.cluster] for cell in matrix.cells]
        constants = zip(matrix.cells, chosen[BEST_CONSTANT], strict=True)
        regrets[BEST_CONSTANT] = np.array([matrix.regret(cell, name) for cell, name in constants])
        return Scored(matrix, chosen, regrets, {}, sorted(set(elsewhere.values())))

    def gap(self, policy: str) -> Gap:
        """Return the share of the gap from the best constant to the oracle that a policy closes."""
        return gap_closed(*self._both(policy), self._clusters)

    def against_constant(self, policy: str) -> WinCounts:
        """Return in how many clusters a policy beats the best constant, ties with it and loses."""
        noise = noise_by_cluster(self.variances(policy, BEST_CONSTANT), self.halves)
        return win_counts(self.differences(policy), noise)

    def differences(self, policy: str) -> Array:
        """Return by how much a policy's mean regret exceeds the best constant's, by cluster."""
        mine, constant = self._both(policy)
        return cluster_means(mine - constant, self._clusters)

    @property
    def halves(self) -> list[str]:
        """The cluster of each half."""
        return [cell.cluster for cell in self.matrix.cells]

    @property
    def _clusters(self) -> list[str]:
        return [cell.cluster for cell in self.pairs]

    def _both(self, policy: str) -> tuple[Array, Array]:
        return of_pairs(self.regrets[policy]), of_pairs(self.regrets[BEST_CONSTANT])


@dataclass
class Family:
    """All metrics of a family; thresholds tuned on every cluster, and on every cluster but one."""

    name: str
    scored: dict[str, Scored]
    thresholds: dict[str, float]
    without: dict[str, dict[str, float]]


def family(name: str) -> Family:
    """Score every policy on what was trained. Thresholds are those tuned without the cell's own cluster.

    Raises: DeviationError, RefusedError, UntrainedError.
    """
    rows, questions = read(name)
    check(name, rows)
    listed = protocol().families[name]
    matrices = [Matrix.of(name, metric, rows, questions) for metric in listed.metrics]
    tuner = Tuner(matrices, listed.thresholds)
    clusters = sorted({cell.cluster for cell in tuner.cells})
    without = {cluster: tuner.tuned(without=[cluster]) for cluster in clusters}
    scored = {matrix.metric.name: _score(matrix, without) for matrix in matrices}
    return Family(name, scored, tuner.tuned(), without)


def _score(matrix: Matrix, without: dict[str, dict[str, float]]) -> Scored:
    chosen: dict[str, list[str]] = defaultdict(list)
    rules: dict[str, list[str]] = defaultdict(list)
    for told in (True, False) if matrix.asks_of_outliers else (True,):
        answers = ask([matrix.question(cell, without[cell.cluster], told=told) for cell in matrix.cells])
        for cell, answer in zip(matrix.cells, answers, strict=True):
            for policy, advice in _books(answer, told=told):
                name = matrix.candidate(
                    cell, advice.objective, at_share=advice.at_share, from_shares=advice.from_shares
                )
                chosen[policy].append(name)
                rules[policy].append(advice.rule)
    if matrix.family == quick_experiment.FAMILY:
        chosen[ADVISED] = quick_experiment.advised(matrix, chosen[EVIDENCE])
    elsewhere = {cluster: best_constant(matrix, [cluster]) for cluster in without}
    chosen[BEST_CONSTANT] = [elsewhere[cell.cluster] for cell in matrix.cells]
    chosen[ORACLE] = [matrix.oracle(cell) for cell in matrix.cells]
    chosen[LUCKY] = [matrix.best(cell) for cell in matrix.cells]
    chosen[LIBRARY] = [protocol().families[matrix.family].library_default] * len(matrix.cells)
    chosen |= {name: [name] * len(matrix.cells) for name in matrix.constants}
    regrets = {
        policy: np.array([matrix.regret(cell, name) for cell, name in zip(matrix.cells, names, strict=True)])
        for policy, names in chosen.items()
    }
    regrets[RANDOM] = np.mean([regrets[name] for name in matrix.constants], 0)
    return Scored(matrix, dict(chosen), regrets, dict(rules), sorted(set(elsewhere.values())))


def _books(answer: Answer, *, told: bool) -> Iterator[tuple[str, Advice]]:
    """Yield policy and advice. The article does not ask what outliers are, and knows some tasks only."""
    yield EVIDENCE if told else EVIDENCE_UNTOLD, answer.evidence
    if told and answer.article:
        yield ARTICLE, answer.article
        yield ARTICLE_LITERAL, replace(answer.article, objective=literal(answer.article.objective))


def best_constant(matrix: Matrix, without: Sequence[str]) -> str:
    """Return the constant of least mean regret on all clusters but some, every cluster counting the same."""
    cells = [cell for cell in matrix.cells if cell.cluster not in without]
    clusters = [cell.cluster for cell in cells]

    def loss(name: str) -> float:
        return float(cluster_means(np.array([matrix.regret(cell, name) for cell in cells]), clusters).mean())

    return min(matrix.constants, key=loss)
