"""Executors compute the sums over files: in this process, or on the nodes of a Ray cluster.

On Ray they are plain tasks that return sums, so Ray runs the tasks of a dead node again elsewhere.
"""

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import Any, Protocol

from losses.errors import Refusal
from losses.evaluation.partial_sums import PartialSums, joined
from service.datasets.addresses.pieces import PIECE_BYTES, pieces_of
from service.jobs.check import parts_of, raise_refusal
from service.jobs.shards import JobQuestion, groups_of, sums_of_files
from service.settings import Settings

GROUP_BYTES = PIECE_BYTES  # of files that are read together: some seconds of work, beside which all else is nothing
GROUP_FILES = 256
TASKS = 64  # of one step on Ray, which keeps as many processors busy
TRIES = 100  # of a task whose node dies
LOOK_S = 1.0  # between two looks at whether somebody still wants the sums
AliveCheck = Callable[[], None]


class Executor(Protocol):
    """Computes the sums of one step."""

    @property
    def step_bytes(self) -> int:
        """The least bytes of files in one step."""

    @property
    def step_files(self) -> int:
        """The most files in one step."""

    def sums(
        self, listing: dict[str, Any], question: JobQuestion, places: Sequence[int], alive: AliveCheck
    ) -> list[PartialSums]:
        """Return the sums of each objective over the pieces at these positions.

        Raises: what `sums_of_files` raises, and what `alive` raises.
        """


class InProcess:
    """Computes in this process, one file after another."""

    step_bytes, step_files = GROUP_BYTES, GROUP_FILES

    def sums(
        self, listing: dict[str, Any], question: JobQuestion, places: Sequence[int], alive: AliveCheck
    ) -> list[PartialSums]:
        """Return the sums of each objective over the pieces at these positions."""
        return sums_of_files(listing, question, places, alive)


class OnRay:
    """Distributes files over a Ray cluster, whose nodes have this service installed and can read the files."""

    step_bytes, step_files = TASKS * GROUP_BYTES, TASKS * GROUP_FILES

    def __init__(self, address: str, group_bytes: int = GROUP_BYTES, group_files: int = GROUP_FILES) -> None:
        self._address, self._group_bytes, self._group_files = address, group_bytes, group_files

    def sums(
        self, listing: dict[str, Any], question: JobQuestion, places: Sequence[int], alive: AliveCheck
    ) -> list[PartialSums]:
        """Return the sums of each objective over the pieces at these positions."""
        ray: Any = import_module("ray")  # the extra `ray`; it takes seconds
        if not ray.is_initialized():
            ray.init(address=self._address, log_to_driver=False, configure_logging=False)
        task = ray.remote(_answered).options(max_retries=TRIES, num_cpus=1)
        pieces = pieces_of(listing)
        sizes = [pieces[place][1] for place in places]
        remote_listing = ray.put(listing)
        groups = groups_of(sizes, self._group_bytes, self._group_files)
        tasks = [task.remote(remote_listing, question, [places[each] for each in group]) for group in groups]
        try:
            waiting = tasks
            while waiting:
                _, waiting = ray.wait(waiting, num_returns=len(waiting), timeout=LOOK_S)
                alive()
        finally:
            for each in tasks:
                ray.cancel(each)  # of one that is done, nothing
        answers = ray.get(tasks)
        for answer in answers:
            if "refused" in answer:
                raise_refusal(*answer["refused"])
        return [joined([answer["sums"][place] for answer in answers]) for place in range(len(question["loss"]))]


def _answered(listing: dict[str, Any], question: JobQuestion, places: list[int]) -> dict[str, Any]:
    """Return the sums, or the parts of a refusal, since exceptions are not sent between processes."""
    try:
        return {"sums": sums_of_files(listing, question, places)}
    except Refusal as refusal:
        return parts_of(refusal)


def executor_of(settings: Settings) -> Executor:
    """Return the executor that the settings select."""
    return InProcess() if settings.ray is None else OnRay(settings.ray)
