"""Checks for parts of the goal and facts that no rule of the task reads."""

from functools import cache

from losses.text import Text
from recommender.profile import Goal, Measured, Profile
from recommender.recommendation.checks.check import AnsweredQuestion, Checks
from recommender.rules import ROWS
from recommender.tasks import Task

CHECKS = Checks()


@CHECKS.warns("goal-not-used")
def _goal_not_used(answered: AnsweredQuestion) -> Text | None:
    """Return a warning that names the parts of the goal that no rule of the task reads."""
    task = answered.question.task
    unused = [fact for fact in answered.question.facts if fact.startswith("goal.") and fact not in _facts_used(task)]
    if not unused:
        return None
    idle = [name for name in Goal.model_fields if f"goal.{name}" in unused]
    costs = "false_negative_cost" in idle and task.row.labels == "one"
    return Text(
        en=f"No rule for {task} reads goal.{', goal.'.join(idle)}."
        + (" Of several classes, learn the probabilities, and take the class of least expected cost." if costs else ""),
        zh=f"{task} 的规则不使用 goal.{', goal.'.join(idle)}。"
        + ("对多个类别,请学习概率,并取期望代价最小的类。" if costs else ""),
    )


@CHECKS.warns("fact-not-used")
def _fact_not_used(answered: AnsweredQuestion) -> Text | None:
    """Return a warning that names the stated facts that no rule of the task reads."""
    used, facts = _facts_used(answered.question.task), answered.question.profile.given()
    unused = {name for name, value in facts if name not in used and not isinstance(value, Measured)}
    if not unused:
        return None
    idle = ", ".join(name for name in Profile.model_fields if name in unused)
    return Text(
        en=f"No rule for {answered.question.task} reads {idle}.", zh=f"{answered.question.task} 的规则不使用 {idle}。"
    )


@cache
def _facts_used(task: Task) -> frozenset[str]:
    """Return the facts and parts of the goal that the rules of a task read."""
    rows = [row for row in ROWS if task in row.tasks]
    used = {condition.fact for row in rows for condition in (*row.when, *row.unless)}
    used |= {fact for row in rows for formula in row.computed.values() for fact in formula.reads}
    used |= {"n", "features", "goal.metric", f"goal.{task.row.aim}", *task.row.implies}
    used |= {f"goal.{name}" for name in task.row.default_goal.model_fields_set}
    return frozenset(used | _FACTS_OF_LABELS if task.row.labels else used)


_FACTS_OF_LABELS = {"goal.cost_matrix", "classes", "multilabel", "label_encoding", "smallest_class"}
