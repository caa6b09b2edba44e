"""The experiment that POST /v1/advise runs within the request, where it is asked to."""

from typing import Any, Literal

from losses.text import Language, Text
from recommender.errors import BadExperiment
from recommender.experiment.judging.report import ExperimentReport
from recommender.experiment.plan import DEFAULT_METRIC
from recommender.profile import Goal, Profile
from recommender.tasks import Task
from service.jobs.jobs import Jobs
from service.request_record import current

Asked = Literal["quick"]
VERDICT = "/v1/experiments/verdict"


async def quick_experiment(
    jobs: Jobs,
    dataset: str | None,
    target: str | None,
    task: Task | None,
    goal: Goal,
    assumed: dict[str, Any],
    language: Language,
) -> tuple[ExperimentReport, Profile]:
    """Return the verdict of a linear model on a dataset, and the facts of the target about a pilot model.

    `assumed`: which columns were taken for inputs. Raises: BadExperiment where there is no dataset or target, or no
    model here learns the task; UnknownDataset, ComputeDeadline, and what planning raises.
    """
    target = target or assumed.get("roles", {}).get("targets")
    if task is not None and task not in DEFAULT_METRIC:
        raise BadExperiment(
            "experiment",
            Text(
                f"No model here learns {task}. Train the candidates in your own loop and send the scores of "
                f"each fold to POST {VERDICT}.",
                f"此处没有学习 {task} 的模型。请在自己的训练循环中训练候选损失,并把每一折的得分发送到 POST {VERDICT}。",
            ),
        )
    if dataset is None or not isinstance(target, str):
        raise BadExperiment(
            "experiment",
            Text(
                "A quick experiment trains on a dataset: send its columns to POST /v1/datasets, then dataset "
                "and target (the column to predict) here.",
                "快速实验在数据集上训练:请先把各列发送到 POST /v1/datasets,然后在此给出 dataset 和 target(要预"
                "测的列)。",
            ),
        )
    question = {"dataset": dataset, "target": target, "task": task, "goal": goal.model_dump(mode="json")}
    return await jobs.quick(question, current().key or "", language)
