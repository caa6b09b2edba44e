"""The goal in force, with defaults for what the request leaves out, and the metric that goes with it."""

from collections.abc import Iterator
from typing import Any, get_args

from losses.text import Text
from recommender.metrics import read_metric
from recommender.profile import Goal
from recommender.question import Question
from recommender.rules.rulebook import Rulebook
from recommender.tasks import METRICS, Task


def goal_in_force(task: Task, goal: Goal) -> tuple[Goal, list[Text]]:
    """Return the goal with what follows from its metric and the task's defaults filled in, and a sentence for each.

    Raises: UnknownMetric.
    """
    given = goal.model_dump(exclude_none=True)
    default = task.row.default_goal.model_dump(exclude_none=True)
    of_metric = read_metric(goal.metric).goal if goal.metric else {}
    if goal.quantile is not None:
        default["functional"] = "quantile"
    if goal.coverage is not None:
        default["functional"] = "interval"
    parts = {task.row.aim, "boxes" if task.row.measured_as == "boxes" else "", "decision" if task.row.labels else ""}
    default |= {name: value for name, value in of_metric.items() if name in parts}
    assumed = {name: value for name, value in default.items() if name not in given}
    sentences = [
        _follows(name, value, goal.metric) if goal.metric and name in of_metric else _assumed(name, value)
        for name, value in assumed.items()
    ]
    return Goal(**{**assumed, **given}), sentences


def metric(task: Task, goal: Goal) -> Text:
    """Return what to compare the candidates by."""
    if goal.metric:
        return read_metric(goal.metric).title
    return task.row.metric or METRICS[getattr(goal, task.row.aim or "")]


def variations(book: Rulebook, question: Question) -> Iterator[tuple[Goal, Goal]]:
    """Yield each change of a part of the goal that rows of the task depend on: that part alone, and the whole goal."""
    asked = {condition.fact for row in book.rows(question.task) for condition in row.when}
    now = question.goal.model_dump(exclude_none=True)
    for name in Goal.model_fields:
        if f"goal.{name}" in asked and name not in _NOT_VARIED:
            for value in _values(name):
                part = {name: value, **_COMPANIONS.get(value, {})}
                if now.get(name) != value:
                    kept = {other: now[other] for other in now.keys() - _CONTRADICTED.get(name, set())}
                    yield Goal(**part), Goal(**{**kept, **part})


def _values(name: str) -> tuple[Any, ...]:
    """Return the values a part of the goal can have; an example where it is a number."""
    if name in _EXAMPLES:
        return (_EXAMPLES[name],)
    choices = [choice for kind in get_args(Goal.model_fields[name].annotation) for choice in get_args(kind)]
    return tuple(choices) or (True, False)


_NOT_VARIED = {"metric"}  # the parts of the goal that follow from it are
_COMPANIONS: dict[object, dict[str, Any]] = {"quantile": {"quantile": 0.9}}
# Parts of a goal that mean nothing once another part has changed: a quantile goes with functional=quantile alone.
_CONTRADICTED = {"functional": {"quantile", "coverage", "metric"}, "decision": {"metric"}, "segmentation": {"metric"}}
_EXAMPLES: dict[str, float] = {"false_negative_cost": 10.0}


def _follows(name: str, value: object, metric: str) -> Text:
    shown = str(value).lower()
    return Text(en=f"goal.{name} follows from {metric}: {shown}.", zh=f"goal.{name} 由 {metric} 得出:{shown}。")


def _assumed(name: str, value: object) -> Text:
    shown = str(value).lower()
    return Text(en=f"goal.{name} was not given; {shown} was assumed.", zh=f"未给出 goal.{name};假定为 {shown}。")
