"""What the steps of all kinds of jobs share: reading the question, noticing cancellation, recording failure."""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from losses.errors import Refusal
from losses.text import in_language
from service.datasets.full_disk import is_full
from service.jobs import library
from service.jobs.table import ENDED, JobRow, JobTable
from service.request_record import preferred_language
from service.settings import Settings

log = logging.getLogger("lossary")
LOOK_S = 1.0  # between two looks at whether a job was cancelled


class Cancelled(Exception):  # noqa: N818 - somebody asked for it
    """The job was cancelled while it was running."""


class Steps:
    """The steps of one kind of job. Each can be repeated."""

    def __init__(self, settings: Settings, table: JobTable) -> None:
        self._settings, self._table = settings, table

    def row(self, identifier: str) -> JobRow:
        """Return the row of the job.

        Raises: Cancelled where the job was deleted or has ended.
        """
        row = self._table.get(identifier)
        if row is None or row.status in ENDED:
            raise Cancelled
        return row

    def succeed(self, identifier: str, result: dict[str, Any], total: int) -> None:
        """Store the result of a job, and delete its intermediate files."""
        ended = self._table.clock()
        self._table.update(identifier, status="succeeded", found=result, done=total, total=total, ended=ended)
        shutil.rmtree(library.artefacts_of(self._settings, identifier), ignore_errors=True)

    def fail(self, identifier: str, error: Exception) -> None:
        """Store why a job failed."""
        row = self._table.get(identifier)
        if isinstance(error, Refusal):
            language = preferred_language(row.language if row else "")
            title, detail = (in_language(text, language) for text in (error.title, error.text))
            problem = {"title": title, "detail": detail, **error.facts}
        else:
            log.error("job crashed", exc_info=error, extra={"facts": {"job": identifier}})
            problem = {"title": "Internal error", "detail": "This is our fault; the log has the details."}
        self._table.update(identifier, status="failed", problem=problem, ended=self._table.clock())
        shutil.rmtree(library.artefacts_of(self._settings, identifier), ignore_errors=True)

    def alive(self, identifier: str) -> Callable[[], None]:
        """Return a function that raises Cancelled once the job is cancelled; it asks the database once a second."""
        looked = time.monotonic()

        def alive() -> None:
            """Raise Cancelled where the job is cancelled."""
            nonlocal looked
            if time.monotonic() - looked > LOOK_S:
                looked = time.monotonic()
                self.row(identifier)

        return alive


@contextmanager
def ending(steps: Steps, identifier: str) -> Iterator[None]:
    """Record the end of a job where the block raises, and close its events.

    Raises: errors of a full disk, after which the process should be restarted.
    """
    from dbos import DBOS  # noqa: PLC0415 - 0.2 s and 25 MB

    try:
        yield
    except Cancelled:
        DBOS.write_stream(library.EVENTS, {"event": "cancelled"})
    except Exception as error:
        with ending_where_full():
            if is_full(error):
                raise  # of the library, as it wrote down that a step had ended
            steps.fail(identifier, error)
        DBOS.write_stream(library.EVENTS, {"event": "failed"})
    DBOS.close_stream(library.EVENTS)


@contextmanager
def ending_where_full() -> Iterator[None]:
    """End this process where the disk is full: it is restarted with growing delays, and repeats the step."""
    try:
        yield
    except Exception as error:
        if is_full(error):
            log.error("disk full", extra={"facts": {"pid": os.getpid()}})  # noqa: TRY400 - where does not matter
            os._exit(1)
        raise
