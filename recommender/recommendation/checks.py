"""Checks that add warnings to an answer; each is a function registered by `warns`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property

from losses.text import Text
from recommender.metrics import METRICS
from recommender.notices import MEASURED_ON_TARGETS, WarningText
from recommender.profile import Goal, Measured, Profile
from recommender.question import Question
from recommender.recommendation.choice import Choices, probability_of
from recommender.recommendation.decision_threshold import decision
from recommender.rules import ROWS
from recommender.rules.article.thresholds import MANY_CLASSES
from recommender.rules.evidence.outliers import INFINITE_VARIANCE
from recommender.rules.rulebook import Rulebook
from recommender.tasks import BINARY_CLASSES, PLACES, Scenario, Task

FEW_OF_A_CLASS = 100  # EvalML's class imbalance check calls it severe below
TOO_FEW_OF_A_CLASS = 20  # ours: the share of hits among them has a 95 % interval of more than 0.4
FEW_ITEMS = 50  # below, the interval of a 0.3 % share reaches past 7 %
FEW_BEYOND = 10  # ours: the error of an extreme quantile is about 1 / sqrt of the items beyond it, here a third
_TOLERANCE = 0.1  # relative: shares and ratios arrive rounded


@dataclass(frozen=True)
class AnsweredQuestion:
    """A question and the answer given to it."""

    book: Rulebook
    question: Question
    chosen: Choices

    @cached_property
    def ids(self) -> set[str]:
        """Every loss recommended."""
        return {term.loss.id for choice in self.chosen for _, term in choice.objective.terms}


Check = Callable[[AnsweredQuestion], Text | None]
_checks: dict[str, Check] = {}


def warns(code: str) -> Callable[[Check], Check]:
    """Register a check under the code of its warning."""

    def register(check: Check) -> Check:
        _checks[code] = check
        return check

    return register


def answer_warnings(book: Rulebook, question: Question, chosen: Choices) -> list[WarningText]:
    """Return the warnings of the computed parameters, of the deciding rows and of the checks."""
    if not chosen:
        return []
    answered = AnsweredQuestion(book, question, chosen)
    computed = [each for choice in chosen for parameter in choice.parameters.values() for each in parameter.warnings]
    computed += [each for choice in chosen for each in choice.rule.warnings]
    checked = [WarningText(code, text) for code, check in _checks.items() if (text := check(answered))]
    return [*computed, *checked]


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


@warns("goal-not-elicited")
def _goal_not_elicited(answered: AnsweredQuestion) -> Text | None:
    goal = answered.question.goal
    if answered.question.task.row.aim != "functional" or goal.functional is None:
        return None
    loss = answered.chosen[0].loss.loss
    wanted = "median" if goal.functional == "quantile" and goal.quantile == 1 / 2 else goal.functional
    learnt = _FUNCTIONALS.get(loss.elicits)
    if goal.metric and loss.elicits == METRICS[goal.metric].elicits:
        return None
    if learnt is None or loss.elicits in {wanted, *_ALSO_LEARN.get(wanted, ())}:
        return None
    if goal.functional == "distribution":
        return Text(
            en=f"{loss.id} learns {learnt.en} alone; beta_nll learns how uncertain it is as well.",
            zh=f"{loss.id} 只学到{learnt.zh};beta_nll 还能学到其不确定性。",
        )
    alike = {wanted, loss.elicits} <= _AGREE_WHERE_SYMMETRIC
    aim = _FUNCTIONALS[goal.functional]
    return Text(
        en=f"{loss.id} learns {learnt.en}; the goal is {aim.en}."
        + (" They agree where errors are symmetric." if alike else ""),
        zh=f"{loss.id} 学到的是{learnt.zh};目标是{aim.zh}。" + ("误差对称时二者一致。" if alike else ""),
    )


_MISS_THE_TOTAL = _FUNCTIONALS.keys() - _ALSO_LEARN["mean"] - {"mean"}
_TOTAL_UNDER = {"huber functional": "total_under_huber", "median": "total_under_mae"}


def total_kept(answered: AnsweredQuestion) -> float | None:
    """Return the sum of predictions over the true sum, where the mean is wanted and predictions would miss it."""
    if not answered.chosen:
        return None
    goal, profile, loss = answered.question.goal, answered.question.profile, answered.chosen[0].loss.loss
    if goal.functional != "mean" or goal.outliers == "errors" or loss.elicits not in _MISS_THE_TOTAL:
        return None
    ratio = profile.number(_TOTAL_UNDER.get(loss.elicits, "total_under_mae"))
    share = profile.number("outlier_sum_share")
    if ratio is None and share is not None:
        ratio = 1 - share
    return None if ratio is None or abs(ratio - 1) < _TOLERANCE else ratio


@warns("total-is-missed")
def total_is_missed(answered: AnsweredQuestion) -> Text | None:
    """Return the warning that predictions must not be added up."""
    ratio, loss = total_kept(answered), answered.chosen[0].loss.loss
    if ratio is None:
        return None
    return Text(
        en=f"Do not add up what {loss.id} predicts here: it would come to about {ratio:.0%} of the true total. mse, "
        "poisson_nll and tweedie keep the total. If the far items are errors, say goal.outliers=errors.",
        zh=f"请勿对 {loss.id} 在此的预测求和:总和约为真实总和的 {ratio:.0%}。mse、poisson_nll 与 tweedie 可保持总和。"
        "若远处的样本是错误,请指明 goal.outliers=errors。",
    )


@warns("metric-of-another-task")
def _metric_of_another_task(answered: AnsweredQuestion) -> Text | None:
    metric, task = answered.question.goal.metric, answered.question.task
    profile, scenario = answered.question.profile, answered.question.scenario
    boxes = task is Task.REGRESSION and (profile.boxes or scenario is Scenario.BOX_REGRESSION)
    if metric is None or task in METRICS[metric].judges or (boxes and "boxes" in METRICS[metric].goal):
        return None
    fitting = ", ".join(name for name, row in METRICS.items() if task in row.judges)
    if not fitting and task.row.metric:
        own = task.row.metric
        return Text(
            en=f"{metric} does not judge {task}; {own.en} would.", zh=f"{metric} 不用于评价 {task};可用{own.zh}。"
        )
    return Text(
        en=f"{metric} does not judge {task}; {fitting} would.", zh=f"{metric} 不用于评价 {task};可用 {fitting}。"
    )


@warns("metric-has-another-goal")
def _metric_has_another_goal(answered: AnsweredQuestion) -> Text | None:
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


@warns("outliers-are-signal")
def _outliers_are_signal(answered: AnsweredQuestion) -> Text | None:
    loss = answered.chosen[0].loss.loss
    if answered.question.goal.outliers != "signal" or "robust" not in loss.traits:
        return None
    return Text(
        en=f"You called outliers signal; {loss.id} limits their pull on the model. mse gives them their full weight.",
        zh=f"您指明异常值是有用信号;{loss.id} 会限制其对模型的影响,mse 则给予全部权重。",
    )


@warns("output-not-a-probability")
def _output_not_a_probability(answered: AnsweredQuestion) -> Text | None:
    if answered.question.goal.decision != "probabilities":
        return None
    bent = [choice.text for choice in answered.chosen if probability_of(choice)]
    if not bent:
        return None
    losses = " + ".join(bent)
    return Text(
        en=f"The output of {losses} is no probability; the code in `repair` makes it one.",
        zh=f"{losses} 的输出不是概率;`repair` 中的代码可将其还原为概率。",
    )


@warns("no-threshold")
def _no_threshold(answered: AnsweredQuestion) -> Text | None:
    threshold = decision(answered.question, answered.chosen)
    return threshold if isinstance(threshold, Text) else None


@warns("dice-is-not-iou")
def _dice_is_not_iou(answered: AnsweredQuestion) -> Text | None:
    if "dice" not in answered.ids:
        return None
    return Text(
        en="The article calls Dice the intersection over union J; it is D = 2J / (1 + J). Report the one you mean.",
        zh="文章称 Dice 为交并比 J,实际上 D = 2J / (1 + J)。报告指标时请写明是哪一个。",
    )


@warns("empty-masks")
def _empty_masks(answered: AnsweredQuestion) -> Text | None:
    if answered.question.goal.empty_masks is not True or "dice" not in answered.ids:
        return None
    several = (answered.question.profile.number("classes") or 0) > BINARY_CLASSES
    better = "dice + categorical_ce" if several and not answered.question.profile.multilabel else "dice + bce"
    if set(better.split(" + ")) <= answered.ids:
        return None
    return Text(
        en=f"Empty masks count, and Dice hardly rewards leaving them empty; {better} gives every pixel a say.",
        zh=f"空掩膜计入指标,而 Dice 几乎不奖励正确的空预测;{better} 使每个像素都起作用。",
    )


@warns("boundary-not-measured")
def _boundary_not_measured(answered: AnsweredQuestion) -> Text | None:
    if answered.question.goal.segmentation != "boundary" or "dice" not in answered.ids:
        return None
    return Text(
        en="The goal is the outline; Dice measures area and hardly notices a displaced outline of a large region.",
        zh="目标是轮廓;Dice 衡量面积,对大区域轮廓的偏移几乎不敏感。",
    )


@warns("scenario-outside-task")
def _scenario_outside_task(answered: AnsweredQuestion) -> Text | None:
    scenario, task = answered.question.scenario, answered.question.task
    if scenario is None or task in {PLACES[scenario].task, *PLACES[scenario].also}:
        return None
    return Text(
        en=f"{scenario} belongs to {PLACES[scenario].task}; the task given, {task}, decided.",
        zh=f"{scenario} 属于 {PLACES[scenario].task};以给出的任务 {task} 为准。",
    )


@warns("classes-contradict-task")
def _classes_contradict_task(answered: AnsweredQuestion) -> Text | None:
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


@warns("multilabel-contradicts-task")
def _multilabel_contradicts_task(answered: AnsweredQuestion) -> Text | None:
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


@warns("shares-disagree")
def _shares_disagree(answered: AnsweredQuestion) -> Text | None:
    profile = answered.question.profile
    share, imbalance = profile.number("positive_share"), profile.number("class_imbalance")
    if answered.question.task is not Task.BINARY or share is None or imbalance is None:
        return None
    implied = max(share, 1 - share) / min(share, 1 - share)
    if abs(implied / imbalance - 1) <= _TOLERANCE:
        return None
    return Text(
        en=f"positive_share implies a class_imbalance of {implied:.3g}, and {imbalance:.3g} was given.",
        zh=f"由 positive_share 得出的 class_imbalance 为 {implied:.3g},给出的却是 {imbalance:.3g}。",
    )


@warns("measured-on-targets")
def _measured_on_targets(answered: AnsweredQuestion) -> Text | None:
    profile = answered.question.profile
    given = (profile.outlier_rate, profile.residual_scale)
    if not any(isinstance(fact, Measured) and fact.basis == "targets" for fact in given):
        return None
    return MEASURED_ON_TARGETS


@warns("few-items")
def _few_items(answered: AnsweredQuestion) -> Text | None:
    n = answered.question.profile.number("n")
    if n is None or n >= FEW_ITEMS:
        return None
    return Text(
        en=f"With {n:g} items measured shares and ratios are rough; trust only what follows from the task.",
        zh=f"只有 {n:g} 个样本,测得的比例很粗略;只有由任务本身得出的结论可靠。",
    )


@warns("few-beyond-the-quantile")
def _few_beyond_the_quantile(answered: AnsweredQuestion) -> Text | None:
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


@warns("percentage-of-zero")
def _percentage_of_zero(answered: AnsweredQuestion) -> Text | None:
    zeros = answered.question.profile.number("zero_share")
    if answered.question.goal.metric != "mape" or not zeros:
        return None
    return Text(
        en=f"{zeros:.2g} of the targets are 0, and a percentage of 0 is undefined: judge by the sum of absolute errors "
        "over the sum of targets instead, which mae learns, or by smape.",
        zh=f"{zeros:.2g} 的目标为 0,对 0 求百分比没有定义:请改用绝对误差之和除以目标之和(由 mae 学习),或用 smape。",
    )


@warns("rare-class")
def _rare_class(answered: AnsweredQuestion) -> Text | None:
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


@warns("logits-cost-memory")
def _logits_cost_memory(answered: AnsweredQuestion) -> Text | None:
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


@warns("variance-is-infinite")
def _variance_is_infinite(answered: AnsweredQuestion) -> Text | None:
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


@warns("goal-not-used")
def _goal_not_used(answered: AnsweredQuestion) -> Text | None:
    """Return the stated parts of the goal that no rule of the task reads."""
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


@warns("fact-not-used")
def _fact_not_used(answered: AnsweredQuestion) -> Text | None:
    used, given = _facts_used(answered.question.task), answered.question.profile.given()
    unused = {name for name, value in given if name not in used and not isinstance(value, Measured)}
    if not unused:
        return None
    idle = ", ".join(name for name in Profile.model_fields if name in unused)
    return Text(
        en=f"No rule for {answered.question.task} reads {idle}.", zh=f"{answered.question.task} 的规则不使用 {idle}。"
    )


@cache
def _facts_used(task: Task) -> frozenset[str]:
    """Return the facts and parts of the goal that rules of a task read."""
    rows = [row for row in ROWS if task in row.tasks]
    used = {condition.fact for row in rows for condition in (*row.when, *row.unless)}
    used |= {fact for row in rows for formula in row.computed.values() for fact in formula.reads}
    used |= {"n", "features", "goal.metric", f"goal.{task.row.aim}", *task.row.implies}
    used |= {f"goal.{name}" for name in task.row.default_goal.model_fields_set}
    return frozenset(used | _FACTS_OF_LABELS if task.row.labels else used)


_FACTS_OF_LABELS = {"goal.cost_matrix", "classes", "multilabel", "label_encoding", "smallest_class"}
