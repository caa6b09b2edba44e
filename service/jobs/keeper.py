"""Keeps the worker process running from the first job until the service ends."""

import json
import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from service.jobs import library
from service.settings import Settings

if TYPE_CHECKING:
    from service.jobs.table import JobTable

log = logging.getLogger("lossary")
LOOK_S = 0.5  # between two looks at whether the worker lives
SLOWEST_S = 30.0  # between two attempts to start it
WATCH_S = 5.0  # between two looks at whether another replica left experiments behind


class Keeper:
    """Starts the worker process on demand, restarts it where it dies, and ends it with the service."""

    def __init__(self, settings: Settings, table: "Callable[[], JobTable]") -> None:
        self._settings, self._table = settings, table
        self._threads: dict[str, threading.Thread] = {}
        self._lock, self._closing = threading.Lock(), threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Keep the worker running from now on, until `close`."""
        self._run_once("keep", self._keep)

    def watch(self) -> None:
        """Start the worker once jobs wait and no other replica's worker is alive."""
        self._run_once("watch", self._watch)

    def close(self) -> None:
        """End the worker."""
        self._closing.set()
        with self._lock:
            threads = list(self._threads.values())
        for thread in threads:
            thread.join()

    def _run_once(self, name: str, work: Callable[[], None]) -> None:
        """Start a thread of this name, unless it runs already or the keeper is closing."""
        with self._lock:
            if name not in self._threads and not self._closing.is_set():
                self._threads[name] = threading.Thread(target=work, daemon=True)
                self._threads[name].start()

    def _watch(self) -> None:
        """Poll the database, and start the worker once jobs wait and no worker holds the lease."""
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - it takes 0.2 s and 20 MB

        while not self._closing.wait(WATCH_S):
            try:
                orphaned = self._table().waiting() and not self._table().is_leased()
            except SQLAlchemyError as error:  # a database that restarts: it is asked again
                log.warning("database unreachable", extra={"facts": {"kind": type(error).__name__}})
                continue
            if orphaned:
                self.start()
                return

    def _keep(self) -> None:
        """Start the worker, and restart it where it died, with growing delays while it makes no progress."""
        pause, begun, done = 0.0, 0.0, 0
        while not self._closing.is_set():
            if self._process is not None and self._process.poll() is not None:
                log.warning("experiment worker died", extra={"facts": {"status": self._process.returncode}})
                self._release(self._process.pid)
                useful = self._done() != done or time.monotonic() - begun > SLOWEST_S
                pause = 0.0 if useful else min(2 * pause + LOOK_S, SLOWEST_S)
                self._process = None
                self._closing.wait(pause)
            elif self._process is None:
                self._process, begun, done = self._started(), time.monotonic(), self._done()
            else:
                self._closing.wait(LOOK_S)
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.kill()  # its steps are repeated where they stood
            self._process.wait()
            self._release(self._process.pid)

    def _release(self, process: int) -> None:
        """Release the lease of the dead worker, so that another can continue at once."""
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - as above

        try:
            self._table().release_lease(library.holder_of(process))
        except SQLAlchemyError as error:  # it runs out by itself
            log.warning("lease not released", extra={"facts": {"kind": type(error).__name__}})

    def _done(self) -> int:
        """Return how much of all jobs is done; -1 where the database cannot be reached."""
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - as above

        try:
            return self._table().done()
        except SQLAlchemyError:  # what is asked of it next says so
            return -1

    def _started(self) -> subprocess.Popen[bytes]:
        """Start the worker process, and return it."""
        environment = {**os.environ, **_variables(self._settings)}
        root = Path(__file__).parents[2]
        command = [sys.executable, "-m", "service.jobs.worker"]
        return subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.PIPE)  # noqa: S603 - our own


def _variables(settings: Settings) -> dict[str, str]:
    """Return the environment variables that pass the settings to the worker."""
    variables = {
        "LOSSARY_DATA": str(settings.data),
        "LOSSARY_MAX_DECODED_BYTES": str(settings.max_decoded_bytes),
        "LOSSARY_SOURCES": json.dumps(settings.sources),
        "LOSSARY_PRIVATE_HOSTS": json.dumps(settings.private_hosts),
        "LOSSARY_EXPERIMENT_NICE": str(settings.experiment_nice),
        "LOSSARY_LOG_FORMAT": settings.log_format,
        "LOSSARY_LOG_LEVEL": settings.log_level,
    }
    if settings.database_url is not None:
        variables["LOSSARY_DATABASE_URL"] = settings.database_url
    if settings.ray is not None:
        variables["LOSSARY_RAY"] = settings.ray
    return variables
