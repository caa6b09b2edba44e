"""Waiting for the end of a job, and following its events."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Annotated

from anyio import sleep, to_thread
from fastapi import Depends, Header, Query, Request, params
from fastapi.sse import ServerSentEvent

from service.dependencies import JobsInForce
from service.jobs.jobs import Jobs
from service.jobs.library import IdPrefix
from service.problems import UnknownEvaluation, UnknownExperiment
from service.request_record import current

if TYPE_CHECKING:
    from service.jobs.table import JobRow

LONGEST_WAIT = 30.0  # s
LOOK_S = 0.25  # between two looks at whether a job that is waited for has ended
EVENT_S, SILENT = 2.0, 7  # for which one look at the events waits, and after how many a comment keeps the line open
Wait = Annotated[float, Query(ge=0, le=LONGEST_WAIT, description="Seconds to wait for its end.")]
LastEvent = Annotated[str | None, Header(alias="Last-Event-ID", max_length=20)]


async def awaited(jobs: Jobs, kind: IdPrefix, identifier: str, wait_s: float) -> "JobRow":
    """Return a job of the caller's key once it has ended, or after `wait_s` seconds.

    Raises: UnknownExperiment, UnknownEvaluation.
    """
    owner, left = current().key or "", wait_s
    row = await to_thread.run_sync(jobs.get, kind, identifier, owner)
    while left > 0 and row.status in ("queued", "running"):
        await sleep(LOOK_S)
        left -= LOOK_S
        row = await to_thread.run_sync(jobs.get, kind, identifier, owner)
    return row


def is_there(kind: IdPrefix) -> params.Depends:
    """Return a dependency that refuses an unknown job before a stream of events starts.

    Once it has started, no status can be sent.

    Raises: UnknownExperiment, UnknownEvaluation.
    """

    async def look(http: Request, jobs: JobsInForce) -> None:
        """Refuse an unknown job."""
        (identifier,) = http.path_params.values()
        await to_thread.run_sync(jobs.get, kind, identifier, current().key or "")

    dependency: params.Depends = Depends(look)
    return dependency


async def events_of(jobs: Jobs, kind: IdPrefix, identifier: str, last: str | None) -> AsyncIterator[ServerSentEvent]:
    """Yield the events of a job of the caller's key after the event `last`, until it has ended or was deleted.

    `is_there` has checked that the job exists.
    """
    owner = current().key or ""
    place = int(last) + 1 if last and last.isdigit() else 0
    silent = 0
    while True:
        event = await to_thread.run_sync(jobs.event, identifier, place, EVENT_S)
        if event is not None:
            yield ServerSentEvent(id=str(place), event=event.pop("event"), data=event)
            place, silent = place + 1, 0
            continue
        try:
            row = await to_thread.run_sync(jobs.get, kind, identifier, owner)
        except (UnknownExperiment, UnknownEvaluation):  # it was deleted meanwhile
            return
        if row.status in ("succeeded", "failed", "cancelled"):
            return
        silent += 1
        if silent % SILENT == 0:
            yield ServerSentEvent(comment="still there")
