"""The process that runs experiments, one at a time: python -m service.jobs.worker.

The service starts it with the first experiment and holds the other end of its standard input, so that it ends with the
service. Where several run, of several workers or replicas, one holds the lease and works; when that one dies its lease
runs out, and another takes up the job at the step that it had reached.
"""

import logging
import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np

from losses.errors import Refusal
from losses.text import in_language
from service.datasets.full_disk import is_full
from service.jobs import library
from service.jobs.check import NICE
from service.jobs.table import ENDED, ExperimentRow, ExperimentTable
from service.observability import logs
from service.request_record import preferred_language
from service.settings import Settings

log = logging.getLogger("lossary")
LEASE_S, RENEW_S = 15.0, 3.0
LOOK_S = 1.0  # between two looks at whether a job was cancelled


class Cancelled(Exception):  # noqa: N818 - somebody asked for it
    """The job was cancelled while it ran."""


class Experiments:
    """The steps of an experiment. Each can be repeated, and leaves what the next needs in the job's folder."""

    def __init__(self, settings: Settings, table: ExperimentTable) -> None:
        self._settings, self._table = settings, table
        self._plan = lru_cache(maxsize=1)(self._planned)

    def begin(self, identifier: str) -> list[dict[str, Any]]:
        """Return the units of the experiment."""
        plan = self._plan(identifier)
        total = plan.fits_a_unit * len(plan.units)
        self._table.update(identifier, status="running", started=self._table.clock(), total=total)
        return [{"model": unit.model, "repeat": unit.repeat} for unit in plan.units]

    def run(self, identifier: str, place: int) -> dict[str, Any]:
        """Train one unit, and write down where the candidates stand."""
        from recommender.experiment import run_unit  # noqa: PLC0415 - once the lease is held

        plan, started = self._plan(identifier), time.monotonic()
        outputs = run_unit(plan, plan.units[place], alive=self._alive(identifier))
        folder = library.artefacts_of(self._settings, identifier)
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{place}.part"
        with part.open("wb") as file:
            np.savez(
                file,
                predictions=outputs.predictions,
                diverged=outputs.diverged,
                rates=outputs.rates,
                steps=outputs.steps,
            )
        part.replace(folder / f"{place}.npz")
        report = self._report(identifier, place + 1)
        self._table.update(identifier, done=plan.fits_a_unit * (place + 1), found=report)
        return {
            "seconds": time.monotonic() - started,
            "done": plan.fits_a_unit * (place + 1),
            "standings": report["standings"],
        }

    def finish(self, identifier: str, units: int) -> dict[str, Any]:
        """Write down the verdict."""
        report = self._report(identifier, units)
        done = self._plan(identifier).fits_a_unit * units
        self._table.update(
            identifier, status="succeeded", found=report, done=done, total=done, ended=self._table.clock()
        )
        shutil.rmtree(library.artefacts_of(self._settings, identifier), ignore_errors=True)
        return {"verdict": report["verdict"]}

    def fail(self, identifier: str, error: Exception) -> None:
        """Write down why there is no verdict."""
        row = self._table.get(identifier)
        if isinstance(error, Refusal):
            said = [
                in_language(text, preferred_language(row.language if row else "")) for text in (error.title, error.text)
            ]
            problem = {"title": said[0], "detail": said[1], **error.facts}
        else:
            log.error("experiment crashed", exc_info=error, extra={"facts": {"experiment": identifier}})
            problem = {"title": "Internal error", "detail": "This is our fault; the log has the details."}
        self._table.update(identifier, status="failed", problem=problem, ended=self._table.clock())
        shutil.rmtree(library.artefacts_of(self._settings, identifier), ignore_errors=True)

    def row(self, identifier: str) -> ExperimentRow:
        """Return what was asked.

        Raises: Cancelled where the experiment is gone or has ended.
        """
        row = self._table.get(identifier)
        if row is None or row.status in ENDED:
            raise Cancelled
        return row

    def _planned(self, identifier: str) -> Any:  # noqa: ANN401 - of a module that is imported late
        from recommender.experiment import ExperimentQuestion, plan  # noqa: PLC0415 - once the lease is held
        from service.datasets.store import Datasets  # noqa: PLC0415 - as above
        from service.jobs.columns import columns_of  # noqa: PLC0415 - as above
        from service.uploads.formats.registry import DecodingLimit  # noqa: PLC0415 - as above

        row = self.row(identifier)
        datasets = Datasets(self._settings)
        dataset = datasets.get(str(row.question["dataset"]), row.owner)
        columns = columns_of(datasets.path(dataset.id), dataset.media, DecodingLimit(self._settings.max_decoded_bytes))
        datasets.close()
        return plan(ExperimentQuestion(**row.question), columns)

    def _report(self, identifier: str, units: int) -> dict[str, Any]:
        from recommender.experiment import OutOfFold, verdict  # noqa: PLC0415 - once the lease is held

        plan, folder = self._plan(identifier), library.artefacts_of(self._settings, identifier)
        outputs = []
        for place, unit in enumerate(plan.units[:units]):
            with np.load(folder / f"{place}.npz", allow_pickle=False) as kept:
                outputs.append(
                    OutOfFold(
                        unit=unit,
                        predictions=kept["predictions"],
                        diverged=kept["diverged"],
                        held=plan.partitions[unit.repeat],
                        rates=tuple(kept["rates"].tolist()),
                        steps=tuple(kept["steps"].tolist()),
                    )
                )
        language: Any = self.row(identifier).language
        return verdict(plan, outputs, language).model_dump(mode="json")

    def _alive(self, identifier: str) -> Callable[[], None]:
        """Return what raises once the job is cancelled; it asks the database once a second."""
        looked = time.monotonic()

        def alive() -> None:
            nonlocal looked
            if time.monotonic() - looked > LOOK_S:
                looked = time.monotonic()
                self.row(identifier)

        return alive


