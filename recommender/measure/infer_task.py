"""Infers the task from the targets, where none was named."""

from torch import Tensor

from losses.text import Text
from recommender.measure.classes.labels import all_whole, exclusive, value_counts
from recommender.measure.pictures.void import find_void
from recommender.tasks import Task

# as AutoGluon infers problem types: whole targets are classes while few of them differ
_SMALL = 1000  # items
_FEW = {True: 0.1, False: 0.05}  # distinct over all, in small and in large data
_MOST_CLASSES = 1000
_SIGNS = ({0, 1}, {-1, 1}, {0}, {1})
_PAIR = 2  # classes of a binary task
_TABLE = 2  # axes of (n, columns)
EMBEDDED = Text("there are embeddings", "给出了嵌入向量")
_MANY = (Task.REGRESSION, Text("they are numbers of which many differ", "它们的取值很多"))


def infer_task(targets: Tensor) -> tuple[Task, Text]:
    """Return the task that the targets look like, with the reason."""
    if not all_whole(targets):
        return Task.REGRESSION, Text("some are not whole numbers", "存在非整数")
    values, _ = value_counts(targets, _MOST_CLASSES)
    void = find_void(Task.SEGMENTATION, targets) if targets.ndim > 1 else None
    if void is not None and not bool(void.where(values).all()):
        values = values[~void.where(values)]
    bits = set(values[:3].tolist()) <= {0, 1}
    if targets.ndim > _TABLE and (bits or _few(values, targets)):
        return Task.SEGMENTATION, Text("they are whole numbers on pixels", "它们是逐像素的整数")
    if targets.numel() == targets.shape[0]:
        return _column(values, targets)
    if bits and targets.ndim == _TABLE:
        if exclusive(targets):
            return Task.MULTICLASS, Text("each row has exactly one 1", "每行恰有一个 1")
        return Task.MULTILABEL, Text("rows of 0 and 1 have any number of 1", "由 0 和 1 组成的行中 1 的个数不定")
    return _MANY


def _column(values: Tensor, targets: Tensor) -> tuple[Task, Text]:
    """Return the task of targets that are whole numbers, one for each item, with the reason."""
    if set(values[:3].tolist()) in _SIGNS:
        return Task.BINARY, Text("they take two values", "它们只取两个值")
    if _few(values, targets):
        task = Task.BINARY if values.numel() == _PAIR else Task.MULTICLASS
        return task, Text("they are whole numbers of which few differ", "它们是整数且取值很少")
    return _MANY


def _few(values: Tensor, targets: Tensor) -> bool:
    """Return whether whole numbers repeat as class ids do.

    They do where few are distinct, or where they are exactly 0 to K - 1 and each occurs twice on average.
    """
    n, k = targets.numel(), values.numel()
    ids = bool(values[0] == 0) and bool(values[-1] == k - 1) and 2 * k <= n
    return 1 < k <= _MOST_CLASSES and (ids or k / n <= _FEW[n <= _SMALL])
