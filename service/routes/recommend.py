"""POST /v1/recommend: recommend a loss for a task and data. GET /v1/rules: the rules."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict

from recommender.errors import BadThreshold, NoTask, UnknownMetric, UnknownScenario, UnknownTask, UnknownThreshold
from recommender.profile import Goal, Profile
from recommender.recommendation import recommend as engine
from recommender.recommendation.answer import Recommendation
from recommender.rules.export import export_rules
from recommender.rules.table import RulebookName
from recommender.tasks import Task
from service.dependencies import SettingsInForce, ThresholdsInForce
from service.pipeline.properties import properties
from service.problems import BadEnvelope, BadRequest, TooLarge, UnsupportedFormat, responses, validated
from service.routes.fields.brief import BriefQuery, brief_response
from service.routes.fields.language import Spoken
from service.routes.fields.parameters import KNOWN_PARAMETERS
from service.routes.fields.question_fields import Rulebook, ScenarioName, TaskName, Thresholds
from service.uploads.bodies.body import body_of
from service.uploads.json_bodies.text import parsed
from service.uploads.media_type import JSON, require
from service.uploads.openapi import body_of_json

router = APIRouter(prefix="/v1", tags=["recommend"], dependencies=KNOWN_PARAMETERS)
LONGEST_QUESTION = 64 << 10  # bytes; a profile with every fact measured takes about two thousand


class RecommendRequest(BaseModel):
    """A task or one of the article's scenarios, and what is known of the data; only one of the two is needed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    task: TaskName = None
    scenario: ScenarioName = None
    profile: Profile = Profile()
    goal: Goal = Goal()
    rulebook: Rulebook = None
    thresholds: Thresholds = {}


EXAMPLES: dict[str, dict[str, Any]] = {
    "regression with outliers": {
        "task": "regression",
        "profile": {"outlier_rate": 0.08, "n": 5000, "residual_scale": 2.1},
        "goal": {"functional": "mean"},
        "rulebook": "article",
    },
    "imbalanced classes": {"task": "binary", "profile": {"class_imbalance": 40, "n": 20000}},
    "tumours": {"scenario": "tumour_segmentation", "profile": {"mask_sparsity": 0.99}},
}


async def question(request: Request) -> RecommendRequest:
    """Return the body as a request.

    Raises: UnsupportedFormat, TooLarge, BadEnvelope, BadRequest.
    """
    require(request, JSON)
    return validated(RecommendRequest, parsed(await body_of(request).read(LONGEST_QUESTION, None)))


@router.post(
    "/recommend",
    name="recommend",
    summary="Recommend a loss",
    response_model=Recommendation,
    responses=responses(
        BadEnvelope,
        TooLarge,
        UnsupportedFormat,
        BadRequest,
        NoTask,
        UnknownTask,
        UnknownScenario,
        UnknownMetric,
        UnknownThreshold,
        BadThreshold,
    ),
    openapi_extra=body_of_json(RecommendRequest, EXAMPLES),
)
@properties("recommend", etag=True)
async def recommend_loss(
    request: Annotated[RecommendRequest, Depends(question)],
    thresholds: ThresholdsInForce,
    settings: SettingsInForce,
    language: Spoken,
    response: Response,
    brief: BriefQuery = False,  # noqa: FBT002 - as FastAPI has it
) -> Recommendation | Response:
    """Recommend a loss by the article's rules, with its working: what fired, what nearly did, what would change it.

    `recommended.objective` can be pasted into `/v1/evaluate`, and the profile that `/v1/profile` returns into this.
    """
    answer = engine.recommend(
        request.task,
        request.scenario,
        request.profile,
        request.goal,
        rulebook=request.rulebook or settings.rulebook,
        thresholds={**thresholds, **request.thresholds},
        language=language,
    )
    return brief_response(answer, response) if brief else answer


@router.get(
    "/rules", summary="List the rules and the thresholds in force", responses=responses(BadRequest, UnknownTask)
)
@properties("any key", etag=True)
async def rules(
    thresholds: ThresholdsInForce,
    task: Annotated[
        str | None,
        Query(max_length=100, description="Only rows for this task.", json_schema_extra={"enum": list(Task)}),
    ] = None,
    rulebook: Annotated[RulebookName | None, Query(description="Only rows of this book.")] = None,
) -> dict[str, Any]:
    """Show every row of the rule table in both languages, and every threshold with its source."""
    return export_rules(thresholds, task, rulebook)
