"""Refusals of this room.

Refusal
├── NoTask            neither a task nor a scenario was named
├── UnknownTask       no such task
├── UnknownScenario   no such scenario
├── UnknownThreshold  no threshold of that name
├── BadThreshold      a threshold outside the range of its fact, or on the wrong side of another
├── NothingToMeasure  arrays without items
└── UnreadableTargets arrays that fit no reading of the task
"""

from collections.abc import Iterable

from losses.errors import Refusal


def _hint(suggestion: str | None) -> str:
    return f" Did you mean {suggestion}?" if suggestion else ""


class NoTask(Refusal):
    title = "No task was named"

    def __init__(self, tasks: Iterable[str], scenarios: Iterable[str]) -> None:
        known, cases = list(tasks), list(scenarios)
        message = f"Name a task ({', '.join(known)}) or a scenario ({', '.join(cases)})."
        super().__init__(message, tasks=known, scenarios=cases)


class UnknownTask(Refusal):
    title = "No such task"

    def __init__(self, tasks: Iterable[str], suggestion: str | None) -> None:
        known = list(tasks)
        message = f"There is no task of that name.{_hint(suggestion)} The tasks are {', '.join(known)}."
        super().__init__(message, tasks=known, did_you_mean=suggestion)


class UnknownScenario(Refusal):
    title = "No such scenario"

    def __init__(self, scenarios: Iterable[str], suggestion: str | None) -> None:
        known = list(scenarios)
        message = f"There is no scenario of that name.{_hint(suggestion)} The scenarios are {', '.join(known)}."
        super().__init__(message, scenarios=known, did_you_mean=suggestion)


class UnknownThreshold(Refusal):
    title = "No such threshold"

    def __init__(self, thresholds: Iterable[str], suggestion: str | None) -> None:
        known = list(thresholds)
        message = f"There is no threshold of that name.{_hint(suggestion)} The thresholds are {', '.join(known)}."
        super().__init__(message, thresholds=known, did_you_mean=suggestion)


class BadThreshold(Refusal):
    title = "A threshold is out of place"

    def __init__(self, threshold: str, wanted: str) -> None:
        super().__init__(f"{threshold} must be {wanted}.", threshold=threshold, wanted=wanted)


class NothingToMeasure(Refusal):
    title = "There is nothing to measure"

    def __init__(self, role: str, got: Iterable[int]) -> None:
        shape = list(got)
        message = f"{role} must hold at least one item along axis 0, got shape {shape}."
        super().__init__(message, role=role, got=shape)


class UnreadableTargets(Refusal):
    title = "The targets fit no reading of the task"

    def __init__(self, task: str, wanted: str, got: Iterable[int]) -> None:
        shape = list(got)
        super().__init__(f"targets of {task} must be {wanted}, got shape {shape}.", task=task, wanted=wanted, got=shape)
