"""The verdict on scores or predictions of the user's own training loop, by the tests of an experiment."""

from typing import Annotated, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, StrictInt, model_validator

from losses.errors import shown
from losses.field_errors import custom_error
from losses.text import Language, Text, in_language
from recommender.errors import BadExperiment
from recommender.experiment.judging.comparison import compare, rows_to_decide
from recommender.experiment.judging.own_predictions import FoldScores, judged_scores
from recommender.experiment.lists import without_an_order
from recommender.experiment.question import WholeNumber
from recommender.metrics import METRICS, read_metric

MOST_SCORES, MOST_LOSSES = 1_000, 100  # scores of one loss
ONE_OF_BOTH = Text("must have scores, or predictions with targets", "须有 scores,或 predictions 与 targets")
QUERIES_ALONE = Text(
    "has queries, which go with predictions and targets", "有 queries,须与 predictions 和 targets 一起发送"
)
_Finite = Annotated[float, Field(allow_inf_nan=False)]
_Scores = Annotated[list[_Finite], Field(min_length=2, max_length=MOST_SCORES)]
_Rows = list[_Finite] | list[list[_Finite]]
_Query = StrictInt | Annotated[str, Field(max_length=500)]
_Folds = Annotated[list[_Rows], Field(min_length=2, max_length=MOST_SCORES)]


