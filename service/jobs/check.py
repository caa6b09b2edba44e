"""Checks in a separate process whether an experiment can be run, so that small requests are not delayed."""

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from losses.errors import Refusal
from losses.text import Language, Text, in_language
from service.uploads.formats.registry import DecodingLimit

if TYPE_CHECKING:
    from recommender.experiment.features import Columns

FLOAT32 = 4  # bytes


RefusalParts = dict[str, Any]  # the parts of a refusal under `refused`, or what was asked for


def check_experiment(
    path: str, media: str, question: dict[str, Any], max_bytes: int, language: Language, nice: int
) -> RefusalParts:
    """Return the plan of an experiment in figures, or under `refused` why it cannot be run.

    It is called in another process; a refusal is returned in parts, since exceptions are not sent between processes.
    """
    from recommender.experiment import ExperimentQuestion, plan  # noqa: PLC0415 - that process may be new
    from service.jobs.columns import columns_of  # noqa: PLC0415 - as above

    _gently(nice)
    try:
        planned = plan(ExperimentQuestion(**question), columns_of(Path(path), media, DecodingLimit(max_bytes)))
    except Refusal as refusal:
        return parts_of(refusal)
    return {
        "fits": planned.fits_a_unit * len(planned.units),
        "bytes": _predicted_bytes(planned),
        "found": {
            "metric": planned.metric,
            "task": planned.target.task,
            "rows": planned.n,
            "target": planned.question.target,
            "warnings": [in_language(text, language) for text in planned.notices],
        },
    }


def answer_quickly(
    path: str, media: str, question: dict[str, Any], max_bytes: int, language: Language, nice: int
) -> RefusalParts:
    """Return the `report` of a quick experiment and its `profile`, or under `refused` why there is none.

    Columns whose names say that they are predictions are not used as features.
    """
    from service.jobs.columns import columns_of, is_prediction  # noqa: PLC0415 - as above

    try:
        columns = columns_of(Path(path), media, DecodingLimit(max_bytes))
    except Refusal as refusal:
        return parts_of(refusal)
    kept = {name: column for name, column in columns.items() if not is_prediction(name)}
    return answer_on_columns(kept, question, language, nice)


def answer_on_columns(columns: "Columns", question: dict[str, Any], language: Language, nice: int) -> RefusalParts:
    """Return the same as `answer_quickly` for columns in memory."""
    from recommender.experiment import ExperimentQuestion, quick  # noqa: PLC0415 - that process may be new

    _gently(nice)
    try:
        answer = quick(ExperimentQuestion(**question), columns, language)
    except Refusal as refusal:
        return parts_of(refusal)
    return {"report": answer.report.model_dump(mode="json"), "profile": answer.profile.model_dump(mode="json")}


def _gently(nice: int) -> None:
    """Lower the priority of this process and limit it to one thread."""
    import torch  # noqa: PLC0415 - that process may be new

    torch.set_num_threads(1)
    lower_priority(nice)


def lower_priority(nice: int) -> None:
    """Lower the priority of this thread, and of threads that it starts, so that requests come first.

    On Linux it also becomes a batch job, which does not preempt others when it wakes up.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, max(nice, os.getpriority(os.PRIO_PROCESS, 0)))
    if sys.platform == "linux":
        with suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))


def parts_of(refusal: Refusal) -> RefusalParts:
    """Return the parts of a refusal that another process needs to raise it again."""
    return {"refused": [type(refusal).__name__, refusal.text, refusal.facts]}


def _predicted_bytes(planned: Any) -> int:  # noqa: ANN401 - of a module that is imported late
    """Return the size of the out-of-fold predictions of all units, which are stored until the verdict."""
    from recommender.experiment.training.train import CHECKPOINTS, RATES  # noqa: PLC0415 - as above

    a_candidate = len(RATES) * len(CHECKPOINTS) * planned.n * planned.target.outputs * FLOAT32
    return int(len(planned.units) * len(planned.candidates) * a_candidate)


def raise_refusal(name: str, text: Text, facts: dict[str, Any]) -> None:
    """Raise a refusal from the parts that another process sent."""
    known = {kind.__name__: kind for kind in _kinds(Refusal)}
    kind = known.get(name, Refusal)
    refusal = kind.__new__(kind)
    Refusal.__init__(refusal, text, **facts)
    raise refusal


def _kinds(kind: type[Refusal]) -> list[type[Refusal]]:
    """Return a kind of refusal and all kinds below it."""
    return [kind, *(inner for other in kind.__subclasses__() for inner in _kinds(other))]
