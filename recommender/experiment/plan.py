"""The plan of an experiment: all checks are made here, before anything is trained."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from losses.errors import shown
from losses.text import Text
from recommender.errors import BadExperiment
from recommender.experiment.candidates import Candidate, candidates_of
from recommender.experiment.features import Columns, Features, column_of, ids_of, is_text, missing, read_features
from recommender.experiment.folds import NEVER, Ids, folds_of
from recommender.experiment.goal import goal_of, metric_of
from recommender.experiment.lists import read_lists, refuse_split
from recommender.experiment.question import ExperimentQuestion
from recommender.experiment.target import Target, read_target
from recommender.experiment.training.pilot import pilot_profile
from recommender.experiment.training.train import STEPS
from recommender.profile import Goal, Profile
from recommender.tasks import Task

ROWS_A_FOLD = 4  # the fewest that a fold may hold out
MOST_ROWS = 200_000  # beyond it a sample is taken: the error of a comparison is small by then
REPEATABLE = 1  # repeats where rows are in order: there is one way to cut them


@dataclass(frozen=True)
class Unit:
    """One step of the work: every candidate with one kind of model on one partition into folds."""

    model: str
    repeat: int


@dataclass(frozen=True)
class Plan:
    """An experiment that can be run.

    Shapes: partitions repeats x (n), the fold that holds each row out, -1 where none does; judge (n), the rows that the
    question holds out, which nothing is trained on; rows (n), the places of those that take part; queries (n), the
    list that each row stands in where these are put in order, or None; weights and order (n) or None. `steps`: of
    training, for each fit. The same question and columns give the same plan again, in any process.
    """

    question: ExperimentQuestion
    metric: str
    goal: Goal
    target: Target
    features: Features
    profile: Profile
    books: dict[str, str]
    candidates: tuple[Candidate, ...]
    partitions: tuple[Ids, ...]
    judge: np.ndarray[Any, np.dtype[np.bool_]]
    steps: int
    rows: Ids
    queries: Ids | None
    order: np.ndarray[Any, Any] | None
    weights: np.ndarray[Any, Any] | None
    notices: tuple[Text, ...]

    @property
    def units(self) -> tuple[Unit, ...]:
        """The steps in the order in which they are run: every model once before any is repeated."""
        return tuple(Unit(model, repeat) for repeat in range(len(self.partitions)) for model in self.question.models)

    @property
    def fits_a_unit(self) -> int:
        """How many models one unit trains, learning rates not counted."""
        return len(self.candidates) * self.question.folds

    def training_rows(self, repeat: int, fold: int) -> Ids:
        """Return the rows that the models of one fold are trained on: in order of time, those before the fold."""
        fold_of_row = self.partitions[repeat]
        training = fold_of_row != fold if self.order is None else fold_of_row < fold
        return np.flatnonzero(training & ~self.judge)

    @property
    def n(self) -> int:
        """How many rows take part."""
        return len(self.target.values)


def plan(question: ExperimentQuestion, columns: Columns, *, most_rows: int = MOST_ROWS) -> Plan:
    """Return what the experiment will do; of more than `most_rows` rows a sample takes part.

    Raises: BadExperiment, UnknownMetric, and what parsing a candidate raises.
    """
    notices: list[Text] = []
    column = column_of(columns, question.target, "target")
    beside = _columns_beside(question)
    _refuse_few(int((~missing(column)).sum()), question.folds)
    features, left_out = read_features(columns, question.features, question.target, beside)
    rows = np.flatnonzero(~missing(column))
    if len(rows) < len(column):
        gone = len(column) - len(rows)
        notices.append(Text(f"{gone} rows without a target were left out.", f"已略去 {gone} 行缺失目标的数据。"))
    counted = _weights(columns, question.weights, rows)
    if counted is not None and not counted.all():
        rows = rows[counted > 0]
        notices.append(Text("Rows of weight 0 were left out.", "已略去权重为 0 的行。"))
    lists = read_lists(columns, question, rows, most_rows)
    if lists is not None:
        rows = lists.rows
        notices += lists.notices
    if len(rows) > most_rows:
        rows = np.sort(np.random.default_rng(question.seed).choice(rows, most_rows, replace=False))
        notices.append(Text(f"A sample of {most_rows:,} rows takes part.", f"随机抽取 {most_rows:,} 行参与实验。"))
    judge = _judge(columns, question.held_out, rows)
    free = np.flatnonzero(~judge)
    _refuse_few(len(free), question.folds)
    target, assumed = read_target(column[rows], question.task if lists is None else Task.RANKING)
    metric = metric_of(question, target)
    goal = goal_of(question, metric)
    features = features.rows(rows)
    groups, order = _ids(columns, question.groups, rows), _order(columns, question.order, rows)
    queries = None if lists is None else lists.queries
    if queries is not None:
        refuse_split(queries, judge)
        groups = queries
    if groups is not None and order is not None:
        raise BadExperiment(
            "groups",
            Text(
                "Folds in time cannot keep groups whole. Ask with groups or with order.",
                "按时间分折无法保持组的完整。请只使用 groups 或 order 之一。",
            ),
        )
    repeats = REPEATABLE if order is not None else question.repeats
    partitions = tuple(
        _partition(target, free, question.folds, question.seed + repeat, groups, order) for repeat in range(repeats)
    )
    profile = pilot_profile(target.rows(free), features.rows(free), question.seed)
    if set(question.models) == {"linear"}:
        profile = profile.model_copy(update={"model": "linear"})  # which the books answer for
    expressions = None if question.candidates == "auto" else list(question.candidates)
    candidates, books = candidates_of(expressions, target, profile, goal)
    planned = Plan(
        question=question,
        metric=metric,
        goal=goal,
        target=target,
        features=features,
        profile=profile,
        books=books,
        candidates=tuple(candidates),
        partitions=partitions,
        judge=judge,
        steps=STEPS,
        rows=rows,
        queries=queries,
        order=order,
        weights=_weights(columns, question.weights, rows),
        notices=(*left_out, *notices, *assumed),
    )
    field = "order" if order is not None else "groups"
    for repeat, partition in enumerate(partitions):
        training = [planned.training_rows(repeat, fold) for fold in range(question.folds)]
        _check(target, partition, training, field)
    return _with_parameters_of_folds(planned)


def _refuse_few(rows: int, folds: int) -> None:
    """Refuse fewer rows with a target than folds can be made of.

    Raises: BadExperiment.
    """
    fewest = ROWS_A_FOLD * folds
    if rows < fewest:
        text = Text(
            f"{rows} rows have a target; {folds} folds take at least {fewest}.",
            f"{rows} 行有目标;{folds} 折至少需要 {fewest} 行。",
        )
        raise BadExperiment("dataset", text, rows=rows)


def _with_parameters_of_folds(plan: Plan) -> Plan:
    """Return the plan with the parameters that rules compute computed from the training rows of each fold."""
    if not any(candidate.is_computed for candidate in plan.candidates):
        return plan
    profiles = [
        [
            pilot_profile(plan.target.rows(own), plan.features.rows(own), plan.question.seed)
            for own in (plan.training_rows(repeat, fold) for fold in range(plan.question.folds))
        ]
        for repeat in range(len(plan.partitions))
    ]
    return replace(plan, candidates=tuple(candidate.under(profiles) for candidate in plan.candidates))


def _columns_beside(question: ExperimentQuestion) -> list[str]:
    """Return the columns that are neither predicted nor predicted from.

    Raises: BadExperiment where one of them is the target.
    """
    names = {name: getattr(question, name) for name in ("query", "groups", "order", "weights", "held_out")}
    for field, name in names.items():
        if name == question.target:
            text = Text(
                f"Column {shown(name)} is the target itself. Name another column in {field}, or leave {field} out.",
                f"列 {shown(name)} 就是目标本身。请在 {field} 中写另一列,或去掉 {field}。",
            )
            raise BadExperiment(field, text)
    return [name for name in names.values() if name is not None]


def _partition(
    target: Target, free: Ids, folds: int, seed: int, groups: Ids | None, order: np.ndarray[Any, Any] | None
) -> Ids:
    """Return the fold of each row (n); rows that are not free are in none."""
    fold_of_row = np.full(target.n, NEVER)
    fold_of_row[free] = folds_of(
        None if target.ids is None else target.ids[free],
        len(free),
        folds,
        seed,
        groups=None if groups is None else groups[free],
        order=None if order is None else order[free],
    )
    return fold_of_row


HOLDS_OUT, TRAINS_ON = Text("holds out", "留出"), Text("trains on", "训练所用")


def _check(target: Target, partition: Ids, training: Sequence[Ids], field: str) -> None:
    """Refuse a fold that holds out, or trains on, one class alone.

    Raises: BadExperiment.
    """
    if target.classes is None:
        return
    for fold, train in enumerate(training):
        for rows, what in ((np.flatnonzero(partition == fold), HOLDS_OUT), (train, TRAINS_ON)):
            values = target.values[rows]
            if len(rows) == 0 or not (values != values[0]).any():
                raise BadExperiment(
                    field,
                    Text(
                        f"A fold {what.en} rows of one class alone, so that no loss could be judged. Ask for fewer "
                        f"folds, or without {field}.",
                        f"有一折{what.zh}的行只有一个类别,因此无法评判损失。请减少折数,或去掉 {field}。",
                    ),
                )


def _ids(columns: Columns, name: str | None, rows: np.ndarray) -> Ids | None:
    if name is None:
        return None
    ids: Ids = ids_of(columns, name, "groups")[rows]
    return ids


def _order(columns: Columns, name: str | None, rows: np.ndarray) -> np.ndarray[Any, Any] | None:
    """Return the column that orders rows in time; None where none is named."""
    if name is None:
        return None
    column = column_of(columns, name, "order")[rows]
    if missing(column).any():
        raise BadExperiment(
            "order",
            Text(
                f"Column {shown(name)} has missing values; rows in order each have a place.",
                f"列 {shown(name)} 有缺失值;有序的行各有其位置。",
            ),
        )
    return np.unique(column.astype(str) if is_text(column) else column, return_inverse=True)[1]


def _weights(columns: Columns, name: str | None, rows: np.ndarray) -> np.ndarray[Any, Any] | None:
    """Return the column of row weights; None where none is named."""
    if name is None:
        return None
    column = column_of(columns, name, "weights")[rows]
    if is_text(column) or not np.isfinite(column).all() or (column < 0).any() or not column.any():
        raise BadExperiment(
            "weights",
            Text(
                f"Column {shown(name)} must hold numbers of 0 or more, some of them above 0.",
                f"列 {shown(name)} 必须是不小于 0 的数,且有大于 0 的值。",
            ),
        )
    return np.asarray(column)


def _judge(columns: Columns, name: str | None, rows: np.ndarray) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Return which rows are held out for judging; none where no column is named."""
    if name is None:
        return np.zeros(len(rows), bool)
    column = column_of(columns, name, "held_out")[rows]
    if is_text(column) or not np.isin(column, (0, 1)).all() or column.all() or not column.any():
        raise BadExperiment(
            "held_out",
            Text(
                f"Column {shown(name)} must be true in some rows and false in the others.",
                f"列 {shown(name)} 必须在一些行为 true,在其他行为 false。",
            ),
        )
    return np.asarray(column == 1)
