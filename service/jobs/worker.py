"""The process that runs jobs, one at a time: python -m service.jobs.worker.

The service starts it with the first job and holds the other end of its standard input, so that it ends with the
service. Of several worker processes (of service workers or replicas), one holds the lease and works; if it dies, its
lease expires, and another continues the job at the step that was reached.
"""

import logging
import os
import shutil
import sys
import threading
import time
import uuid
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from service.jobs import library
from service.jobs.check import lower_priority
from service.jobs.table import JobTable
from service.observability import logs
from service.settings import Settings

log = logging.getLogger("lossary")
LEASE_S, RENEW_S = 15.0, 3.0


def _end_with_the_service() -> None:
    """End this process when the service closes the other end of its standard input."""
    with suppress(OSError):
        while os.read(sys.stdin.fileno(), 1):
            pass
    os._exit(0)


def main() -> None:
    """Wait for the lease, then run queued jobs until told to stop."""
    settings = Settings()
    logs.configure(settings)
    lower_priority(settings.experiment_nice)
    threading.Thread(target=_end_with_the_service, daemon=True).start()
    table, holder = JobTable(library.url_of(settings)), f"{library.holder_of(os.getpid())}/{uuid.uuid4()}"
    while not table.take_lease(holder, LEASE_S):
        time.sleep(RENEW_S)
    enqueue = _serve(settings, table)
    while table.take_lease(holder, LEASE_S):
        enqueue(_without_steps_of_other_versions(settings, table))  # which a replica may go on to ask for
        time.sleep(RENEW_S)
    os._exit(1)  # somebody else has it, since this process was held up for long; what it does now would be done twice


def _serve(settings: Settings, table: JobTable) -> Callable[[Sequence[str]], None]:
    """Resume the jobs that an earlier worker left, and run the queue; return what adds jobs to it."""
    import torch  # noqa: PLC0415 - once the lease is held
    from dbos import DBOS, DBOSPortableJSONSerializer, SetWorkflowID  # noqa: PLC0415 - as above

    from service.jobs import evaluations, experiments  # noqa: PLC0415 - as above

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
    workflows = {
        "ex": experiments.register(experiments.ExperimentSteps(settings, table)),
        "ev": evaluations.register(evaluations.EvaluationSteps(settings, table)),
    }
    DBOS.launch()
    DBOS.register_queue(library.QUEUE, global_concurrency=1, polling_interval_sec=0.5)

    def enqueue(identifiers: Sequence[str]) -> None:
        for identifier in identifiers:
            with SetWorkflowID(identifier):  # enqueued twice, it is one
                DBOS.enqueue_workflow(library.QUEUE, workflows[library.kind_of(identifier)], identifier)

    _without_steps_of_other_versions(settings, table)
    enqueue(table.queued())  # what was kept and not enqueued before its process died, too
    log.info("experiment worker ready", extra={"facts": {"pid": os.getpid()}})
    return enqueue


def _without_steps_of_other_versions(settings: Settings, table: JobTable) -> list[str]:
    """Return the jobs that have steps of another version of the service; those are deleted, since none goes on."""
    from dbos import DBOS  # noqa: PLC0415 - as above

    restarted: list[str] = []
    unended = table.unended()
    if not unended:
        return restarted
    for workflow in DBOS.list_workflows(workflow_ids=unended, load_input=False, load_output=False):
        if workflow.app_version == library.STEPS_VERSION:
            continue
        identifier = workflow.workflow_id
        DBOS.delete_workflow(identifier)
        shutil.rmtree(library.artefacts_of(settings, identifier), ignore_errors=True)
        table.update(identifier, status="queued", done=0, started=None)
        log.warning(
            "job begins anew",
            extra={"facts": {"job": identifier, "version": workflow.app_version, "current": library.STEPS_VERSION}},
        )
        restarted.append(identifier)
    return restarted


if __name__ == "__main__":
    main()
