"""Makes the verdict from out-of-fold predictions, with corrected tests."""

from collections.abc import Sequence

import numpy as np

from losses.contract.expression import parse
from losses.description import snippets
from losses.text import Language, in_language
from losses.version import VERSION
from recommender.experiment.judging.comparison import rows_to_decide
from recommender.experiment.judging.readings import ModelJudgement, judge_models
from recommender.experiment.judging.report import (
    BookRegret,
    ExperimentReport,
    ExtremeRow,
    LearningCurve,
    OtherVerdict,
    Standing,
    Verdict,
    Versions,
)
from recommender.experiment.judging.selection import Judgement, chooser, held_out_value, learning_curve
from recommender.experiment.judging.summary import ModelResult, selection, summary, verdict_warnings
from recommender.experiment.plan import Plan
from recommender.experiment.run import OutOfFold
from recommender.experiment.training.batches import lists_a_batch
from recommender.experiment.training.pilot import robust
from recommender.experiment.training.train import BATCH
from recommender.metrics import METRICS
from recommender.rules.export import rules_hash
from recommender.rules.thresholds import bounds_in_force

EXTREME_ROWS, EXTREME_SIGMAS = 10, 3.5


def verdict(plan: Plan, outputs: Sequence[OutOfFold], language: Language = "en") -> ExperimentReport:
    """Return the report of the units that have run; all models of which some unit was run take part."""
    judged = judge_models(plan, outputs)
    verdicts = [_verdict(plan, entry, language) for entry in judged]
    best = min(range(len(judged)), key=lambda place: judged[place].cost)
    chosen = parse(verdicts[best].objective)
    return ExperimentReport(
        task=plan.target.task,
        metric=plan.metric,
        metric_title=in_language(METRICS[plan.metric].title, language),
        larger_is_better=METRICS[plan.metric].larger_is_better,
        rows=plan.n,
        target=plan.question.target,
        difference_unit="relative" if METRICS[chooser(plan)].is_relative else "absolute",
        standings=sorted(
            (standing for entry in judged for standing in _standings(plan, entry)),
            key=lambda standing: (standing.model != judged[best].model, standing.diverged, standing.regret or 0.0),
        ),
        verdict=verdicts[best],
        verdicts=verdicts,
        extreme_rows=_extreme_rows(plan, judged[best].judgement),
        curves=[curve for entry in judged for curve in _curves(plan, entry)],
        warnings=[
            in_language(text, language)
            for text in (*plan.notices, *verdict_warnings(plan, [_result(plan, entry) for entry in judged]))
        ],
        snippets={
            "pytorch": snippets.pytorch_code(chosen),
            "keras": snippets.library_code(chosen, "keras"),
            "optax": snippets.library_code(chosen, "optax"),
        },
        versions=Versions(service=VERSION, rules_hash=rules_hash(bounds_in_force(None))),
    )


def standings(plan: Plan, outputs: Sequence[OutOfFold]) -> list[Standing]:
    """Return the current standings of the candidates."""
    return verdict(plan, outputs).standings if outputs else []


def _standings(plan: Plan, entry: ModelJudgement) -> list[Standing]:
    """Return the results of all candidates with one kind of model, the chosen one first."""
    judgement, comparison = entry.judgement, entry.comparison
    values, regrets = _values(judgement), _regrets(plan, judgement)
    margin = _margin(judgement.costs.shape[1])
    errors = [
        _value_error(plan, row, fallback) for row, fallback in zip(judgement.values, comparison.errors, strict=True)
    ]
    rows = []
    for place, candidate in enumerate(plan.candidates):
        gone = bool(judgement.diverged[place])
        rate, epochs = _setting(plan, entry, place)
        half = margin * errors[place]
        apart, apart_half = float(comparison.apart[place]), margin * float(comparison.apart_errors[place])
        is_apart = not gone and place != comparison.chosen and np.isfinite(apart_half)
        rows.append(
            Standing(
                objective=candidate.objective,
                model=entry.model,  # type: ignore[arg-type] # a name of the question
                origins=list(candidate.origins),
                value=None if gone else values[place],
                interval=None if gone or not np.isfinite(half) else (values[place] - half, values[place] + half),
                regret=None if gone else regrets[place],
                difference=None if gone else apart,
                difference_interval=(apart - apart_half, apart + apart_half) if is_apart else None,
                probability_best=float(comparison.probability_best[place]),
                tied=bool(comparison.tied[place]),
                p_worse=None if gone or place == comparison.chosen else float(comparison.p[place]),
                learning_rate=None if gone else rate,
                epochs=None if gone else epochs,
                diverged=gone,
                held_out=None if gone else held_out_value(plan, entry.outputs[0], place, judgement.chosen[place]),
            )
        )
    return rows


def _value_error(plan: Plan, values: np.ndarray, fallback: float) -> float:
    """Return the standard error of a value over its folds."""
    count = len(values)
    if count < 2 or not np.isfinite(values).all():  # noqa: PLR2004 - one number has no spread
        return fallback
    return float(np.sqrt((1 / count + 1 / (plan.question.folds - 1)) * values.var(ddof=1)))


def _margin(scores: int) -> float:
    """Return the factor of a 95 % interval for this number of scores."""
    from scipy.stats import t as student  # noqa: PLC0415 - SciPy is slow to import

    return float(student.ppf(0.975, max(1, scores - 1)))


