"""/v1/experiments: which loss is best on these data? Trained, judged, and answered with how sure that is."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.openapi.models import Example
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel, Field

from recommender.errors import BadExperiment, UnknownMetric
from recommender.experiment.judging.own_scores import ScoresQuestion, ScoresVerdict, verdict_of_scores
from recommender.experiment.judging.page import report_page
from recommender.experiment.judging.plots import differences_plot
from recommender.experiment.judging.report import (
    ExperimentReport,
    ExtremeRow,
    LearningCurve,
    Standing,
    Verdict,
    Versions,
)
from recommender.experiment.question import ExperimentQuestion
from service.datasets.store import identifier
from service.dependencies import JobsInForce, SettingsInForce
from service.pipeline.properties import properties
from service.problems import (
    BadEnvelope,
    BadRequest,
    IdempotencyKeyReused,
    InsufficientStorage,
    NoReportYet,
    TooLarge,
    TooManyExperiments,
    UnknownDataset,
    UnknownExperiment,
    UnsupportedFormat,
    responses,
    validated,
)
from service.request_record import current
from service.routes.datasets import TABLE
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
from service.scheduling import beside_the_loop
from service.uploads.body import body_of
from service.uploads.formats import ndjson
from service.uploads.json_text import parsed
from service.uploads.media_type import JSON, require
from service.uploads.openapi import body_of_json

if TYPE_CHECKING:
    from service.jobs.table import JobRow

router = APIRouter(prefix="/v1/experiments", tags=["experiments"], dependencies=KNOWN_PARAMETERS)
LONGEST_QUESTION = 256 << 10  # bytes; 2,000 columns by name
LONGEST_SCORES = 16 << 20  # bytes; ten losses on 80,000 rows
HTML, SVG, TEXT = "text/html", "image/svg+xml", {"type": "string"}
EXAMPLE = {
    "dataset": identifier(ndjson.MEDIA, ndjson.text_of(TABLE)),
    "target": "price",
    "goal": {"metric": "mae", "outliers": "unknown"},
    "candidates": "auto",
    "models": ["linear"],
    "folds": 5,
    "repeats": 1,
}
EXAMPLES: dict[str, Example] = {"an experiment": {"value": "ex_00000000000000000000000000000000"}}
Identifier = Annotated[str, Path(description="As POST /v1/experiments answered it.", openapi_examples=EXAMPLES)]


class ExperimentRequest(ExperimentQuestion):
    """Which losses to compare, on which dataset, and what for."""

    dataset: Annotated[str, Field(max_length=100, description="The id of a dataset, from POST /v1/datasets.")]


class Links(BaseModel):
    """Where the rest is."""

    self: str
    events: str
    cancel: str
    report: str


class ExperimentState(BaseModel):
    """An experiment: how far it is, and what it found so far."""

    id: str
    status: Annotated[str, Field(description="queued, running, succeeded, failed or cancelled.")]
    created: datetime
    expires: datetime
    progress: Progress
    links: Links
    question: Annotated[dict[str, Any], Field(description="As it was asked, defaults filled in.")]
    task: str | None = None
    metric: str | None = None
    metric_title: str | None = None
    larger_is_better: bool | None = None
    rows: int | None = None
    target: str | None = None
    standings: list[Standing] = []
    verdict: Verdict | None = None
    verdicts: list[Verdict] = []
    extreme_rows: list[ExtremeRow] = []
    curves: list[LearningCurve] = []
    warnings: list[str] = []
    snippets: dict[str, str | None] | None = None
    versions: Versions | None = None
    problem: Annotated[dict[str, Any] | None, Field(description="Why it failed.")] = None


class ExperimentList(BaseModel):
    """Experiments of the key that asks, the newest first."""

    experiments: list[ExperimentState]
    next: Annotated[float | None, Field(description="To be sent as `before` for the next page; null at the end.")] = (
        None
    )


async def question(request: Request) -> ExperimentRequest:
    """Return the body as a question.

    Raises: UnsupportedFormat, TooLarge, BadEnvelope, BadRequest.
    """
    require(request, JSON)
    return validated(ExperimentRequest, parsed(await body_of(request).read(LONGEST_QUESTION, None)))


ExperimentBody = Annotated[ExperimentRequest, Depends(question)]


@router.post(
    "",
    name="create_experiment",
    summary="Compare losses on a dataset",
    status_code=202,
    response_model_exclude_none=True,
    openapi_extra=body_of_json(ExperimentRequest, {"mean absolute error": EXAMPLE}),
    responses=responses(
        BadEnvelope,
        BadRequest,
        TooLarge,
        UnsupportedFormat,
        UnknownDataset,
        UnknownMetric,
        BadExperiment,
        IdempotencyKeyReused,
        TooManyExperiments,
        InsufficientStorage,
    ),
)
@properties("experiment")
async def create_experiment(
    experiment: ExperimentBody,
    response: Response,
    jobs: JobsInForce,
    settings: SettingsInForce,
    language: Spoken,
    key: IdempotencyKey = None,
) -> ExperimentState:
    """Train every candidate loss on a dataset and say which is best by the metric of the goal, and how sure that is.

    The answer is 202 with the place to look at; what cannot be run is refused here, before anything is trained.
    """
    body = experiment.model_dump(mode="json")
    row, _ = await jobs.create(body, current().key or "", key, language)
    response.headers["Location"] = f"{settings.root_path}/v1/experiments/{row.id}"
    response.headers["Retry-After"] = str(RETRY_S)
    return _shown(row, settings.root_path)


SCORES = {
    "metric": "mae",
    "folds": 5,
    "scores": {"mse": [2.1, 2.3, 2.0, 2.4, 2.2], "huber": [1.9, 2.0, 1.8, 2.2, 1.9], "mae": [1.9, 2.1, 1.8, 2.1, 1.9]},
}


async def scores(request: Request) -> ScoresQuestion:
    """Return the body as scores.

    Raises: UnsupportedFormat, TooLarge, BadEnvelope, BadRequest.
    """
    require(request, JSON)
    text = await body_of(request).read(LONGEST_SCORES, None)
    return await beside_the_loop(lambda: validated(ScoresQuestion, parsed(text)), len(text))


@router.post(
    "/verdict",
    name="verdict",
    summary="Which of my own runs is best?",
    openapi_extra=body_of_json(ScoresQuestion, {"three losses, five folds": SCORES}),
    responses=responses(BadEnvelope, BadRequest, TooLarge, UnsupportedFormat, UnknownMetric, BadExperiment),
)
@properties("experiment")
async def judge_scores(judged: Annotated[ScoresQuestion, Depends(scores)], language: Spoken) -> ScoresVerdict:
    """Judge what your own training loop scored or predicted: which loss, what ties with it, and how sure that is.

    Nothing is kept. The tests are those of an experiment: the corrected resampled t with Holm's correction, over folds
    that share most of their training rows.
    """
    return await to_thread.run_sync(verdict_of_scores, judged, language)


@router.get("", name="list_experiments", summary="Which experiments are there?", response_model_exclude_none=True)
@properties("experiment")
async def list_experiments(
    jobs: JobsInForce,
    settings: SettingsInForce,
    status: Annotated[str | None, Query(description="Those of one status alone.", max_length=20)] = None,
    limit: Annotated[int, Query(ge=1, le=100, description="The most that are listed.")] = 20,
    before: Annotated[float | None, Query(description="`next` of the page before.")] = None,
) -> ExperimentList:
    """List the experiments of the key that asks, the newest first, without what they found."""
    rows = await to_thread.run_sync(jobs.listed, "ex", current().key or "", before, limit, status)
    shown = [_shown(row, settings.root_path, whole=False) for row in rows]
    return ExperimentList(experiments=shown, next=rows[-1].created if len(rows) == limit else None)


@router.get(
    "/{experiment_id}",
    name="get_experiment",
    summary="How far is an experiment, and what did it find?",
    response_model_exclude_none=True,
    responses=responses(UnknownExperiment),
)
@properties("experiment", etag=True)
async def get_experiment(
    experiment_id: Identifier,
    jobs: JobsInForce,
    settings: SettingsInForce,
    wait: Wait = 0,
) -> ExperimentState:
    """Return an experiment with its progress, the standings so far, and the verdict once it has ended."""
    return _shown(await awaited(jobs, "ex", experiment_id, wait), settings.root_path)


@router.get(
    "/{experiment_id}/events",
    name="experiment_events",
    summary="Follow an experiment",
    response_class=EventSourceResponse,
    responses=responses(UnknownExperiment),
    dependencies=[is_there("ex")],
)
@properties("experiment")
async def experiment_events(
    experiment_id: Identifier,
    jobs: JobsInForce,
    last_event_id: LastEvent = None,
) -> AsyncIterator[ServerSentEvent]:
    """Send what happens as server-sent events: progress with the standings, then the verdict, or how it ended.

    A client that comes back with `Last-Event-ID` gets what came after that.
    """
    async for event in events_of(jobs, "ex", experiment_id, last_event_id):
        yield event


@router.get(
    "/{experiment_id}/report",
    name="experiment_report",
    summary="The report of an experiment, for people",
    response_class=Response,
    responses=responses(UnknownExperiment, NoReportYet)
    | {200: {"description": "A page, or a picture.", "content": {HTML: {"schema": TEXT}, SVG: {"schema": TEXT}}}},
)
@properties("experiment", page=True)
async def experiment_report(
    experiment_id: Identifier,
    jobs: JobsInForce,
    language: Spoken,
    format: Annotated[Literal["html", "svg"], Query(description="A page, or its first picture.")] = "html",  # noqa: A002 - its name on the wire
) -> Response:
    """Return what an experiment found as one page of HTML that needs nothing else, or the standings as SVG."""
    row = await to_thread.run_sync(jobs.get, "ex", experiment_id, current().key or "")
    if row.found is None or "verdict" not in row.found:
        raise NoReportYet(row.status)
    report = ExperimentReport(**row.found)
    if format == "svg":
        return Response(differences_plot(report, report.verdict.model, language), media_type=SVG)
    return Response(report_page(report, language), media_type=HTML)


@router.post(
    "/{experiment_id}/cancel",
    name="cancel_experiment",
    summary="End an experiment",
    status_code=202,
    response_model_exclude_none=True,
    responses=responses(UnknownExperiment),
)
@properties("experiment")
async def cancel_experiment(experiment_id: Identifier, jobs: JobsInForce, settings: SettingsInForce) -> ExperimentState:
    """End an experiment within a second or two; one that has ended stays as it is."""
    row = await to_thread.run_sync(jobs.cancel, "ex", experiment_id, current().key or "")
    return _shown(row, settings.root_path)


@router.delete(
    "/{experiment_id}",
    name="delete_experiment",
    summary="Delete an experiment",
    status_code=204,
    responses=responses(UnknownExperiment),
)
@properties("experiment")
async def delete_experiment(experiment_id: Identifier, jobs: JobsInForce) -> None:
    """Delete an experiment and all that it found; one that runs ends."""
    await to_thread.run_sync(jobs.remove, "ex", experiment_id, current().key or "")


def _shown(row: "JobRow", root: str, *, whole: bool = True) -> ExperimentState:
    """Return an experiment as it is answered; `whole`: with what it found."""
    place = f"{root}/v1/experiments/{row.id}"
    return ExperimentState(
        id=row.id,
        status=row.status,
        created=datetime.fromtimestamp(row.created, UTC),
        expires=datetime.fromtimestamp(row.expires, UTC),
        progress=progress_of(row),
        links=Links(self=place, events=f"{place}/events", cancel=f"{place}/cancel", report=f"{place}/report"),
        question=row.question,
        problem=row.problem,
        **((row.found or {}) if whole else {}),
    )
