"""The refusals of the recommender.

Refusal
├── NoTask            neither a task nor a scenario was named
├── UnknownTask       no such task
├── UnknownScenario   no such scenario
├── UnknownThreshold  no threshold of that name
├── UnknownMetric     no such metric
├── BadThreshold      a threshold outside the range of its fact, or on the wrong side of another
├── NothingToMeasure  arrays without items
├── UnreadableTargets arrays that fit no reading of the task
├── SingleColumn      a softmax over one class
├── NotOneHot         rows of 0 and 1 for one class an item that do not sum to 1
├── IdOutOfRange      a class id without a column in the predictions
├── NotProbabilities  predictions that were called probabilities, or look like them, and are none
├── BadBox            a box without width or height
└── BadExperiment     an experiment that cannot be run as it was asked for
"""

from collections.abc import Iterable

from losses.errors import Refusal, pointer


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

    def __init__(self, name: str, thresholds: Iterable[str], suggestion: str | None) -> None:
        known = list(thresholds)
        message = f"There is no threshold {pointer(name)}.{_hint(suggestion)} The thresholds are {', '.join(known)}."
        super().__init__(message, pointer=pointer(name), thresholds=known, did_you_mean=suggestion)


class UnknownMetric(Refusal):
    title = "No such metric"

    def __init__(self, metrics: Iterable[str], suggestion: str | None) -> None:
        known = list(metrics)
        message = f"There is no metric of that name.{_hint(suggestion)} The metrics are {', '.join(known)}."
        super().__init__(message, metrics=known, did_you_mean=suggestion)


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


class SingleColumn(Refusal):
    title = "A softmax over one class"

    def __init__(self, got: Iterable[int]) -> None:
        shape = list(got)
        message = (
            f"predictions of multiclass must have at least two columns, got shape {shape}: a softmax over one class "
        )
        super().__init__(f"{message}is always 1. Ask with task=binary.", role="predictions", got=shape)


class NotOneHot(Refusal):
    title = "Rows are not one-hot"

    def __init__(self, index: list[int]) -> None:
        message = f"targets of multiclass must sum to 1 along axis 1; the first row that does not is at index {index}. "
        way_out = "Several labels an item are task=multilabel; class ids go in one column."
        super().__init__(message + way_out, role="targets", index=index)


class IdOutOfRange(Refusal):
    title = "A class id has no column"

    def __init__(self, classes: int, index: list[int]) -> None:
        message = (
            f"targets must be class ids from 0 to {classes - 1}, since predictions have {classes} columns; the first "
        )
        way_out = "Ids from 1 lose 1; ids below 0 mark labels that do not count."
        super().__init__(f"{message}that is not is at index {index}. {way_out}", classes=classes, index=index)


class NotProbabilities(Refusal):
    title = "Predictions are no probabilities"

    def __init__(self, wanted: str, index: list[int]) -> None:
        message = f"predictions must be {wanted}; the first that is not is at index {index}. "
        way_out = "Logits are named by predictions_are=logits."
        super().__init__(message + way_out, role="predictions", wanted=wanted, index=index)


class BadBox(Refusal):
    title = "A box has no area"

    def __init__(self, role: str, index: list[int]) -> None:
        message = (
            f"{role} must be boxes x1, y1, x2, y2 with x1 < x2 and y1 < y2; the first that is not is at index {index}. "
        )
        way_out = (
            "A corner and a size, as in COCO, become two corners by adding the size; a centre by adding half of it, "
        )
        way_out += "and taking half off."
        super().__init__(message + way_out, role=role, index=index)


class BadExperiment(Refusal):
    title = "The experiment cannot be run"

    def __init__(self, field: str, message: str, **facts: object) -> None:
        super().__init__(message, field=field, **facts)