def _values(judgement: Judgement) -> list[float]:
    """Return the mean value of every candidate."""
    return [float(row.mean()) for row in judgement.values]


def _regrets(plan: Plan, judgement: Judgement) -> list[float]:
    """Return how much worse than the best each candidate is: a share where lower is better, otherwise in points."""
    metric = METRICS[plan.metric]
    costs = metric.cost(np.array(_values(judgement)))
    best = float(costs[~judgement.diverged].min())
    unit = max(abs(best), 1e-300) if metric.is_relative else 1.0
    return [max(0.0, (cost - best) / unit) for cost in costs.tolist()]


def _setting(plan: Plan, entry: ModelJudgement, place: int) -> tuple[float, float]:
    """Return the learning rate that most folds chose, and the median number of epochs."""
    output = entry.outputs[0]
    chosen = entry.judgement.chosen[place]
    rates, steps = chosen // len(output.steps), chosen % len(output.steps)
    epochs = _epochs(plan, float(np.median(np.array(output.steps)[steps])))
    return output.rates[int(np.bincount(rates).argmax())], epochs


def _epochs(plan: Plan, steps: float) -> float:
    """Return how often `steps` steps pass over the rows, or the queries, that a fold trains on."""
    count, batch = plan.n, BATCH
    if plan.queries is not None:
        lengths = np.bincount(plan.queries)
        count, batch = len(lengths), lists_a_batch(int(lengths.max()))
    train = count * (1 - 1 / plan.question.folds)
    return round(steps * min(batch, train) / train, 1)


def _verdict(plan: Plan, entry: ModelJudgement, language: Language) -> Verdict:
    """Return the verdict for one kind of model."""
    comparison, names = entry.comparison, [candidate.objective for candidate in plan.candidates]
    incumbent = next(candidate.objective for candidate in plan.candidates if candidate.incumbent)
    objective = names[comparison.chosen]
    tied = [
        names[place] for place in np.argsort(comparison.means) if comparison.tied[place] and names[place] != objective
    ]
    alone = {
        outliers: OtherVerdict(objective=names[place], agrees=place == comparison.chosen)
        for outliers, place in entry.alone.items()
    }
    result = _result(plan, entry)
    regrets = dict(zip(names, _regrets(plan, entry.judgement), strict=True))
    return Verdict(
        model=entry.model,  # type: ignore[arg-type] # a name of the question
        objective=objective,
        incumbent=incumbent,
        replaces_incumbent=objective != incumbent,
        better=comparison.better,
        tied_with=tied,
        summary=in_language(summary(plan, result, tied, list(regrets.values())), language),
        selection=in_language(selection(plan, result), language),
        lead=comparison.lead if np.isfinite(comparison.lead) else None,
        rows_to_decide=rows_to_decide(comparison, plan.n, entry.judgement.costs.shape[1]),
        if_outliers_are_signal=alone.get("signal"),
        if_outliers_are_errors=alone.get("errors"),
        books={
            name: BookRegret(objective=text, regret=regrets.get(_as_run(plan, name)))
            for name, text in plan.books.items()
        },
    )


def _as_run(plan: Plan, book: str) -> str:
    """Return the objective under which a book's answer took part; an empty string where it did not."""
    return next((candidate.objective for candidate in plan.candidates if book in candidate.origins), "")


def _result(plan: Plan, entry: ModelJudgement) -> ModelResult:
    """Return the result for one kind of model."""
    return ModelResult(
        model=entry.model,
        repeats=len(entry.outputs),
        outliers=entry.outliers,
        judgement=entry.judgement,
        comparison=entry.comparison,
        alone={outliers: plan.candidates[place].objective for outliers, place in entry.alone.items()},
        short={plan.candidates[place].objective: ratio for place, ratio in entry.short.items()},
    )


def _extreme_rows(plan: Plan, judgement: Judgement) -> list[ExtremeRow]:
    """Return the rows farthest from the consensus of the candidates."""
    if not len(judgement.consensus):
        return []
    centre, spread = robust(judgement.consensus[np.isfinite(judgement.consensus)])
    sigmas = np.nan_to_num((judgement.consensus - centre) / spread)
    rows = []
    for place in np.argsort(-np.abs(sigmas))[:EXTREME_ROWS]:
        if abs(sigmas[place]) <= EXTREME_SIGMAS:
            break
        target = float(plan.target.values[place])
        predicted = target + float(judgement.consensus[place])
        row, away = int(plan.rows[place]), float(sigmas[place])
        rows.append(ExtremeRow(row=row, target=target, predicted=predicted, sigmas=away))
    return rows


def _curves(plan: Plan, entry: ModelJudgement) -> list[LearningCurve]:
    """Return the metric of the choice over the checkpoints, at the rate that most folds chose."""
    output = entry.outputs[0]
    epochs = [_epochs(plan, step) for step in output.steps]
    curves = []
    for place, candidate in enumerate(plan.candidates):
        rate, _ = _setting(plan, entry, place)
        values = learning_curve(plan, output, place, output.rates.index(rate), entry.judgement.kept)
        curves.append(LearningCurve(objective=candidate.objective, model=entry.model, epochs=epochs, values=values))  # type: ignore[arg-type] # a name of the question
    return curves
