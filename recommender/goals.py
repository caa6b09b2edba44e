"""What is taken for the goal where the request leaves it out, and the metric that goes with it."""

from collections.abc import Iterator
from typing import Any, get_args

from losses.spec import Text
from recommender.book import Book
from recommender.profile import Goal
from recommender.situation import Situation
from recommender.tasks import Task

# The article's key principle: classification cares about probabilities, regression about differences of values.
_PROBABILITIES = Goal(decision="probabilities")
DEFAULTS: dict[Task, Goal] = {
    Task.REGRESSION: Goal(functional="mean", outliers="errors"),
    Task.BINARY: _PROBABILITIES,
    Task.MULTILABEL: _PROBABILITIES,
    Task.MULTICLASS: _PROBABILITIES,
    Task.SEGMENTATION: Goal(segmentation="overlap", empty_masks=False),
    Task.GENERATION: Goal(generation="likelihood"),
}

_DECISION = "decision"
_AIM = {
    Task.REGRESSION: "functional",
    Task.BINARY: _DECISION,
    Task.MULTILABEL: _DECISION,
    Task.MULTICLASS: _DECISION,
    Task.SEGMENTATION: "segmentation",
}
_METRICS = {
    "mean": Text("root mean squared error", "均方根误差"),
    "median": Text("mean absolute error", "平均绝对误差"),
    "quantile": Text("pinball loss", "分位数损失"),
    "probabilities": Text("log loss and Brier score", "对数损失与 Brier 分数"),
    "ranking": Text("average precision", "平均精度"),
    "balanced": Text("balanced accuracy", "平衡准确率"),
    "accuracy": Text("accuracy", "准确率"),
    "distribution": Text("negative log likelihood on held-out data", "留出数据上的负对数似然"),
    "overlap": Text("Dice coefficient per image", "逐图 Dice 系数"),
    "boundary": Text("95th-percentile Hausdorff distance", "95 百分位 Hausdorff 距离"),
    "detection": Text("mean average precision", "平均精度均值(mAP)"),
    "similarity": Text("recall at 1", "首位召回率"),
    "generation": Text("Fréchet inception distance", "FID"),
}
HOW = Text(
    en="Train each candidate with its own learning rate, since losses differ in scale, from several seeds, and "
    "compare the metric on held-out data: the article's last word is to compare by experiment.",
    zh="由于各损失的尺度不同,请为每个候选单独调学习率,用多个随机种子训练,并在留出数据上比较指标:"
    "文章的结论正是通过实验对比。",
)


def goal_in_force(task: Task, goal: Goal) -> tuple[Goal, list[Text]]:
    """Return the goal with the task's defaults filled in, and a sentence for each."""
    default = DEFAULTS.get(task, Goal()).model_dump(exclude_none=True)
    if goal.quantile is not None:
        default["functional"] = "quantile"
    given = goal.model_dump(exclude_none=True)
    assumed = {name: value for name, value in default.items() if name not in given}
    return Goal(**{**assumed, **given}), [_assumed(name, value) for name, value in assumed.items()]


def metric(task: Task, goal: Goal) -> Text:
    """Return what to compare the candidates by."""
    aim = getattr(goal, _AIM[task]) if task in _AIM else task
    return _METRICS[aim]


def variations(book: Book, situation: Situation) -> Iterator[tuple[Goal, Goal]]:
    """Yield every other value of a part of the goal that the task's rows ask for, alone and in the whole goal."""
    asked = {condition.fact for row in book.rows(situation.task) for condition in row.when}
    now = situation.goal.model_dump(exclude_none=True)
    for name in Goal.model_fields:
        if f"goal.{name}" in asked:
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


_COMPANIONS: dict[object, dict[str, Any]] = {"quantile": {"quantile": 0.9}}
# Parts of a goal that mean nothing once another part has changed: a quantile goes with functional=quantile alone.
_CONTRADICTED = {"functional": {"quantile"}}
_EXAMPLES: dict[str, float] = {"false_negative_cost": 10.0}


def _assumed(name: str, value: object) -> Text:
    shown = str(value).lower()
    return Text(en=f"goal.{name} was not given; {shown} was assumed.", zh=f"未给出 goal.{name};假定为 {shown}。")
