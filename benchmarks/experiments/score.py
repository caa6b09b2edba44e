"""What each way of choosing a loss costs on clean rows, and whether what a verdict says is true."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

from benchmarks.regret.statistics import Estimate, Gap, cluster_means, estimate, gap_closed, of_pairs
from recommender.metrics import METRICS

Row = dict[str, Any]
VALUE, HELD_OUT, TIED, P_WORSE = range(4)  # of a standing: out of fold, on clean rows, whether tied, Holm's p
ARTICLE, BOOK, EXPERIMENT, BOTH = "article", "evidence book", "experiment alone", "book, overruled by the experiment"
CONSTANT = "best constant elsewhere"
SIGNIFICANT, NOTABLE = 0.05, 0.005


class MetricQuestion(NamedTuple):
    """A task, a metric, a kind of model, and for numbers whether the question states what outliers are."""

    task: str
    metric: str
    outliers: str
    model: str


class Calls(NamedTuple):
    """How often a verdict calls one candidate worse than the chosen one, and is wrong on clean rows.

    Attributes:
        notably: How often it is wrong by over 0.5 %.
        covered: How often the chosen one or a tie is the best.
        replaced: How often the incumbent was replaced.
    """

    calls: int
    wrong: float
    notably: float
    covered: float
    replaced: float
    rightly: float


@dataclass(frozen=True)
class Scored:
    """The results of one question and kind of model; the two halves of a cell are adjacent."""

    metric: str
    rows: Sequence[Row]

    @cached_property
    def constants(self) -> list[str]:
        """The candidates that took part in every row and did not diverge."""
        return sorted(set.intersection(*({*_ended(row)} for row in self.rows)))

    @cached_property
    def clusters(self) -> list[str]:
        """The cluster of every pair of halves."""
        return [row["cluster"] for row in self.rows[::2]]

    def mean_within(self, stratum: str, policy: str) -> float:
        """Return the mean regret of a policy over the clusters of one stratum."""
        keep = np.array([row["stratum"] == stratum for row in self.rows[::2]])
        clusters = [row["cluster"] for row in self.rows[::2] if row["stratum"] == stratum]
        return float(cluster_means(self.regrets(policy)[keep], clusters).mean())

    def estimate(self, policy: str) -> Estimate:
        """Return the mean regret of a policy over clusters."""
        return estimate(self.regrets(policy), self.clusters)

    def gap(self, policy: str) -> Gap | None:
        """Return the share of the distance from the best constant to the oracle that a policy covers.

        None where the constant's regret is not significantly different from 0.
        """
        if self.estimate(CONSTANT).low <= 0:
            return None
        return gap_closed(self.regrets(policy), self.regrets(CONSTANT), self.clusters)

    def against_constant(self, policy: str) -> Estimate:
        """Return by how much a policy's regret exceeds that of the best constant."""
        return estimate(self.regrets(policy) - self.regrets(CONSTANT), self.clusters)

    def regrets(self, policy: str) -> np.ndarray:
        """Return the regret of a policy in every cell, the halves averaged."""
        chosen = self._policies[policy]
        pairs = zip(self.rows, chosen, self._twins, strict=True)
        return of_pairs(np.array([self._regret(row, name, twin) for row, name, twin in pairs]))

    def calls(self) -> Calls:
        """Return the claims of the verdicts, compared with clean rows."""
        called = [call for row in self.rows for call in self._called(row)]
        covered = [self._covered(row) for row in self.rows]
        replaced = [self._excess(row, row["chosen"], row["incumbent"]) for row in self.rows if _replaced(row)]
        wrong = np.array(called)
        return Calls(
            len(wrong),
            float((wrong < 0).mean()) if len(wrong) else 0.0,
            float((wrong < -NOTABLE).mean()) if len(wrong) else 0.0,
            float(np.mean(covered)),
            len(replaced) / len(self.rows),
            float((np.array(replaced) < 0).mean()) if replaced else 1.0,
        )

    @cached_property
    def _twins(self) -> list[Row]:
        return [self.rows[place ^ 1] for place in range(len(self.rows))]

    @cached_property
    def _policies(self) -> dict[str, list[str]]:
        ways: dict[str, Callable[[Row], str]] = {
            ARTICLE: lambda row: row["books"].get("article", row["incumbent"]),
            BOOK: lambda row: row["incumbent"],
            EXPERIMENT: self._leading,
            BOTH: lambda row: row["chosen"],
        }
        chosen = {name: [way(row) for row in self.rows] for name, way in ways.items()}
        elsewhere = {cluster: self._best_constant(cluster) for cluster in set(self.clusters)}
        chosen[CONSTANT] = [elsewhere[row["cluster"]] for row in self.rows]
        return chosen | {name: [name] * len(self.rows) for name in self.constants}

    def _best_constant(self, without: str) -> str:
        """Return the constant of least mean regret on the other clusters."""
        pairs = [(row, twin) for row, twin in zip(self.rows, self._twins, strict=True) if row["cluster"] != without]
        clusters = [row["cluster"] for row, _ in pairs]

        def cost(name: str) -> float:
            regrets = np.array([self._regret(row, name, twin) for row, twin in pairs])
            return float(cluster_means(regrets, clusters).mean())

        return min(self.constants, key=cost)

    def _cost(self, row: Row, name: str, column: int = HELD_OUT) -> float:
        value = row["standings"][name][column]
        return float("inf") if value is None else float(METRICS[self.metric].cost(value))

    def _regret(self, row: Row, name: str, twin: Row) -> float:
        """Return the difference of a candidate from the best one of the other half.

        Diverged ones count as the worst.
        """
        there = _ended(row)
        reference = min((other for other in _ended(twin) if other in there), key=lambda other: self._cost(twin, other))
        if name not in there:
            name = max(there, key=lambda other: self._cost(row, other))
        return self._excess(row, name, reference)

    def _excess(self, row: Row, name: str, reference: str) -> float:
        """Return how much worse one candidate is than another on clean rows: a share of its cost, or points."""
        mine, other = self._cost(row, name), self._cost(row, reference)
        return mine / other - 1 if METRICS[self.metric].is_relative else mine - other

    def _leading(self, row: Row) -> str:
        return min(_ended(row), key=lambda name: self._cost(row, name, VALUE))

    def _called(self, row: Row) -> Iterator[float]:
        """Yield how much worse each candidate is that the verdict calls worse than the chosen one."""
        for name in _ended(row):
            p = row["standings"][name][P_WORSE]
            if p is not None and p < SIGNIFICANT and not row["standings"][name][TIED]:
                yield self._excess(row, name, row["chosen"])

    def _covered(self, row: Row) -> bool:
        best = min(_ended(row), key=lambda name: self._cost(row, name))
        return best == row["chosen"] or bool(row["standings"][best][TIED])


def scored(rows: Sequence[Row]) -> dict[MetricQuestion, Scored]:
    """Return the rows of every question, in the order in which they are reported."""
    by_question: dict[MetricQuestion, list[Row]] = {}
    for row in rows:
        outliers = "told" if row["outliers"] in ("errors", "signal") else row["outliers"]
        question = MetricQuestion(row["task"], row["metric"], outliers, row["model"])
        by_question.setdefault(question, []).append(row)
    return {question: Scored(question.metric, own) for question, own in sorted(by_question.items())}


def _ended(row: Row) -> list[str]:
    """Return the candidates that did not diverge."""
    return [name for name, standing in row["standings"].items() if standing[HELD_OUT] is not None]


def _replaced(row: Row) -> bool:
    return bool(row["chosen"] != row["incumbent"])
