"""Checks of the goal: does the recommended loss learn what is wanted?"""

from losses.text import Text
from recommender.metrics import METRICS
from recommender.recommendation.checks.check import TOLERANCE, AnsweredQuestion, Checks
from recommender.tasks import Scenario, Task

CHECKS = Checks()
_FUNCTIONALS = {  # what losses of numbers learn, by their `elicits`
    "mean": Text("the mean", "均值"),
    "median": Text("the median", "中位数"),
    "quantile": Text("a quantile", "分位数"),
    "huber functional": Text("a value between the mean and the median", "介于均值与中位数之间的值"),
    "robust centre": Text(
        "the centre of most items, and nothing of those far off", "多数样本的中心,完全忽略远处的样本"
    ),
    "log-cosh centre": Text("a value between the mean and the median", "介于均值与中位数之间的值"),
    "expectile": Text("an expectile", "期望分位数"),
    "median weighted by 1/|y|": Text("a median that small targets dominate", "由小目标主导的中位数"),
    "centre of relative errors": Text("a centre of relative errors", "相对误差的中心"),
    "mean of log(1 + y)": Text("the mean of logarithms, which lies below the mean", "对数的均值,低于均值"),
    "mean direction": Text("a direction", "方向"),
    "quantiles alpha/2 and 1 - alpha/2": Text("two quantiles", "两个分位数"),
    "mean and variance": Text("the mean and the variance", "均值与方差"),
    "mean and dispersion": Text("the mean and the dispersion", "均值与离散度"),
    "median and mean absolute deviation": Text("the median and the scale", "中位数与尺度"),
    "distribution": Text("a distribution", "分布"),
    "interval": Text("an interval", "区间"),
}
_AGREE_WHERE_SYMMETRIC = {"mean", "median", "huber functional", "robust centre", "log-cosh centre"}
_ALSO_LEARN = {
    "mean": {"mean and variance", "mean and dispersion", "distribution", "mean direction"},
    "median": {"median and mean absolute deviation"},
    "interval": {"quantiles alpha/2 and 1 - alpha/2", "distribution", "mean and variance"},
    "distribution": {"mean and variance", "mean and dispersion", "median and mean absolute deviation"},
}


@CHECKS.warns("goal-not-elicited")
def _goal_not_elicited(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the loss does not elicit the functional of the goal."""
    goal = answered.question.goal
    if answered.question.task.row.aim != "functional" or goal.functional is None:
        return None
    loss = answered.chosen[0].loss.loss
    functional = "median" if goal.functional == "quantile" and goal.quantile == 1 / 2 else goal.functional
    learnt = _FUNCTIONALS.get(loss.elicits)
    if goal.metric and loss.elicits == METRICS[goal.metric].elicits:
        return None
    if learnt is None or loss.elicits in {functional, *_ALSO_LEARN.get(functional, ())}:
        return None
    if goal.functional == "distribution":
        return Text(
            en=f"{loss.id} learns {learnt.en} alone; beta_nll learns how uncertain it is as well.",
            zh=f"{loss.id} 只学到{learnt.zh};beta_nll 还能学到其不确定性。",
        )
    alike = {functional, loss.elicits} <= _AGREE_WHERE_SYMMETRIC
    aim = _FUNCTIONALS[goal.functional]
    return Text(
        en=f"{loss.id} learns {learnt.en}; the goal is {aim.en}."
        + (" They agree where errors are symmetric." if alike else ""),
        zh=f"{loss.id} 学到的是{learnt.zh};目标是{aim.zh}。" + ("误差对称时二者一致。" if alike else ""),
    )


_MISS_THE_TOTAL = _FUNCTIONALS.keys() - _ALSO_LEARN["mean"] - {"mean"}
_TOTAL_UNDER = {"huber functional": "total_under_huber", "median": "total_under_mae"}


def total_kept(answered: AnsweredQuestion) -> float | None:
    """Return the expected sum of the predictions divided by the true sum.

    None where it is right, or not what is wanted.
    """
    if not answered.chosen:
        return None
    goal, profile, loss = answered.question.goal, answered.question.profile, answered.chosen[0].loss.loss
    if goal.functional != "mean" or goal.outliers == "errors" or loss.elicits not in _MISS_THE_TOTAL:
        return None
    ratio = profile.number(_TOTAL_UNDER.get(loss.elicits, "total_under_mae"))
    share = profile.number("outlier_sum_share")
    if ratio is None and share is not None:
        ratio = 1 - share
    return None if ratio is None or abs(ratio - 1) < TOLERANCE else ratio


@CHECKS.warns("total-is-missed")
def total_is_missed(answered: AnsweredQuestion) -> Text | None:
    """Return a warning that predictions must not be added up, where their sum would miss the total."""
    ratio, loss = total_kept(answered), answered.chosen[0].loss.loss
    if ratio is None:
        return None
    return Text(
        en=f"Do not add up what {loss.id} predicts here: it would come to about {ratio:.0%} of the true total. mse, "
        "poisson_nll and tweedie keep the total. If the far items are errors, say goal.outliers=errors.",
        zh=f"请勿对 {loss.id} 在此的预测求和:总和约为真实总和的 {ratio:.0%}。mse、poisson_nll 与 tweedie 可保持总和。"
        "若远处的样本是错误,请指明 goal.outliers=errors。",
    )


@CHECKS.warns("metric-of-another-task")
def _metric_of_another_task(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the metric judges models of another task."""
    metric, task = answered.question.goal.metric, answered.question.task
    profile, scenario = answered.question.profile, answered.question.scenario
    boxes = task is Task.REGRESSION and (profile.boxes or scenario is Scenario.BOX_REGRESSION)
    if metric is None or task in METRICS[metric].judges or (boxes and "boxes" in METRICS[metric].goal):
        return None
    fitting = ", ".join(name for name, row in METRICS.items() if task in row.judges)
    if not fitting and task.row.metric:
        metric_title = task.row.metric
        return Text(
            en=f"{metric} does not judge {task}; {metric_title.en} would.",
            zh=f"{metric} 不用于评价 {task};可用{metric_title.zh}。",
        )
    return Text(
        en=f"{metric} does not judge {task}; {fitting} would.", zh=f"{metric} 不用于评价 {task};可用 {fitting}。"
    )


@CHECKS.warns("metric-has-another-goal")
def _metric_has_another_goal(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the metric rewards another functional than the goal names."""
    goal = answered.question.goal
    implied = METRICS[goal.metric].goal if goal.metric else {}
    stated = {name: getattr(goal, name) for name in implied}
    differ = {name: value for name, value in stated.items() if value is not None and value != implied[name]}
    if not differ:
        return None
    parts = ", ".join(f"goal.{name}={value}" for name, value in differ.items())
    return Text(
        en=f"{goal.metric} is served by {METRICS[goal.metric or ''].elicits}, and {parts} was asked for; the latter "
        "decided.",
        zh=f"{goal.metric} 要求的与 {parts} 不一致;以后者为准。",
    )


@CHECKS.warns("outliers-are-signal")
def _outliers_are_signal(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the loss ignores outliers that are signal."""
    loss = answered.chosen[0].loss.loss
    if answered.question.goal.outliers != "signal" or "robust" not in loss.traits:
        return None
    return Text(
        en=f"You called outliers signal; {loss.id} limits their pull on the model. mse gives them their full weight.",
        zh=f"您指明异常值是有用信号;{loss.id} 会限制其对模型的影响,mse 则给予全部权重。",
    )
