"""The data of each cell: every score, the question that a user would ask, and the answers of the books."""

import math
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache, cached_property

from benchmarks.regret.cells import Cell, Row
from benchmarks.regret.protocol import Metric
from losses.contract.expression import parse
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.recommendation.choice import Choices, choose, summed
from recommender.recommendation.decision_threshold import Cut, decision
from recommender.recommendation.goals import goal_in_force
from recommender.rules.rulebook import Rulebook
from recommender.rules.table import RulebookName
from recommender.rules.thresholds import bounds_in_force
from recommender.tasks import read_task

# Where a computed parameter, or a computed way to group pictures, is taken back: the loss as the article prints it.
LITERAL = ("focal", "smooth_l1", "dice")
AT_SHARE = "positive_share"  # the formula of the threshold of balanced accuracy
FROM_SHARES = "start-from-the-shares"  # the warning that says where biases start
SEEDS = 2  # of each half
MISTAKES = (
    "symmetric",
    "one-sided",
    "subtle",
    "leverage",
    "t3",
)  # strata whose extreme targets are errors; elsewhere they are signal


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
    diverged: int

    @classmethod
    def of(
        cls, family: str, metric: Metric, rows: list[Row], questions: Mapping[str, Mapping[str, object]]
    ) -> "Matrix":
        """Return the scores of one metric. A run that diverged is as bad as the worst other in its cell."""
        scores: dict[Cell, dict[str, float]] = defaultdict(dict)
        spreads: dict[Cell, dict[str, float]] = defaultdict(dict)
        objectives: dict[Cell, dict[str, str]] = defaultdict(dict)
        for row in rows:
            if row.metric == metric.name:
                scores[row.cell][row.candidate] = row.value
                spreads[row.cell][row.candidate] = row.spread
                if row.objective:  # none of its own: a threshold on what another loss was trained for
                    objectives[row.cell][canonical(row.objective)] = row.candidate
        diverged = 0
        for by_objective in scores.values():
            worst = min(filter(math.isfinite, by_objective.values()), key=lambda value: metric.better * value)
            for name in [name for name, value in by_objective.items() if not math.isfinite(value)]:
                by_objective[name], diverged = worst, diverged + 1
        return cls(family, metric, scores, spreads, objectives, questions, diverged)

    @cached_property
    def cells(self) -> list[Cell]:
        """Every cell, sorted: the two halves of one follow one another."""
        return sorted(self.scores)

    def only(self, model: str) -> "Matrix":
        """Return the scores of one kind of model."""
        return replace(self, scores={cell: entry for cell, entry in self.scores.items() if cell.model == model})

    @cached_property
    def constants(self) -> list[str]:
        """Candidates that were trained in every cell."""
        common = set.intersection(*(set(by_objective) for by_objective in self.scores.values()))
        return sorted(common)

    def regret(self, cell: Cell, candidate: str) -> float:
        """Return the difference of a candidate from the one that was best in the other half of the cell."""
        reference = self.scores[cell][self.oracle(cell)]
        value = self.scores[cell][candidate]
        return value / reference - 1 if self.metric.relative else self.metric.better * (reference - value)

    def oracle(self, cell: Cell) -> str:
        """Return the candidate that was best in the other half: hindsight without the winner's luck."""
        twin = self.scores[cell.twin]
        return max(sorted(set(twin) & set(self.scores[cell])), key=lambda name: self.metric.better * twin[name])

    def best(self, cell: Cell) -> str:
        """Return the candidate that was best in the half itself: hindsight with the winner's luck."""
        scores = self.scores[cell]
        return max(sorted(scores), key=lambda name: self.metric.better * scores[name])

    def by_noise(self, cell: Cell) -> float:
        """Return how far the candidate that was best in the other half is from the one that was best in this."""
        return -self.regret(cell, self.best(cell)) / (1 + self.regret(cell, self.best(cell)) * self.metric.relative)

    def variance(self, cell: Cell, candidate: str) -> float:
        """Return how much of a regret is owed to seeds: that of a mean over the seeds of a half."""
        unit = self.scores[cell][self.oracle(cell)] if self.metric.relative else 1.0
        spread = self.spreads[cell][candidate] / unit
        return spread**2 / SEEDS if math.isfinite(spread) else 0.0

    def candidate(self, cell: Cell, objective: str, *, at_share: bool = False, from_shares: bool = False) -> str:
        """Return the candidate that was trained under an objective.

        `at_share`: cut at the share of positives; `from_shares`: started from the shares of the classes. Either where
        it is scored so too.

        Raises: UntrainedError.
        """
        name = self.objectives[cell].get(canonical(objective))
        if name is None:
            trained = ", ".join(self.objectives[cell])
            raise UntrainedError(f"{objective} was not trained in {cell.key}; trained were {trained}.")
        wanted = [f"{name} cut at the share"] * at_share + [f"{name} from the shares"] * from_shares
        return next((variant for variant in wanted if variant in self.scores[cell]), name)

    def advised(self, cell: Cell, situation: Question, thresholds: Mapping[str, float] | None = None) -> str:
        """Return the candidate that the evidence book recommends, with its start and threshold.

        Raises: UntrainedError.
        """
        chosen = _chosen(situation, "evidence", thresholds)
        cut = decision(situation, chosen)
        at_share = isinstance(cut, Cut) and cut.formula == AT_SHARE
        from_shares = any(warning.code == FROM_SHARES for choice in chosen for warning in choice.rule.warnings)
        return self.candidate(cell, str(summed(chosen)), at_share=at_share, from_shares=from_shares)

    @property
    def asks_of_outliers(self) -> bool:
        """Whether extreme targets can be mistakes."""
        return self.family == "regression"

    def goal(self, cell: Cell, *, told: bool) -> Goal:
        """Return the goal that the metric implies; `told`: also whether extreme targets are mistakes."""
        if not told or not self.asks_of_outliers:
            return self.metric.goal
        outliers = "errors" if cell.stratum.startswith(MISTAKES) else "signal"
        return self.metric.goal.model_copy(update={"outliers": outliers})

    def question(self, cell: Cell, thresholds: Mapping[str, float], *, told: bool) -> dict[str, object]:
        """Return the body of POST /v1/recommend that a user of the cell would send."""
        goal = self.goal(cell, told=told).model_dump(exclude_none=True)
        return {**self.questions[cell.key], "goal": goal, "rulebook": "evidence", "thresholds": dict(thresholds)}

    def situation(self, cell: Cell, goal: Goal | None = None) -> Question:
        """Return the same question inside the recommender; without a goal, the metric's, told what outliers are."""
        question = self.questions[cell.key]
        task = read_task(str(question["task"]))
        return Question(
            task,
            profile=Profile.model_validate(question["profile"]),
            goal=goal_in_force(task, goal or self.goal(cell, told=True))[0],
        )


def decided(
    situation: Question, rulebook: RulebookName = "evidence", thresholds: Mapping[str, float] | None = None
) -> str:
    """Return the objective of a book without reasons: the same as over HTTP, but hundreds of times faster."""
    return str(summed(_chosen(situation, rulebook, thresholds)))


def _chosen(situation: Question, rulebook: RulebookName, thresholds: Mapping[str, float] | None) -> Choices:
    return choose(Rulebook(rulebook, bounds_in_force(thresholds)).decide(situation), situation.facts)


@cache
def literal(objective: str) -> str:
    """Return the objective as the article prints it, without computed parameters."""
    first = parse(objective).terms[0][1].loss.id
    return canonical(first if first in LITERAL else objective)
