"""Checks of the profile: facts that contradict one another, and data that are too few."""

from losses.text import Text
from recommender.notices import MEASURED_ON_TARGETS
from recommender.profile import Measured
from recommender.recommendation.checks.check import TOLERANCE, AnsweredQuestion, Checks
from recommender.rules.article.thresholds import MANY_CLASSES
from recommender.rules.evidence.outliers import INFINITE_VARIANCE
from recommender.tasks import BINARY_CLASSES, PLACES, Task

CHECKS = Checks()
FEW_OF_A_CLASS = 100  # EvalML's class imbalance check calls it severe below
TOO_FEW_OF_A_CLASS = 20  # ours: the share of hits among them has a 95 % interval of more than 0.4
FEW_ITEMS = 50  # below, the interval of a 0.3 % share reaches past 7 %
FEW_BEYOND = 10  # ours: the error of an extreme quantile is about 1 / sqrt of the items beyond it, here a third


@CHECKS.warns("scenario-outside-task")
def _scenario_outside_task(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the scenario belongs to another task."""
    scenario, task = answered.question.scenario, answered.question.task
    if scenario is None or task in {PLACES[scenario].task, *PLACES[scenario].also}:
        return None
    return Text(
        en=f"{scenario} belongs to {PLACES[scenario].task}; the task given, {task}, decided.",
        zh=f"{scenario} 属于 {PLACES[scenario].task};以给出的任务 {task} 为准。",
    )


@CHECKS.warns("classes-contradict-task")
def _classes_contradict_task(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the number of classes contradicts the task or the cost matrix."""
    task, classes = answered.question.task, answered.question.profile.number("classes")
    if classes is None or task.row.labels != "one":
        return None
    priced = len(answered.question.goal.cost_matrix or ())
    if priced not in (0, classes):
        return Text(
            en=f"There are {classes:g} classes, and the cost_matrix has {priced}.",
            zh=f"共有 {classes:g} 个类别,而 cost_matrix 有 {priced} 类。",
        )
    if classes == 1:
        return Text(
            en="There is one class only: nothing to tell apart, and any classifier is right.",
            zh="只有一个类别:无可区分,任何分类器都正确。",
        )
    if task is Task.BINARY and classes > BINARY_CLASSES:
        return Text(
            en=f"The task is binary and there are {classes:g} classes; one label among them is multiclass.",
            zh=f"任务为 binary,却有 {classes:g} 个类别;多选一应为 multiclass。",
        )
    return None


@CHECKS.warns("multilabel-contradicts-task")
def _multilabel_contradicts_task(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where items have several labels and the task has exclusive classes, or the reverse."""
    task, multilabel = answered.question.task, answered.question.profile.multilabel
    if multilabel is True and task.row.labels == "one":
        return Text(
            en=f"Items can have several labels, and {task} allows one; the task for that is multilabel.",
            zh=f"样本可有多个标签,而 {task} 只允许一个;应使用 multilabel 任务。",
        )
    if multilabel is False and task.row.labels == "several":
        return Text(
            en="Items have one label each; the task for that is multiclass.",
            zh="每个样本只有一个标签;应使用 multiclass 任务。",
        )
    return None


@CHECKS.warns("shares-disagree")
def _shares_disagree(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the share of positives and the class imbalance contradict each other."""
    profile = answered.question.profile
    share, imbalance = profile.number("positive_share"), profile.number("class_imbalance")
    if answered.question.task is not Task.BINARY or share is None or imbalance is None:
        return None
    implied = max(share, 1 - share) / min(share, 1 - share)
    if abs(implied / imbalance - 1) <= TOLERANCE:
        return None
    return Text(
        en=f"positive_share implies a class_imbalance of {implied:.3g}, and {imbalance:.3g} was given.",
        zh=f"由 positive_share 得出的 class_imbalance 为 {implied:.3g},给出的却是 {imbalance:.3g}。",
    )


@CHECKS.warns("measured-on-targets")
def _measured_on_targets(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where facts about residuals were measured on the targets themselves."""
    profile = answered.question.profile
    facts = (profile.outlier_rate, profile.residual_scale)
    if not any(isinstance(fact, Measured) and fact.basis == "targets" for fact in facts):
        return None
    return MEASURED_ON_TARGETS


@CHECKS.warns("few-items")
def _few_items(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where facts were measured on few items."""
    n = answered.question.profile.number("n")
    if n is None or n >= FEW_ITEMS:
        return None
    return Text(
        en=f"With {n:g} items measured shares and ratios are rough; trust only what follows from the task.",
        zh=f"只有 {n:g} 个样本,测得的比例很粗略;只有由任务本身得出的结论可靠。",
    )


@CHECKS.warns("few-beyond-the-quantile")
def _few_beyond_the_quantile(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where few items lie beyond the quantile of the goal."""
    level, n = answered.question.goal.quantile, answered.question.profile.number("n")
    if level is None or n is None or n * min(level, 1 - level) >= FEW_BEYOND:
        return None
    beyond = n * min(level, 1 - level)
    return Text(
        en=f"Only {beyond:.2g} of {n:g} items lie beyond the {level:g} quantile: learnt directly it follows single "
        "items. Gather more, or learn a distribution and read the quantile off it.",
        zh=f"{n:g} 个样本中只有约 {beyond:.2g} 个位于 {level:g} 分位数之外:直接学习会被个别样本左右。"
        "请收集更多样本,或学习分布后由其得出该分位数。",
    )


@CHECKS.warns("percentage-of-zero")
def _percentage_of_zero(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where models are judged by a percentage error and some targets are 0."""
    zeros = answered.question.profile.number("zero_share")
    if answered.question.goal.metric != "mape" or not zeros:
        return None
    return Text(
        en=f"{zeros:.2g} of the targets are 0, and a percentage of 0 is undefined: judge by the sum of absolute errors "
        "over the sum of targets instead, which mae learns, or by smape.",
        zh=f"{zeros:.2g} 的目标为 0,对 0 求百分比没有定义:请改用绝对误差之和除以目标之和(由 mae 学习),或用 smape。",
    )


@CHECKS.warns("rare-class")
def _rare_class(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the smallest class has few items."""
    fewest = answered.question.profile.number("smallest_class")
    if not answered.question.task.row.labels or fewest is None or fewest >= FEW_OF_A_CLASS:
        return None
    if fewest < TOO_FEW_OF_A_CLASS:
        return Text(
            en=f"The smallest class has {fewest:g} items: no loss learns it. Gather more, merge classes, or drop it.",
            zh=f"最小类别只有 {fewest:g} 个样本:任何损失都学不好。请收集更多样本、合并类别或放弃该类。",
        )
    return Text(
        en=f"The smallest class has {fewest:g} items: compare losses on several splits, for one is mostly chance.",
        zh=f"最小类别只有 {fewest:g} 个样本:请在多个划分上比较损失,单次划分多半是偶然。",
    )


@CHECKS.warns("logits-cost-memory")
def _logits_cost_memory(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the logits of many classes need much memory."""
    classes = answered.question.profile.number("classes")
    if answered.question.task.row.labels != "one" or classes is None:
        return None
    if classes < answered.book.bounds[MANY_CLASSES.name]:
        return None
    return Text(
        en=f"With {classes:g} classes the logits, n by C, are the real cost: {4 * classes / 1e6:.3g} MB an "
        "item in float32. Compute them in pieces, or train on a sample of the classes.",
        zh=f"有 {classes:g} 个类别时,n × C 的 logits 才是主要开销:float32 下每个样本 {4 * classes / 1e6:.3g} MB。"
        "请分块计算,或对类别采样训练。",
    )


@CHECKS.warns("variance-is-infinite")
def _variance_is_infinite(answered: AnsweredQuestion) -> Text | None:
    """Return a warning where the tails suggest an infinite variance."""
    index = answered.question.profile.number("tail_index")
    squared = {"mse", "rmse"} & answered.ids
    if index is None or index >= answered.book.bounds[INFINITE_VARIANCE.name] or not squared:
        return None
    return Text(
        en=f"With a tail index of {index:.2g} squared errors have no mean: a few items decide the fit, and another "
        "sample would give another. Learn a quantile or the mean of the logarithm too, and judge on several splits.",
        zh=f"尾部指数为 {index:.2g} 时平方误差没有均值:少数样本决定拟合,换一份样本结果就会不同。"
        "请同时学习分位数或对数的均值,并在多个划分上评价。",
    )
