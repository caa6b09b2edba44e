"""The experiment that POST /v1/advise runs within the request, where it is asked to."""

from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from torch import Tensor

from losses.errors import ShapeMismatch
from losses.text import Language, Text
from recommender.errors import BadExperiment
from recommender.experiment.judging.report import ExperimentReport
from recommender.experiment.question import LEARNT, not_learnt
from recommender.profile import Goal, Profile
from recommender.tasks import Task
from service.jobs.jobs import Jobs
from service.request_record import current
from service.uploads.roles import FEATURES

Asked = Literal["quick"]
TARGETS = "targets"
QUERY = "query"
TABLE_AXES, LISTS_AXES = 2, 3  # of (n, p), and of (lists, length, p)
Numbers = np.ndarray[Any, np.dtype[Any]]


class QuickQuestion(NamedTuple):
    """What is asked of a quick experiment.

    `assumed`: which columns of the dataset were taken for inputs; `query`: the column that says which list a row
    belongs to; `mask`: which places of the lists that were sent have a row.
    """

    dataset: str | None
    target: str | None
    task: Task | None
    goal: Goal
    assumed: dict[str, Any]
    query: str | None = None
    mask: Tensor | None = None


async def quick_experiment(
    jobs: Jobs, question: QuickQuestion, features: Tensor | None, targets: Tensor | None, language: Language
) -> tuple[ExperimentReport, Profile]:
    """Return the verdict of a linear model on the arrays or the dataset, and facts of the target about a pilot model.

    Shapes: features (n, p) or (n), targets (n) or (n, labels); of ranking (lists, length, p) and (lists, length).
    Raises: BadExperiment where there is neither, or no model here learns the task; ShapeMismatch, UnknownDataset,
    ComputeDeadline, and what planning raises.
    """
    target, task = question.target or question.assumed.get("roles", {}).get("targets"), question.task
    if task is not None and task not in LEARNT:
        raise not_learnt(task, "experiment")
    task_and_goal = {"task": task, "goal": question.goal.model_dump(mode="json")}
    if features is not None and targets is not None and task is Task.RANKING:
        return await jobs.quick_on_columns(
            {"target": TARGETS, QUERY: QUERY, **task_and_goal},
            columns_of_lists(features, targets, question.mask),
            language,
        )
    if features is not None and targets is not None:
        return await jobs.quick_on_columns(
            {"target": TARGETS, **task_and_goal}, columns_of(features, targets), language
        )
    if question.dataset is None or not isinstance(target, str):
        raise BadExperiment(
            "experiment",
            Text(
                "A quick experiment predicts targets from features: send features (n, p) with them, or the columns to "
                "POST /v1/datasets, then dataset and target (the column to predict) here.",
                "快速实验由特征预测目标:请一并发送 features (n, p),或先把各列发送到 POST /v1/datasets,然后在此给出 "
                "dataset 和 target(要预测的列)。",
            ),
        )
    return await jobs.quick(
        {"dataset": question.dataset, "target": target, QUERY: question.query, **task_and_goal},
        current().key or "",
        language,
    )


def columns_of(features: Tensor, targets: Tensor) -> dict[str, Numbers]:
    """Return arrays as the columns of a table.

    Raises: ShapeMismatch where they differ in length, or features have more than two axes.
    """
    if features.ndim > TABLE_AXES or len(features) != len(targets):
        raise ShapeMismatch(FEATURES, f"{len(targets)}, p", features.shape)
    table = features.double().reshape(len(features), -1).numpy()
    return {f"{FEATURES}.{place}": column for place, column in enumerate(table.T)} | {TARGETS: targets.double().numpy()}


def columns_of_lists(features: Tensor, targets: Tensor, mask: Tensor | None) -> dict[str, Numbers]:
    """Return lists of rows as the columns of a table, each list a query; `mask` is False for places without a row.

    Raises: ShapeMismatch where features are not (lists, length, p), or targets and mask not (lists, length).
    """
    if features.ndim != LISTS_AXES:
        raise ShapeMismatch(FEATURES, "lists, length, p", features.shape)
    lists = features.shape[:-1]
    for name, tensor in ((TARGETS, targets), ("mask", mask)):
        if tensor is not None and tensor.shape != lists:
            raise ShapeMismatch(name, f"{lists[0]}, {lists[1]}", tensor.shape)
    queries = torch.arange(len(features))[:, None].expand(lists)
    is_row = torch.ones(lists, dtype=torch.bool) if mask is None else mask.bool()
    return columns_of(features[is_row], targets[is_row]) | {QUERY: queries[is_row].numpy()}
