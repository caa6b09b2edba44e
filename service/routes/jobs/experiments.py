"""/v1/experiments: which loss is best on these data? Trained, judged, and answered with how sure that is."""

from collections.abc import Sequence
from typing import Annotated, Literal

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Request, Response
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
from service.routes.fields.language import Spoken
from service.routes.fields.parameters import KNOWN_PARAMETERS
from service.routes.jobs.routes import IdempotencyKey, accepted, add_job_routes, path_id
from service.routes.jobs.state import JobKind, JobLinks, JobState, NextPage
from service.scheduling import beside_the_loop
from service.uploads.bodies.body import body_of
from service.uploads.formats import ndjson
from service.uploads.json_bodies.text import parsed
from service.uploads.media_type import JSON, require
from service.uploads.openapi import body_of_json

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


class ExperimentRequest(ExperimentQuestion):
    """Which losses to compare, on which dataset, and what for."""

    dataset: Annotated[str, Field(max_length=100, description="The id of a dataset, from POST /v1/datasets.")]


class ExperimentLinks(JobLinks):
    """Where the rest is."""

    report: str


class ExperimentState(JobState):
    """An experiment: how far it is, and what it found so far."""

    links: ExperimentLinks
    task: str | None = None
    metric: str | None = None
    metric_title: str | None = None
    larger_is_better: bool | None = None
    rows: int | None = None
    target: str | None = None
    standings: Sequence[Standing] = ()
    verdict: Verdict | None = None
    verdicts: Sequence[Verdict] = ()
    extreme_rows: Sequence[ExtremeRow] = ()
    curves: Sequence[LearningCurve] = ()
    warnings: Sequence[str] = ()
    snippets: dict[str, str | None] | None = None
    versions: Versions | None = None


class ExperimentList(BaseModel):
    """Experiments of the key that asks, the newest first."""

    experiments: list[ExperimentState]
    next: NextPage = None


KIND = JobKind("ex", "experiment", ExperimentState, ExperimentLinks, ExperimentList, list_results=False)


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
    summary="Start an experiment that compares losses on a dataset",
    status_code=202,
    response_model=ExperimentState,
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
) -> JobState:
    """Train every candidate loss on a dataset and say which is best by the metric of the goal, and how sure that is.

    The answer is 202 with the place to look at; what cannot be run is refused here, before anything is trained.
    """
    body = experiment.model_dump(mode="json")
    row, _ = await jobs.create(body, current().key or "", key, language)
    return accepted(KIND, row, response, settings.root_path)


add_job_routes(router, KIND, "experiment", UnknownExperiment)


@router.get(
    "/{experiment_id}/report",
    name="experiment_report",
    summary="Get the report of an experiment as a page or a picture",
    response_class=Response,
    responses=responses(UnknownExperiment, NoReportYet)
    | {200: {"description": "A page, or a picture.", "content": {HTML: {"schema": TEXT}, SVG: {"schema": TEXT}}}},
)
@properties("experiment", page=True)
async def experiment_report(
    experiment_id: Annotated[str, path_id(KIND)],
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
    summary="Compare losses by the scores of your own runs",
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
