"""How the jobs library (DBOS) is set up: the same for the worker that runs jobs and the service that asks for them."""

import logging
import os
from pathlib import Path
from typing import Any, Literal

from service.settings import Settings

QUEUE, EVENTS = "experiments", "events"
Kind = Literal["ex", "ev"]  # of a job: what its id begins with
WORKFLOWS: dict[Kind, str] = {"ex": "experiment", "ev": "evaluation"}
APPLICATION = "lossary"
# Workers take turns under a lease, so that each is the same executor to the library: what one left, the next takes up.
EXECUTOR = "lossary-worker"
STEPS_VERSION = "1"  # of the steps of a job; one that was begun under another version is not taken up


def kind_of(identifier: str) -> Kind:
    """Return which kind of job an id is of."""
    return "ev" if identifier.startswith("ev_") else "ex"


def url_of(settings: Settings) -> str:
    """Return the database of experiments."""
    return settings.database_url or f"sqlite:///{settings.data / 'lossary.sqlite'}"


def system_url_of(settings: Settings) -> str:
    """Return the database of the library's own tables: a file of its own, or the same PostgreSQL."""
    return settings.database_url or f"sqlite:///{settings.data / 'jobs.sqlite'}"


def client(settings: Settings) -> Any:  # noqa: ANN401 - the library is imported with the first job
    """Return what asks for jobs and reads their events, its tables made. Nothing is unpickled: rows are JSON."""
    from dbos import DBOS, DBOSClient, DBOSPortableJSONSerializer  # noqa: PLC0415 - 0.2 s and 25 MB

    logging.getLogger("dbos").setLevel(logging.WARNING)  # it says at each start that SQLite is for small services
    DBOS.migrate(system_url_of(settings))
    return DBOSClient(
        system_database_url=system_url_of(settings),
        serializer=DBOSPortableJSONSerializer(),
        application_name=APPLICATION,
    )


def holder_of(pid: int) -> str:
    """Return the name of a worker as the holder of the lease, up to what tells processes of one number apart."""
    return f"{os.uname().nodename}/{pid}"


def artefacts_of(settings: Settings, identifier: str) -> Path:
    """Return the folder of what the steps of one job leave for the next."""
    return settings.data / "experiments" / identifier
