"""The fields of POST /v1/advise besides the arrays, and of its answer."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StrictInt

from recommender.experiment.judging.report import ExperimentReport
from recommender.measure.details import Detail
from recommender.notices import Notice
from recommender.profile import Goal, Profile
from recommender.recommendation.answer import Ask, Recommendation
from recommender.tasks import Task
from service.routes.advise.rivals import Evaluated
from service.routes.fields.brief import Brief
from service.routes.fields.question_fields import Rulebook, ScenarioName, TaskName, Thresholds
from service.routes.jobs.quick_experiment import Asked
from service.uploads.openapi import ASSUMED, DatasetParameter


class AdviseRequest(BaseModel):
    """The fields besides the tensors.

    Without task and scenario, the task is inferred from the targets, with a warning.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    dataset: DatasetParameter = None
    task: TaskName = None
    scenario: ScenarioName = None
    goal: Goal = Goal()
    rulebook: Rulebook = None
    thresholds: Thresholds = {}
    profile: Annotated[Profile, Field(description="Facts that complete the measured ones, or replace them.")] = (
        Profile()
    )
    features: Annotated[
        StrictInt | None,
        Field(
            ge=1,
            description="An array (n, p) is what targets are predicted from by experiment=quick. A whole number is how "
            "many parameters the model effectively fits; say that as profile.features.",
        ),
    ] = None
    experiment: Annotated[
        Asked | None,
        Field(description="quick: compare the losses on the dataset too, by a linear model, within a second or two."),
    ] = None
    target: Annotated[
        str | None,
        Field(description="The column of the dataset to be predicted; the others are predicted from.", max_length=500),
    ] = None
    query: Annotated[
        str | None,
        Field(
            description="Of ranking: the column of the dataset that says which list a row belongs to. Without a "
            "dataset, lists are features (lists, length, p) and targets (lists, length).",
            max_length=500,
        ),
    ] = None
    ignore_index: Annotated[
        StrictInt | None,
        Field(
            description="A label that does not count. Left out, 255, 254 and 65535 do not where other labels are far "
            "below, and labels below 0 do not; a warning says so."
        ),
    ] = None
    brief: Brief = False


class MeasuredAnswer(BaseModel):
    """The measured facts, completed and overridden by those stated: ready for POST /v1/recommend."""

    task: Task
    profile: Profile
    warnings: list[Notice]
    details: dict[str, Detail] = {}


class Advice(BaseModel):
    """The facts of the data, the recommended loss, and its evaluation beside its rivals on the predictions sent."""

    summary: Annotated[str, Field(description="That of the recommendation.")]
    ask: Annotated[Ask | None, Field(description="That of the recommendation.")]
    measured: MeasuredAnswer
    recommendation: Annotated[
        Recommendation, Field(description="As from POST /v1/recommend, without the warnings that `measured` has.")
    ]
    evaluations: list[Evaluated]
    experiment: Annotated[
        ExperimentReport | None, Field(description="What a linear model found, where that was asked for.")
    ] = None
    timing_ms: dict[str, float]
    assumed: Annotated[dict[str, Any] | None, Field(description=ASSUMED)] = None
    version: str


EXAMPLES: dict[str, dict[str, Any]] = {
    "regression with one outlier": {
        "task": "regression",
        "targets": [2.1, 3.9, 6.2, 7.8, 10.1, 40.0],
        "predictions": [2.0, 4.0, 6.0, 8.0, 10.0, 12.0],
        "brief": True,
    },
    "a rare class, and misses that cost ten false alarms": {
        "task": "binary",
        "targets": [0, 0, 0, 0, 0, 0, 0, 0, 0, 1],
        "predictions": [-2.1, -3.0, -0.4, -1.7, -2.2, 0.3, -1.1, -2.8, -1.9, 0.9],
        "goal": {"false_negative_cost": 10.0},
    },
}
