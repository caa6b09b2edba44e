"""The queries beside predictions of the user's own training loop: rows of one query are a list with an order."""

from collections.abc import Sequence

import numpy as np

from losses.text import Text
from recommender.errors import BadExperiment
from recommender.experiment.folds import Ids
from recommender.experiment.lists import rows_with_an_order
from recommender.metrics import METRICS


def queries_of_folds(
    metric: str, queries: Sequence[Sequence[int | str]] | None, targets: Sequence[np.ndarray]
) -> list[Ids] | None:
    """Return the query of each row of each fold as an id from 0; None where the metric looks at no lists.

    Raises: BadExperiment where queries are missing or too many, or a fold has not one for each of its targets.
    """
    if not METRICS[metric].of_lists:
        if queries is None:
            return None
        raise BadExperiment(
            "queries",
            Text(
                f"queries are of ndcg, and {metric} looks at single rows: leave them out.",
                f"queries 用于 ndcg,而 {metric} 逐行计算:请去掉它。",
            ),
        )
    if queries is None:
        raise BadExperiment(
            "queries",
            Text(
                f"{metric} is of lists: send queries beside targets, for every fold the query of each row.",
                f"{metric} 按列表计算:请在 targets 之外发送 queries,为每一折写明各行所属的查询。",
            ),
        )
    if [len(rows) for rows in queries] != [len(rows) for rows in targets]:
        raise BadExperiment(
            "queries",
            Text(
                "queries does not have a query for each target of each fold.",
                "queries 没有为每一折的每个目标写明查询。",
            ),
        )
    return [_ids(rows) for rows in queries]


def rows_of_lists(queries: Sequence[Ids], relevance: Sequence[np.ndarray]) -> tuple[list[np.ndarray], int]:
    """Return which rows of each fold are of queries that have an order, and how many queries have none.

    Raises: BadExperiment where no query of a fold has one.
    """
    kept, left_out = [], 0
    for fold, (own, targets) in enumerate(zip(queries, relevance, strict=True)):
        rows, gone = rows_with_an_order(own, targets)
        if not rows.any():
            raise BadExperiment(
                "queries",
                Text(
                    f"No query of fold {fold}, counted from 0, has rows of more than one relevance, so that every "
                    "order is as good. Take fewer folds, or more queries.",
                    f"第 {fold} 折(从 0 起)没有一个查询含多于一种相关度的行,任何次序都一样好。请减少折数,或增加查询。",
                ),
            )
        kept.append(rows)
        left_out += gone
    return kept, left_out


def _ids(queries: Sequence[int | str]) -> Ids:
    """Return names of queries as ids in the order of their first rows."""
    known: dict[int | str, int] = {}
    return np.array([known.setdefault(name, len(known)) for name in queries])
