"""One class of pixels: boundaries, and thin and tiny objects."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.article.thresholds import SPARSE_MASKS
from recommender.rules.evidence.segmentation.shared import (
    EELBODE,
    NNUNET,
    PLAIN,
    RAMP,
    SMOOTH,
    TASKS,
    WEIGHTED_OUT,
    WITH_FOCAL,
    masks,
)
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact
from recommender.tasks import Task

TINY = Threshold(
    name="evidence.masks.tiny",
    default=0.999,
    source="ours: under 0.1 % foreground a 64 x 64 patch taken anywhere has four such pixels on average",
    description=Text(
        en="From this share of background on, where patches are taken matters more than the loss.",
        zh="背景占比达到该值,图块取自何处比损失更重要。",
    ),
    not_below=SPARSE_MASKS,
)
THIN = Threshold(
    name="evidence.masks.thin",
    default=10.0,
    source="ours: a rod ten times as long as wide has about 4, a vessel tree far more; a disc has 1",
    description=Text(en="From this thinness on, objects are lines.", zh="细长度达到该值,目标呈线状。"),
)
_FOCAL_OUT = RuledOut(
    "focal",
    Text(en="Alone it leaves small objects out where the metric is overlap.", zh="以重叠为指标时,单用它会漏掉小目标。"),
)
_OF_UNION = Alternative(
    "lovasz_hinge",
    Text(
        en="the metric is the intersection over union, and training starts from a fit by dice + bce.",
        zh="指标为交并比,且训练从 dice + bce 的结果出发。",
    ),
)
_RECALL = Alternative(
    "tversky(alpha=0.3, beta=0.7)",
    Text(en="a missed object costs more than a false alarm.", zh="漏检的代价高于误报。"),
)
_ALONE = Alternative(
    "dice",
    Text(en="every image has foreground and Dice is all that counts.", zh="每幅图都有前景且只看 Dice。"),
    computed=SMOOTH,
)

ROWS = (
    Rule(
        name="evidence.segmentation.boundary",
        book="evidence",
        tasks=TASKS,
        when=(fact("goal.segmentation").equals("boundary"),),
        recommend="dice + hausdorff_dt",
        computed=SMOOTH,
        because=Text(
            en="Overlap finds the object, distances to its outline place the edge.",
            zh="重叠找到目标,到轮廓的距离校正边缘。",
        ),
        source=Evidence("C", "Ma et al. 2021, doi:10.1016/j.media.2021.102035: Dice with a distance term ranks first"),
        alternatives=(
            Alternative("dice + bce", Text(en="distance maps cost too much.", zh="距离图开销过大。"), computed=SMOOTH),
        ),
        warnings=(RAMP,),
        fires=masks("boundary"),
        silent=masks("overlap"),
    ),
    Rule(
        name="evidence.segmentation.thin",
        book="evidence",
        tasks=TASKS,
        when=(fact("thinness") >= THIN,),
        recommend="dice + cldice",
        computed=SMOOTH,
        because=Text(
            en="Vessels and roads: a gap of a few pixels breaks the line, and only the skeleton sees it.",
            zh="血管与道路:几个像素的缺口就会断线,只有骨架能察觉。",
        ),
        source=Evidence("C", "Shit et al. 2021, arXiv:2003.07311"),
        alternatives=(
            Alternative("dice + bce", Text(en="connections do not matter.", zh="不在意连通性。"), computed=SMOOTH),
        ),
        fires=Profile(thinness=10.0),
        silent=Profile(thinness=9.9),
    ),
    Rule(
        name="evidence.segmentation.tiny",
        book="evidence",
        tasks=TASKS,
        when=(fact("mask_sparsity") >= TINY,),
        recommend="dice + bce",
        computed=SMOOTH,
        because=Text(
            en="So little foreground that few batches have any: sample patches around it first, then take overlap with "
            "cross-entropy.",
            zh="前景极少,多数批次中根本没有:应先围绕前景采样图块,再计算重叠并加交叉熵。",
        ),
        source=Evidence("B", f"{NNUNET}, with a third of the patches on foreground; {EELBODE}"),
        alternatives=(WITH_FOCAL, _RECALL),
        ruled_out=(
            RuledOut(
                "generalized_dice",
                Text(
                    en="Its weights, 1 over the squared size, explode for tiny regions.",
                    zh="其权重为面积平方的倒数,对极小区域会爆炸。",
                ),
            ),
            WEIGHTED_OUT,
            _FOCAL_OUT,
        ),
        warnings=(
            WarningText(
                "sample-foreground-patches",
                Text(
                    en="No loss replaces patches with foreground: let a third of them hold some.",
                    zh="任何损失都不能代替含前景的图块:请让三分之一的图块含有前景。",
                ),
            ),
        ),
        fires=Profile(mask_sparsity=0.999),
        silent=Profile(mask_sparsity=0.9989),
    ),
    Rule(
        name="evidence.segmentation.default",
        book="evidence",
        tasks=TASKS,
        recommend="dice + bce",
        computed=SMOOTH,
        because=Text(
            en="Overlap for the region, cross-entropy for every pixel: Dice alone stalls or collapses.",
            zh="重叠针对区域,交叉熵针对每个像素:单用 Dice 会停滞或崩溃。",
        ),
        source=Evidence(
            "B", f"{NNUNET}, whose maintainers advise against Dice alone (#1395); {EELBODE}; and P: our benchmark"
        ),
        assumption=Text(
            en="Masks of one class were assumed, and images without any of it not to count.",
            zh="假定掩膜只有一类,且没有该类的图像不计入指标。",
        ),
        alternatives=(
            _ALONE,
            PLAIN,
            _RECALL,
            WITH_FOCAL,
            _OF_UNION,
            Alternative(
                "jaccard + bce",
                Text(en="the intersection over union is the metric, smoothly.", zh="指标为交并比,且希望平滑。"),
            ),
        ),
        ruled_out=(WEIGHTED_OUT, _FOCAL_OUT),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
