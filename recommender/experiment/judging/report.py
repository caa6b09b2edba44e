"""The fields of an experiment's report: standings and a verdict for each kind of model."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from recommender.experiment.proposals import CandidateOrigin
from recommender.experiment.question import ModelName


class _Part(BaseModel):
    """A part of a report; extra fields are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Standing(_Part):
    """The result of one candidate with one kind of model."""

    objective: str = Field(
        description="Parameters that rules compute are shown as all rows give them; each fold had those of its own "
        "training rows."
    )
    model: ModelName
    origins: list[CandidateOrigin] = Field(description="Why it takes part.")
    value: float | None = Field(description="The metric over all folds; null where training diverged.")
    interval: tuple[float, float] | None = Field(description="95 %, with the correction for folds that share rows.")
    regret: float | None = Field(
        description="How much worse than the best of its model: a share of the best, or points of a score."
    )
    difference: float | None = Field(
        default=None,
        description="To the chosen one by the metric that chose, positive where worse: a share, or points.",
    )
    difference_interval: tuple[float, float] | None = Field(
        default=None, description="95 %, with the same correction; null for the chosen one."
    )
    probability_best: float = Field(description="How probable it is the best, under a correlated t distribution.")
    tied: bool = Field(description="Whether it cannot be told from the chosen one, or is within 1 % of it.")
    p_worse: float | None = Field(
        description="Holm's corrected p of its difference to the chosen one; null for that one and for what diverged."
    )
    learning_rate: float | None
    epochs: float | None = Field(description="When training stopped, by the criterion and never by its own loss.")
    diverged: bool
    held_out: float | None = Field(
        default=None, description="The metric on the rows that the question holds out, predicted by all folds' models."
    )


class OtherVerdict(_Part):
    """What would be chosen under the other interpretation of outliers, errors or signal."""

    objective: str
    agrees: bool


class BookRegret(_Part):
    """The recommendation of a rule book, and its regret on these data."""

    objective: str
    regret: float | None = Field(description="Over the best candidate of the model; null where it did not take part.")


class ExtremeRow(_Part):
    """A row far from what the candidates predict for it: either a mistake or something to be learnt."""

    row: int = Field(description="Its place in the data, from 0.")
    target: float
    predicted: float = Field(description="The target less the median residual of the candidates.")
    sigmas: float


class Verdict(_Part):
    """The verdict for one kind of model. It does not apply to other kinds; run the experiment with yours."""

    model: ModelName
    objective: str
    incumbent: str = Field(description="What the rules recommend; it is kept unless another is better by t > 1.")
    replaces_incumbent: bool
    better: bool = Field(description="Whether it is better than the incumbent at Holm's 5 %; t > 1 alone is less.")
    tied_with: list[str]
    summary: str
    selection: str
    lead: float | None = Field(
        description="Over the incumbent, read on each fold of what the others of its repeat choose: a share, or points."
    )
    rows_to_decide: int | None = Field(
        description="Rows that would tell the nearest tie apart; null where there is none, or far too many."
    )
    if_outliers_are_signal: OtherVerdict | None = None
    if_outliers_are_errors: OtherVerdict | None = None
    books: dict[str, BookRegret]


class LearningCurve(_Part):
    """The metric of the choice during the training of one candidate, at its best learning rate."""

    objective: str
    model: ModelName
    epochs: list[float]
    values: list[float | None]


class Versions(_Part):
    """The versions of the software that made the report."""

    service: str
    rules_hash: str


class ExperimentReport(_Part):
    """The result of an experiment."""

    task: str
    metric: str
    metric_title: str
    larger_is_better: bool
    rows: int
    target: str
    difference_unit: Literal["relative", "absolute"] = Field(
        default="relative", description="Of `difference` and `difference_interval`: shares, or points of a score."
    )
    standings: list[Standing]
    verdict: Verdict = Field(description="Of the kind of model that did best.")
    verdicts: list[Verdict] = Field(description="One a kind of model.")
    extreme_rows: list[ExtremeRow]
    curves: list[LearningCurve]
    warnings: list[str]
    snippets: dict[Literal["pytorch", "keras", "optax"], str | None]
    versions: Versions
