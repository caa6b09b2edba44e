"""Shared by rows about wrong labels: the thresholds of label noise."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.rules.table import RuledOut, Threshold

NOISY = Threshold(
    name="evidence.labels.noisy",
    default=0.02,
    source="ours, under the 3.3 % wrong on average in ten test sets in use: Northcutt et al. 2021, arXiv:2103.14749",
    description=Text(
        en="From this share of wrong labels on, cross-entropy should not be sure of any.",
        zh="错误标签达到该比例,交叉熵不应对任何标签深信不疑。",
    ),
)
VERY_NOISY = Threshold(
    name="evidence.labels.very_noisy",
    default=0.20,
    source="ours: Zhang & Sabuncu 2018, arXiv:1805.07836, study 20 % and more",
    description=Text(
        en="From this share on, what a single label can cost should be bounded.",
        zh="达到该比例,单个标签所能造成的损失应当有界。",
    ),
    not_below=NOISY,
)
NOISE_BENDS_OUTPUTS = WarningText(
    "noise-bends-probabilities",
    Text(
        en="Wrong labels and smoothing draw the outputs together. The estimate of label_noise is a hint: compare the "
        "metric on labels you trust, and smooth less where the model is to teach another or lend its features.",
        zh="错误标签与标签平滑都会使输出趋同。label_noise 的估计只是线索:请在可信标签上比较指标;"
        "若模型将用于蒸馏或迁移特征,应减小平滑。",
    ),
)
FOCAL_HEEDS_NOISE = Text(
    en="It weighs up the examples that look wrong, and here many of them are.",
    zh="它会加大看似错误的样本的权重,而此处其中许多标签确实是错的。",
)
NO_FOCAL = RuledOut("focal", FOCAL_HEEDS_NOISE)
NO_FOCAL_SOFTMAX = RuledOut("focal_softmax", FOCAL_HEEDS_NOISE)
LUKASIK = "Lukasik et al. 2020, arXiv:2003.02819"
