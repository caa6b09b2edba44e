"""Completes the goal: defaults for what the request leaves out, and the metric that belongs to it."""

from functools import lru_cache
from typing import Any, NamedTuple, get_args

from losses.text import Text
from recommender.metrics import read_metric
from recommender.profile import Goal
from recommender.question import Question
from recommender.rules.conditions import Changes, Conditions
from recommender.tasks import METRIC_OF_AIM, Scenario, Task


class Variation(NamedTuple):
    """A goal with one part changed, and the facts that change with it."""

    part: Goal
    changes: Changes


@lru_cache(maxsize=1024)  # most questions have one of a few goals
def goal_in_force(task: Task, goal: Goal) -> tuple[Goal, list[Text]]:
    """Return the goal completed by its metric and by the task's defaults, with a sentence for each addition.

    Raises: UnknownMetric.
    """
    stated = goal.model_dump(exclude_none=True)
    default = task.row.default_goal.model_dump(exclude_none=True)
    of_metric = read_metric(goal.metric).goal if goal.metric is not None else {}
    if goal.quantile is not None:
        default["functional"] = "quantile"
    if goal.coverage is not None:
        default["functional"] = "interval"
    parts = {task.row.aim, *task.row.default_goal.model_fields_set}
    parts |= {"boxes" if task in _OF_BOXES else "", "decision" if task.row.labels else ""}
    default |= {name: value for name, value in of_metric.items() if name in parts}
    assumed = {name: value for name, value in default.items() if name not in stated}
    sentences = [
        _follows(name, value, goal.metric) if goal.metric and name in of_metric else _assumed(name, value)
        for name, value in assumed.items()
    ]
    return Goal(**{**assumed, **stated}), sentences


def metric(question: Question) -> Text:
    """Return the metric by which to compare the candidates."""
    task, goal = question.task, question.goal
    if goal.metric:
        return read_metric(goal.metric).title
    if task is Task.GENERATION and (question.profile.paired or question.scenario is Scenario.SUPER_RESOLUTION):
        return read_metric("psnr").title  # each picture has a target, which its distance to other pictures leaves out
    return task.row.metric or METRIC_OF_AIM[getattr(goal, task.row.aim or "")]


@lru_cache(maxsize=1024)
def variations(conditions: Conditions, goal: Goal) -> tuple[Variation, ...]:
    """Return the goals that differ in one part on which these conditions depend."""
    facts = {condition.fact for row, *_ in conditions.rows for condition in row.when}
    now = goal.model_dump(exclude_none=True)
    return tuple(
        _variation(name, value)
        for name in Goal.model_fields
        if f"goal.{name}" in facts and name not in _NOT_VARIED
        for value in _values(name)
        if now.get(name) != value
    )


def _variation(name: str, value: Any) -> Variation:  # noqa: ANN401 - what that part of the goal can be
    """Return the variation that sets one part of the goal."""
    part = {name: value, **_COMPANIONS.get(value, {})}
    changes = {**dict.fromkeys(_CONTRADICTED.get(name, ())), **part}
    return Variation(Goal(**part), {f"goal.{other}": changed for other, changed in changes.items()})


def _values(name: str) -> tuple[Any, ...]:
    """Return the values that a part of the goal can have; for a number, one example."""
    if name in _EXAMPLES:
        return (_EXAMPLES[name],)
    choices = [choice for kind in get_args(Goal.model_fields[name].annotation) for choice in get_args(kind)]
    return tuple(choices) or (True, False)


_OF_BOXES = (Task.DETECTION, Task.REGRESSION)  # corners and offsets are numbers too
_NOT_VARIED = {"metric"}  # the parts of the goal that follow from it are
_COMPANIONS: dict[object, dict[str, Any]] = {"quantile": {"quantile": 0.9}}
# Parts of a goal that mean nothing once another part has changed: a quantile goes with functional=quantile alone.
_CONTRADICTED = {
    "functional": {"quantile", "coverage", "metric"},
    "decision": {"metric"},
    "segmentation": {"metric"},
    "false_negative_cost": {"cost_matrix"},
}
_EXAMPLES: dict[str, float] = {"false_negative_cost": 10.0}


def _follows(name: str, value: object, metric: str) -> Text:
    """Return the sentence that a part of the goal follows from the metric."""
    shown = str(value).lower()
    return Text(en=f"goal.{name} follows from {metric}: {shown}.", zh=f"goal.{name} 由 {metric} 得出:{shown}。")


def _assumed(name: str, value: object) -> Text:
    """Return the sentence that a part of the goal was assumed."""
    shown = str(value).lower()
    return Text(en=f"goal.{name} was not given; {shown} was assumed.", zh=f"未给出 goal.{name};假定为 {shown}。")
