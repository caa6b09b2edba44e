"""Shared by rows about numeric targets: thresholds of outliers, zeros and tails, and alternatives."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.rules.formulas import cauchy_scale, huber_beta, tweedie_power
from recommender.rules.table import Alternative, Evidence, RuledOut, Threshold

TUNED = "tuned on benchmarks/regret, leaving out one cluster of tables at a time"

SOME = Threshold(
    name="evidence.outliers.some",
    default=0.003,
    source="Huber 1964, asymptotic variances under (1-e)N(0,1) + eN(0,K^2): his estimate beats the mean from a flagged "
    f"share of 0.26 % at K = 3, 0.09 % at K = 10; {TUNED}",
    description=Text(
        en="From this share of flagged residuals on, errors that are outliers cost the mean more than caution does.",
        zh="被标记残差达到该比例,作为错误的异常值对均值的损害超过谨慎的代价。",
    ),
)
MANY = Threshold(
    name="evidence.outliers.many",
    default=0.12,
    source=f"12 % to 20 % in the pilot; {TUNED}",
    description=Text(
        en="From this share of flagged residuals on, errors that are outliers are best ignored altogether.",
        zh="被标记残差达到该比例,作为错误的异常值最好完全忽略。",
    ),
    not_below=SOME,
)
FAR = Threshold(
    name="evidence.outliers.far",
    default=8.0,
    source=f"ours: normal errors that are flagged lie at 3.7, errors of ten scales at 7 and more; {TUNED}",
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

FEW_EVENTS = Threshold(
    name="evidence.counts.few_events",
    default=200.0,
    source="ours: the sum of 200 amounts as spread as exponential ones is known to 20 %, two standard errors of 0.1",
    description=Text(
        en="Under this number of items that are not zero, the total itself is uncertain.",
        zh="非零样本少于该数时,总和本身就不确定。",
    ),
)

HUBER_INSURES = Alternative(
    "smooth_l1",
    Text(
        en="outliers may turn up later: on clean normal errors it costs 5 % efficiency.",
        zh="日后可能出现异常值:在干净的正态误差上只损失 5 % 的效率。",
    ),
    computed={"beta": huber_beta},
)
CAUCHY = Alternative(
    "barron_general(alpha=0)",
    Text(
        en="a network or trees are trained: Cauchy's loss lets single items go that a flexible model would fit.",
        zh="训练的是网络或树模型:柯西损失会放弃灵活模型可能拟合的个别样本。",
    ),
    computed={"scale": cauchy_scale},
)
HUBER_FOR_LINEAR = Alternative(
    "smooth_l1",
    Text(en="the model is linear: Huber's loss is convex.", zh="模型为线性:Huber 损失是凸的。"),
    computed={"beta": huber_beta},
)
SMOOTH_MIDDLE = Alternative(
    "log_cosh",
    Text(
        en="second derivatives are wanted everywhere, as by boosting, and targets are divided by residual_scale.",
        zh="希望处处有二阶导数(如提升树),且目标已除以 residual_scale。",
    ),
)
NOT_CONVEX = WarningText(
    "not-convex",
    Text(
        en="This loss is not convex: start from a fit by Huber's loss or MAE.",
        zh="该损失非凸:请从 Huber 损失或 MAE 的拟合结果出发。",
    ),
)
PROPORTIONAL = Alternative(
    "gamma_deviance",
    Text(
        en="targets are positive and errors count in proportion to them (in our benchmark squared errors did better).",
        zh="目标为正且误差按比例计入(在我们的基准中平方误差更好)。",
    ),
)
MAE_FOR_MEDIAN = Alternative(
    "mae", Text(en="the median is wanted, or the metric is the absolute error.", zh="需要中位数,或指标为绝对误差。")
)
MSE_FOLLOWS = RuledOut(
    "mse",
    Text(
        en="In our benchmark contaminated training data cost it tens of per cent of the clean error.",
        zh="在我们的基准中,被污染的训练数据使其在干净数据上的误差增加数十个百分点。",
    ),
)
AMOUNTS = ("nonnegative", "positive", "counts")
MULTIPLIES = Alternative(
    "poisson_nll",
    Text(
        en="effects multiply: with a log link it learns the mean too, and predictions stay positive.",
        zh="各效应相乘:取对数链接时它同样学习均值,且预测保持为正。",
    ),
)
FAR_ITEMS_ARE_ERRORS = Alternative(
    "smooth_l1",
    Text(
        en="the flagged items are errors: say goal.outliers=errors, and the total will fall short by what they carry.",
        zh="被标记的样本是错误:请指明 goal.outliers=errors,总和将减少它们所占的部分。",
    ),
    computed={"beta": huber_beta},
)
LEAVES_OUT = RuledOut(
    "tukey_biweight",
    Text(
        en="It leaves out the very items that make up the total, and predicts little or nothing.",
        zh="它恰恰忽略构成总和的样本,预测接近于零。",
    ),
)
TWEEDIE = Evidence("D", "scikit-learn's example of Tweedie regression; XGBoost's and LightGBM's tweedie")
TWEEDIE_WITH_A_POWER = Alternative(
    "tweedie",
    Text(
        en="effects multiply, as on rates of insurance, and there are hundreds of items that are not zero: measure "
        "variance_power about predictions first.",
        zh="各效应相乘(如保险费率),且有数百个非零样本:请先围绕预测测量 variance_power。",
    ),
    computed={"power": tweedie_power},
)
KEEPS_THE_TOTAL = Alternative(
    "mse",
    Text(
        en="effects add rather than multiply, or the total must be kept whatever the model misses.",
        zh="各效应相加而非相乘,或无论模型缺什么都须保持总和。",
    ),
)
ZEROS_APART = Alternative("gamma_deviance", Text(en="zeros are modelled apart.", zh="零另行建模。"))
MAE_IS_ZERO = RuledOut(
    "mae", Text(en="Where more than half are zero it predicts zero.", zh="超过一半为零时,它预测零。")
)
GNEITING = "Gneiting 2011, arXiv:0912.0902"
BOXES = Evidence("D", "Ren et al. 2015, arXiv:1506.01497, and torchvision #2113: beta 1/9 or 1 by normalisation")
GIOU = Evidence("C", "Rezatofighi et al. 2019, arXiv:1902.09630")
OVERLAP = Text(
    en="Boxes are judged by overlap: it measures that, at any size, and has a slope where boxes do not meet.",
    zh="边界框按重叠评价:它在任何尺度上直接度量重叠,且在两框不相交时仍有梯度。",
)
