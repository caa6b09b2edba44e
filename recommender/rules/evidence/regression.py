"""Regression and counts: the functional of the goal and the outliers decide."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.evidence.outliers import (
    AMOUNTS,
    BOXES,
    CAUCHY,
    FAR,
    FAR_ITEMS_ARE_ERRORS,
    FEW_EVENTS,
    GIOU,
    GNEITING,
    HUBER_FOR_LINEAR,
    HUBER_INSURES,
    INFINITE_VARIANCE,
    KEEPS_THE_TOTAL,
    LEAVES_OUT,
    MAE_FOR_MEDIAN,
    MAE_IS_ZERO,
    MANY,
    MOSTLY_ZEROS,
    MSE_FOLLOWS,
    MULTIPLIES,
    NOT_CONVEX,
    ONE_SIDED,
    OVERLAP,
    PROPORTIONAL,
    SMOOTH_MIDDLE,
    SOME,
    SUM_SHARE,
    TWEEDIE,
    TWEEDIE_WITH_A_POWER,
    ZEROS,
    ZEROS_APART,
)
from recommender.rules.formulas import (
    cauchy_scale,
    goal_quantile,
    huber_beta,
    offset_beta,
    proposal_beta,
    tukey_tuning,
    tweedie_power,
)
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact
from recommender.tasks import Scenario, Task

_TASKS = (Task.REGRESSION,)


def _with_goal(functional: str = "mean", outliers: str = "errors", **facts: object) -> Question:
    """Return a question with that goal."""
    goal = Goal(functional=functional, outliers=outliers)  # type: ignore[arg-type] # the literals of Goal
    return Question(Task.REGRESSION, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name


SPREAD_COUNTS = Threshold(
    name="evidence.counts.spread",
    default=10.0,
    source="ours: Poisson counts have 1; whole numbers of hundreds are amounts rather than counts",
    description=Text(
        en="From this variance over mean on, whole numbers are treated as amounts.",
        zh="方差与均值之比达到该值,整数按一般数值处理。",
    ),
)
_MEAN_OF_LINEAR = (fact("goal.functional").equals("mean"), fact("model").equals("linear"))
_LET_GO = Text(
    en="A linear model cannot follow single items, so that its loss may go on hearing them a little: Cauchy's keeps "
    "what they tell of the mean, and hardly lets them pull.",
    zh="线性模型无法追随个别样本,其损失可以仍略微理会它们:柯西损失保留其中关于均值的信息,而几乎不受其拉动。",
)
_AMOUNTS_WITH_ZEROS = (fact("support").equals("nonnegative"), fact("goal.functional").equals("mean"))
_TOTAL_WHATEVER = Text(
    en="Zeros and a positive rest, and too little is known for Tweedie's power: with an intercept squared errors keep "
    "the total whatever the model misses; Tweedie's loss keeps it where its distribution is right.",
    zh="既有零也有正值,而所知不足以确定 Tweedie 的幂:带截距的平方误差无论模型缺什么都保持总和;"
    "Tweedie 损失只在其分布正确时才保持。",
)

RULES = (
    Rule(
        name="evidence.regression.boxes_iou",
        book="evidence",
        tasks=_TASKS,
        when=(fact("boxes").is_true(), fact("goal.boxes").equals("iou")),
        recommend="giou",
        because=OVERLAP,
        source=GIOU,
        alternatives=(Alternative("ciou", Text(en="aspect ratio and centre matter too.", zh="还在意长宽比与中心。")),),
        fires=Question(Task.REGRESSION, profile=Profile(boxes=True), goal=Goal(boxes="iou")),
        silent=Question(Task.REGRESSION, profile=Profile(boxes=True), goal=Goal(boxes="coordinates")),
    ),
    Rule(
        name="evidence.regression.box_regression_iou",
        book="evidence",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.BOX_REGRESSION), fact("goal.boxes").equals("iou")),
        recommend="giou",
        because=OVERLAP,
        source=GIOU,
        alternatives=(Alternative("ciou", Text(en="aspect ratio and centre matter too.", zh="还在意长宽比与中心。")),),
        fires=Question(Task.REGRESSION, Scenario.BOX_REGRESSION, goal=Goal(boxes="iou")),
        silent=Question(Task.REGRESSION, Scenario.BOX_REGRESSION, goal=Goal(boxes="coordinates")),
    ),
    Rule(
        name="evidence.regression.boxes",
        book="evidence",
        tasks=_TASKS,
        when=(fact("boxes").is_true(),),
        recommend="smooth_l1",
        computed={"beta": offset_beta},
        because=Text(
            en="Precise for small offsets, calm for large ones; beta depends on how offsets are normalised.",
            zh="小偏移时精确,大偏移时平稳;beta 取决于偏移量如何归一化。",
        ),
        source=BOXES,
        alternatives=(
            Alternative("giou", Text(en="boxes are judged by overlap (IoU, mAP).", zh="边界框按重叠(IoU、mAP)评价。")),
            Alternative(
                "smooth_l1",
                Text(en="offsets are small and not divided by their spread.", zh="偏移量很小且未除以其离散度。"),
                computed={"beta": proposal_beta},
            ),
            Alternative(
                "wing",
                Text(
                    en="targets are landmarks, and small errors matter most (Feng et al. 2018, arXiv:1711.06753).",
                    zh="目标为关键点,小误差最重要(Feng et al. 2018, arXiv:1711.06753)。",
                ),
            ),
        ),
        fires=Profile(boxes=True),
        silent=Profile(boxes=False),
    ),
    Rule(
        name="evidence.regression.box_regression",
        book="evidence",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.BOX_REGRESSION),),
        recommend="smooth_l1",
        computed={"beta": offset_beta},
        because=Text(
            en="Precise for small offsets, calm for large ones; beta depends on how offsets are normalised.",
            zh="小偏移时精确,大偏移时平稳;beta 取决于偏移量如何归一化。",
        ),
        source=BOXES,
        alternatives=(
            Alternative("giou", Text(en="boxes are judged by overlap (IoU, mAP).", zh="边界框按重叠(IoU、mAP)评价。")),
        ),
        fires=Question.of(Scenario.BOX_REGRESSION),
        silent=Question.of(Scenario.HOUSE_PRICES),
    ),
    Rule(
        name="evidence.regression.angles",
        book="evidence",
        tasks=_TASKS,
        when=(fact("support").equals("circular"),),
        recommend="von_mises",
        because=Text(
            en="Targets are angles: a whole turn is no error, and squared errors would call it the largest.",
            zh="目标为角度:整圈不是误差,而平方误差会视其为最大误差。",
        ),
        source=Evidence("A", "Mardia & Jupp 1999, doi:10.1002/9780470316979: its best constant is the mean direction"),
        alternatives=(
            Alternative(
                "cosine_similarity",
                Text(en="the model puts out cosine and sine instead of the angle.", zh="模型输出余弦与正弦而非角度。"),
            ),
        ),
        ruled_out=(
            RuledOut(
                "mse", Text(en="It learns 180 degrees between 1 and 359.", zh="它在 1 度与 359 度之间学到 180 度。")
            ),
        ),
        fires=Profile(support="circular"),
        silent=Profile(support="real"),
    ),
    Rule(
        name="evidence.regression.quantile",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.functional").equals("quantile"),),
        recommend="quantile",
        computed={"quantile": goal_quantile},
        because=Text(en="Its best constant is the quantile that is wanted.", zh="其最优常数正是所需的分位数。"),
        source=Evidence("A", f"Koenker & Bassett 1978, doi:10.2307/1913643; {GNEITING}"),
        alternatives=(
            Alternative("expectile", Text(en="a smooth asymmetric mean will do.", zh="平滑的非对称均值即可。")),
            Alternative("crps_gaussian", Text(en="the whole distribution is wanted.", zh="需要整个分布。")),
            Alternative("interval_score", Text(en="both ends of an interval are wanted.", zh="需要区间的两端。")),
        ),
        warnings=(
            WarningText(
                "quantiles-may-cross",
                Text(en="Quantiles learnt apart can cross.", zh="分别学习的分位数可能交叉。"),
            ),
        ),
        fires=_with_goal("quantile"),
        silent=_with_goal("mean"),
    ),
    Rule(
        name="evidence.regression.distribution",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.functional").equals("distribution"),),
        recommend="beta_nll",
        because=Text(
            en="It learns mean and variance; the plain likelihood leaves hard regions underfitted.",
            zh="它同时学习均值与方差;普通似然会使困难区域欠拟合。",
        ),
        source=Evidence("C", "Seitzer et al. 2022, arXiv:2203.09168: beta = 0.5"),
        alternatives=(
            Alternative(
                "gaussian_nll", Text(en="errors are normal and easy everywhere.", zh="误差处处服从正态且容易拟合。")
            ),
            Alternative("interval_score", Text(en="an interval will do.", zh="只需区间。")),
            Alternative(
                "laplace_nll", Text(en="errors have heavier tails than normal ones.", zh="误差尾部比正态更重。")
            ),
        ),
        fires=_with_goal("distribution"),
        silent=_with_goal("mean"),
    ),
    Rule(
        name="evidence.regression.counts",
        book="evidence",
        tasks=_TASKS,
        when=(
            fact("support").equals("counts"),
            fact("goal.functional").equals("mean"),
        ),
        unless=(fact("dispersion") >= SPREAD_COUNTS,),
        recommend="poisson_nll",
        because=Text(
            en="Small counts spread with their mean; with a log link the prediction stays positive.",
            zh="小计数的离散度随均值增长;取对数链接时预测保持为正。",
        ),
        source=Evidence("D", f"scikit-learn's example of Poisson regression; consistent for the mean: {GNEITING}"),
        alternatives=(
            Alternative(
                "negative_binomial_nll",
                Text(
                    en="the spread is wanted too, and is over 1.5 means.", zh="还需要离散度,且方差超过均值的 1.5 倍。"
                ),
            ),
            Alternative("mse", Text(en="effects add rather than multiply.", zh="各效应相加而非相乘。")),
        ),
        fires=_with_goal(support="counts", dispersion=9.9),
        silent=_with_goal(support="counts", dispersion=10.0),
    ),
    Rule(
        name="evidence.regression.mostly_zeros_median",
        book="evidence",
        tasks=_TASKS,
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
        fires=_with_goal("median", zero_share=0.5),
        silent=_with_goal("median", zero_share=0.499),
    ),
    Rule(
        name="evidence.regression.mostly_zeros",
        book="evidence",
        tasks=_TASKS,
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
        fires=_with_goal(support="nonnegative", zero_share=0.5, variance_power=1.5),
        silent=_with_goal(support="nonnegative", zero_share=0.499, variance_power=1.5),
    ),
    Rule(
        name="evidence.regression.zeros",
        book="evidence",
        tasks=_TASKS,
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
        fires=_with_goal(outliers="unknown", support="nonnegative", zero_share=0.05, variance_power=1.5),
        silent=_with_goal(outliers="unknown", support="nonnegative", zero_share=0.0499, variance_power=1.5),
    ),
    Rule(
        name="evidence.regression.mostly_zeros_keep_the_total",
        book="evidence",
        tasks=_TASKS,
        when=(*_AMOUNTS_WITH_ZEROS, fact("zero_share") >= MOSTLY_ZEROS),
        recommend="mse",
        because=_TOTAL_WHATEVER,
        source=Evidence("A", f"{GNEITING}; Wuethrich & Merz 2023, doi:10.1007/978-3-031-12409-9: the balance property"),
        alternatives=(TWEEDIE_WITH_A_POWER, MULTIPLIES),
        ruled_out=(MAE_IS_ZERO, LEAVES_OUT),
        fires=_with_goal(support="nonnegative", zero_share=0.5),
        silent=_with_goal(support="nonnegative", zero_share=0.499),
    ),
    Rule(
        name="evidence.regression.zeros_keep_the_total",
        book="evidence",
        tasks=_TASKS,
        when=(*_AMOUNTS_WITH_ZEROS, fact("zero_share") >= ZEROS),
        unless=(fact("goal.outliers").equals("errors"),),
        recommend="mse",
        because=_TOTAL_WHATEVER,
        source=Evidence("A", f"{GNEITING}; Wuethrich & Merz 2023, doi:10.1007/978-3-031-12409-9: the balance property"),
        alternatives=(TWEEDIE_WITH_A_POWER, MULTIPLIES),
        ruled_out=(LEAVES_OUT,),
        fires=_with_goal(outliers="unknown", support="nonnegative", zero_share=0.05),
        silent=_with_goal(outliers="unknown", support="nonnegative", zero_share=0.0499),
    ),
    Rule(
        name="evidence.regression.shares",
        book="evidence",
        tasks=_TASKS,
        when=(fact("support").equals("unit"), fact("goal.functional").equals("mean")),
        recommend="bce",
        because=Text(
            en="Targets from 0 to 1 are soft labels: it learns their mean and predictions stay inside.",
            zh="0 到 1 的目标是软标签:它学习其均值,且预测保持在范围内。",
        ),
        source=Evidence("D", f"CatBoost's CrossEntropy takes such targets; consistent for the mean: {GNEITING}"),
        alternatives=(Alternative("mse", Text(en="the output may leave 0 to 1.", zh="输出可以超出 0 到 1。")),),
        fires=_with_goal(support="unit"),
        silent=_with_goal(support="real"),
    ),
    Rule(
        name="evidence.regression.signal_median",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.outliers").equals("signal"), fact("goal.functional").equals("median")),
        recommend="mae",
        because=Text(en="Its best constant is the median.", zh="其最优常数是中位数。"),
        source=Evidence("A", GNEITING),
        alternatives=(HUBER_INSURES,),
        fires=_with_goal("median", "signal"),
        silent=_with_goal("median", "errors"),
    ),
    Rule(
        name="evidence.regression.signal",
        book="evidence",
        tasks=_TASKS,
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
        fires=_with_goal(outliers="signal"),
        silent=_with_goal(outliers="errors"),
    ),
    Rule(
        name="evidence.regression.carry_the_total",
        book="evidence",
        tasks=_TASKS,
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
        fires=_with_goal(outliers="unknown", outlier_sum_share=0.1),
        silent=_with_goal(outliers="unknown", outlier_sum_share=0.099),
    ),
    Rule(
        name="evidence.regression.long_upper_tail",
        book="evidence",
        tasks=_TASKS,
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
        fires=_with_goal(outliers="unknown", support="positive", one_sidedness=0.6),
        silent=_with_goal(outliers="unknown", support="positive", one_sidedness=0.599),
    ),
    Rule(
        name="evidence.regression.heavy_upper_tail",
        book="evidence",
        tasks=_TASKS,
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
        fires=_with_goal(outliers="unknown", support="positive", tail_index=1.99),
        silent=_with_goal(outliers="unknown", support="positive", tail_index=2.0),
    ),
    Rule(
        name="evidence.regression.many_outliers_linear",
        book="evidence",
        tasks=_TASKS,
        when=(fact("outlier_rate") >= MANY, *_MEAN_OF_LINEAR),
        recommend="barron_general(alpha=0)",
        computed={"scale": cauchy_scale},
        because=_LET_GO,
        source=Evidence("P", "our benchmark, linear models by RMSE; Barron 2019, arXiv:1701.03077"),
        alternatives=(
            Alternative(
                "tukey_biweight",
                Text(
                    en="the absolute error is the metric, or the outliers all lie on one side.",
                    zh="指标为绝对误差,或异常值都在同一侧。",
                ),
                computed={"c": tukey_tuning},
            ),
            HUBER_INSURES,
        ),
        ruled_out=(MSE_FOLLOWS,),
        warnings=(NOT_CONVEX,),
        fires=_with_goal(outlier_rate=0.12, model="linear"),
        silent=_with_goal(outlier_rate=0.119, model="linear"),
    ),
    Rule(
        name="evidence.regression.far_outliers_linear",
        book="evidence",
        tasks=_TASKS,
        when=(fact("outlier_rate") >= SOME, fact("outlier_magnitude") >= FAR, *_MEAN_OF_LINEAR),
        recommend="barron_general(alpha=0)",
        computed={"scale": cauchy_scale},
        because=_LET_GO,
        source=Evidence("P", "our benchmark, linear models by RMSE; Barron 2019, arXiv:1701.03077"),
        alternatives=(
            Alternative(
                "tukey_biweight",
                Text(
                    en="the absolute error is the metric, or the outliers all lie on one side.",
                    zh="指标为绝对误差,或异常值都在同一侧。",
                ),
                computed={"c": tukey_tuning},
            ),
            HUBER_INSURES,
        ),
        ruled_out=(MSE_FOLLOWS,),
        warnings=(NOT_CONVEX,),
        fires=_with_goal(outlier_rate=0.01, outlier_magnitude=8.0, model="linear"),
        silent=_with_goal(outlier_rate=0.01, outlier_magnitude=7.9, model="linear"),
    ),
    Rule(
        name="evidence.regression.many_outliers",
        book="evidence",
        tasks=_TASKS,
        when=(fact("outlier_rate") >= MANY,),
        recommend="tukey_biweight",
        computed={"c": tukey_tuning},
        because=Text(
            en="So many errors drag every loss that hears them at all; beyond c this one does not.",
            zh="错误如此之多,凡是还理会它们的损失都会被拖走;超过 c 后它不再理会。",
        ),
        source=Evidence("P", "our benchmark; Beaton & Tukey 1974, doi:10.2307/1267936"),
        alternatives=(
            Alternative(
                "mae", Text(en="training starts far from the data: MAE is convex.", zh="训练起点远离数据:MAE 是凸的。")
            ),
            CAUCHY,
            HUBER_INSURES,
        ),
        ruled_out=(MSE_FOLLOWS,),
        warnings=(NOT_CONVEX,),
        fires=_with_goal(outlier_rate=0.12),
        silent=_with_goal(outlier_rate=0.119),
    ),
    Rule(
        name="evidence.regression.far_outliers",
        book="evidence",
        tasks=_TASKS,
        when=(fact("outlier_rate") >= SOME, fact("outlier_magnitude") >= FAR),
        recommend="tukey_biweight",
        computed={"c": tukey_tuning},
        because=Text(
            en="The outliers lie so far off that none is mistaken for noise: beyond c this loss does not hear them.",
            zh="异常值如此之远,不会与噪声混淆:超过 c 后该损失不再理会它们。",
        ),
        source=Evidence("P", "our benchmark; Beaton & Tukey 1974, doi:10.2307/1267936"),
        alternatives=(
            Alternative(
                "mae", Text(en="training starts far from the data: MAE is convex.", zh="训练起点远离数据:MAE 是凸的。")
            ),
            CAUCHY,
            HUBER_INSURES,
        ),
        ruled_out=(MSE_FOLLOWS,),
        warnings=(NOT_CONVEX,),
        fires=_with_goal(outlier_rate=0.01, outlier_magnitude=8.0),
        silent=_with_goal(outlier_rate=0.01, outlier_magnitude=7.9),
    ),
    Rule(
        name="evidence.regression.median",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.functional").equals("median"),),
        recommend="mae",
        because=Text(en="Its best constant is the median.", zh="其最优常数是中位数。"),
        source=Evidence("A", GNEITING),
        alternatives=(HUBER_INSURES,),
        fires=_with_goal("median"),
        silent=_with_goal("mean"),
    ),
    Rule(
        name="evidence.regression.outliers_flexible",
        book="evidence",
        tasks=_TASKS,
        when=(fact("outlier_rate") >= SOME, fact("model").equals("flexible")),
        recommend="barron_general(alpha=0)",
        computed={"scale": cauchy_scale},
        because=Text(
            en="A flexible model fits outliers that go on pulling, as under Huber's loss; Cauchy's lets go.",
            zh="灵活的模型会拟合仍在拉动它的异常值(如 Huber 损失下);柯西损失下这种拉力会消退。",
        ),
        source=Evidence("P", "our benchmark; Barron 2019, arXiv:1701.03077"),
        alternatives=(HUBER_FOR_LINEAR, MAE_FOR_MEDIAN),
        ruled_out=(MSE_FOLLOWS,),
        warnings=(NOT_CONVEX,),
        fires=_with_goal(outlier_rate=0.003, model="flexible"),
        silent=_with_goal(outlier_rate=0.0029, model="flexible"),
    ),
    Rule(
        name="evidence.regression.outliers",
        book="evidence",
        tasks=_TASKS,
        when=(fact("outlier_rate") >= SOME,),
        recommend="smooth_l1",
        computed={"beta": huber_beta},
        because=Text(
            en="Quadratic where errors are noise, linear where they are outliers: Huber's loss over beta.",
            zh="误差为噪声处取平方,为异常处取线性:即 Huber 损失除以 beta。",
        ),
        source=Evidence("A", "Huber 1964, doi:10.1214/aoms/1177703732; and P: our benchmark"),
        alternatives=(CAUCHY, MAE_FOR_MEDIAN, SMOOTH_MIDDLE),
        ruled_out=(MSE_FOLLOWS,),
        fires=_with_goal(outlier_rate=0.003),
        silent=_with_goal(outlier_rate=0.0029),
    ),
    Rule(
        name="evidence.regression.no_variance",
        book="evidence",
        tasks=_TASKS,
        when=(fact("tail_index") < INFINITE_VARIANCE,),
        recommend="mae",
        because=Text(
            en="With so heavy a tail squared errors have no mean; the median is always there.",
            zh="尾部如此之重,平方误差没有均值;中位数总是存在。",
        ),
        source=Evidence(
            "A", "a tail index under 2 has no variance (Hill 1975, doi:10.1214/aos/1176343247, estimates it)"
        ),
        alternatives=(HUBER_INSURES,),
        ruled_out=(MSE_FOLLOWS,),
        fires=_with_goal(tail_index=1.99),
        silent=_with_goal(tail_index=2.0),
    ),
    Rule(
        name="evidence.regression.clean",
        book="evidence",
        tasks=_TASKS,
        when=(fact("outlier_rate") < SOME,),
        recommend="mse",
        because=Text(
            en="Without outliers no loss learns the mean from fewer items.",
            zh="没有异常值时,没有损失能用更少的样本学到均值。",
        ),
        source=Evidence("A", f"Gauss-Markov; {GNEITING}"),
        alternatives=(HUBER_INSURES, MAE_FOR_MEDIAN),
        fires=_with_goal(outlier_rate=0.0029),
        silent=_with_goal(outlier_rate=0.003),
    ),
    Rule(
        name="evidence.regression.salaries",
        book="evidence",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.SALARIES),),
        recommend="mse",
        because=Text(
            en="Salaries have a long upper tail, which the mean includes: MAE would learn what most people earn.",
            zh="薪资上尾很长,均值包含它:MAE 学到的是多数人的收入。",
        ),
        source=Evidence("A", GNEITING),
        alternatives=(MAE_FOR_MEDIAN, MULTIPLIES),
        fires=Question.of(Scenario.SALARIES),
        silent=Question.of(Scenario.HOUSE_PRICES),
    ),
    Rule(
        name="evidence.regression.default",
        book="evidence",
        tasks=_TASKS,
        recommend="mse",
        because=Text(en="It learns the mean.", zh="它学习均值。"),
        source=Evidence("A", GNEITING),
        assumption=Text(
            en="Nothing was measured; outliers were taken to be absent.", zh="没有测量任何量;假定没有异常值。"
        ),
        alternatives=(HUBER_INSURES, MAE_FOR_MEDIAN),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
