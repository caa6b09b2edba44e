"""/v1/evaluations: evaluate losses on a dataset of any size, file by file in constant memory."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field

from losses.errors import BadExpression, BadOption, BadParameter, UnknownLoss
from losses.evaluation.stream import Stream
from losses.text import Text
from service.datasets.store import identifier
from service.dependencies import JobsInForce, SettingsInForce
from service.pipeline.properties import properties
from service.problems import (
    AddressNotAllowed,
    BadEnvelope,
    BadRequest,
    IdempotencyKeyReused,
    InsufficientStorage,
    TooLarge,
    TooManyExperiments,
    UnknownDataset,
    UnknownEvaluation,
    UnsupportedFormat,
    responses,
    validated,
)
from service.request_record import current
from service.routes.datasets import TABLE
from service.routes.evaluate import EvaluateRequest
from service.routes.evaluation_schema import Result
from service.routes.fields.language import Spoken
from service.routes.fields.parameters import KNOWN_PARAMETERS
from service.routes.jobs.routes import IdempotencyKey, accepted, add_job_routes
from service.routes.jobs.state import JobKind, JobLinks, JobState, NextPage, Progress
from service.uploads.bodies.body import body_of
from service.uploads.formats import ndjson
from service.uploads.json_bodies.text import parsed
from service.uploads.media_type import JSON, require
from service.uploads.openapi import body_of_json
from service.uploads.query import read_names

router = APIRouter(prefix="/v1/evaluations", tags=["evaluations"], dependencies=KNOWN_PARAMETERS)
KEEP_IT = Text(
    "Name the dataset in POST /v1/evaluate, which keeps its items",
    "请在 POST /v1/evaluate 中指定该数据集,其各项会被保留",
)
LONGEST_QUESTION = 256 << 10  # bytes; 64 losses, and 2,000 columns by name
EXAMPLE = {
    "dataset": identifier(ndjson.MEDIA, ndjson.text_of(TABLE)),
    "loss": ["mse", "mae"],
    "roles": "predictions:size,targets:price",
}


class EvaluationRequest(EvaluateRequest):
    """Which losses, on which dataset."""

    dataset: Annotated[str, Field(max_length=100, description="The id of a dataset, from POST /v1/datasets.")]
    roles: Annotated[
        str | None, Field(description="Which column is which: predictions:y_pred,targets:label.", max_length=100_000)
    ] = None


class EvaluationState(JobState):
    """An evaluation: its progress, and the results once it has ended."""

    progress: Annotated[Progress, Field(description="Files that are evaluated.")]
    results: Annotated[list[Result] | None, Field(description="In the order asked, as /v1/evaluate has them.")] = None
    items: int | None = None
    dtype: str | None = None
    problem: Annotated[dict[str, Any] | None, Field(description="Why it failed, and at which file.")] = None


class EvaluationList(BaseModel):
    """Evaluations of the key that asks, the newest first."""

    evaluations: list[EvaluationState]
    next: NextPage = None


KIND = JobKind("ev", "evaluation", EvaluationState, JobLinks, EvaluationList)


async def question(request: Request) -> EvaluationRequest:
    """Return the body as a question.

    Raises: UnsupportedFormat, TooLarge, BadEnvelope, BadRequest, BadOption for what takes more than one pass, and what
    parsing an objective raises.
    """
    require(request, JSON)
    evaluation = validated(EvaluationRequest, parsed(await body_of(request).read(LONGEST_QUESTION, None)))
    if evaluation.roles:
        read_names(evaluation.roles)
    error_asked = "standard_error" in evaluation.options.model_fields_set
    for objective in evaluation.objectives:
        Stream(objective, evaluation.options.bound, error_asked=error_asked, way_out=KEEP_IT)
    return evaluation


EvaluationBody = Annotated[EvaluationRequest, Depends(question)]


@router.post(
    "",
    name="create_evaluation",
    summary="Start the evaluation of losses on a dataset of any size",
    status_code=202,
    response_model=EvaluationState,
    response_model_exclude_none=True,
    openapi_extra=body_of_json(EvaluationRequest, {"two losses": EXAMPLE}),
    responses=responses(
        BadEnvelope,
        BadRequest,
        TooLarge,
        UnsupportedFormat,
        UnknownLoss,
        BadExpression,
        BadParameter,
        BadOption,
        UnknownDataset,
        AddressNotAllowed,
        IdempotencyKeyReused,
        TooManyExperiments,
        InsufficientStorage,
    ),
)
@properties("evaluate")
async def create_evaluation(
    evaluation: EvaluationBody,
    response: Response,
    jobs: JobsInForce,
    settings: SettingsInForce,
    language: Spoken,
    key: IdempotencyKey = None,
) -> JobState:
    """Evaluate losses on a dataset, file by file in constant memory; the answer is 202 with the place to look at.

    What takes a second pass over the items is refused here: gradients, values per item, losses that compare items with
    one another. The standard error of a quotient such as dice is left out.
    """
    body = evaluation.model_dump(mode="json", exclude={"brief"})
    row, _ = await jobs.create_evaluation(body, current().key or "", key, language)
    return accepted(KIND, row, response, settings.root_path)


add_job_routes(router, KIND, "evaluate", UnknownEvaluation)
