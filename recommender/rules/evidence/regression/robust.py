"""Targets with outliers that are errors, and the median."""

from losses.text import Text
from recommender.rules.evidence.outliers import (
    CAUCHY,
    FAR,
    GNEITING,
    HUBER_FOR_LINEAR,
    HUBER_INSURES,
    INFINITE_VARIANCE,
    MAE_FOR_MEDIAN,
    MANY,
    MSE_FOLLOWS,
    NOT_CONVEX,
    SMOOTH_MIDDLE,
    SOME,
)
from recommender.rules.evidence.regression.questions import TASKS, with_goal
from recommender.rules.formulas import (
    cauchy_scale,
    huber_beta,
    tukey_tuning,
)
from recommender.rules.table import Alternative, Evidence, Rule, fact

_MEAN_OF_LINEAR = (fact("goal.functional").equals("mean"), fact("model").equals("linear"))
_LET_GO = Text(
    en="A linear model cannot follow single items, so that its loss may go on hearing them a little: Cauchy's keeps "
    "what they tell of the mean, and hardly lets them pull.",
    zh="线性模型无法追随个别样本,其损失可以仍略微理会它们:柯西损失保留其中关于均值的信息,而几乎不受其拉动。",
)
_BARRON = Evidence("P", "our benchmark, linear models by RMSE; Barron 2019, arXiv:1701.03077")
_BEATON_TUKEY = Evidence("P", "our benchmark; Beaton & Tukey 1974, doi:10.2307/1267936")
_BESIDE_CAUCHY = (
    Alternative(
        "tukey_biweight",
        Text(
            en="the absolute error is the metric, or the outliers all lie on one side.",
            zh="指标为绝对误差,或异常值都在同一侧。",
        ),
        computed={"c": tukey_tuning},
    ),
    HUBER_INSURES,
)
_BESIDE_TUKEY = (
    Alternative(
        "mae", Text(en="training starts far from the data: MAE is convex.", zh="训练起点远离数据:MAE 是凸的。")
    ),
    CAUCHY,
    HUBER_INSURES,
)

ROWS = (
    Rule(
        name="evidence.regression.many_outliers_linear",
        book="evidence",
        tasks=TASKS,
        when=(fact("outlier_rate") >= MANY, *_MEAN_OF_LINEAR),
        recommend="barron_general(alpha=0)",
        computed={"scale": cauchy_scale},
        because=_LET_GO,
        source=_BARRON,
        alternatives=_BESIDE_CAUCHY,
        ruled_out=(MSE_FOLLOWS,),
        warnings=(NOT_CONVEX,),
        fires=with_goal(outlier_rate=0.12, model="linear"),
        silent=with_goal(outlier_rate=0.119, model="linear"),
    ),
    Rule(
        name="evidence.regression.far_outliers_linear",
        book="evidence",
        tasks=TASKS,
        when=(fact("outlier_rate") >= SOME, fact("outlier_magnitude") >= FAR, *_MEAN_OF_LINEAR),
        recommend="barron_general(alpha=0)",
        computed={"scale": cauchy_scale},
        because=_LET_GO,
        source=_BARRON,
        alternatives=_BESIDE_CAUCHY,
        ruled_out=(MSE_FOLLOWS,),
        warnings=(NOT_CONVEX,),
        fires=with_goal(outlier_rate=0.01, outlier_magnitude=8.0, model="linear"),
        silent=with_goal(outlier_rate=0.01, outlier_magnitude=7.9, model="linear"),
    ),
    Rule(
        name="evidence.regression.many_outliers",
        book="evidence",
        tasks=TASKS,
        when=(fact("outlier_rate") >= MANY,),
        recommend="tukey_biweight",
        computed={"c": tukey_tuning},
        because=Text(
            en="So many errors drag every loss that hears them at all; beyond c this one does not.",
            zh="错误如此之多,凡是还理会它们的损失都会被拖走;超过 c 后它不再理会。",
        ),
        source=_BEATON_TUKEY,
        alternatives=_BESIDE_TUKEY,
        ruled_out=(MSE_FOLLOWS,),
        warnings=(NOT_CONVEX,),
        fires=with_goal(outlier_rate=0.12),
        silent=with_goal(outlier_rate=0.119),
    ),
    Rule(
        name="evidence.regression.far_outliers",
        book="evidence",
        tasks=TASKS,
        when=(fact("outlier_rate") >= SOME, fact("outlier_magnitude") >= FAR),
        recommend="tukey_biweight",
        computed={"c": tukey_tuning},
        because=Text(
            en="The outliers lie so far off that none is mistaken for noise: beyond c this loss does not hear them.",
            zh="异常值如此之远,不会与噪声混淆:超过 c 后该损失不再理会它们。",
        ),
        source=_BEATON_TUKEY,
        alternatives=_BESIDE_TUKEY,
        ruled_out=(MSE_FOLLOWS,),
        warnings=(NOT_CONVEX,),
        fires=with_goal(outlier_rate=0.01, outlier_magnitude=8.0),
        silent=with_goal(outlier_rate=0.01, outlier_magnitude=7.9),
    ),
    Rule(
        name="evidence.regression.median",
        book="evidence",
        tasks=TASKS,
        when=(fact("goal.functional").equals("median"),),
        recommend="mae",
        because=Text(en="Its best constant is the median.", zh="其最优常数是中位数。"),
        source=Evidence("A", GNEITING),
        alternatives=(HUBER_INSURES,),
        fires=with_goal("median"),
        silent=with_goal("mean"),
    ),
    Rule(
        name="evidence.regression.outliers_flexible",
        book="evidence",
        tasks=TASKS,
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
        fires=with_goal(outlier_rate=0.003, model="flexible"),
        silent=with_goal(outlier_rate=0.0029, model="flexible"),
    ),
    Rule(
        name="evidence.regression.outliers",
        book="evidence",
        tasks=TASKS,
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
        fires=with_goal(outlier_rate=0.003),
        silent=with_goal(outlier_rate=0.0029),
    ),
    Rule(
        name="evidence.regression.no_variance",
        book="evidence",
        tasks=TASKS,
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
        fires=with_goal(tail_index=1.99),
        silent=with_goal(tail_index=2.0),
    ),
)
