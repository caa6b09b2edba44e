"""Amounts: zeros, totals that are to be kept, and long tails."""

from losses.text import Text
from recommender.rules.evidence.outliers import (
    AMOUNTS,
    FAR_ITEMS_ARE_ERRORS,
    FEW_EVENTS,
    GNEITING,
    HUBER_INSURES,
    INFINITE_VARIANCE,
    KEEPS_THE_TOTAL,
    LEAVES_OUT,
    MAE_FOR_MEDIAN,
    MAE_IS_ZERO,
    MOSTLY_ZEROS,
    MULTIPLIES,
    ONE_SIDED,
    PROPORTIONAL,
    SUM_SHARE,
    TWEEDIE,
    TWEEDIE_WITH_A_POWER,
    ZEROS,
    ZEROS_APART,
)
from recommender.rules.evidence.regression.questions import TASKS, with_goal
from recommender.rules.formulas import (
    tweedie_power,
)
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, fact

_AMOUNTS_WITH_ZEROS = (fact("support").equals("nonnegative"), fact("goal.functional").equals("mean"))
_TOTAL_WHATEVER = Text(
    en="Zeros and a positive rest, and too little is known for Tweedie's power: with an intercept squared errors keep "
    "the total whatever the model misses; Tweedie's loss keeps it where its distribution is right.",
    zh="既有零也有正值,而所知不足以确定 Tweedie 的幂:带截距的平方误差无论模型缺什么都保持总和;"
    "Tweedie 损失只在其分布正确时才保持。",
)

