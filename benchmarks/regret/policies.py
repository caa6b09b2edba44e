"""What is chosen in each cell: by either book, constants, the best of them elsewhere, chance and hindsight."""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property

import numpy as np

from benchmarks.regret.cells import Cell, Row
from losses.expression import parse
from recommender.engine import recommend
from recommender.profile import Goal, Profile
from recommender.rules.table import Rulebook

Choose = Callable[[Cell], str]


@dataclass(frozen=True)
class Metric:
    """What is scored, and the goal that says so. `errors` are compared by ratio, scores by difference."""

    name: str
    goal: Goal
    better: int
    relative: bool
    shown: str


METRICS: dict[str, tuple[Metric, ...]] = {
    "regression": (
        Metric("rmse", Goal(functional="mean"), -1, relative=True, shown="RMSE"),
        Metric("mae", Goal(functional="median"), -1, relative=True, shown="MAE"),
    ),
    "binary": (
        Metric("balanced_accuracy", Goal(decision="balanced"), 1, relative=False, shown="balanced accuracy"),
        Metric("brier_repaired", Goal(decision="probabilities"), -1, relative=False, shown="Brier, repaired"),
        Metric("auc", Goal(decision="ranking"), 1, relative=False, shown="AUC"),
    ),
    "segmentation": (
        Metric("dice", Goal(segmentation="overlap", empty_masks=False), 1, relative=False, shown="Dice"),
        Metric(
            "dice_with_empty",
            Goal(segmentation="overlap", empty_masks=True),
            1,
            relative=False,
            shown="Dice, empty masks count",
        ),
    ),
}
# The article as it stands, with the numbers it prints: alpha .25, beta 1.
LITERAL = {"focal": "focal", "smooth_l1": "smooth_l1"}
DEFAULT = {"regression": "mse", "binary": "bce", "segmentation": "bce"}
MISTAKES = ("symmetric", "one-sided", "t3")  # strata whose extreme targets are errors; elsewhere they are signal


class UntrainedError(LookupError):
    """A recommended objective that no model was trained with."""


@cache
def canonical(objective: str) -> str:
    """Return an objective as every answer prints it."""
    return str(parse(objective))


@dataclass(frozen=True)
class Matrix:
    """Every score of one family under one metric."""

    family: str
    metric: Metric
    scores: Mapping[Cell, Mapping[str, float]]
    spreads: Mapping[Cell, Mapping[str, float]]
    objectives: Mapping[Cell, Mapping[str, str]]
    questions: Mapping[str, Mapping[str, object]]

    @classmethod
    def of(
        cls, family: str, metric: Metric, rows: list[Row], questions: Mapping[str, Mapping[str, object]]
    ) -> "Matrix":
        """Return the scores of one metric."""
        scores: dict[Cell, dict[str, float]] = defaultdict(dict)
        spreads: dict[Cell, dict[str, float]] = defaultdict(dict)
        objectives: dict[Cell, dict[str, str]] = defaultdict(dict)
        for row in rows:
            if row.metric == metric.name:
                scores[row.cell][row.candidate] = row.value
                spreads[row.cell][row.candidate] = row.spread
                objectives[row.cell][canonical(row.objective)] = row.candidate
        for found in scores.values():
            finite = [value for value in found.values() if math.isfinite(value)]
            worst = min(finite, key=lambda value: metric.better * value)
            for name, value in found.items():
                found[name] = value if math.isfinite(value) else worst  # a run that diverged is as bad as any other
        return cls(family, metric, scores, spreads, objectives, questions)

    @cached_property
    def cells(self) -> list[Cell]:
        """Every cell, sorted."""
        return sorted(self.scores)

    @cached_property
    def constants(self) -> list[str]:
        """Candidates that were trained in every cell."""
        common = set.intersection(*(set(found) for found in self.scores.values()))
        return sorted(common)

    def regret(self, cell: Cell, candidate: str) -> float:
        """Return how far a candidate is from the one that was best in the other half of the cell."""
        reference = self.scores[cell][self.oracle(cell)]
        value = self.scores[cell][candidate]
        return value / reference - 1 if self.metric.relative else self.metric.better * (reference - value)

    def oracle(self, cell: Cell) -> str:
        """Return the candidate that was best in the other half: hindsight without the winner's luck."""
        twin = self.scores[cell.twin]
        return max(sorted(set(twin) & set(self.scores[cell])), key=lambda name: self.metric.better * twin[name])

    def noise(self) -> float:
        """Return the typical difference between seeds of one candidate, in the unit of regret."""
        shares = [
            self.spreads[cell][name] / (self.scores[cell][name] if self.metric.relative else 1.0)
            for cell in self.cells
            for name in self.constants
        ]
        return float(np.nanmean(shares))

    def best_constant(self, cells: list[Cell]) -> str:
        """Return the constant of least mean regret on these cells, every cluster counting the same."""
        return min(self.constants, key=lambda name: mean_by_cluster(cells, lambda cell: self.regret(cell, name)))


def mean_by_cluster(cells: list[Cell], value: Callable[[Cell], float]) -> float:
    """Return the mean over clusters of the mean over their cells."""
    groups: dict[str, list[float]] = defaultdict(list)
    for cell in cells:
        groups[cell.cluster].append(value(cell))
    return float(np.mean([np.mean(values) for values in groups.values()]))


def goal_of(matrix: Matrix, cell: Cell, *, told: bool) -> Goal:
    """Return the goal a user of this cell has; `told`: also whether extreme targets are mistakes."""
    goal = matrix.metric.goal
    if matrix.family != "regression" or not told:
        return goal
    return goal.model_copy(update={"outliers": "errors" if cell.stratum.startswith(MISTAKES) else "signal"})


def asked(
    matrix: Matrix, cell: Cell, rulebook: Rulebook, thresholds: Mapping[str, float] | None = None, *, told: bool = True
) -> tuple[str, str]:
    """Return the objective a book recommends in a cell, and the rule that decided."""
    question = matrix.questions[cell.key]
    profile = Profile.model_validate(question["profile"])
    goal = goal_of(matrix, cell, told=told)
    answer = recommend(str(question["task"]), profile=profile, goal=goal, rulebook=rulebook, thresholds=thresholds)
    book = answer.article if rulebook == "article" else answer.evidence
    return answer.recommended.objective, book.rule if book else ""


def candidate(matrix: Matrix, cell: Cell, objective: str) -> str:
    """Return the candidate that was trained under an objective.

    Raises: UntrainedError.
    """
    found = matrix.objectives[cell].get(objective)
    if found is None:
        raise UntrainedError(
            f"{objective} was not trained in {cell.key}; trained were {', '.join(matrix.objectives[cell])}."
        )
    return found


def literal(objective: str) -> str:
    """Return the objective as the article prints it, without computed parameters."""
    return str(parse(LITERAL.get(parse(objective).terms[0][1].loss.id, objective)))
