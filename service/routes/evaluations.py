"""/v1/evaluations: what does each loss say of a dataset of any size? Computed file by file, in constant memory."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.openapi.models import Example
from fastapi.sse import EventSourceResponse, ServerSentEvent
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
from service.routes.job_requests import (
    RETRY_S,
    IdempotencyKey,
    LastEvent,
    Progress,
    Wait,
    awaited,
    events_of,
    is_there,
    progress_of,
)
from service.routes.language import Spoken
from service.routes.parameters import KNOWN_PARAMETERS
from service.uploads.body import body_of
from service.uploads.formats import ndjson
from service.uploads.json_text import parsed
from service.uploads.media_type import JSON, require
from service.uploads.openapi import body_of_json
from service.uploads.query import read_names

if TYPE_CHECKING:
    from service.jobs.table import JobRow

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
EXAMPLES: dict[str, Example] = {"an evaluation": {"value": "ev_00000000000000000000000000000000"}}
Identifier = Annotated[str, Path(description="As POST /v1/evaluations answered it.", openapi_examples=EXAMPLES)]


class EvaluationRequest(EvaluateRequest):
    """Which losses, on which dataset."""

    dataset: Annotated[str, Field(max_length=100, description="The id of a dataset, from POST /v1/datasets.")]
    roles: Annotated[
        str | None, Field(description="Which column is which: predictions:y_pred,targets:label.", max_length=100_000)
    ] = None


class EvaluationLinks(BaseModel):
    """Where the rest is."""

    self: str
    events: str
    cancel: str


class EvaluationState(BaseModel):
    """An evaluation: how far it is, and what each loss says once it has ended."""

    id: str
    status: Annotated[str, Field(description="queued, running, succeeded, failed or cancelled.")]
    created: datetime
    expires: datetime
    progress: Annotated[Progress, Field(description="Files that are evaluated.")]
    links: EvaluationLinks
    question: Annotated[dict[str, Any], Field(description="As it was asked, defaults filled in.")]
    results: Annotated[list[Result] | None, Field(description="In the order asked, as /v1/evaluate has them.")] = None
    items: int | None = None
    dtype: str | None = None
    problem: Annotated[dict[str, Any] | None, Field(description="Why it failed, and at which file.")] = None


class EvaluationList(BaseModel):
    """Evaluations of the key that asks, the newest first."""

    evaluations: list[EvaluationState]
    next: Annotated[float | None, Field(description="To be sent as `before` for the next page; null at the end.")] = (
        None
    )


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
    summary="Evaluate losses on a dataset of any size",
    status_code=202,
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
) -> EvaluationState:
    """Evaluate losses on a dataset, file by file in constant memory; the answer is 202 with the place to look at.

    What takes a second pass over the items is refused here: gradients, values per item, losses that compare items with
    one another. The standard error of a quotient such as dice is left out.
    """
    body = evaluation.model_dump(mode="json", exclude={"brief"})
    row, _ = await jobs.create_evaluation(body, current().key or "", key, language)
    response.headers["Location"] = f"{settings.root_path}/v1/evaluations/{row.id}"
    response.headers["Retry-After"] = str(RETRY_S)
    return _shown(row, settings.root_path)


@router.get("", name="list_evaluations", summary="Which evaluations are there?", response_model_exclude_none=True)
@properties("evaluate")
async def list_evaluations(
    jobs: JobsInForce,
    settings: SettingsInForce,
    status: Annotated[str | None, Query(description="Those of one status alone.", max_length=20)] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="The most that are listed.")] = 20,
    before: Annotated[float | None, Query(description="`next` of the page before.")] = None,
) -> EvaluationList:
    """List the evaluations of the key that asks, the newest first."""
    rows = await to_thread.run_sync(jobs.listed, "ev", current().key or "", before, limit, status)
    shown = [_shown(row, settings.root_path) for row in rows]
    return EvaluationList(evaluations=shown, next=rows[-1].created if len(rows) == limit else None)


@router.get(
    "/{evaluation_id}",
    name="get_evaluation",
    summary="How far is an evaluation, and what does each loss say?",
    response_model_exclude_none=True,
    responses=responses(UnknownEvaluation),
)
@properties("evaluate", etag=True)
async def get_evaluation(
    evaluation_id: Identifier, jobs: JobsInForce, settings: SettingsInForce, wait: Wait = 0
) -> EvaluationState:
    """Return an evaluation with its progress, and what each loss says once it has ended."""
    return _shown(await awaited(jobs, "ev", evaluation_id, wait), settings.root_path)


@router.get(
    "/{evaluation_id}/events",
    name="evaluation_events",
    summary="Follow an evaluation",
    response_class=EventSourceResponse,
    responses=responses(UnknownEvaluation),
    dependencies=[is_there("ev")],
)
@properties("evaluate")
async def evaluation_events(
    evaluation_id: Identifier, jobs: JobsInForce, last_event_id: LastEvent = None
) -> AsyncIterator[ServerSentEvent]:
    """Send what happens as server-sent events: progress in pieces of files and items, then the result, or how it ended.

    A client that comes back with `Last-Event-ID` gets what came after that.
    """
    async for event in events_of(jobs, "ev", evaluation_id, last_event_id):
        yield event


@router.post(
    "/{evaluation_id}/cancel",
    name="cancel_evaluation",
    summary="End an evaluation",
    status_code=202,
    response_model_exclude_none=True,
    responses=responses(UnknownEvaluation),
)
@properties("evaluate")
async def cancel_evaluation(evaluation_id: Identifier, jobs: JobsInForce, settings: SettingsInForce) -> EvaluationState:
    """End an evaluation within a second or two; one that has ended stays as it is."""
    row = await to_thread.run_sync(jobs.cancel, "ev", evaluation_id, current().key or "")
    return _shown(row, settings.root_path)


@router.delete(
    "/{evaluation_id}",
    name="delete_evaluation",
    summary="Delete an evaluation",
    status_code=204,
    responses=responses(UnknownEvaluation),
)
@properties("evaluate")
async def delete_evaluation(evaluation_id: Identifier, jobs: JobsInForce) -> None:
    """Delete an evaluation and what it found; one that runs ends."""
    await to_thread.run_sync(jobs.remove, "ev", evaluation_id, current().key or "")


def _shown(row: "JobRow", root: str) -> EvaluationState:
    """Return an evaluation as it is answered."""
    place = f"{root}/v1/evaluations/{row.id}"
    return EvaluationState(
        id=row.id,
        status=row.status,
        created=datetime.fromtimestamp(row.created, UTC),
        expires=datetime.fromtimestamp(row.expires, UTC),
        progress=progress_of(row),
        links=EvaluationLinks(self=place, events=f"{place}/events", cancel=f"{place}/cancel"),
        question=row.question,
        problem=row.problem,
        **(row.found or {}),
    )
