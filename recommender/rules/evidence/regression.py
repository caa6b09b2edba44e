"""Regression and counts: what theory and measurement say; the functional and the outliers decide."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.formulas import (
    box_beta,
    cauchy_scale,
    goal_quantile,
    huber_beta,
    proposal_beta,
    tukey_tuning,
    tweedie_power,
)
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact
from recommender.tasks import Scenario, Task

_TASKS = (Task.REGRESSION,)
_TUNED = "tuned on benchmarks/regret, leaving out one cluster of tables at a time"


def _with_goal(functional: str = "mean", outliers: str = "errors", **facts: object) -> Question:
    """Return a question with that goal."""
    goal = Goal(functional=functional, outliers=outliers)  # type: ignore[arg-type] # the literals of Goal
    return Question(Task.REGRESSION, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name


SOME = Threshold(
    name="evidence.outliers.some",
    default=0.003,
    source="Huber 1964, asymptotic variances under (1-e)N(0,1) + eN(0,K^2): his estimate beats the mean from a flagged "
    f"share of 0.26 % at K = 3, 0.09 % at K = 10; {_TUNED}",
    description=Text(
        en="From this share of flagged residuals on, errors that are outliers cost the mean more than caution does.",
        zh="被标记残差达到该比例,作为错误的异常值对均值的损害超过谨慎的代价。",
    ),
)
MANY = Threshold(
    name="evidence.outliers.many",
    default=0.12,
    source=f"12 % to 20 % in the pilot; {_TUNED}",
    description=Text(
        en="From this share of flagged residuals on, errors that are outliers are best ignored altogether.",
        zh="被标记残差达到该比例,作为错误的异常值最好完全忽略。",
    ),
    not_below=SOME,
)
FAR = Threshold(
    name="evidence.outliers.far",
    default=8.0,
    source=f"ours: normal errors that are flagged lie at 3.7, errors of ten scales at 7 and more; {_TUNED}",
    description=Text(
        en="From this median modified z-score of the flagged residuals on, they are told from noise without doubt.",
        zh="被标记残差的修正 z 分数中位数达到该值,即可与噪声明确区分。",
    ),
)
ONE_SIDED = Threshold(
    name="evidence.outliers.one_sided",
    default=0.6,
    source="ours: four of five flagged residuals lie on one side",
    description=Text(
        en="From this one-sidedness on, targets of at least 0 have a long upper tail rather than mistakes, as far as "
        "anybody knows.",
        zh="达到该单侧程度,在未指明时,非负目标被视为有长上尾而非错误。",
    ),
)
SUM_SHARE = Threshold(
    name="evidence.outliers.sum_share",
    default=0.1,
    source="ours: what carries a tenth of the total may not be left out of it unasked",
    description=Text(
        en="From this share of the targets' sum on, flagged items are kept unless they are said to be errors.",
        zh="被标记样本占目标总和达到该比例,除非指明为错误,否则予以保留。",
    ),
)
INFINITE_VARIANCE = Threshold(
    name="evidence.tail.infinite_variance",
    default=2.0,
    source="a power law with a tail index under 2 has no variance",
    description=Text(en="Under this tail index squared errors have no mean.", zh="尾部指数低于该值,平方误差没有均值。"),
)
SPREAD_COUNTS = Threshold(
    name="evidence.counts.spread",
    default=10.0,
    source="ours: Poisson counts have 1; whole numbers of hundreds are amounts rather than counts",
    description=Text(
        en="From this variance over mean on, whole numbers are treated as amounts.",
        zh="方差与均值之比达到该值,整数按一般数值处理。",
    ),
)
ZEROS = Threshold(
    name="evidence.counts.zeros",
    default=0.05,
    source="ours: what a gamma variable never shows",
    description=Text(
        en="From this share of exact zeros on, they need a model.", zh="精确为零的比例达到该值,需要专门建模。"
    ),
)
MOSTLY_ZEROS = Threshold(
    name="evidence.counts.mostly_zeros",
    default=0.5,
    source="where half of the numbers are equal their median absolute deviation is 0",
    description=Text(
        en="From this share of exact zeros on, deviations from the median tell nothing of outliers.",
        zh="精确为零的比例达到该值,相对中位数的偏差不再能说明异常值。",
    ),
    not_below=ZEROS,
)
WIDE_BOXES = Threshold(
    name="evidence.boxes.area_spread",
    default=10.0,
    source="ours: L1 weighs a box by its side, and sides then differ threefold",
    description=Text(
        en="From this ratio of box areas on, coordinate errors favour large boxes.",
        zh="框面积之比达到该值,坐标误差偏向大框。",
    ),
)

_HUBER_INSURES = Alternative(
    "smooth_l1",
    Text(
        en="outliers may turn up later: on clean normal errors it costs 5 % efficiency.",
        zh="日后可能出现异常值:在干净的正态误差上只损失 5 % 的效率。",
    ),
    computed={"beta": huber_beta},
)
_CAUCHY = Alternative(
    "barron_general(alpha=0)",
    Text(
        en="a network or trees are trained: Cauchy's loss lets single items go that a flexible model would fit.",
        zh="训练的是网络或树模型:柯西损失会放弃灵活模型可能拟合的个别样本。",
    ),
    computed={"scale": cauchy_scale},
)
_HUBER_FOR_LINEAR = Alternative(
    "smooth_l1",
    Text(en="the model is linear: Huber's loss is convex.", zh="模型为线性:Huber 损失是凸的。"),
    computed={"beta": huber_beta},
)
_SMOOTH_MIDDLE = Alternative(
    "log_cosh",
    Text(
        en="second derivatives are wanted everywhere, as by boosting, and targets are divided by residual_scale.",
        zh="希望处处有二阶导数(如提升树),且目标已除以 residual_scale。",
    ),
)
_NOT_CONVEX = WarningText(
    "not-convex",
    Text(
        en="This loss is not convex: start from a fit by Huber's loss or MAE.",
        zh="该损失非凸:请从 Huber 损失或 MAE 的拟合结果出发。",
    ),
)
_PROPORTIONAL = Alternative(
    "gamma_deviance",
    Text(
        en="targets are positive and errors count in proportion to them (in our benchmark squared errors did better).",
        zh="目标为正且误差按比例计入(在我们的基准中平方误差更好)。",
    ),
)
_MAE_FOR_MEDIAN = Alternative(
    "mae", Text(en="the median is wanted, or the metric is the absolute error.", zh="需要中位数,或指标为绝对误差。")
)
_MSE_FOLLOWS = RuledOut(
    "mse",
    Text(
        en="In our benchmark contaminated training data cost it tens of per cent of the clean error.",
        zh="在我们的基准中,被污染的训练数据使其在干净数据上的误差增加数十个百分点。",
    ),
)
_AMOUNTS = ("nonnegative", "positive", "counts")
_MULTIPLIES = Alternative(
    "poisson_nll",
    Text(
        en="effects multiply: with a log link it learns the mean too, and predictions stay positive.",
        zh="各效应相乘:取对数链接时它同样学习均值,且预测保持为正。",
    ),
)
_FAR_ITEMS_ARE_ERRORS = Alternative(
    "smooth_l1",
    Text(
        en="the flagged items are errors: say goal.outliers=errors, and the total will fall short by what they carry.",
        zh="被标记的样本是错误:请指明 goal.outliers=errors,总和将减少它们所占的部分。",
    ),
    computed={"beta": huber_beta},
)
_LEAVES_OUT = RuledOut(
    "tukey_biweight",
    Text(
        en="It leaves out the very items that make up the total, and predicts little or nothing.",
        zh="它恰恰忽略构成总和的样本,预测接近于零。",
    ),
)
_TWEEDIE = Evidence("D", "scikit-learn's example of Tweedie regression; XGBoost's and LightGBM's tweedie")
_ZEROS_APART = Alternative("gamma_deviance", Text(en="zeros are modelled apart.", zh="零另行建模。"))
_MAE_IS_ZERO = RuledOut(
    "mae", Text(en="Where more than half are zero it predicts zero.", zh="超过一半为零时,它预测零。")
)
_GNEITING = "Gneiting 2011, arXiv:0912.0902"
_BOXES = Evidence("D", "Ren et al. 2015, arXiv:1506.01497, and torchvision #2113: beta 1/9 or 1 by normalisation")
_GIOU = Evidence("C", "Rezatofighi et al. 2019, arXiv:1902.09630")
_OVERLAP = Text(
    en="Boxes are judged by overlap: it measures that, at any size, and has a slope where boxes do not meet.",
    zh="边界框按重叠评价:它在任何尺度上直接度量重叠,且在两框不相交时仍有梯度。",
)

RULES = (
    Rule(
        name="evidence.regression.boxes_iou",
        book="evidence",
        tasks=_TASKS,
        when=(fact("boxes").is_true(), fact("goal.boxes").equals("iou")),
        recommend="giou",
        because=_OVERLAP,
        source=_GIOU,
        alternatives=(Alternative("ciou", Text(en="aspect ratio and centre matter too.", zh="还在意长宽比与中心。")),),
        fires=Question(Task.REGRESSION, profile=Profile(boxes=True), goal=Goal(boxes="iou")),
        silent=Question(Task.REGRESSION, profile=Profile(boxes=True), goal=Goal(boxes="coordinates")),
    ),
    Rule(
        name="evidence.regression.boxes",
        book="evidence",
        tasks=_TASKS,
        when=(fact("boxes").is_true(),),
        recommend="smooth_l1",
        computed={"beta": box_beta},
        because=Text(
            en="Precise for small offsets, calm for large ones; beta depends on how offsets are normalised.",
            zh="小偏移时精确,大偏移时平稳;beta 取决于偏移量如何归一化。",
        ),
        source=_BOXES,
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
        computed={"beta": box_beta},
        because=Text(
            en="Precise for small offsets, calm for large ones; beta depends on how offsets are normalised.",
            zh="小偏移时精确,大偏移时平稳;beta 取决于偏移量如何归一化。",
        ),
        source=_BOXES,
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
        source=Evidence("A", f"Koenker & Bassett 1978, doi:10.2307/1913643; {_GNEITING}"),
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
        source=Evidence("D", f"scikit-learn's example of Poisson regression; consistent for the mean: {_GNEITING}"),
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
        name="evidence.regression.mostly_zeros",
        book="evidence",
        tasks=_TASKS,
        when=(
            fact("support").equals("nonnegative"),
            fact("goal.functional").equals("mean"),
            fact("zero_share") >= MOSTLY_ZEROS,
        ),
        recommend="tweedie",
        computed={"power": tweedie_power},
        because=Text(
            en="Most targets are zero, so that the median deviation calls every other one an outlier: one distribution "
            "has the zeros and the rest.",
            zh="多数目标为零,按中位数偏差其余都成了异常值:一个分布兼有零与其余部分。",
        ),
        source=_TWEEDIE,
        alternatives=(_ZEROS_APART, _MULTIPLIES),
        ruled_out=(_MAE_IS_ZERO, _LEAVES_OUT),
        fires=_with_goal(support="nonnegative", zero_share=0.5),
        silent=_with_goal(support="nonnegative", zero_share=0.499),
    ),
    Rule(
        name="evidence.regression.zeros",
        book="evidence",
        tasks=_TASKS,
        when=(
            fact("support").equals("nonnegative"),
            fact("goal.functional").equals("mean"),
            fact("zero_share") >= ZEROS,
        ),
        unless=(fact("goal.outliers").equals("errors"),),
        recommend="tweedie",
        computed={"power": tweedie_power},
        because=Text(
            en="Many exact zeros and a positive rest: one distribution has both.",
            zh="大量精确的零加上正值:一个分布兼有二者。",
        ),
        source=_TWEEDIE,
        alternatives=(_ZEROS_APART, _MULTIPLIES),
        ruled_out=(_LEAVES_OUT,),
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
        source=Evidence("D", f"CatBoost's CrossEntropy takes such targets; consistent for the mean: {_GNEITING}"),
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
        source=Evidence("A", _GNEITING),
        alternatives=(_HUBER_INSURES,),
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
        source=Evidence("A", f"{_GNEITING}; and P: on our tables as they are it has the lowest error of the mean"),
        alternatives=(
            _MAE_FOR_MEDIAN,
            _PROPORTIONAL,
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
        source=Evidence("A", _GNEITING),
        alternatives=(_MULTIPLIES, _FAR_ITEMS_ARE_ERRORS),
        ruled_out=(_LEAVES_OUT,),
        fires=_with_goal(outliers="unknown", outlier_sum_share=0.1),
        silent=_with_goal(outliers="unknown", outlier_sum_share=0.099),
    ),
    Rule(
        name="evidence.regression.long_upper_tail",
        book="evidence",
        tasks=_TASKS,
        when=(
            fact("support").is_one_of(*_AMOUNTS),
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
        source=Evidence("A", _GNEITING),
        alternatives=(_MULTIPLIES, _FAR_ITEMS_ARE_ERRORS),
        fires=_with_goal(outliers="unknown", support="positive", one_sidedness=0.6),
        silent=_with_goal(outliers="unknown", support="positive", one_sidedness=0.599),
    ),
    Rule(
        name="evidence.regression.heavy_upper_tail",
        book="evidence",
        tasks=_TASKS,
        when=(
            fact("support").is_one_of(*_AMOUNTS),
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
        source=Evidence("A", _GNEITING),
        alternatives=(_MULTIPLIES, _FAR_ITEMS_ARE_ERRORS),
        fires=_with_goal(outliers="unknown", support="positive", tail_index=1.99),
        silent=_with_goal(outliers="unknown", support="positive", tail_index=2.0),
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
            _CAUCHY,
            _HUBER_INSURES,
        ),
        ruled_out=(_MSE_FOLLOWS,),
        warnings=(_NOT_CONVEX,),
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
            _CAUCHY,
            _HUBER_INSURES,
        ),
        ruled_out=(_MSE_FOLLOWS,),
        warnings=(_NOT_CONVEX,),
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
        source=Evidence("A", _GNEITING),
        alternatives=(_HUBER_INSURES,),
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
        alternatives=(_HUBER_FOR_LINEAR, _MAE_FOR_MEDIAN),
        ruled_out=(_MSE_FOLLOWS,),
        warnings=(_NOT_CONVEX,),
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
        alternatives=(_CAUCHY, _MAE_FOR_MEDIAN, _SMOOTH_MIDDLE),
        ruled_out=(_MSE_FOLLOWS,),
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
        alternatives=(_HUBER_INSURES,),
        ruled_out=(_MSE_FOLLOWS,),
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
        source=Evidence("A", f"Gauss-Markov; {_GNEITING}"),
        alternatives=(_HUBER_INSURES, _MAE_FOR_MEDIAN),
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
        source=Evidence("A", _GNEITING),
        alternatives=(_MAE_FOR_MEDIAN, _MULTIPLIES),
        fires=Question.of(Scenario.SALARIES),
        silent=Question.of(Scenario.HOUSE_PRICES),
    ),
    Rule(
        name="evidence.regression.default",
        book="evidence",
        tasks=_TASKS,
        recommend="mse",
        because=Text(en="It learns the mean.", zh="它学习均值。"),
        source=Evidence("A", _GNEITING),
        assumption=Text(
            en="Nothing was measured; outliers were taken to be absent.", zh="没有测量任何量;假定没有异常值。"
        ),
        alternatives=(_HUBER_INSURES, _MAE_FOR_MEDIAN),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
