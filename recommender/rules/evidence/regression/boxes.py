"""Boxes and angles, quantiles, distributions and counts: what is predicted decides."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.evidence.outliers import (
    BOXES,
    GIOU,
    GNEITING,
    OVERLAP,
)
from recommender.rules.evidence.regression.questions import TASKS, with_goal
from recommender.rules.formulas import (
    goal_quantile,
    offset_beta,
    proposal_beta,
)
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact
from recommender.tasks import Scenario, Task

SPREAD_COUNTS = Threshold(
    name="evidence.counts.spread",
    default=10.0,
    source="ours: Poisson counts have 1; whole numbers of hundreds are amounts rather than counts",
    description=Text(
        en="From this variance over mean on, whole numbers are treated as amounts.",
        zh="方差与均值之比达到该值,整数按一般数值处理。",
    ),
)
_CIOU = Alternative("ciou", Text(en="aspect ratio and centre matter too.", zh="还在意长宽比与中心。"))
_JUDGED_BY_OVERLAP = Alternative(
    "giou", Text(en="boxes are judged by overlap (IoU, mAP).", zh="边界框按重叠(IoU、mAP)评价。")
)
_OFFSETS = Text(
    en="Precise for small offsets, calm for large ones; beta depends on how offsets are normalised.",
    zh="小偏移时精确,大偏移时平稳;beta 取决于偏移量如何归一化。",
)

ROWS = (
    Rule(
        name="evidence.regression.boxes_iou",
        book="evidence",
        tasks=TASKS,
        when=(fact("boxes").is_true(), fact("goal.boxes").equals("iou")),
        recommend="giou",
        because=OVERLAP,
        source=GIOU,
        alternatives=(_CIOU,),
        fires=Question(Task.REGRESSION, profile=Profile(boxes=True), goal=Goal(boxes="iou")),
        silent=Question(Task.REGRESSION, profile=Profile(boxes=True), goal=Goal(boxes="coordinates")),
    ),
    Rule(
        name="evidence.regression.box_regression_iou",
        book="evidence",
        tasks=TASKS,
        when=(fact("scenario").equals(Scenario.BOX_REGRESSION), fact("goal.boxes").equals("iou")),
        recommend="giou",
        because=OVERLAP,
        source=GIOU,
        alternatives=(_CIOU,),
        fires=Question(Task.REGRESSION, Scenario.BOX_REGRESSION, goal=Goal(boxes="iou")),
        silent=Question(Task.REGRESSION, Scenario.BOX_REGRESSION, goal=Goal(boxes="coordinates")),
    ),
    Rule(
        name="evidence.regression.boxes",
        book="evidence",
        tasks=TASKS,
        when=(fact("boxes").is_true(),),
        recommend="smooth_l1",
        computed={"beta": offset_beta},
        because=_OFFSETS,
        source=BOXES,
        alternatives=(
            _JUDGED_BY_OVERLAP,
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
        tasks=TASKS,
        when=(fact("scenario").equals(Scenario.BOX_REGRESSION),),
        recommend="smooth_l1",
        computed={"beta": offset_beta},
        because=_OFFSETS,
        source=BOXES,
        alternatives=(_JUDGED_BY_OVERLAP,),
        fires=Question.of(Scenario.BOX_REGRESSION),
        silent=Question.of(Scenario.HOUSE_PRICES),
    ),
    Rule(
        name="evidence.regression.angles",
        book="evidence",
        tasks=TASKS,
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
        tasks=TASKS,
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
        fires=with_goal("quantile"),
        silent=with_goal("mean"),
    ),
    Rule(
        name="evidence.regression.distribution",
        book="evidence",
        tasks=TASKS,
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
        fires=with_goal("distribution"),
        silent=with_goal("mean"),
    ),
    Rule(
        name="evidence.regression.counts",
        book="evidence",
        tasks=TASKS,
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
        fires=with_goal(support="counts", dispersion=9.9),
        silent=with_goal(support="counts", dispersion=10.0),
    ),
)