class ScoresQuestion(BaseModel):
    """The score of each loss on every fold, or its predictions for the rows of every fold, all in the same order."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    metric: str = Field(max_length=50, description="rmse, mae, log_loss, auc, ...; it says whether lower is better.")
    scores: dict[str, _Scores] | None = Field(
        default=None,
        min_length=2,
        max_length=MOST_LOSSES,
        description="By name: one score a fold, all repeats in a row, judged by the metric and not by the loss.",
    )
    predictions: dict[str, _Folds] | None = Field(
        default=None,
        min_length=2,
        max_length=MOST_LOSSES,
        description="In place of scores, by name: for every fold what is predicted for its rows, numbers or "
        "probabilities (of several classes a list a row), or scores that put the rows of a query in order.",
    )
    targets: Annotated[list[list[_Finite]], Field(min_length=2, max_length=MOST_SCORES)] | None = Field(
        default=None,
        description="Beside predictions: for every fold the targets of its rows, numbers, class ids or relevances.",
    )
    queries: Annotated[list[list[_Query]], Field(min_length=2, max_length=MOST_SCORES)] | None = Field(
        default=None,
        description="Of ndcg, beside targets: for every fold the query that each row belongs to, numbers or texts.",
    )
    outliers: Literal["errors", "signal"] = Field(
        default="signal",
        description="errors: numbers are judged on the rows that the losses agree about; signal: on all rows.",
    )
    quantile: float | None = Field(default=None, gt=0, lt=1, description="Of pinball.")
    false_negative_cost: float | None = Field(default=None, gt=0, description="Of expected_cost, in false alarms.")
    folds: WholeNumber = Field(ge=2, le=1000, description="Folds of one repeat.")
    incumbent: str | None = Field(
        default=None, max_length=500, description="What is kept unless another is clearly better; left out, the first."
    )
    rows: WholeNumber | None = Field(
        default=None, ge=1, description="Rows of the data, to say how many would decide a tie."
    )
    seed: WholeNumber = Field(default=0, ge=0, lt=2**31)

    @model_validator(mode="after")
    def _one_of_both(self) -> Self:
        """Refuse scores together with predictions, and predictions without targets."""
        if (self.scores is None) == (self.predictions is None) or (self.predictions is None) != (self.targets is None):
            raise custom_error("one_of_both", ONE_OF_BOTH)
        if self.queries is not None and self.targets is None:
            raise custom_error("queries_alone", QUERIES_ALONE)
        return self


class ScoresStanding(BaseModel):
    """The result of one loss."""

    name: str
    value: float
    interval: tuple[float, float] | None = Field(description="95 %, with the correction for folds that share rows.")
    probability_best: float
    tied: bool
    p_worse: float | None


class ScoresVerdict(BaseModel):
    """The chosen loss, with the uncertainty of the choice."""

    chosen: str
    incumbent: str
    replaces_incumbent: bool
    better: bool = Field(description="Whether it is better than the incumbent at Holm's 5 %; t > 1 alone is less.")
    tied_with: list[str]
    summary: str
    metric: str = Field(
        description="That chose: the one asked for, or of predictions a proper score where that is noisy."
    )
    rows_judged: int | None = Field(default=None, description="Rows of predictions that were judged by.")
    warnings: list[str] = []
    lead: float | None
    rows_to_decide: int | None
    standings: list[ScoresStanding]


def verdict_of_scores(question: ScoresQuestion, language: Language = "en") -> ScoresVerdict:
    """Return the verdict on scores, by the tests that experiments are judged with.

    Raises: UnknownMetric; BadExperiment where scores are missing, or the incumbent is.
    """
    from scipy.stats import t as student  # noqa: PLC0415 - SciPy is slow to import

    judged = _fold_scores(question)
    metric = read_metric(judged.metric)
    names = list(judged.scores)
    counts = {len(scores) for scores in judged.scores.values()}
    if len(counts) > 1 or min(counts) % question.folds:
        sent = ", ".join(map(str, sorted(counts)))
        raise BadExperiment(
            "scores" if question.scores else "predictions",
            Text(
                f"Each loss has one score a fold, of whole repeats of {question.folds} folds; here they have {sent}.",
                f"每个损失每折一个得分,且为 {question.folds} 折的整数次重复;此处有 {sent} 个。",
            ),
        )
    incumbent = names[0] if question.incumbent is None else question.incumbent
    if incumbent not in names:
        raise BadExperiment(
            "incumbent",
            Text(
                f"{shown(incumbent)} is none of the losses with scores.", f"{shown(incumbent)} 不在有得分的损失之中。"
            ),
        )
    values = np.array([judged.scores[name] for name in names])
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
    rows = question.rows or (judged.rows and judged.rows * question.folds // costs.shape[1])
    chosen = names[comparison.chosen]
    tied = [standing.name for standing in standings if standing.tied and standing.name != chosen]
    return ScoresVerdict(
        chosen=chosen,
        incumbent=incumbent,
        replaces_incumbent=chosen != incumbent,
        better=comparison.better,
        tied_with=tied,
        summary=in_language(_summary(chosen, incumbent, tied, judged.metric, better=comparison.better), language),
        metric=judged.metric,
        rows_judged=judged.rows_judged,
        warnings=[in_language(text, language) for text in _warnings(question, judged)],
        lead=comparison.lead if np.isfinite(comparison.lead) else None,
        rows_to_decide=None if rows is None else rows_to_decide(comparison, rows, costs.shape[1]),
        standings=standings,
    )


def _fold_scores(question: ScoresQuestion) -> FoldScores:
    """Return the scores, computed from predictions where those were sent.

    Raises: UnknownMetric, BadExperiment.
    """
    if question.scores is not None:
        read_metric(question.metric)
        return FoldScores(question.metric, question.scores)
    return judged_scores(
        question.metric,
        question.predictions or {},
        question.targets or [],
        outliers=question.outliers,
        queries=question.queries,
        quantile=question.quantile,
        false_negative_cost=question.false_negative_cost,
    )


def _warnings(question: ScoresQuestion, judged: FoldScores) -> list[Text]:
    """Return warnings that the metric is too noisy to choose by, or was replaced by a proper score."""
    metric = METRICS[question.metric]
    if metric.chosen_by is None:
        return [without_an_order(judged.queries_left_out)] if judged.queries_left_out else []
    proper = METRICS[metric.chosen_by].title
    if judged.metric != question.metric:
        return [
            Text(
                f"{metric.title.en} is no good to choose a loss by: {proper.en} chose.",
                f"{metric.title.zh}不宜用于选择损失:由{proper.zh}选择。",
            )
        ]
    return [
        Text(
            f"Choosing by {metric.title.en} did harm where it was tried: send {metric.chosen_by}, or predictions.",
            f"直接用{metric.title.zh}选择损失在实测中有害:请发送 {metric.chosen_by} 的得分,或发送预测值。",
        )
    ]


def _interval(value: float, half: float) -> tuple[float, float] | None:
    """Return an interval around a value; None where it is not finite."""
    return (value - half, value + half) if np.isfinite(half) else None


def _summary(chosen: str, incumbent: str, tied: list[str], metric: str, *, better: bool) -> Text:
    """Return the verdict as a sentence."""
    ties = (
        Text("", "")
        if not tied
        else Text(f"; {', '.join(tied)} cannot be told from it", f";与 {', '.join(tied)} 无法区分")
    )
    by = METRICS[metric].title
    if chosen == incumbent:
        return Text(f"By {by.en}, keep {chosen}{ties.en}.", f"按{by.zh},保留 {chosen}{ties.zh}。")
    sure = Text("beyond doubt", "差异显著") if better else Text("though not beyond doubt", "但差异不显著")
    return Text(
        f"By {by.en}, take {chosen} rather than {incumbent}: better {sure.en}{ties.en}.",
        f"按{by.zh},用 {chosen} 代替 {incumbent}:更优,{sure.zh}{ties.zh}。",
    )
