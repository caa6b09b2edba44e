"""Cross-validation folds that keep groups whole, classes in proportion, and time in order."""

from typing import Any

import numpy as np

from losses.text import Text
from recommender.errors import BadExperiment

Ids = np.ndarray[Any, np.dtype[np.int64]]
NEVER = -1  # the fold of a row that is trained on and never held out


def folds_of(
    labels: Ids | None, n: int, folds: int, seed: int, *, groups: Ids | None = None, order: np.ndarray | None = None
) -> Ids:
    """Return the fold that holds out each row.

    With `order`, the first part of the rows is never held out, and each fold is predicted from the rows before it only.

    Args:
        labels: Class ids (n), whose proportions every fold keeps; None for numbers.
        n: The number of rows.
        folds: The number of folds.
        seed: The seed of the random order.
        groups: Ids (n) of rows that stay together; None for none.
        order: Values (n) by which rows are ordered in time; None for none.

    Raises: BadExperiment where there are fewer groups than folds, or a class has fewer rows than folds.
    """
    from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold  # noqa: PLC0415 - slow

    if labels is not None:
        _refuse_rare(labels, folds)
    fold_of_row = np.full(n, NEVER)
    if order is not None:
        for fold, rows in enumerate(np.array_split(np.argsort(order, kind="stable"), folds + 1)[1:]):
            fold_of_row[rows] = fold
        return fold_of_row
    if groups is not None and len(np.unique(groups)) < folds:
        raise BadExperiment(
            "groups",
            Text(
                f"There are {len(np.unique(groups))} groups and {folds} folds; ask for fewer folds.",
                f"有 {len(np.unique(groups))} 个组和 {folds} 折;请减少折数。",
            ),
        )
    anything = np.zeros((n, 1))
    splitter: Any
    if groups is not None and labels is not None:
        splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    elif groups is not None:
        splitter = GroupKFold(folds, shuffle=True, random_state=seed)
    elif labels is not None:
        splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    else:
        splitter = KFold(folds, shuffle=True, random_state=seed)
    for fold, (_, rows) in enumerate(splitter.split(anything, labels, groups)):
        fold_of_row[rows] = fold
    return fold_of_row


def _refuse_rare(labels: Ids, folds: int) -> None:
    """Refuse labels of which a class has fewer rows than there are folds.

    Raises: BadExperiment.
    """
    values, counts = np.unique(labels, return_counts=True)
    if counts.min() < folds:
        raise BadExperiment(
            "target",
            Text(
                f"A class has {counts.min()} rows, fewer than the {folds} folds, so that a fold would lack it. "
                "Ask for fewer folds, join rare classes, or leave them out.",
                f"有一个类别只有 {counts.min()} 行,少于 {folds} 折,因此会有一折缺少它。"
                "请减少折数、合并稀有类别,或去掉它们。",
            ),
            classes=len(values),
            smallest=int(counts.min()),
        )