def _register(experiments: Experiments) -> Callable[[str], None]:
    """Tell the library the workflow and its steps; return the workflow."""
    from dbos import DBOS  # noqa: PLC0415 - 0.2 s and 25 MB

    @DBOS.step(name="begin")
    def begin(identifier: str) -> list[dict[str, Any]]:
        with _ending_where_full():
            return experiments.begin(identifier)

    @DBOS.step(name="run")
    def run(identifier: str, place: int) -> dict[str, Any]:
        with _ending_where_full():
            return experiments.run(identifier, place)

    @DBOS.step(name="finish")
    def finish(identifier: str, units: int) -> dict[str, Any]:
        with _ending_where_full():
            return experiments.finish(identifier, units)

    @DBOS.workflow(name=library.WORKFLOW)
    def experiment(identifier: str) -> None:
        try:
            question = experiments.row(identifier).question
            units, spent, done = begin(identifier), 0.0, 0
            first = len(question["models"])  # every model is trained once, whatever the budget
            for place in range(len(units)):
                if place >= first and spent >= question["budget_seconds"] and place % first == 0:
                    break
                step = run(identifier, place)
                spent, done = spent + step.pop("seconds"), place + 1
                DBOS.write_stream(library.EVENTS, {"event": "progress", **step})
            DBOS.write_stream(library.EVENTS, {"event": "verdict", **finish(identifier, done)})
        except Cancelled:
            DBOS.write_stream(library.EVENTS, {"event": "cancelled"})
        except Exception as error:
            with _ending_where_full():
                if is_full(error):
                    raise  # of the library, as it wrote down that a step had ended
                experiments.fail(identifier, error)
            DBOS.write_stream(library.EVENTS, {"event": "failed"})
        DBOS.close_stream(library.EVENTS)

    workflow: Callable[[str], None] = experiment
    return workflow


@contextmanager
def _ending_where_full() -> Iterator[None]:
    """End this process where the disk is full: it is started again, ever more slowly, and repeats the step."""
    try:
        yield
    except Exception as error:
        if is_full(error):
            log.error("disk full", extra={"facts": {"pid": os.getpid()}})  # noqa: TRY400 - where does not matter
            os._exit(1)
        raise


def _end_with_the_service() -> None:
    """End this process once nobody holds the other end of its standard input."""
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 1):
            pass
    os._exit(0)


def main() -> None:
    """Wait for the lease, then run what is queued until told to stop."""
    settings = Settings()
    logs.configure(settings)
    with suppress(OSError):
        os.nice(NICE)
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    table, holder = ExperimentTable(library.url_of(settings)), f"{library.holder_of(os.getpid())}/{uuid.uuid4()}"
    while not table.take_lease(holder, LEASE_S):
        time.sleep(RENEW_S)
    _serve(settings, table)
    while table.take_lease(holder, LEASE_S):
        time.sleep(RENEW_S)
    os._exit(1)  # somebody else has it, since this process was held up for long; what it does now would be done twice


def _serve(settings: Settings, table: ExperimentTable) -> None:
    """Take up what was left, and what is queued."""
    import torch  # noqa: PLC0415 - once the lease is held
    from dbos import DBOS, DBOSPortableJSONSerializer, SetWorkflowID  # noqa: PLC0415 - as above

    torch.set_num_threads(max(1, min(2, torch.get_num_threads() // 2)))
    Path(settings.data).mkdir(parents=True, exist_ok=True)
    DBOS(
        config={
            "name": library.APPLICATION,
            "system_database_url": library.system_url_of(settings),
            "application_version": library.STEPS_VERSION,
            "executor_id": library.EXECUTOR,
            "serializer": DBOSPortableJSONSerializer(),
            "log_level": "WARNING",
        }
    )
    experiment = _register(Experiments(settings, table))
    DBOS.launch()
    DBOS.register_queue(library.QUEUE, global_concurrency=1, polling_interval_sec=0.5)
    for identifier in table.queued():  # what was kept and not enqueued before its process died
        with SetWorkflowID(identifier):  # enqueued twice, it is one
            DBOS.enqueue_workflow(library.QUEUE, experiment, identifier)
    log.info("experiment worker ready", extra={"facts": {"pid": os.getpid()}})


if __name__ == "__main__":
    main()
