"""Whether an experiment can be run: planned in a process of its own, so that small requests keep their pace."""

from pathlib import Path
from typing import Any

from losses.errors import Refusal
from losses.text import Language, in_language
from service.uploads.formats.registry import DecodingLimit


def check(path: str, media: str, question: dict[str, Any], max_bytes: int, language: Language) -> dict[str, Any]:
    """Return what the experiment will do, or under `refused` why it cannot be run.

    It is called in another process, and a refusal does not travel between two, so that its parts do.
    """
    import torch  # noqa: PLC0415 - that process may be new

    from recommender.experiment import ExperimentQuestion, plan  # noqa: PLC0415
    from service.jobs.columns import columns_of  # noqa: PLC0415

    torch.set_num_threads(1)
    try:
        planned = plan(ExperimentQuestion(**question), columns_of(Path(path), media, DecodingLimit(max_bytes)))
    except Refusal as refusal:
        return {"refused": [type(refusal).__name__, refusal.message, refusal.facts]}
    return {
        "fits": planned.fits_a_unit * len(planned.units),
        "metric": planned.metric,
        "task": planned.target.task,
        "candidates": [candidate.objective for candidate in planned.candidates],
        "notices": [in_language(text, language) for text in planned.notices],
    }


def raise_refusal(name: str, message: str, facts: dict[str, Any]) -> None:
    """Raise a refusal whose parts came from another process, under the name that it had there."""
    known = {kind.__name__: kind for kind in _kinds(Refusal)}
    kind = known.get(name, Refusal)
    refusal = kind.__new__(kind)
    Refusal.__init__(refusal, message, **facts)
    raise refusal


def _kinds(kind: type[Refusal]) -> list[type[Refusal]]:
    return [kind, *(inner for other in kind.__subclasses__() for inner in _kinds(other))]
