"""Queries: the rows of one query form a list, which ranking orders by itself."""

from dataclasses import dataclass

import numpy as np

from losses.errors import shown
from losses.text import Text
from recommender.errors import BadExperiment
from recommender.experiment.features import Columns, column_of, ids_of, missing
from recommender.experiment.folds import Ids
from recommender.experiment.question import ExperimentQuestion
from recommender.experiment.target import read_target
from recommender.tasks import Task

LISTS_A_FOLD = 4  # the fewest that a fold may hold out


@dataclass(frozen=True)
class QueryRows:
    """Rows of lists that have an order: their positions (n), and the ids of their lists (n)."""

    rows: Ids
    queries: Ids
    notices: list[Text]


def read_lists(columns: Columns, question: ExperimentQuestion, rows: Ids, most_rows: int) -> QueryRows | None:
    """Return at most `most_rows` rows of queries that have an order; None where the task is not ranking.

    Queries of one row, and those whose rows are equally relevant, are left out. Raises: BadExperiment.
    """
    if question.query is None and question.task != "ranking":
        return None
    if question.query is None:
        raise BadExperiment(
            "query",
            Text(
                "Ranking puts the rows of each query in order: name the column that says which query a row belongs to "
                "in query.",
                "ranking 在每个查询内部排序:请在 query 中写明各行所属查询的列。",
            ),
        )
    _refuse_other_uses(question)
    column = column_of(columns, question.query, "query")[rows]
    if missing(column).any():
        raise BadExperiment(
            "query",
            Text(
                f"Column {shown(question.query)} has missing values; every row belongs to a query. Leave such rows "
                "out.",
                f"列 {shown(question.query)} 有缺失值;每一行都应属于某个查询。请去掉这些行。",
            ),
        )
    relevance = read_target(column_of(columns, question.target, "target")[rows], Task.RANKING)[0].values
    queries = np.unique(ids_of(columns, question.query, "query")[rows], return_inverse=True)[1]
    kept, gone = rows_with_an_order(queries, relevance)
    if not kept.any():
        alone = bool((np.bincount(queries) == 1).all())
        raise BadExperiment("query" if alone else "target", _ONE_ROW if alone else _ALL_ALIKE)
    notices = [without_an_order(gone)] if gone else []
    if kept.sum() > most_rows:
        kept &= _sampled(queries, kept, most_rows, question.seed)
        count = len(np.unique(queries[kept]))
        notices.append(Text(f"A sample of {count:,} queries takes part.", f"随机抽取 {count:,} 个查询参与实验。"))
    ids = np.unique(queries[kept], return_inverse=True)[1]
    if len(ids) == 0 or ids.max() + 1 < LISTS_A_FOLD * question.folds:
        raise BadExperiment(
            "query",
            Text(
                f"{len(set(ids.tolist()))} queries have rows of more than one relevance; {question.folds} folds take "
                f"at least {LISTS_A_FOLD * question.folds}. Send more queries, or ask for fewer folds.",
                f"{len(set(ids.tolist()))} 个查询有多于一种相关度的行;{question.folds} 折至少需要 "
                f"{LISTS_A_FOLD * question.folds} 个。请发送更多查询,或减少折数。",
            ),
        )
    return QueryRows(rows[kept], ids, notices)


def refuse_split(queries: Ids, judge: np.ndarray) -> None:
    """Refuse queries of which only some rows are held out.

    Raises: BadExperiment.
    """
    shares = np.bincount(queries, judge) / np.bincount(queries)
    if ((shares > 0) & (shares < 1)).any():
        raise BadExperiment(
            "held_out",
            Text(
                "Some queries are held out in part. Hold out all rows of a query, or none.",
                "有些查询只有一部分行被留出。请留出查询的全部行,或一行也不留。",
            ),
        )


def _refuse_other_uses(question: ExperimentQuestion) -> None:
    """Refuse another task together with queries, and columns that ranking does not use.

    Raises: BadExperiment.
    """
    if question.task not in (None, "ranking"):
        raise BadExperiment(
            "query",
            Text(
                f"query is of ranking, and the task is {question.task}. Leave it out, or ask with groups to keep rows "
                "of one value in one fold.",
                f"query 用于 ranking,而任务是 {question.task}。请去掉它,或用 groups 让取值相同的行留在同一折。",
            ),
        )
    others = {"groups": question.groups, "order": question.order, "weights": question.weights}
    for field, name in others.items():
        if name is not None:
            raise BadExperiment(
                field,
                Text(
                    f"Ranking keeps each query in one fold and counts all queries alike: leave {field} out.",
                    f"ranking 让每个查询留在同一折,且各查询权重相同:请去掉 {field}。",
                ),
            )


def rows_with_an_order(queries: Ids, relevance: np.ndarray) -> tuple[np.ndarray, int]:
    """Return which rows (n) are of queries whose rows differ in relevance, and how many other queries there are.

    Shapes: queries (n), ids from 0, each of which occurs; relevance (n).
    """
    order = np.argsort(queries, kind="stable")
    first = np.flatnonzero(np.r_[True, np.diff(queries[order]) > 0])
    highest, lowest = (how.reduceat(relevance[order], first) for how in (np.maximum, np.minimum))
    has_order = highest > lowest
    return np.asarray(has_order[queries]), int((~has_order).sum())


def without_an_order(queries: int) -> Text:
    """Return the notice that so many queries were left out."""
    return Text(
        f"{queries} queries of one row, or of rows that are all as relevant, were left out: they have no order.",
        f"已略去 {queries} 个只有一行、或各行相关度相同的查询:其中没有次序可言。",
    )


_ONE_ROW = Text(
    "Every query has one row, so that there is nothing to put in order. Name the column whose value the rows of one "
    "list share.",
    "每个查询只有一行,无从排序。请写明同一列表的行取值相同的列。",
)
_ALL_ALIKE = Text(
    "The rows of each query are all as relevant, so that every order is as good. Name another target, or another "
    "column as query.",
    "每个查询内各行的相关度都相同,任何次序都一样好。请换一个目标,或换一列作为 query。",
)


def _sampled(queries: Ids, kept: np.ndarray, most_rows: int, seed: int) -> np.ndarray:
    """Return the rows of randomly drawn queries, up to `most_rows` rows."""
    drawn = np.random.default_rng(seed).permutation(np.unique(queries[kept]))
    rows = np.bincount(queries[kept], minlength=int(queries.max()) + 1)[drawn]
    return np.isin(queries, drawn[np.cumsum(rows) <= most_rows])
