"""Counts: the loss follows from how the variance of counts depends on their mean."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.formulas import goal_quantile
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact
from recommender.tasks import Task

_TASKS = (Task.COUNT,)
_GNEITING = "Gneiting 2011, arXiv:0912.0902"
_GOURIEROUX = "Gourieroux, Monfort & Trognon 1984, doi:10.2307/1913471 and 1913472"

OVERDISPERSED = Threshold(
    name="evidence.counts.overdispersed",
    default=1.5,
    source="ours: Poisson counts have 1, and 100 of them exceed it once in a thousand samples",
    description=Text(
        en="From this variance over mean on, counts spread more than Poisson counts do.",
        zh="方差与均值之比达到该值,计数比泊松分布更分散。",
    ),
)


def _with_goal(functional: str, **facts: object) -> Question:
    """Return a question about counts with this functional as its goal."""
    goal = Goal(functional=functional)  # type: ignore[arg-type] # the literals of Goal
    return Question(Task.COUNT, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name


_NEGATIVE_BINOMIAL = Alternative(
    "negative_binomial_nll",
    Text(
        en="the chance of a large count matters, or how uncertain each mean is; it has an output for the spread (Hilbe "
        "2011, doi:10.1017/CBO9780511973420).",
        zh="关心大计数的概率或每个均值的不确定性;它有一个离散度输出(Hilbe 2011, doi:10.1017/CBO9780511973420)。",
    ),
)
_NO_MEDIAN = RuledOut(
    "mae",
    Text(
        en="It learns the median, which is 0 where more than half of the counts are.",
        zh="它学到中位数;超过一半为零时中位数为 0。",
    ),
)
_EXPOSURE = WarningText(
    "exposure-as-a-logarithm",
    Text(
        en="A feature that counts grow in proportion to, such as a population, goes in as its logarithm: as it is, a "
        "log link makes predictions grow exponentially with it.",
        zh="与计数成正比的特征(如人口)应取对数输入:否则在对数链接下预测随其指数增长。",
    ),
)

RULES = (
    Rule(
        name="evidence.count.quantile",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.functional").equals("quantile"),),
        recommend="quantile",
        computed={"quantile": goal_quantile},
        because=Text(en="Its best constant is the quantile that is wanted.", zh="其最优常数正是所需的分位数。"),
        source=Evidence("A", f"Koenker & Bassett 1978, doi:10.2307/1913643; {_GNEITING}"),
        alternatives=(
            Alternative(
                "negative_binomial_nll",
                Text(
                    en="several quantiles are wanted: read them off one distribution.",
                    zh="需要多个分位数:可由同一分布得出。",
                ),
            ),
        ),
        warnings=(
            WarningText(
                "quantiles-of-counts-are-counts",
                Text(
                    en="The quantiles of counts are whole numbers; round predictions up.",
                    zh="计数的分位数是整数;请将预测向上取整。",
                ),
            ),
        ),
        fires=_with_goal("quantile"),
        silent=_with_goal("mean"),
    ),
    Rule(
        name="evidence.count.median",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.functional").equals("median"),),
        recommend="mae",
        because=Text(
            en="Its best constant is the median. Of rare counts that is 0: ask whether the mean is meant.",
            zh="其最优常数是中位数。稀少的计数中位数为 0:请确认需要的是否为均值。",
        ),
        source=Evidence("A", _GNEITING),
        alternatives=(Alternative("poisson_nll", Text(en="the mean is meant.", zh="需要的其实是均值。")),),
        fires=_with_goal("median"),
        silent=_with_goal("mean"),
    ),
    Rule(
        name="evidence.count.distribution",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.functional").equals("distribution"),),
        recommend="negative_binomial_nll",
        because=Text(
            en="It learns the mean and the spread; Poisson counts are its limit where the spread is small.",
            zh="它同时学习均值与离散度;离散度很小时即为泊松分布。",
        ),
        source=Evidence("C", "Salinas et al. 2020, arXiv:1704.04110: DeepAR on demand; Hilbe 2011"),
        alternatives=(Alternative("poisson_nll", Text(en="the variance is the mean.", zh="方差等于均值。")),),
        fires=_with_goal("distribution"),
        silent=_with_goal("mean"),
    ),
    Rule(
        name="evidence.count.squared_errors",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.metric").equals("rmse"),),
        recommend="mse",
        because=Text(
            en="The metric is the squared error of the counts themselves, which the largest predictions decide: "
            "those of a log link can run away, those of added effects hardly.",
            zh="指标是计数本身的平方误差,由最大的预测决定:对数链接的预测可能失控,相加效应的预测则很少如此。",
        ),
        source=Evidence("A", f"{_GNEITING}; and P: on twenty tables of our benchmark no loss does better by it"),
        alternatives=(
            Alternative(
                "poisson_nll",
                Text(
                    en="predictions must stay positive, or counts are small and effects multiply.",
                    zh="预测须保持为正,或计数很小且各效应相乘。",
                ),
            ),
        ),
        ruled_out=(_NO_MEDIAN,),
        fires=Question(Task.COUNT, goal=Goal(metric="rmse")),
        silent=Question(Task.COUNT, goal=Goal(metric="poisson_deviance")),
    ),
    Rule(
        name="evidence.count.overdispersed",
        book="evidence",
        tasks=_TASKS,
        when=(fact("dispersion") >= OVERDISPERSED,),
        recommend="poisson_nll",
        because=Text(
            en="Counts spread more than their mean, and only their mean is wanted: its estimate is right whatever the "
            "spread is, and no second output has to be learnt, as by a negative binomial.",
            zh="计数的方差大于均值,而只需要均值:无论离散度如何其均值估计都是一致的,且不必像负二项那样再学一个输出。",
        ),
        source=Evidence(
            "A", f"{_GOURIEROUX}; and P: in our benchmark the negative binomial lost far more on one table of twenty"
        ),
        alternatives=(
            _NEGATIVE_BINOMIAL,
            Alternative("mse", Text(en="effects add rather than multiply.", zh="各效应相加而非相乘。")),
        ),
        ruled_out=(_NO_MEDIAN,),
        warnings=(_EXPOSURE,),
        fires=_with_goal("mean", dispersion=1.5),
        silent=_with_goal("mean", dispersion=1.49),
    ),
    Rule(
        name="evidence.count.default",
        book="evidence",
        tasks=_TASKS,
        recommend="poisson_nll",
        because=Text(
            en="With a log link the prediction stays positive, and its mean is right whatever the spread is.",
            zh="取对数链接时预测保持为正,且无论离散度如何,均值估计都是一致的。",
        ),
        source=Evidence("A", f"{_GOURIEROUX}; scikit-learn's example of Poisson regression"),
        assumption=Text(
            en="Effects multiply, and counts do not spread much more than their mean.",
            zh="假定各效应相乘,且计数的方差不远大于均值。",
        ),
        alternatives=(
            _NEGATIVE_BINOMIAL,
            Alternative(
                "generalized_kl",
                Text(
                    en="predictions are logarithms of rates and a count that is met should cost 0.",
                    zh="预测为速率的对数,且完全符合时损失应为 0。",
                ),
            ),
            Alternative("mse", Text(en="effects add rather than multiply.", zh="各效应相加而非相乘。")),
        ),
        ruled_out=(_NO_MEDIAN,),
        warnings=(_EXPOSURE,),
        fires=Profile(),
        silent=Question(Task.REGRESSION),
    ),
)
