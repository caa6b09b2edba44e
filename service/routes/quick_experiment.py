"""The experiment that POST /v1/advise runs within the request, where it is asked to."""

from typing import Any, Literal, NamedTuple

import numpy as np
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
TABLE_AXES = 2  # of (n, p)
Numbers = np.ndarray[Any, np.dtype[np.float64]]


class Question(NamedTuple):
    """What is asked of a quick experiment. `assumed`: which columns of the dataset were taken for inputs."""

    dataset: str | None
    target: str | None
    task: Task | None
    goal: Goal
    assumed: dict[str, Any]


async def quick_experiment(
    jobs: Jobs, question: Question, features: Tensor | None, targets: Tensor | None, language: Language
) -> tuple[ExperimentReport, Profile]:
    """Return the verdict of a linear model on the arrays or the dataset, and facts of the target about a pilot model.

    Shapes: features (n, p) or (n), targets (n) or (n, labels). Raises: BadExperiment where there is neither, or no
    model here learns the task; ShapeMismatch, UnknownDataset, ComputeDeadline, and what planning raises.
    """
    target, task = question.target or question.assumed.get("roles", {}).get("targets"), question.task
    if task is not None and task not in LEARNT:
        raise not_learnt(task, "experiment")
    task_and_goal = {"task": task, "goal": question.goal.model_dump(mode="json")}
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
        {"dataset": question.dataset, "target": target, **task_and_goal}, current().key or "", language
    )


def columns_of(features: Tensor, targets: Tensor) -> dict[str, Numbers]:
    """Return arrays as the columns of a table.

    Raises: ShapeMismatch where they differ in length, or features have more than two axes.
    """
    if features.ndim > TABLE_AXES or len(features) != len(targets):
        raise ShapeMismatch(FEATURES, f"{len(targets)}, p", features.shape)
    table = features.double().reshape(len(features), -1).numpy()
    return {f"{FEATURES}.{place}": column for place, column in enumerate(table.T)} | {TARGETS: targets.double().numpy()}
