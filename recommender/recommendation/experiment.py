"""The proposed experiment: which objectives to compare, by which metric, and the request for it."""

from losses.contract.expression import Objective
from losses.text import Language, Text, in_language
from recommender.metrics import METRICS
from recommender.profile import Goal
from recommender.question import Question
from recommender.recommendation.answer import Experiment, ExperimentDraft
from recommender.tasks import Task

MOST_COMPARED = 4
TABULAR = (Task.REGRESSION, Task.COUNT, Task.BINARY, Task.MULTICLASS)  # what is predicted from the columns of a table
TRAINED_ON = {"predictions", "targets", "class_counts", "priors"}  # one output an item or class, and what follows
HOW = Text(
    en="Train each candidate with its own learning rate, since losses differ in scale, from several seeds, and "
    "compare the metric on held-out data: the article's last word is to compare by experiment.",
    zh="由于各损失的尺度不同,请为每个候选单独调学习率,用多个随机种子训练,并在留出数据上比较指标:"
    "文章的结论正是通过实验对比。",
)


def experiment(
    task: Task,
    goal: Goal,
    candidates: list[str],
    chosen: Objective,
    judged_by: Text,
    language: Language,
    *,
    tabular: bool,
) -> Experiment:
    """Return the plan of an experiment over the candidates, with a request where the service can run it.

    Args:
        task: The task.
        goal: The goal.
        candidates: The objectives to compare.
        chosen: The recommended objective.
        judged_by: The metric.
        language: The language of the plan.
        tabular: Whether models of table columns can be trained for these targets.
    """
    return Experiment(
        candidates=candidates[:MOST_COMPARED],
        metric=in_language(judged_by, language),
        how=in_language(HOW, language),
        request=_request(task, goal, chosen) if tabular else None,
    )


def is_tabular(question: Question) -> bool:
    """Return whether the task can be predicted from table columns, with numbers or classes as targets."""
    return question.task in TABULAR and not question.profile.boxes and question.profile.support != "circular"


def _request(task: Task, goal: Goal, chosen: Objective) -> ExperimentDraft | None:
    """Return the body of POST /v1/experiments; None where its models cannot be trained with the recommended loss."""
    roles = {role for _, term in chosen.terms for role in term.loss.required}
    if not roles <= TRAINED_ON:
        return None
    if goal.metric and (METRICS[goal.metric].compute is None or task not in METRICS[goal.metric].tasks):
        goal = goal.model_copy(update={"metric": None})
    return ExperimentDraft(task=task, goal=goal)
