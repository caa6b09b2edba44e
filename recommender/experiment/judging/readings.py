"""How outliers are interpreted: as errors, as signal, or, where the user does not say, under both.

No statistic tells the two apart. Without a statement of the user, the candidate is chosen that loses least under the
less favourable interpretation (minimax regret: Savage 1951, doi:10.1080/01621459.1951.10500768), and a candidate is
called worse only if it is worse under both. Non-negative amounts whose mean is the goal are an exception: a candidate
that misses their total is not chosen, however low its cost would be if the outliers were errors, since predicting
almost nothing would then be best.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from recommender.experiment.judging.comparison import SIGNIFICANT, FoldComparison, compare
from recommender.experiment.judging.selection import (
    Judgement,
    Numbers,
    Outliers,
    chooser,
    joint,
    judged,
    ratios_of_totals,
)
from recommender.experiment.plan import Plan
from recommender.experiment.run import OutOfFold
from recommender.metrics import METRICS

READINGS: tuple[Outliers, ...] = ("errors", "signal")
TOTALS = 0.8, 1.25  # ratios of totals that do no harm, as benchmarks/harm.py has it
_OF_MEANS = ("mean",)  # functionals for which rows far out are what a total is made of


@dataclass(frozen=True)
class ModelJudgement:
    """The judgement of one kind of model.

    Attributes:
        outliers: The interpretation under which values are reported.
        alone: The choice under each interpretation, where the user stated none and it matters; otherwise empty.
        short: Candidates that are excluded because of their totals, each with the ratio of its total to the true one.
    """

    model: str
    outliers: Outliers
    outputs: list[OutOfFold]
    judgement: Judgement
    comparison: FoldComparison
    alone: dict[Outliers, int] = field(default_factory=dict)
    short: dict[int, float] = field(default_factory=dict)

    @property
    def cost(self) -> float:
        """The cost of the chosen candidate by the metric of the choice."""
        return float(self.judgement.readings[0][self.comparison.chosen].mean())


def judge_models(plan: Plan, outputs: Sequence[OutOfFold]) -> list[ModelJudgement]:
    """Return the judgement of every kind of model that was run, all on the same rows."""
    models: list[str] = [
        model for model in plan.question.models if any(output.unit.model == model for output in outputs)
    ]
    own = {model: [output for output in outputs if output.unit.model == model] for model in models}
    stated = plan.question.goal.outliers
    if not plan.target.is_number or stated in READINGS:
        first = _first(plan)
        return [
            ModelJudgement(model, first, own[model], judgement, _compare(plan, judgement))
            for model, judgement in _on_the_same_rows(plan, own, first).items()
        ]
    readings = {outliers: _on_the_same_rows(plan, own, outliers) for outliers in READINGS}
    return [
        _under_both(plan, model, own[model], {name: readings[name][model] for name in READINGS}) for model in models
    ]


def _first(plan: Plan) -> Outliers:
    """Return the interpretation under which values are reported.

    It is errors where the user does not say, but signal for non-negative amounts whose mean is the goal: their outliers
    carry much of the sum.
    """
    stated = plan.question.goal.outliers
    if stated in READINGS:
        return stated
    amounts = plan.target.is_number and bool((plan.target.values >= 0).all())
    return "signal" if amounts and METRICS[plan.metric].elicits in _OF_MEANS else "errors"


def _on_the_same_rows(plan: Plan, own: dict[str, list[OutOfFold]], outliers: Outliers) -> dict[str, Judgement]:
    """Return the judgements of all kinds of model on the rows that none of them considers outliers."""
    entries = {model: judged(plan, outputs, outliers) for model, outputs in own.items()}
    shared: Numbers = np.logical_and.reduce([entry.kept for entry in entries.values()])
    return {
        model: entry if entry.kept.sum() == shared.sum() else judged(plan, own[model], outliers, shared)
        for model, entry in entries.items()
    }


def _under_both(
    plan: Plan, model: str, outputs: list[OutOfFold], readings: dict[Outliers, Judgement]
) -> ModelJudgement:
    """Return the judgement of a kind of model under the less favourable interpretation for each candidate."""
    first = _first(plan)
    other = next(name for name in READINGS if name != first)
    judgement = joint(plan, outputs, readings[first], readings[other])
    short = _short_of_total(plan, outputs, judgement) if first == "signal" else {}
    eligible = np.array([place not in short for place in range(len(plan.candidates))])
    worst = _compare(plan, judgement, eligible=eligible)
    each = [_compare(plan, replace(judgement, costs=costs), worst.chosen, eligible) for costs in judgement.readings]
    incumbent = _incumbent(plan)
    p = np.where(np.sign(each[0].apart) == np.sign(each[1].apart), np.maximum(each[0].p, each[1].p), 1.0)
    comparison = replace(
        each[0] if short else worst,  # distances that one reading decides are told by that one
        p=p,
        tied=(each[0].tied | each[1].tied) & eligible,
        better=bool(worst.better and p[incumbent] < SIGNIFICANT and each[0].apart[incumbent] > 0),
    )
    alone = {name: _compare(plan, own).chosen for name, own in readings.items()}
    return ModelJudgement(model, first, outputs, judgement, comparison, alone, short)


def _short_of_total(plan: Plan, outputs: list[OutOfFold], judgement: Judgement) -> dict[int, float]:
    """Return the candidates whose totals are far off while the incumbent's is not, with the ratio of each."""
    low, high = TOTALS
    ratios = ratios_of_totals(plan, outputs, judgement)
    if not low <= ratios[_incumbent(plan)] <= high:
        return {}
    return {place: float(ratio) for place, ratio in enumerate(ratios) if not low <= ratio <= high}


def _compare(
    plan: Plan, judgement: Judgement, chosen: int | None = None, eligible: Numbers | None = None
) -> FoldComparison:
    """Return the comparison of the candidates by their scores."""
    return compare(
        judgement.costs,
        _incumbent(plan),
        plan.question.folds,
        ~judgement.diverged,
        seed=plan.question.seed,
        relative=METRICS[chooser(plan)].is_relative,
        chosen=chosen,
        eligible=eligible,
    )


def _incumbent(plan: Plan) -> int:
    """Return the position of the incumbent."""
    return next(place for place, candidate in enumerate(plan.candidates) if candidate.incumbent)
