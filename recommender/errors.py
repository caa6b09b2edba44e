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
from typing import ClassVar

from losses.errors import Refusal, did_you_mean, pointer
from losses.text import Text, listed, paragraph


def _unknown(unknown: Text, suggestion: str | None, names: list[str], kind: Text) -> Text:
    """Return the sentences that a name is unknown, which known one is nearest, and which there are."""
    list_of_names = listed(names)
    all_names = Text(f"The {kind.en} are {list_of_names.en}.", f"{kind.zh}有 {list_of_names.zh}。")
    return paragraph(unknown, did_you_mean(suggestion), all_names)


class NoTask(Refusal):
    """The request names neither a task nor a scenario."""

    title = Text("No task was named", "没有指明任务")
    example: ClassVar = {"tasks": ("regression", "binary", "and others"), "scenarios": ("house_prices", "spam", "...")}

    def __init__(self, tasks: Iterable[str], scenarios: Iterable[str]) -> None:
        task_names, scenario_names = list(tasks), list(scenarios)
        task, scenario = listed(task_names), listed(scenario_names)
        text = Text(
            f"Name a task ({task.en}) or a scenario ({scenario.en}).",
            f"请指明任务({task.zh})或场景({scenario.zh})。",
        )
        super().__init__(text, tasks=task_names, scenarios=scenario_names)


class UnknownTask(Refusal):
    """There is no task of this name."""

    title = Text("No such task", "没有这个任务")
    example: ClassVar = {"tasks": ("regression", "binary", "and others"), "suggestion": "binary"}

    def __init__(self, tasks: Iterable[str], suggestion: str | None) -> None:
        names = list(tasks)
        unknown = Text("There is no task of that name.", "没有这个名称的任务。")
        text = _unknown(unknown, suggestion, names, Text("tasks", "任务"))
        super().__init__(text, tasks=names, did_you_mean=suggestion)


class UnknownScenario(Refusal):
    """There is no scenario of this name."""

    title = Text("No such scenario", "没有这个场景")
    example: ClassVar = {"scenarios": ("house_prices", "spam", "and others"), "suggestion": "house_prices"}

    def __init__(self, scenarios: Iterable[str], suggestion: str | None) -> None:
        names = list(scenarios)
        unknown = Text("There is no scenario of that name.", "没有这个名称的场景。")
        text = _unknown(unknown, suggestion, names, Text("scenarios", "场景"))
        super().__init__(text, scenarios=names, did_you_mean=suggestion)


class UnknownThreshold(Refusal):
    """There is no threshold of this name."""

    title = Text("No such threshold", "没有这个阈值")
    example: ClassVar = {"name": "outlier_rat", "thresholds": ("outlier_rate",), "suggestion": "outlier_rate"}

    def __init__(self, name: str, thresholds: Iterable[str], suggestion: str | None) -> None:
        names, field = list(thresholds), pointer(name)
        unknown = Text(f"There is no threshold {field}.", f"没有阈值 {field}。")
        text = _unknown(unknown, suggestion, names, Text("thresholds", "阈值"))
        super().__init__(text, pointer=field, thresholds=names, did_you_mean=suggestion)


class UnknownMetric(Refusal):
    """There is no metric of this name."""

    title = Text("No such metric", "没有这个指标")
    example: ClassVar = {"metrics": ("rmse", "mae", "and others"), "suggestion": "rmse"}

    def __init__(self, metrics: Iterable[str], suggestion: str | None) -> None:
        names = list(metrics)
        unknown = Text("There is no metric of that name.", "没有这个名称的指标。")
        text = _unknown(unknown, suggestion, names, Text("metrics", "指标"))
        super().__init__(text, metrics=names, did_you_mean=suggestion)


class BadThreshold(Refusal):
    """A threshold lies outside the range of its fact, or on the wrong side of another threshold."""

    title = Text("A threshold is out of place", "阈值的取值不当")
    example: ClassVar = {"threshold": "outlier_rate", "wanted": Text("a number between 0 and 1", "在 0 与 1 之间")}

    def __init__(self, threshold: str, wanted: Text) -> None:
        text = Text(f"{threshold} must be {wanted.en}.", f"{threshold} 必须{wanted.zh}。")
        super().__init__(text, threshold=threshold, wanted=wanted.en)


class NothingToMeasure(Refusal):
    """An array has no items."""

    title = Text("There is nothing to measure", "没有可测量的数据")
    example: ClassVar = {"role": "targets", "got": [0]}

    def __init__(self, role: str, got: Iterable[int]) -> None:
        shape = list(got)
        text = Text(
            f"{role} must hold at least one item along axis 0, got shape {shape}.",
            f"{role} 沿轴 0 至少要有一项,实际形状为 {shape}。",
        )
        super().__init__(text, role=role, got=shape)