ROWS = (
    Rule(
        name="evidence.regression.mostly_zeros_median",
        book="evidence",
        tasks=TASKS,
        when=(fact("zero_share") >= MOSTLY_ZEROS, fact("goal.functional").equals("median")),
        recommend="mae",
        because=Text(
            en="Its best constant is the median, which is 0 where most targets are: ask whether the mean is meant. "
            "What lies above 0 is no outlier here.",
            zh="其最优常数为中位数,而多数目标为零时中位数即为 0:请确认所要的是否为均值。此处大于零的目标并非异常值。",
        ),
        source=Evidence("A", GNEITING),
        alternatives=(Alternative("mse", Text(en="the mean, or a total, is meant.", zh="所要的是均值或总量。")),),
        ruled_out=(
            RuledOut(
                "tukey_biweight", Text(en="It takes all that is not 0 for mistakes.", zh="它把所有非零目标当作错误。")
            ),
        ),
        fires=with_goal("median", zero_share=0.5),
        silent=with_goal("median", zero_share=0.499),
    ),
    Rule(
        name="evidence.regression.mostly_zeros",
        book="evidence",
        tasks=TASKS,
        when=(*_AMOUNTS_WITH_ZEROS, fact("zero_share") >= MOSTLY_ZEROS, fact("variance_power").is_known()),
        unless=(fact("events") < FEW_EVENTS,),
        recommend="tweedie",
        computed={"power": tweedie_power},
        because=Text(
            en="Most targets are zero, so that the median deviation calls every other one an outlier: one distribution "
            "has the zeros and the rest.",
            zh="多数目标为零,按中位数偏差其余都成了异常值:一个分布兼有零与其余部分。",
        ),
        source=TWEEDIE,
        alternatives=(KEEPS_THE_TOTAL, ZEROS_APART, MULTIPLIES),
        ruled_out=(MAE_IS_ZERO, LEAVES_OUT),
        fires=with_goal(support="nonnegative", zero_share=0.5, variance_power=1.5),
        silent=with_goal(support="nonnegative", zero_share=0.499, variance_power=1.5),
    ),
    Rule(
        name="evidence.regression.zeros",
        book="evidence",
        tasks=TASKS,
        when=(*_AMOUNTS_WITH_ZEROS, fact("zero_share") >= ZEROS, fact("variance_power").is_known()),
        unless=(fact("goal.outliers").equals("errors"), fact("events") < FEW_EVENTS),
        recommend="tweedie",
        computed={"power": tweedie_power},
        because=Text(
            en="Many exact zeros and a positive rest: one distribution has both.",
            zh="大量精确的零加上正值:一个分布兼有二者。",
        ),
        source=TWEEDIE,
        alternatives=(KEEPS_THE_TOTAL, ZEROS_APART, MULTIPLIES),
        ruled_out=(LEAVES_OUT,),
        fires=with_goal(outliers="unknown", support="nonnegative", zero_share=0.05, variance_power=1.5),
        silent=with_goal(outliers="unknown", support="nonnegative", zero_share=0.0499, variance_power=1.5),
    ),
    Rule(
        name="evidence.regression.mostly_zeros_keep_the_total",
        book="evidence",
        tasks=TASKS,
        when=(*_AMOUNTS_WITH_ZEROS, fact("zero_share") >= MOSTLY_ZEROS),
        recommend="mse",
        because=_TOTAL_WHATEVER,
        source=Evidence("A", f"{GNEITING}; Wuethrich & Merz 2023, doi:10.1007/978-3-031-12409-9: the balance property"),
        alternatives=(TWEEDIE_WITH_A_POWER, MULTIPLIES),
        ruled_out=(MAE_IS_ZERO, LEAVES_OUT),
        fires=with_goal(support="nonnegative", zero_share=0.5),
        silent=with_goal(support="nonnegative", zero_share=0.499),
    ),
    Rule(
        name="evidence.regression.zeros_keep_the_total",
        book="evidence",
        tasks=TASKS,
        when=(*_AMOUNTS_WITH_ZEROS, fact("zero_share") >= ZEROS),
        unless=(fact("goal.outliers").equals("errors"),),
        recommend="mse",
        because=_TOTAL_WHATEVER,
        source=Evidence("A", f"{GNEITING}; Wuethrich & Merz 2023, doi:10.1007/978-3-031-12409-9: the balance property"),
        alternatives=(TWEEDIE_WITH_A_POWER, MULTIPLIES),
        ruled_out=(LEAVES_OUT,),
        fires=with_goal(outliers="unknown", support="nonnegative", zero_share=0.05),
        silent=with_goal(outliers="unknown", support="nonnegative", zero_share=0.0499),
    ),
    Rule(
        name="evidence.regression.shares",
        book="evidence",
        tasks=TASKS,
        when=(fact("support").equals("unit"), fact("goal.functional").equals("mean")),
        recommend="bce",
        because=Text(
            en="Targets from 0 to 1 are soft labels: it learns their mean and predictions stay inside.",
            zh="0 到 1 的目标是软标签:它学习其均值,且预测保持在范围内。",
        ),
        source=Evidence("D", f"CatBoost's CrossEntropy takes such targets; consistent for the mean: {GNEITING}"),
        alternatives=(Alternative("mse", Text(en="the output may leave 0 to 1.", zh="输出可以超出 0 到 1。")),),
        fires=with_goal(support="unit"),
        silent=with_goal(support="real"),
    ),
    Rule(
        name="evidence.regression.signal_median",
        book="evidence",
        tasks=TASKS,
        when=(fact("goal.outliers").equals("signal"), fact("goal.functional").equals("median")),
        recommend="mae",
        because=Text(en="Its best constant is the median.", zh="其最优常数是中位数。"),
        source=Evidence("A", GNEITING),
        alternatives=(HUBER_INSURES,),
        fires=with_goal("median", "signal"),
        silent=with_goal("median", "errors"),
    ),
    Rule(
        name="evidence.regression.signal",
        book="evidence",
        tasks=TASKS,
        when=(fact("goal.outliers").equals("signal"), fact("goal.functional").equals("mean")),
        recommend="mse",
        because=Text(
            en="Extreme targets are real and the mean is wanted: only squared errors learn it.",
            zh="极端目标是真实的且需要均值:只有平方误差能学到它。",
        ),
        source=Evidence("A", f"{GNEITING}; and P: on our tables as they are it has the lowest error of the mean"),
        alternatives=(
            MAE_FOR_MEDIAN,
            PROPORTIONAL,
        ),
        fires=with_goal(outliers="signal"),
        silent=with_goal(outliers="errors"),
    ),
    Rule(
        name="evidence.regression.carry_the_total",
        book="evidence",
        tasks=TASKS,
        when=(
            fact("goal.functional").equals("mean"),
            fact("goal.outliers").equals("unknown"),
            fact("outlier_sum_share") >= SUM_SHARE,
        ),
        recommend="mse",
        because=Text(
            en="The flagged items carry so much of the total that a loss which gives way to them would miss it.",
            zh="被标记的样本占总和很大一部分,对其让步的损失会使总和偏低。",
        ),
        source=Evidence("A", GNEITING),
        alternatives=(MULTIPLIES, FAR_ITEMS_ARE_ERRORS),
        ruled_out=(LEAVES_OUT,),
        fires=with_goal(outliers="unknown", outlier_sum_share=0.1),
        silent=with_goal(outliers="unknown", outlier_sum_share=0.099),
    ),
    Rule(
        name="evidence.regression.long_upper_tail",
        book="evidence",
        tasks=TASKS,
        when=(
            fact("support").is_one_of(*AMOUNTS),
            fact("goal.functional").equals("mean"),
            fact("goal.outliers").equals("unknown"),
            fact("one_sidedness") >= ONE_SIDED,
        ),
        unless=(fact("outlier_sum_share") < SUM_SHARE,),
        recommend="mse",
        because=Text(
            en="Amounts with outliers on one side have a long tail, unless these are said to be "
            "errors: only a loss of the mean gets their total right.",
            zh="非负目标的异常值偏于一侧,除非指明为错误,即为长尾数值:只有学习均值的损失能得到正确的总和。",
        ),
        source=Evidence("A", GNEITING),
        alternatives=(MULTIPLIES, FAR_ITEMS_ARE_ERRORS),
        fires=with_goal(outliers="unknown", support="positive", one_sidedness=0.6),
        silent=with_goal(outliers="unknown", support="positive", one_sidedness=0.599),
    ),
    Rule(
        name="evidence.regression.heavy_upper_tail",
        book="evidence",
        tasks=TASKS,
        when=(
            fact("support").is_one_of(*AMOUNTS),
            fact("goal.functional").equals("mean"),
            fact("goal.outliers").equals("unknown"),
            fact("tail_index") < INFINITE_VARIANCE,
        ),
        unless=(fact("outlier_sum_share") < SUM_SHARE,),
        recommend="mse",
        because=Text(
            en="The mean of amounts with so heavy a tail is hard to learn, but no other loss learns it at all.",
            zh="尾部如此之重的数值均值难以学到,但其他损失根本学不到。",
        ),
        source=Evidence("A", GNEITING),
        alternatives=(MULTIPLIES, FAR_ITEMS_ARE_ERRORS),
        fires=with_goal(outliers="unknown", support="positive", tail_index=1.99),
        silent=with_goal(outliers="unknown", support="positive", tail_index=2.0),
    ),
)
