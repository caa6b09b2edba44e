"""The metric that judges an experiment, and the goal with which the rule books are asked."""

from typing import Any

from losses.text import Text
from recommender.errors import BadExperiment
from recommender.experiment.question import ExperimentQuestion
from recommender.experiment.target import Target
from recommender.metrics import METRICS, metrics_of, read_metric
from recommender.profile import Goal
from recommender.tasks import Task

DEFAULT_METRIC = {  # of every task that models here learn
    Task.REGRESSION: "rmse",
    Task.COUNT: "poisson_deviance",
    Task.BINARY: "log_loss",
    Task.MULTICLASS: "log_loss",
    Task.MULTILABEL: "log_loss",
    Task.ORDINAL: "ranked_probability_score",
    Task.RANKING: "ndcg",
}
_BY_GOAL = {
    "mean": "rmse",
    "median": "mae",
    "quantile": "pinball",
    "probabilities": "log_loss",
    "ranking": "auc",
    "balanced": "balanced_accuracy",
    "accuracy": "accuracy",
}
_FUNCTIONALS: dict[str, dict[str, Any]] = {
    "mean": {"functional": "mean"},
    "median": {"functional": "median"},
    "quantile": {"functional": "quantile"},
    "probability": {"decision": "probabilities"},
    "order of the probabilities": {"decision": "ranking"},
    "most probable class": {"decision": "accuracy"},
    "class whose probability exceeds its share": {"decision": "balanced"},
    "order of the expected gains": {"ranking": "ndcg"},
}


def metric_of(question: ExperimentQuestion, target: Target) -> str:
    """Return the metric that judges the candidates.

    Raises: UnknownMetric; BadExperiment where it does not fit the task or the target.
    """
    goal = question.goal
    of_numbers = "quantile" if goal.quantile is not None else goal.functional
    aim = of_numbers if target.classes is None else goal.decision
    name = goal.metric or _BY_GOAL.get(aim or "", DEFAULT_METRIC[target.task])
    row = read_metric(name)
    if target.task not in row.tasks or row.compute is None:
        fitting = ", ".join(known for known in metrics_of(target.task) if METRICS[known].compute)
        raise BadExperiment(
            "goal.metric",
            Text(
                f"{name} does not fit {target.task}; these do: {fitting}.",
                f"{name} 不适用于 {target.task};适用的有:{fitting}。",
            ),
        )
    if not row.is_defined_on(target.values):
        wanted = Text("without zeros", "不为零") if row.takes == "non-zero" else Text("of 0 or more", "不小于 0")
        text = Text(
            f"{name} takes targets {wanted.en}; here some are not. Judge by mae or rmse.",
            f"{name} 要求目标{wanted.zh};此处有些不符合。请用 mae 或 rmse 评判。",
        )
        raise BadExperiment("goal.metric", text)
    return name


def goal_of(question: ExperimentQuestion, metric: str) -> Goal:
    """Return the goal with which the rule books are asked: what the metric rewards, unless another is stated."""
    stated = question.goal.model_dump(exclude={"metric"}, exclude_none=True)
    return Goal(**{**_FUNCTIONALS.get(METRICS[metric].elicits, {}), **stated})
