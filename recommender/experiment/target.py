"""The target of an experiment: its task, inferred where none is stated, and its values as numbers or class ids."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from losses.text import Text
from recommender.errors import BadExperiment
from recommender.experiment.features import is_text
from recommender.measure.infer_task import infer_task
from recommender.tasks import Task, read_task

MOST_CLASSES = 100
SMALLEST, LARGEST = 1e-15, 1e15  # of a target: its squares and their sums fit float32
PAIR = 2
TASKS = (Task.REGRESSION, Task.COUNT, Task.BINARY, Task.MULTICLASS, Task.MULTILABEL, Task.ORDINAL, Task.RANKING)
TABLE = 2  # axes of several labels


@dataclass(frozen=True)
class Target:
    """The target column.

    Shapes: values (n), numbers or ids of `classes` from 0; (n, labels) of 0 and 1 for several labels.
    """

    task: Task
    values: np.ndarray[Any, np.dtype[np.float64]]
    classes: tuple[str, ...] | None

    @property
    def ids(self) -> np.ndarray[Any, np.dtype[np.int64]] | None:
        """The class ids (n); None where the target is a number or several labels."""
        return self.values.astype(np.int64) if self.classes and self.values.ndim < TABLE else None

    def rows(self, kept: np.ndarray[Any, Any]) -> "Target":
        """Return the target of some rows."""
        return Target(self.task, self.values[kept], self.classes)

    @property
    def n(self) -> int:
        """The number of rows."""
        return len(self.values)

    @property
    def is_number(self) -> bool:
        """Whether the target is predicted as a number, so that there are residuals."""
        return self.classes is None and self.task is not Task.RANKING

    @property
    def outputs(self) -> int:
        """The number of model outputs for an item: one for each class or label, a single one for two classes."""
        return len(self.classes) if self.classes and self.task is not Task.BINARY else 1

    @property
    def one_a_class(self) -> bool:
        """Whether a model has one output for each of several exclusive classes."""
        return self.ids is not None and self.outputs > 1


def read_target(column: np.ndarray[Any, Any], task: str | None) -> tuple[Target, list[Text]]:
    """Return the target, which must have no missing value, and what was assumed about it.

    Raises: BadExperiment for texts where numbers are needed, a single value, too many classes, and values out of range.
    """
    if column.ndim == TABLE:
        return _labels(column, task), []
    if len(set(column.tolist())) < PAIR:
        raise BadExperiment(
            "target",
            Text(
                "The target has one value only, so that every loss predicts it alike.",
                "目标只有一个值,因此所有损失的预测都相同。",
            ),
        )
    known = read_task(task) if task else None
    assumed = []
    if known is None:
        known, reason = _inferred(column)
        assumed.append(Text(f"The task is taken to be {known}: {reason.en}.", f"任务被视为 {known}:{reason.zh}。"))
    if known in (Task.REGRESSION, Task.COUNT, Task.RANKING):
        return Target(known, _numbers(column, known), None), assumed
    if known is Task.MULTILABEL:
        raise BadExperiment(
            "target",
            Text(
                "The target of multilabel has a list of 0 and 1 in each row, one a label.",
                "multilabel 的目标每行是由 0 和 1 组成的列表,每个标签一个。",
            ),
        )
    values, ids = np.unique(column.astype(str) if is_text(column) else column, return_inverse=True)
    if known is Task.BINARY and len(values) != PAIR:
        raise BadExperiment(
            "target",
            Text(
                f"The target of binary has two values; this one has {len(values)}.",
                f"binary 的目标有两个取值;此目标有 {len(values)} 个。",
            ),
        )
    if len(values) > MOST_CLASSES:
        raise BadExperiment(
            "target",
            Text(
                f"The target has {len(values)} classes; at most {MOST_CLASSES} are compared. What is no class, as "
                "dates and times, is predicted as a number: send it as one.",
                f"目标有 {len(values)} 个类别;最多比较 {MOST_CLASSES} 个。"
                "日期和时间等并非类别,应作为数预测:请以数发送。",
            ),
        )
    classes = tuple(_name(value) for value in values)
    if is_text(column) or classes not in (("0", "1"), tuple(map(str, range(len(values))))):
        listed = ", ".join(f"{name} is {place}" for place, name in enumerate(classes[:5]))
        assumed.append(Text(f"Classes are numbered in this order: {listed}.", f"类别按以下次序编号:{listed}。"))
    return Target(known, ids.astype(np.float64), classes), assumed


def _labels(column: np.ndarray[Any, Any], task: str | None) -> Target:
    """Return several labels an item, (n, labels)."""
    if task not in (None, Task.MULTILABEL):
        raise BadExperiment(
            "target",
            Text(
                f"Each row of the target has {column.shape[1]} numbers: ask with task=multilabel.",
                f"目标的每行有 {column.shape[1]} 个数:请使用 task=multilabel。",
            ),
        )
    if not np.isin(column, (0, 1)).all() or column.shape[1] > MOST_CLASSES:
        raise BadExperiment(
            "target",
            Text(
                f"Several labels a row are 0 or 1 each, and {MOST_CLASSES} at most.",
                f"每行的多个标签各为 0 或 1,且最多 {MOST_CLASSES} 个。",
            ),
        )
    constant = np.flatnonzero(column.min(0) == column.max(0))
    if len(constant):
        raise BadExperiment(
            "target",
            Text(
                f"Label {constant[0]} is the same in every row, so that nothing is learnt of it. Leave it out.",
                f"标签 {constant[0]} 在每一行都相同,无从学习。请去掉它。",
            ),
        )
    return Target(Task.MULTILABEL, column.astype(np.float64), tuple(map(str, range(column.shape[1]))))


def _inferred(column: np.ndarray[Any, Any]) -> tuple[Task, Text]:
    """Return the task that a column looks like, with the reason."""
    if is_text(column):
        few = len(set(column.tolist())) == PAIR
        return (Task.BINARY if few else Task.MULTICLASS), Text("it holds texts", "取值为文本")
    task, reason = infer_task(torch.from_numpy(column))
    return (task if task in TASKS else Task.REGRESSION), reason


def _numbers(column: np.ndarray[Any, Any], task: Task) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Return the target as numbers, checked against the range of the task."""
    if is_text(column):
        raise BadExperiment(
            "target",
            Text(
                f"The target holds texts, and {task} predicts numbers. Ask with task=binary or multiclass.",
                f"目标是文本,而 {task} 预测数值。请使用 task=binary 或 multiclass。",
            ),
        )
    if not np.isfinite(column).all():
        raise BadExperiment(
            "target", Text("The target holds an infinity. Leave such rows out.", "目标中有无穷大。请去掉这些行。")
        )
    farthest = float(np.abs(column).max())
    if not SMALLEST < farthest < LARGEST:
        raise BadExperiment(
            "target",
            Text(
                f"The target reaches {farthest:.0e}; models train in float32, whose squares end at 3e38. Scale it "
                "by a power of ten.",
                f"目标的绝对值达 {farthest:.0e};模型以 float32 训练,其平方上限为 3e38。请乘以 10 的某次幂进行缩放。",
            ),
        )
    if task in (Task.COUNT, Task.RANKING) and (column < 0).any():
        raise BadExperiment(
            "target",
            Text(
                f"The target of {task} is 0 or more; this one has negative values.",
                f"{task} 的目标不小于 0;此目标有负值。",
            ),
        )
    return column.astype(np.float64)


def _name(value: object) -> str:
    """Return a class as text."""
    return str(int(value)) if isinstance(value, float) and value == int(value) else str(value)
