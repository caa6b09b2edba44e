"""Numeric thresholds for the article's words ("some", "severe"). Each may be overridden by name."""

from losses.text import Text
from recommender.rules.table import Threshold

SOME_OUTLIERS = Threshold(
    name="outliers.some",
    default=0.003,
    source="Huber 1964, asymptotic variances under (1-e)N(0,1) + eN(0,K^2): Huber's estimate beats the mean from a "
    "flagged share of 0.26 % at K = 3, 0.17 % at K = 5, 0.09 % at K = 10; clean normal errors flag 0.047 %",
    description=Text(
        en='From this share of flagged residuals on, the article\'s "with outliers" applies.',
        zh="被标记残差达到该比例,即视为文章所说的“有异常值”。",
    ),
)
MANY_OUTLIERS = Threshold(
    name="outliers.many",
    default=0.20,
    source="the same model: the median beats Huber's estimate from a flagged share of 10 % at K = 5, 16 % at K = 10, "
    "19 % at K = 30",
    description=Text(
        en='From this share on they are "many" (section 1.2), and MAE takes over from Smooth L1.',
        zh="达到该比例即为“较多异常值”(第 1.2 节),由 MAE 取代平滑 L1。",
    ),
    not_below=SOME_OUTLIERS,
)
SOME_IMBALANCE = Threshold(
    name="imbalance.some",
    default=9.0,
    source="EvalML's class imbalance check and deepchecks: the smaller class is under 10 % of the pair",
    description=Text(
        en="From this ratio of the largest class to the smallest on, classes are imbalanced.",
        zh="最大类与最小类的样本数之比达到该值,即视为类别不平衡。",
    ),
)
SPARSE_MASKS = Threshold(
    name="masks.sparse",
    default=0.95,
    source="ours: under 5 % foreground a single image has too few pixels of it for a steady overlap; nnU-Net "
    "(Isensee et al. 2021, doi:10.1038/s41592-020-01008-z) has the same switch as batch_dice",
    description=Text(
        en="From this share of background on, overlap is taken over the batch rather than image by image.",
        zh="背景占比达到该值,重叠度按整批而不是逐图计算。",
    ),
)
MANY_CLASSES = Threshold(
    name="classes.many",
    default=1000.0,
    source='the article, section 2.3: text classification with "thousands" of classes',
    description=Text(
        en="From this number of classes on, one-hot labels cost memory for nothing.",
        zh="类别数达到该值,独热标签只会浪费内存。",
    ),
)
