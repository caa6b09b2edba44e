"""The jobs as routes see them (create, get, cancel, delete), and the worker process that runs them.

A job is an experiment or an evaluation, by the prefix of its id: ex or ev.
"""

import hashlib
import shutil
import uuid
from collections.abc import Callable
from dataclasses import replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from anyio import fail_after, to_process, to_thread

from losses.text import Language, Text
from recommender.errors import BadExperiment
from recommender.experiment.judging.report import ExperimentReport
from recommender.profile import Profile
from service.datasets.full_disk import full_disk_refused
from service.datasets.store import Datasets
from service.jobs import library
from service.jobs.check import RefusalParts, answer_on_columns, answer_quickly, check_experiment, raise_refusal
from service.jobs.keeper import Keeper
from service.jobs.library import IdPrefix
from service.jobs.shards import assignment_of
from service.problems import (
    ComputeDeadline,
    IdempotencyKeyReused,
    InsufficientStorage,
    TooManyExperiments,
    UnknownEvaluation,
    UnknownExperiment,
)
from service.settings import Settings

if TYPE_CHECKING:
    from recommender.experiment.features import Columns
    from service.jobs.table import JobRow, JobTable

WAIT_S = 5.0  # of a full queue, before it is worth asking again


class Jobs:
    """All jobs of this service; nothing is opened or started before the first one."""

    def __init__(self, settings: Settings, datasets: Datasets) -> None:
        self._settings, self._datasets = settings, datasets
        self._keeper = Keeper(settings, lambda: self.table)

    async def create(
        self, question: dict[str, Any], owner: str, key: str | None, language: Language
    ) -> "tuple[JobRow, bool]":
        """Create an experiment; return it, and whether it is new.

        It is planned first, in another process, so that what cannot be run is refused here.

        Raises: UnknownDataset, IdempotencyKeyReused, TooManyExperiments, BadExperiment, InsufficientStorage, and what
        planning raises.
        """
        with full_disk_refused("experiments"):
            known = await self._known(question, owner, key)
            if known is not None:
                return known, False
            dataset = await to_thread.run_sync(self._datasets.get, question["dataset"], owner)
            await to_thread.run_sync(self._refuse_many)
            path, limit = str(self._datasets.path(dataset.id)), self._settings.max_decoded_bytes
            asked = (path, dataset.media, question, limit, language, self._settings.experiment_nice)
            planned = await to_process.run_sync(check_experiment, *asked)
            if "refused" in planned:
                raise_refusal(*planned["refused"])
            self._refuse_long(planned["fits"])
            row = self._row("ex", question, owner, key, language, planned["fits"])
            return await self._begun(replace(row, found=planned["found"]), planned["bytes"])

    async def create_evaluation(
        self, question: dict[str, Any], owner: str, key: str | None, language: Language
    ) -> "tuple[JobRow, bool]":
        """Create an evaluation of a dataset; return it, and whether it is new.

        Raises: UnknownDataset, AddressNotAllowed, BadRequest, IdempotencyKeyReused, TooManyExperiments,
        InsufficientStorage.
        """
        with full_disk_refused("experiments"):
            known = await self._known(question, owner, key)
            if known is not None:
                return known, False
            dataset = await to_thread.run_sync(self._datasets.get, question["dataset"], owner)
            columns = [column["name"] for column in dataset.described.get("columns", ())]
            if columns:
                assignment_of(columns, question)
            await to_thread.run_sync(self._refuse_many)
            row = self._row("ev", question, owner, key, language, dataset.described.get("files", 1))
            return await self._begun(row, 0)

    async def _known(self, question: dict[str, Any], owner: str, key: str | None) -> "JobRow | None":
        """Return the job that was created before with an idempotency key; None where there is none.

        Raises: IdempotencyKeyReused.
        """
        if key is None or not self._jobs_can_exist:
            return None
        known = await to_thread.run_sync(self.table.of_key, owner, key)
        return known and _same(known, question)

    async def _begun(self, row: "JobRow", size: int) -> "tuple[JobRow, bool]":
        """Store a new job and start the worker; return the job, and whether it is new."""
        kept = await to_thread.run_sync(self._keep, row, size)
        self._keeper.start()
        return kept, kept.id == row.id

    async def quick(self, question: dict[str, Any], owner: str, language: Language) -> tuple[ExperimentReport, Profile]:
        """Return the verdict of a quick experiment, and the facts from its pilot model; nothing is stored.

        It is computed in another process.

        Raises: UnknownDataset, ComputeDeadline, BadExperiment, and what planning raises.
        """
        dataset = await to_thread.run_sync(self._datasets.get, question["dataset"], owner)
        path, limit = str(self._datasets.path(dataset.id)), self._settings.max_decoded_bytes
        return await self._quickly(answer_quickly, path, dataset.media, question, limit, language)

    async def quick_on_columns(
        self, question: dict[str, Any], columns: "Columns", language: Language
    ) -> tuple[ExperimentReport, Profile]:
        """Return the same as `quick` for columns that the request contains."""
        return await self._quickly(answer_on_columns, columns, question, language)

    async def _quickly(self, work: Callable[..., RefusalParts], *asked: object) -> tuple[ExperimentReport, Profile]:
        """Return the answer of another process; its refusal is raised here."""
        gently = partial(work, nice=self._settings.experiment_nice)
        try:
            with fail_after(self._settings.compute_seconds):
                answer = await to_process.run_sync(gently, *asked, cancellable=True)
        except TimeoutError:
            raise ComputeDeadline(self._settings.compute_seconds) from None
        if "refused" in answer:
            raise_refusal(*answer["refused"])
        return ExperimentReport(**answer["report"]), Profile(**answer["profile"])

    def get(self, kind: IdPrefix, identifier: str, owner: str) -> "JobRow":
        """Return a job of one kind that belongs to an owner.

        Raises: UnknownExperiment, UnknownEvaluation.
        """
        row = self.table.get(identifier, owner) if self._jobs_can_exist else None
        if row is None or library.kind_of(identifier) != kind:
            raise {"ex": UnknownExperiment, "ev": UnknownEvaluation}[kind]
        return row

    def listed(
        self, kind: IdPrefix, owner: str, before: float | None, limit: int, status: str | None
    ) -> "list[JobRow]":
        """Return at most `limit` jobs of one kind that belong to an owner, newest first.

        With `before` (seconds since 1970) only those created earlier, with `status` only those in that state.
        """
        if not self._jobs_can_exist:
            return []
        self._remove_expired()
        return self.table.of_owner(kind, owner, before, limit, status)

    def cancel(self, kind: IdPrefix, identifier: str, owner: str) -> "tuple[JobRow, bool]":
        """Cancel a job; one that has ended stays as it is.

        Raises: UnknownExperiment, UnknownEvaluation.
        """
        row = self.get(kind, identifier, owner)
        # The worker looks once a second.
        ended = self.table.update(row.id, status="cancelled", ended=self.table.clock())
        return self.get(kind, identifier, owner), ended

    def remove(self, kind: IdPrefix, identifier: str, owner: str) -> None:
        """Delete a job; one that runs is cancelled first.

        Raises: UnknownExperiment, UnknownEvaluation.
        """
        self.cancel(kind, identifier, owner)
        self._forget(identifier)

    def event(self, identifier: str, place: int, seconds: float) -> dict[str, Any] | None:
        """Return the event at a position, waiting up to `seconds` for it; None where it does not come."""
        from dbos import error  # noqa: PLC0415 - with the library

        try:
            event: dict[str, Any] = self._client.read_stream_offset(
                identifier, library.EVENTS, place, polling_interval_sec=0.2, timeout_seconds=seconds
            )
        except error.DBOSStreamTimeoutError:
            return None
        return event

    def stored_bytes(self) -> int:
        """Return the bytes of all job results, and of the intermediate files of jobs under way."""
        if not self._jobs_can_exist:
            return 0
        left = (self._settings.data / "experiments").rglob("*.npz")
        return self.table.found_bytes() + sum(_size(file) for file in left)

    def backlog(self) -> tuple[int, float]:
        """Return the number of jobs that have not ended, and the age of the oldest in seconds."""
        return (self.table.waiting(), self.table.oldest()) if self._jobs_can_exist else (0, 0.0)

    def resume(self) -> None:
        """Start the worker where jobs of an earlier process, or of a dead replica, are waiting."""
        if self._settings.database_url is not None:
            self._keeper.watch()
        elif self._jobs_can_exist and self.table.waiting():
            self._keeper.start()

    def close(self) -> None:
        """Stop the worker, and close the database."""
        self._keeper.close()
        if "table" in vars(self):
            self.table.close()
        if "_client" in vars(self):
            self._client.destroy()

    @cached_property
    def table(self) -> "JobTable":
        """The table of jobs, opened on first use."""
        from service.jobs.table import JobTable  # noqa: PLC0415 - SQLAlchemy takes 0.2 s and 20 MB

        self._settings.data.mkdir(parents=True, exist_ok=True)
        return JobTable(library.url_of(self._settings))

    @property
    def _jobs_can_exist(self) -> bool:
        """Whether jobs can exist: a database is configured, or an earlier run created the file."""
        return self._settings.database_url is not None or (self._settings.data / "jobs.sqlite").exists()

    @cached_property
    def _client(self) -> Any:  # noqa: ANN401 - the library is imported with the first job
        """Return a client of the jobs library."""
        return library.client(self._settings)

    def _row(
        self, kind: IdPrefix, question: dict[str, Any], owner: str, key: str | None, language: Language, total: int
    ) -> "JobRow":
        """Return the row of a new job, with its id and times."""
        from service.jobs.table import JobRow  # noqa: PLC0415 - as above

        now = self.table.clock()
        return JobRow(
            id=f"{kind}_{uuid.uuid4().hex}",
            owner=owner,
            idempotency_key=key,
            body_hash=_hash(question),
            question=question,
            language=language,
            status="queued",
            done=0,
            total=total,
            created=now,
            expires=now + self._settings.experiment_seconds,
        )

    def _keep(self, row: "JobRow", size: int) -> "JobRow":
        """Store a job and enqueue it; return it, or the existing job with its idempotency key.

        If this process dies in between, the worker enqueues stored jobs when it starts. `size` is the number of bytes
        that the job will store while it runs.

        Raises: IdempotencyKeyReused, InsufficientStorage.
        """
        quota = self._settings.max_experiment_bytes
        if self.stored_bytes() + size > quota:
            raise InsufficientStorage(quota, "experiments")
        client = self._client  # first: that its file is there says that there are experiments
        kept = _same(self.table.add(row), row.question)
        if kept.id == row.id:
            options = {
                "queue_name": library.QUEUE,
                "workflow_name": library.WORKFLOWS[library.kind_of(row.id)],
                "workflow_id": row.id,
                "app_version": library.STEPS_VERSION,
            }
            client.enqueue(options, row.id)
        return kept

    def _refuse_long(self, models: int) -> None:
        """Refuse an experiment that would train more models than the setting allows."""
        most = self._settings.max_experiment_models
        if models > most:
            raise BadExperiment(
                "repeats",
                Text(
                    f"{models} models would be trained, {most} may be: ask for fewer repeats, folds, candidates or "
                    "models.",
                    f"将训练 {models} 个模型,上限为 {most}:请减少重复次数、折数、候选损失或模型。",
                ),
                limit=most,
            )

    def _refuse_many(self) -> None:
        """Refuse a new job where as many wait as allowed.

        Raises: TooManyExperiments.
        """
        if self._jobs_can_exist:
            self._remove_expired()
        most = self._settings.max_experiments_waiting
        if self.table.waiting() >= most:
            raise TooManyExperiments(most, WAIT_S)

    def _remove_expired(self) -> None:
        """Delete expired jobs."""
        for identifier in self.table.expired():
            self._forget(identifier)

    def _forget(self, identifier: str) -> None:
        """Delete a job, its intermediate files and its workflow."""
        self.table.remove(identifier)
        shutil.rmtree(library.artefacts_of(self._settings, identifier), ignore_errors=True)
        self._client.delete_workflow(identifier)


def _size(file: Path) -> int:
    """Return the size of a file, 0 where its job has just ended and removed it."""
    try:
        return file.stat().st_size
    except FileNotFoundError:
        return 0


def _hash(question: dict[str, Any]) -> str:
    """Return a hash of a question, for comparing bodies under one idempotency key."""
    return hashlib.sha256(orjson.dumps(question, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _same(row: "JobRow", question: dict[str, Any]) -> "JobRow":
    """Return the existing job of an idempotency key.

    Raises: IdempotencyKeyReused where it was created with another body.
    """
    if row.body_hash != _hash(question):
        raise IdempotencyKeyReused
    return row
