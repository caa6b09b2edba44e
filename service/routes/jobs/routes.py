"""The routes that every kind of job has: list, get, follow, cancel and delete."""

from collections.abc import AsyncIterator
from http import HTTPStatus
from typing import TYPE_CHECKING, Annotated

from anyio import to_thread
from fastapi import APIRouter, Header, Path, Query, Response, params
from fastapi.openapi.models import Example
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

from service.dependencies import JobsInForce, SettingsInForce
from service.pipeline.properties import Permission, properties
from service.problems import responses
from service.problems.refusal import HttpRefusal
from service.request_record import current
from service.routes.jobs.following import LastEvent, Wait, awaited, events_of, is_there
from service.routes.jobs.state import JobKind, JobState

if TYPE_CHECKING:
    from service.jobs.table import JobRow

RETRY_S = 2
IdempotencyKey = Annotated[
    str | None,
    Header(alias="Idempotency-Key", max_length=200, description="The same key and body are one job."),
]
JobStatus = Annotated[str | None, Query(description="Those of one status alone.", max_length=20)]
Limit = Annotated[int, Query(ge=1, le=100, description="The most that are listed.")]
Before = Annotated[float | None, Query(description="`next` of the page before.")]


def accepted(kind: JobKind, row: "JobRow", response: Response, root: str) -> JobState:
    """Return the state of a new job; headers of the answer say where and when to ask for it."""
    response.headers["Location"] = f"{root}/v1/{kind.plural}/{row.id}"
    response.headers["Retry-After"] = str(RETRY_S)
    return kind.shown(row, root)


def path_id(kind: JobKind) -> params.Path:
    """Return the path parameter of a job's id."""
    examples: dict[str, Example] = {f"an {kind.name}": {"value": f"{kind.prefix}_00000000000000000000000000000000"}}
    answered = f"As POST /v1/{kind.plural} answered it."
    parameter: params.Path = Path(alias=f"{kind.name}_id", description=answered, openapi_examples=examples)
    return parameter


def add_job_routes(router: APIRouter, kind: JobKind, permission: Permission, unknown: type[HttpRefusal]) -> None:
    """Add the routes of one kind of job to a router.

    Args:
        router: The router of its path.
        kind: The kind of job.
        permission: The scope that a key needs.
        unknown: The refusal of an unknown id.
    """
    one = f"/{{{kind.name}_id}}"
    Identifier = Annotated[str, path_id(kind)]  # noqa: N806 - a type

    @router.get(
        "",
        name=f"list_{kind.plural}",
        summary=f"List {kind.plural}",
        description=f"List the {kind.plural} of the key that asks, the newest first"
        f"{'' if kind.list_results else ', without their results'}.",
        response_model=kind.listing,
        response_model_exclude_none=True,
    )
    @properties(permission)
    async def list_jobs(
        jobs: JobsInForce, settings: SettingsInForce, status: JobStatus = None, limit: Limit = 20, before: Before = None
    ) -> BaseModel:
        rows = await to_thread.run_sync(jobs.listed, kind.prefix, current().key or "", before, limit, status)
        return kind.listed(rows, settings.root_path, limit)

    @router.get(
        one,
        name=f"get_{kind.name}",
        summary=f"Get the progress and the results of an {kind.name}",
        description=f"Return an {kind.name} with its progress, and its results so far.",
        response_model=kind.state,
        response_model_exclude_none=True,
        responses=responses(unknown),
    )
    @properties(permission, etag=True)
    async def get_job(identifier: Identifier, jobs: JobsInForce, settings: SettingsInForce, wait: Wait = 0) -> JobState:
        return kind.shown(await awaited(jobs, kind.prefix, identifier, wait), settings.root_path)

    @router.get(
        f"{one}/events",
        name=f"{kind.name}_events",
        summary=f"Follow the events of an {kind.name}",
        description="Send what happens as server-sent events: progress with the results so far, then the results, or "
        "how it ended.\n\nA client that comes back with `Last-Event-ID` gets what came after that.",
        response_class=EventSourceResponse,
        responses=responses(unknown),
        dependencies=[is_there(kind.prefix)],
    )
    @properties(permission)
    async def job_events(
        identifier: Identifier, jobs: JobsInForce, last_event_id: LastEvent = None
    ) -> AsyncIterator[ServerSentEvent]:
        async for event in events_of(jobs, kind.prefix, identifier, last_event_id):
            yield event

    @router.post(
        f"{one}/cancel",
        name=f"cancel_{kind.name}",
        summary=f"Cancel an {kind.name}",
        description=f"End an {kind.name} within a second or two. One that had ended stays as it is, and the answer is "
        "200 with how it ended.",
        status_code=202,
        response_model=kind.state,
        response_model_exclude_none=True,
        responses=responses(unknown) | {200: {"description": "It had ended before.", "model": kind.state}},
    )
    @properties(permission)
    async def cancel_job(
        identifier: Identifier, response: Response, jobs: JobsInForce, settings: SettingsInForce
    ) -> JobState:
        row, ends = await to_thread.run_sync(jobs.cancel, kind.prefix, identifier, current().key or "")
        response.status_code = HTTPStatus.ACCEPTED if ends else HTTPStatus.OK
        return kind.shown(row, settings.root_path)

    @router.delete(
        one,
        name=f"delete_{kind.name}",
        summary=f"Delete an {kind.name}",
        description=f"Delete an {kind.name} and its results; one that runs ends.",
        status_code=204,
        responses=responses(unknown),
    )
    @properties(permission)
    async def delete_job(identifier: Identifier, jobs: JobsInForce) -> None:
        await to_thread.run_sync(jobs.remove, kind.prefix, identifier, current().key or "")
