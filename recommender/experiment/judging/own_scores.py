"""The verdict on scores from the user's own training loop: the same tests, whatever was trained, and on what."""

from typing import Annotated

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from losses.errors import shown
from losses.text import Language, Text, in_language
from recommender.errors import BadExperiment
from recommender.experiment.judging.comparison import compare, rows_to_decide
from recommender.metrics import read_metric

MOST_SCORES = 1_000  # of one loss
_Finite = Annotated[float, Field(allow_inf_nan=False)]


class ScoresQuestion(BaseModel):
    """What each loss scored on every fold, in the same order, each fold judged by the metric and not by the loss."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = Field(max_length=50, description="rmse, mae, log_loss, auc, ...; it says whether lower is better.")
    scores: dict[str, Annotated[list[_Finite], Field(min_length=2, max_length=MOST_SCORES)]] = Field(
        min_length=2,
        max_length=100,
        description="By name: one score a fold, all repeats in a row.",
    )
    folds: int = Field(ge=2, le=1000, description="Folds of one repeat.")
    incumbent: str | None = Field(
        default=None, max_length=500, description="What is kept unless another is clearly better; left out, the first."
    )
    rows: int | None = Field(default=None, ge=1, description="Rows of the data, to say how many would decide a tie.")
    seed: int = Field(default=0, ge=0, lt=2**31)


class ScoresStanding(BaseModel):
    """One loss."""

    name: str
    value: float
    interval: tuple[float, float] | None = Field(description="95 %, with the correction for folds that share rows.")
    probability_best: float
    tied: bool
    p_worse: float | None


class ScoresVerdict(BaseModel):
    """Which of them, and how sure that is."""

    chosen: str
    incumbent: str
    replaces_incumbent: bool
    better: bool = Field(description="Whether it is better than the incumbent at Holm's 5 %; t > 1 alone is less.")
    tied_with: list[str]
    summary: str
    lead: float | None
    rows_to_decide: int | None
    standings: list[ScoresStanding]


def verdict_of_scores(question: ScoresQuestion, language: Language = "en") -> ScoresVerdict:
    """Return what the scores say, by the tests that experiments are judged with.

    Raises: UnknownMetric; BadExperiment where scores are missing, or the incumbent is.
    """
    from scipy.stats import t as student  # noqa: PLC0415 - SciPy is slow to import

    names, metric = list(question.scores), read_metric(question.metric)
    counts = {len(scores) for scores in question.scores.values()}
    if len(counts) > 1 or min(counts) % question.folds:
        raise BadExperiment(
            "scores",
            f"Each loss has one score a fold, of whole repeats of {question.folds} folds; here they have {counts}.",
        )
    incumbent = names[0] if question.incumbent is None else question.incumbent
    if incumbent not in names:
        raise BadExperiment("incumbent", f"{shown(incumbent)} is none of the losses with scores.")
    values = np.array([question.scores[name] for name in names])
    costs = metric.cost(values)
    comparison = compare(
        costs,
        names.index(incumbent),
        question.folds,
        np.ones(len(names), dtype=bool),
        seed=question.seed,
        relative=metric.is_relative,
    )
    half = float(student.ppf(0.975, costs.shape[1] - 1)) * comparison.errors
    order = [int(place) for place in np.argsort(comparison.means)]
    standings = [
        ScoresStanding(
            name=names[place],
            value=float(values[place].mean()),
            interval=_interval(float(values[place].mean()), float(half[place])),
            probability_best=float(comparison.probability_best[place]),
            tied=bool(comparison.tied[place]),
            p_worse=None if place == comparison.chosen else float(comparison.p[place]),
        )
        for place in order
    ]
    chosen = names[comparison.chosen]
    tied = [standing.name for standing in standings if standing.tied and standing.name != chosen]
    return ScoresVerdict(
        chosen=chosen,
        incumbent=incumbent,
        replaces_incumbent=chosen != incumbent,
        better=comparison.better,
        tied_with=tied,
        summary=in_language(_summary(chosen, incumbent, tied, better=comparison.better), language),
        lead=comparison.lead if np.isfinite(comparison.lead) else None,
        rows_to_decide=None if question.rows is None else rows_to_decide(comparison, question.rows, costs.shape[1]),
        standings=standings,
    )


def _interval(value: float, half: float) -> tuple[float, float] | None:
    return (value - half, value + half) if np.isfinite(half) else None


def _summary(chosen: str, incumbent: str, tied: list[str], *, better: bool) -> Text:
    ties = (
        Text("", "")
        if not tied
        else Text(f"; {', '.join(tied)} cannot be told from it", f";与 {', '.join(tied)} 无法区分")
    )
    if chosen == incumbent:
        return Text(f"Keep {chosen}{ties.en}.", f"保留 {chosen}{ties.zh}。")
    sure = Text("beyond doubt", "差异显著") if better else Text("though not beyond doubt", "但差异不显著")
    return Text(
        f"Take {chosen} rather than {incumbent}: better {sure.en}{ties.en}.",
        f"用 {chosen} 代替 {incumbent}:更优,{sure.zh}{ties.zh}。",
    )
