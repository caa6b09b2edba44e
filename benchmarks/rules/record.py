"""One record for each rule: the data, the metric, and the losses that its recommendation is compared with."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from benchmarks.regret.batched import initial, train
from benchmarks.regret.statistics import Array, estimate
from benchmarks.regret.training import SEEDS, Candidate, Part, Sample, weighed
from losses.contract.expression import parse
from recommender.profile import Goal
from recommender.question import Question
from recommender.recommendation.choice import choose
from recommender.recommendation.goals import goal_in_force
from recommender.rules.measured_comparisons import Against, Comparison
from recommender.rules.rulebook import Rulebook
from recommender.rules.thresholds import bounds_in_force
from recommender.tasks import Scenario, Task

REPEATS = 24
WORTH = 0.002  # ours: as in the summary of an answer, 0.2 % are not worth another loss
DIGITS = 4
NO_GOAL = Goal()


class Case(NamedTuple):
    """The data of one repeat and their origin; the profile of the sample is what the question states."""

    origin: str
    sample: Sample


Reading = Callable[[str, Sample], Candidate]  # what a loss reads of the outputs, and the prediction behind it
Outputs = tuple[Iterable[Tensor], Iterable[Tensor]]  # of each loss (settings, seeds, n, ...), on either part
Score = Callable[[Tensor, Part, Tensor, Part], Tensor]  # predictions (..., n) on the validation part, and on a part


class Rival(NamedTuple):
    """Another loss, or the same loss with another decision, described by `decided`.

    `score` replaces the record's metric.
    """

    objective: str
    reading: Reading
    decided: str = ""
    score: Score | None = None


class WrongRuleError(RuntimeError):
    """The question of a record is decided by another rule than the one that it measures."""


@dataclass(frozen=True, kw_only=True)
class Record:
    """Compares the recommendation of a rule with other losses, each with its own learning rate and stopping point.

    Attributes:
        data: The data in words; for simulated data their generator.
        case: Returns the data of a repeat.
        reading: How the recommended loss reads the outputs.
        against: Losses that the rule names as alternatives or rules out, or defaults of libraries.
        score: The metric on a part.
        relative: Whether scores are compared by ratio rather than difference.
        outputs: The number of model outputs for an item.
        fit: Trains another kind of model, and returns its outputs on the validation and the test part.
        decided: The decision that belongs to the recommendation, where that is not the prediction itself.
    """

    rule: str
    task: Task
    data: str
    metric: str
    better: Literal[-1, 1]
    relative: bool
    case: Callable[[int], Case]
    reading: Reading
    against: Sequence[Rival]
    score: Score
    goal: Goal = NO_GOAL
    scenario: Scenario | None = None
    hidden: int = 0
    outputs: Callable[[Sample], int] = lambda _: 1
    fit: Callable[[Sequence[Candidate], Sample], Outputs] | None = None
    decided: str = ""
    repeats: int = REPEATS

    def objective(self, sample: Sample) -> str:
        """Return what the rule recommends for the sample.

        Raises: WrongRuleError.
        """
        goal = goal_in_force(self.task, self.goal)[0]
        question = Question(self.task, self.scenario, sample.profile, goal)
        deciding = Rulebook("evidence", bounds_in_force()).decide(question)
        chosen = {choice.rule.name: choice for choice in choose(deciding, question.facts)}
        if self.rule not in chosen:
            raise WrongRuleError(f"The question of {self.rule} is decided by {', '.join(chosen)}.")
        return str(chosen[self.rule].objective)

    def measured(self) -> Comparison:
        """Return the comparison over all repeats."""
        repeats = [self._repeat(number) for number in range(self.repeats)]
        origins = [repeat.origin for repeat in repeats]
        values = np.array([repeat.values for repeat in repeats])
        against = [self._against(rival, values[:, [0, place]], origins) for place, rival in enumerate(self.against, 1)]
        return Comparison(
            data=self.data,
            metric=self.metric,
            better="lower" if self.better < 0 else "higher",
            unit="relative" if self.relative else "absolute",
            objective=repeats[0].objective,
            decided=self.decided,
            value=_rounded(values[:, 0].mean()),
            against=against,
            repeats=self.repeats,
            origins=len(set(origins)),
            holds=all(entry.interval[0] <= WORTH for entry in against),
            command=f"python -m benchmarks.rules {self.rule}",
        )

    def _against(self, rival: Rival, values: Array, origins: Sequence[str]) -> Against:
        mine, theirs = values.T
        apart = (mine / theirs - 1 if self.relative else mine - theirs) * -self.better
        over = estimate(apart, origins)
        return Against(
            objective=str(parse(rival.objective)),
            decided=rival.decided,
            value=_rounded(theirs.mean()),
            difference=_rounded(over.mean),
            interval=(_rounded(over.low), _rounded(over.high)),
        )

    def _repeat(self, number: int) -> "_Repeat":
        torch.manual_seed(number)
        origin, sample = self.case(number)
        objective = self.objective(sample)
        entries = [self.reading(objective, sample), *(rival.reading(rival.objective, sample) for rival in self.against)]
        scores = [self.score, *(rival.score or self.score for rival in self.against)]
        held, tested = self.fit(entries, sample) if self.fit else self._dense(entries, sample)
        values = []
        for entry, score, *raw in zip(entries, scores, held, tested, strict=True):
            checked, seen = (entry.predict(part) for part in raw)
            tuning = score(checked, sample.validation, checked, sample.validation).mean(1)
            best = int(torch.nan_to_num(-self.better * tuning, nan=torch.inf).argmin())
            values.append(float(score(checked, sample.validation, seen, sample.test)[best].mean()))
        return _Repeat(origin, objective, values)

    def _dense(self, entries: Sequence[Candidate], sample: Sample) -> Outputs:
        """Return the outputs of linear models, or of networks with one hidden layer."""
        held, tested = train(
            sample.train.items,
            [weighed(entry, sample.train) for entry in entries],
            [sample.validation.items, sample.test.items],
            initial(sample.train.items.shape[1], self.hidden, SEEDS, torch.zeros(self.outputs(sample))),
            SEEDS,
        )
        return held, tested


class _Repeat(NamedTuple):
    origin: str
    objective: str
    values: list[float]


def _rounded(value: float) -> float:
    return float(f"{value:.{DIGITS}g}")