class UnreadableTargets(Refusal):
    """The targets do not have a form that the task reads."""

    title = Text("The targets fit no reading of the task", "目标不符合该任务的任何形式")
    example: ClassVar = {"task": "binary", "wanted": Text("of 0 and 1", "0 和 1"), "got": [6]}

    def __init__(self, task: str, wanted: Text, got: Iterable[int]) -> None:
        shape = list(got)
        text = Text(
            f"targets of {task} must be {wanted.en}, got shape {shape}.",
            f"{task} 的 targets 必须是{wanted.zh},实际形状为 {shape}。",
        )
        super().__init__(text, task=task, wanted=wanted.en, got=shape)


class SingleColumn(Refusal):
    """The predictions of several classes have only one column."""

    title = Text("A softmax over one class", "只有一个类别的 softmax")
    example: ClassVar = {"got": [4, 1]}

    def __init__(self, got: Iterable[int]) -> None:
        shape = list(got)
        text = Text(
            f"predictions of multiclass must have at least two columns, got shape {shape}: a softmax over one class "
            "is always 1. Ask with task=binary.",
            f"multiclass 的 predictions 至少要有两列,实际形状为 {shape}:单个类别的 softmax 恒为 1。"
            "请使用 task=binary。",
        )
        super().__init__(text, role="predictions", got=shape)


class NotOneHot(Refusal):
    """Rows of 0 and 1, for one class an item, do not sum to 1."""

    title = Text("Rows are not one-hot", "各行不是 one-hot 编码")
    example: ClassVar = {"index": [2]}

    def __init__(self, index: list[int]) -> None:
        text = Text(
            "targets of multiclass must sum to 1 along axis 1; the first row that does not is at index "
            f"{index}. Several labels an item are task=multilabel; class ids go in one column.",
            f"multiclass 的 targets 沿轴 1 之和必须为 1;第一个不符合的行位于索引 {index}。"
            "每项有多个标签时使用 task=multilabel;类别编号放在一列中。",
        )
        super().__init__(text, role="targets", index=index)


class IdOutOfRange(Refusal):
    """A class id has no column in the predictions."""

    title = Text("A class id has no column", "类别编号没有对应的列")
    example: ClassVar = {"classes": 3, "index": [5]}

    def __init__(self, classes: int, index: list[int]) -> None:
        text = Text(
            f"targets must be class ids from 0 to {classes - 1}, since predictions have {classes} columns; the first "
            f"that is not is at index {index}. Ids from 1 lose 1; ids below 0 mark labels that do not count.",
            f"predictions 有 {classes} 列,因此 targets 必须是 0 到 {classes - 1} 的类别编号;第一个不符合的位于索引 "
            f"{index}。从 1 开始的编号应减 1;小于 0 的编号表示不计入的标签。",
        )
        super().__init__(text, classes=classes, index=index)


class NotProbabilities(Refusal):
    """Predictions that should be probabilities have numbers that cannot be."""

    title = Text("Predictions are no probabilities", "预测值不是概率")
    example: ClassVar = {"wanted": Text("between 0 and 1", "在 0 与 1 之间"), "index": [4]}

    def __init__(self, wanted: Text, index: list[int]) -> None:
        text = Text(
            f"predictions must be {wanted.en}; the first that is not is at index {index}. "
            "Logits are named by predictions_are=logits.",
            f"predictions 必须是{wanted.zh};第一个不符合的位于索引 {index}。logits 请用 predictions_are=logits 指明。",
        )
        super().__init__(text, role="predictions", wanted=wanted.en, index=index)


class BadBox(Refusal):
    """A box has no width or no height."""

    title = Text("A box has no area", "边界框没有面积")
    example: ClassVar = {"role": "targets", "index": [0]}

    def __init__(self, role: str, index: list[int]) -> None:
        text = Text(
            f"{role} must be boxes x1, y1, x2, y2 with x1 < x2 and y1 < y2; the first that is not is at index {index}. "
            "A corner and a size, as in COCO, become two corners by adding the size; a centre by adding half of it, "
            "and taking half off.",
            f"{role} 必须是满足 x1 < x2 且 y1 < y2 的边界框 x1, y1, x2, y2;第一个不符合的位于索引 {index}。"
            "COCO 式的角点加尺寸,加上尺寸即得两个角点;中心点加尺寸,则加、减尺寸的一半。",
        )
        super().__init__(text, role=role, index=index)


class BadExperiment(Refusal):
    """An experiment cannot be run as requested; `field` names the part of the request at fault."""

    title = Text("The experiment cannot be run", "实验无法运行")
    example: ClassVar = {"field": "target", "message": "There is no column of that name."}

    def __init__(self, field: str, message: str | Text, **facts: object) -> None:
        super().__init__(message, field=field, **facts)
