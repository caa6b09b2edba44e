"""Experiments as the service sees them: asked for, looked at, cancelled, deleted; and the process that runs them."""

import hashlib
import logging
import os
import shutil
import subprocess
import sys
import threading
import time
import uuid
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from anyio import to_process, to_thread

from losses.text import Language
from service.datasets.store import Datasets
from service.jobs import library
from service.jobs.check import check, raise_refusal
from service.problems import IdempotencyKeyReused, TooManyExperiments, UnknownExperiment
from service.settings import Settings

if TYPE_CHECKING:
    from service.jobs.table import ExperimentRow, ExperimentTable

log = logging.getLogger("lossary")
LOOK_S = 0.5  # between two looks at whether the worker lives
SLOWEST_S = 30.0  # between two attempts to start it
WAIT_S = 5.0  # of a full queue, before it is worth asking again


class Jobs:
    """Every experiment of this service; nothing is opened or started before the first."""

    def __init__(self, settings: Settings, datasets: Datasets) -> None:
        self._settings, self._datasets = settings, datasets
        self._keeper: threading.Thread | None = None
        self._closing = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    async def create(
        self, question: dict[str, Any], owner: str, key: str | None, language: Language
    ) -> "tuple[ExperimentRow, bool]":
        """Ask for an experiment; return it, and whether it is new.

        It is planned first, in another process, so that what cannot be run is refused here. Raises: UnknownDataset,
        IdempotencyKeyReused, TooManyExperiments, BadExperiment, and what planning raises.
        """
        if key is not None and self._there:
            known = await to_thread.run_sync(self.table.of_key, owner, key)
            if known is not None:
                return _same(known, question), False
        dataset = await to_thread.run_sync(self._datasets.get, question["dataset"], owner)
        await to_thread.run_sync(self._refuse_many)
        path, limit = str(self._datasets.path(dataset.id)), self._settings.max_decoded_bytes
        planned = await to_process.run_sync(check, path, dataset.media, question, limit, language)
        if "refused" in planned:
            raise_refusal(*planned["refused"])
        row = self._row(question, owner, key, language, planned["fits"])
        kept = _same(await to_thread.run_sync(self.table.add, row), question)
        if kept.id == row.id:
            await to_thread.run_sync(self._enqueue, row.id)
        self.start_worker()
        return kept, kept.id == row.id

    def get(self, identifier: str, owner: str) -> "ExperimentRow":
        """Return an experiment of an owner.

        Raises: UnknownExperiment.
        """
        row = self.table.get(identifier, owner) if self._there else None
        if row is None:
            raise UnknownExperiment
        return row

    def listed(self, owner: str, before: float | None, limit: int, status: str | None) -> "list[ExperimentRow]":
        """Return the experiments of an owner, the newest first."""
        if not self._there:
            return []
        self._remove_expired()
        return self.table.of_owner(owner, before, limit, status)

    def cancel(self, identifier: str, owner: str) -> "ExperimentRow":
        """End an experiment soon; one that has ended stays as it is.

        Raises: UnknownExperiment.
        """
        row = self.get(identifier, owner)
        self.table.update(row.id, status="cancelled", ended=self.table.clock())  # the worker looks once a second
        return self.get(identifier, owner)

    def remove(self, identifier: str, owner: str) -> None:
        """Delete an experiment; one that runs is cancelled.

        Raises: UnknownExperiment.
        """
        self.cancel(identifier, owner)
        self._forget(identifier)

    def event(self, identifier: str, place: int, seconds: float) -> dict[str, Any] | None:
        """Return the event at a place, waiting so long for it; None where it has not come."""
        from dbos import error  # noqa: PLC0415 - with the library

        try:
            event: dict[str, Any] = self._client.read_stream_offset(
                identifier, library.EVENTS, place, polling_interval_sec=0.2, timeout_seconds=seconds
            )
        except error.DBOSStreamTimeoutError:
            return None
        return event

    def resume(self) -> None:
        """Start the worker where experiments of an earlier process wait."""
        if self._there and self.table.waiting():
            self.start_worker()

    def start_worker(self) -> None:
        """Have the worker run from now on, until `close`."""
        if self._keeper is None:
            self._keeper = threading.Thread(target=self._keep_worker, daemon=True)
            self._keeper.start()

    def close(self) -> None:
        """End the worker, and give what was opened back."""
        self._closing.set()
        if self._keeper is not None:
            self._keeper.join()
        if "table" in vars(self):
            self.table.close()
        if "_client" in vars(self):
            self._client.destroy()

    @cached_property
    def table(self) -> "ExperimentTable":
        """The table, opened with the first experiment."""
        from service.jobs.table import ExperimentTable  # noqa: PLC0415 - SQLAlchemy takes 0.2 s and 20 MB

        self._settings.data.mkdir(parents=True, exist_ok=True)
        return ExperimentTable(library.url_of(self._settings))

    @property
    def _there(self) -> bool:
        """Whether there can be experiments: a database is named, or an earlier one made the file."""
        return self._settings.database_url is not None or (self._settings.data / "jobs.sqlite").exists()

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - the library is imported with the first job
        return library.client(self._settings)

    def _row(
        self, question: dict[str, Any], owner: str, key: str | None, language: Language, fits: int
    ) -> "ExperimentRow":
        from service.jobs.table import ExperimentRow  # noqa: PLC0415 - as above

        now = self.table.clock()
        return ExperimentRow(
            id=f"ex_{uuid.uuid4().hex}",
            owner=owner,
            idempotency_key=key,
            body_hash=_hash(question),
            question=question,
            language=language,
            status="queued",
            done=0,
            total=fits,
            created=now,
            expires=now + self._settings.experiment_seconds,
        )

    def _enqueue(self, identifier: str) -> None:
        options = {
            "queue_name": library.QUEUE,
            "workflow_name": library.WORKFLOW,
            "workflow_id": identifier,
            "app_version": library.STEPS_VERSION,
        }
        self._client.enqueue(options, identifier)

    def _refuse_many(self) -> None:
        most = self._settings.max_experiments_waiting
        if self.table.waiting() >= most:
            raise TooManyExperiments(most, WAIT_S)

    def _remove_expired(self) -> None:
        for identifier in self.table.expired():
            self._forget(identifier)

    def _forget(self, identifier: str) -> None:
        self.table.remove(identifier)
        shutil.rmtree(library.artefacts_of(self._settings, identifier), ignore_errors=True)
        self._client.delete_workflow(identifier)

    def _keep_worker(self) -> None:
        """Start the worker, and start it again where it died, ever more slowly where it dies at once."""
        pause, begun = 0.0, 0.0
        while not self._closing.is_set():
            if self._process is not None and self._process.poll() is not None:
                log.warning("experiment worker died", extra={"facts": {"status": self._process.returncode}})
                self.table.release_lease(library.holder_of(self._process.pid))
                pause = 0.0 if time.monotonic() - begun > SLOWEST_S else min(2 * pause + LOOK_S, SLOWEST_S)
                self._process = None
                self._closing.wait(pause)
            elif self._process is None:
                self._process, begun = self._started(), time.monotonic()
            else:
                self._closing.wait(LOOK_S)
        if self._process is not None:
            if self._process.stdin is not None:
                self._process.stdin.close()
            self._process.kill()  # its steps are repeated where they stood
            self._process.wait()

    def _started(self) -> subprocess.Popen[bytes]:
        environment = {**os.environ, **_variables(self._settings)}
        root = Path(__file__).parents[2]
        command = [sys.executable, "-m", "service.jobs.worker"]
        return subprocess.Popen(command, cwd=root, env=environment, stdin=subprocess.PIPE)  # noqa: S603 - our own


def _hash(question: dict[str, Any]) -> str:
    return hashlib.sha256(orjson.dumps(question, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _same(row: "ExperimentRow", question: dict[str, Any]) -> "ExperimentRow":
    """Return the experiment of an idempotency key.

    Raises: IdempotencyKeyReused where it was asked for with another body.
    """
    if row.body_hash != _hash(question):
        raise IdempotencyKeyReused
    return row


def _variables(settings: Settings) -> dict[str, str]:
    """Return what the worker needs to know of the settings, as variables."""
    variables = {
        "LOSSARY_DATA": str(settings.data),
        "LOSSARY_MAX_DECODED_BYTES": str(settings.max_decoded_bytes),
        "LOSSARY_LOG_FORMAT": settings.log_format,
        "LOSSARY_LOG_LEVEL": settings.log_level,
    }
    if settings.database_url is not None:
        variables["LOSSARY_DATABASE_URL"] = settings.database_url
    return variables
