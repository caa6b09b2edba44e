"""The configuration of the jobs library (DBOS), shared by the worker and the service."""

import logging
import os
from pathlib import Path
from typing import Any, Literal

from service.settings import Settings

QUEUE, EVENTS = "experiments", "events"
IdPrefix = Literal["ex", "ev"]  # of a job: what its id begins with
WORKFLOWS: dict[IdPrefix, str] = {"ex": "experiment", "ev": "evaluation"}
APPLICATION = "lossary"
# Workers take turns under a lease, so that each is the same executor to the library: what one left, the next takes up.
EXECUTOR = "lossary-worker"
STEPS_VERSION = "2"  # of the steps of a job; one that was begun under another version begins anew


def kind_of(identifier: str) -> IdPrefix:
    """Return the kind of job that an id belongs to."""
    return "ev" if identifier.startswith("ev_") else "ex"


def url_of(settings: Settings) -> str:
    """Return the URL of the database with the table of jobs."""
    return settings.database_url or f"sqlite:///{settings.data / 'lossary.sqlite'}"


def system_url_of(settings: Settings) -> str:
    """Return the URL of the database with the library's own tables."""
    return settings.database_url or f"sqlite:///{settings.data / 'jobs.sqlite'}"


def client(settings: Settings) -> Any:  # noqa: ANN401 - the library is imported with the first job
    """Return a client of the jobs library, whose tables are created if needed. Rows are JSON; nothing is unpickled."""
    from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer  # noqa: PLC0415 - 0.2 s and 25 MB

    logging.getLogger("dbos").setLevel(logging.WARNING)  # it says at each start that SQLite is for small services
    DBOS.migrate(system_url_of(settings))
    return DBOSClient(
        system_database_url=system_url_of(settings),
        serializer=DBOSPortableJSONSerializer(),
        application_name=APPLICATION,
    )


def holder_of(pid: int) -> str:
    """Return the name of a worker process in the lease, without the suffix that distinguishes restarts."""
    return f"{os.uname().nodename}/{pid}"


def artefacts_of(settings: Settings, identifier: str) -> Path:
    """Return the folder of the intermediate files of one job."""
    return settings.data / "experiments" / identifier
