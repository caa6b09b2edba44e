"""Numbers and counts judged by a metric that has a loss of its own, whatever the data are.

The name of this file sorts before those of the tasks, so that its rows come before theirs.
"""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal
from recommender.question import Question
from recommender.rules.formulas import interval_alpha, upper_end
from recommender.rules.table import Alternative, Evidence, Rule, fact
from recommender.tasks import Task

_TASKS = (Task.REGRESSION, Task.COUNT)
_GNEITING = "Gneiting 2011, arXiv:0912.0902"
_TOTAL_FALLS_SHORT = WarningText(
    "total-falls-short",
    Text(
        en="What is best under this metric lies below the mean: predictions must not be added up to a total.",
        zh="该指标下的最优值低于均值:不可将预测相加为总量。",
    ),
)

RULES = (
    Rule(
        name="evidence.numbers.squared_logarithms",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.metric").equals("rmsle"),),
        recommend="msle",
        because=Text(
            en="The metric is the squared error of log(1 + y), and so is this loss: mse on log1p of the targets, with "
            "predictions back through expm1.",
            zh="指标是 log(1 + y) 的平方误差,该损失正是如此:即对目标取 log1p 后的 mse,预测经 expm1 还原。",
        ),
        source=Evidence("A", _GNEITING),
        alternatives=(
            Alternative(
                "mse",
                Text(
                    en="targets go through log1p before training, predictions back through expm1.",
                    zh="训练前目标取 log1p,预测经 expm1 还原。",
                ),
            ),
        ),
        warnings=(_TOTAL_FALLS_SHORT,),
        fires=Question(Task.REGRESSION, goal=Goal(metric="rmsle")),
        silent=Question(Task.REGRESSION, goal=Goal(metric="rmse")),
    ),
    Rule(
        name="evidence.numbers.percentages",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.metric").equals("mape"),),
        recommend="mape",
        because=Text(
            en="The metric is best served by the median of targets weighted by 1/y, which this loss learns: mae with "
            "weights of 1/|y|.",
            zh="该指标的最优解是按 1/y 加权的中位数,该损失学习的正是它:即权重为 1/|y| 的 mae。",
        ),
        source=Evidence("A", _GNEITING),
        alternatives=(
            Alternative(
                "mae",
                Text(
                    en="weights of 1/|y| are sent with the items: the same number.",
                    zh="随样本传入 1/|y| 权重:数值相同。",
                ),
            ),
        ),
        warnings=(_TOTAL_FALLS_SHORT,),
        fires=Question(Task.REGRESSION, goal=Goal(metric="mape")),
        silent=Question(Task.REGRESSION, goal=Goal(metric="mae")),
    ),
    Rule(
        name="evidence.numbers.symmetric_percentages",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.metric").equals("smape"),),
        recommend="smape",
        because=Text(
            en="No other loss has its best constant; it is not convex, so start from a fit by mae of log1p.",
            zh="没有其他损失与其最优常数相同;它非凸,宜从 log1p 上 mae 的拟合出发。",
        ),
        source=Evidence("A", "Goodwin & Lawton 1999, doi:10.1016/S0169-2070(99)00007-2"),
        alternatives=(
            Alternative(
                "mae",
                Text(en="targets go through log1p: nearly the same, and convex.", zh="目标取 log1p:几乎相同且为凸。"),
            ),
        ),
        warnings=(_TOTAL_FALLS_SHORT,),
        fires=Question(Task.REGRESSION, goal=Goal(metric="smape")),
        silent=Question(Task.REGRESSION, goal=Goal(metric="mae")),
    ),
    Rule(
        name="evidence.numbers.interval",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.functional").equals("interval"),),
        recommend="interval_score",
        computed={"alpha": interval_alpha},
        because=Text(
            en="It learns both ends at once, and is lowest for the narrowest interval that holds its share.",
            zh="它同时学习两端,在满足覆盖率的最窄区间处最小。",
        ),
        source=Evidence("A", "Gneiting & Raftery 2007, doi:10.1198/016214506000001437, section 6.2"),
        alternatives=(
            Alternative(
                "quantile",
                Text(
                    en="each end has a model of its own, the lower at one less this quantile.",
                    zh="两端各用一个模型,下端取 1 减该分位数。",
                ),
                computed={"quantile": upper_end},
            ),
            Alternative("crps_gaussian", Text(en="the whole distribution is wanted.", zh="需要整个分布。")),
        ),
        fires=Question(Task.REGRESSION, goal=Goal(functional="interval")),
        silent=Question(Task.REGRESSION, goal=Goal(functional="mean")),
    ),
    Rule(
        name="evidence.numbers.ranked_probability",
        book="evidence",
        tasks=(Task.REGRESSION,),
        when=(fact("goal.metric").equals("crps"),),
        recommend="crps_gaussian",
        because=Text(
            en="It is the metric itself, of a normal forecast: proper, in the unit of the target, calm about outliers.",
            zh="它即该指标(正态预报):恰当评分,与目标同单位,对异常值平稳。",
        ),
        source=Evidence("A", "Gneiting & Raftery 2007, doi:10.1198/016214506000001437"),
        alternatives=(Alternative("beta_nll", Text(en="likelihood counts too.", zh="也在意似然。")),),
        fires=Question(Task.REGRESSION, goal=Goal(metric="crps")),
        silent=Question(Task.REGRESSION, goal=Goal(functional="distribution")),
    ),
)
