"""Segmentation: Dice with cross-entropy, over the batch where empty masks occur; a softmax over exclusive classes."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.article.thresholds import SPARSE_MASKS
from recommender.rules.formulas import dice_smooth, false_alarm_weight, miss_weight
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact
from recommender.tasks import Task

_TASKS = (Task.SEGMENTATION,)
_SMOOTH = {"smooth": dice_smooth}

MOSTLY_EMPTY = Threshold(
    name="evidence.masks.mostly_empty",
    default=0.5,
    source="50 % and more in the pilot; tuned on benchmarks/regret",
    description=Text(
        en="From this share of empty images on, leaving them empty decides.",
        zh="空图占比达到该值,能否正确留空起决定作用。",
    ),
)
SOME_EMPTY = Threshold(
    name="evidence.masks.some_empty",
    default=0.05,
    source="ours: one image in a batch of 20",
    description=Text(
        en="From this share of empty images on, they count in a batch.", zh="空图占比达到该值,在一批中即不可忽略。"
    ),
)
SEVERAL_CLASSES = Threshold(
    name="evidence.masks.several_classes",
    default=3.0,
    source="two classes, background among them, are one mask",
    description=Text(
        en="From this number of classes on, a pixel has one of several.", zh="类别数达到该值,每个像素属于多类之一。"
    ),
)
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

_NNUNET = "Isensee et al. 2021, doi:10.1038/s41592-020-01008-z: the default of nnU-Net"
_EELBODE = (
    "Eelbode et al. 2020, arXiv:2010.13499: losses that follow the metric beat weighted cross-entropy on six tasks"
)
_WEIGHTED_OUT = RuledOut(
    "bce(pos_weight=100)",
    Text(
        en="Weights by inverse frequency flood the picture with false alarms and spoil calibration.",
        zh="按逆频率加权会产生大量误报并破坏校准。",
    ),
)
_FOCAL_OUT = RuledOut(
    "focal",
    Text(en="Alone it leaves small objects out where the metric is overlap.", zh="以重叠为指标时,单用它会漏掉小目标。"),
)
_PLAIN = Alternative(
    "bce", Text(en="probabilities a pixel are wanted, or most images are empty.", zh="需要逐像素概率,或多数图像为空。")
)
_WITH_FOCAL = Alternative(
    "dice(group=batch) + focal",
    Text(en="objects are tiny and background easy.", zh="目标极小而背景容易。"),
    computed=_SMOOTH,
)
_NO_SIGMOID = RuledOut(
    "bce",
    Text(
        en="Its sigmoid lets a pixel have several classes, or none; here they exclude one another.",
        zh="其 sigmoid 允许一个像素属于多类或不属于任何类;此处各类互斥。",
    ),
)
_RAMP = WarningText(
    "ramp-the-boundary-term",
    Text(en="Raise the weight of the distance term slowly.", zh="请缓慢增大距离项的权重。"),
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
    computed=_SMOOTH,
)
_OVER_THE_BATCH = Text(
    en="Over the batch an empty image costs its false alarms only, and each pixel has a say.",
    zh="按整批计算时,空图只计误报,且每个像素都起作用。",
)

_EMPTY_CLASSES = (
    fact("classes") >= SEVERAL_CLASSES,
    fact("goal.segmentation").equals("overlap"),
    fact("goal.empty_masks").is_true(),
)
_BATCH_AND_SOFTMAX = Alternative(
    "dice(group=batch) + categorical_ce",
    Text(en="images with foreground matter more.", zh="更在意有前景的图像。"),
    computed=_SMOOTH,
)
_SOFTMAX_ALONE = Alternative(
    "categorical_ce",
    Text(en="most images are empty, or probabilities a pixel are wanted.", zh="多数图像为空,或需要逐像素概率。"),
)


def _masks(
    segmentation: str = "overlap", *, empty: bool = False, cost: float | None = None, **facts: float
) -> Question:
    """Return a question about masks with that goal."""
    goal = Goal(segmentation=segmentation, empty_masks=empty, false_negative_cost=cost)  # type: ignore[arg-type] # literals
    return Question(Task.SEGMENTATION, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name


RULES = (
    Rule(
        name="evidence.segmentation.classes_probabilities",
        book="evidence",
        tasks=_TASKS,
        when=(fact("classes") >= SEVERAL_CLASSES, fact("goal.segmentation").equals("probabilities")),
        unless=(fact("multilabel").is_true(),),
        recommend="categorical_ce",
        because=Text(
            en="A pixel has one of several classes, and the softmax learns the probability of each.",
            zh="每个像素属于多类之一,softmax 学习各类的概率。",
        ),
        source=Evidence("A", "a proper score: Gneiting & Raftery 2007, doi:10.1198/016214506000001437"),
        alternatives=(
            Alternative(
                "sparse_categorical_ce", Text(en="masks are ids: the same number.", zh="掩膜为整数索引:数值相同。")
            ),
        ),
        ruled_out=(_NO_SIGMOID,),
        fires=_masks("probabilities", classes=3),
        silent=_masks("overlap", classes=3),
    ),
    Rule(
        name="evidence.segmentation.classes_mostly_empty",
        book="evidence",
        tasks=_TASKS,
        when=(*_EMPTY_CLASSES, fact("empty_share") >= MOSTLY_EMPTY),
        unless=(fact("multilabel").is_true(), fact("goal.false_negative_cost").is_known()),
        recommend="categorical_ce",
        because=Text(
            en="Most images are empty and that counts: Dice hardly rewards leaving them so, every pixel of the softmax "
            "does.",
            zh="多数图像为空且计入指标:Dice 几乎不奖励正确留空,而 softmax 的每个像素都会。",
        ),
        source=Evidence("C", "Tilborghs et al. 2022, arXiv:2207.09521; P: our benchmark, of one class"),
        alternatives=(_BATCH_AND_SOFTMAX,),
        ruled_out=(_NO_SIGMOID,),
        fires=_masks(empty=True, classes=3, empty_share=0.5),
        silent=_masks(empty=True, classes=3, empty_share=0.499),
    ),
    Rule(
        name="evidence.segmentation.classes_some_empty",
        book="evidence",
        tasks=_TASKS,
        when=(*_EMPTY_CLASSES, fact("empty_share") >= SOME_EMPTY),
        unless=(fact("multilabel").is_true(), fact("goal.false_negative_cost").is_known()),
        recommend="dice(group=batch) + categorical_ce",
        computed=_SMOOTH,
        because=_OVER_THE_BATCH,
        source=Evidence("C", "Tilborghs et al. 2022, arXiv:2207.09521"),
        alternatives=(_SOFTMAX_ALONE,),
        ruled_out=(_NO_SIGMOID,),
        fires=_masks(empty=True, classes=3, empty_share=0.05),
        silent=_masks(empty=True, classes=3, empty_share=0.0499),
    ),
    Rule(
        name="evidence.segmentation.classes",
        book="evidence",
        tasks=_TASKS,
        when=(fact("classes") >= SEVERAL_CLASSES, fact("goal.segmentation").equals("overlap")),
        unless=(fact("multilabel").is_true(), fact("goal.false_negative_cost").is_known()),
        recommend="dice + categorical_ce",
        computed=_SMOOTH,
        because=Text(
            en="A pixel has one of several classes: the softmax makes them exclude one another, and Dice counts each "
            "class the same, however small.",
            zh="每个像素属于多类之一:softmax 使各类互斥,Dice 对各类一视同仁,不论大小。",
        ),
        source=Evidence("B", f"{_NNUNET}; {_EELBODE}"),
        alternatives=(
            Alternative(
                "lovasz_softmax",
                Text(
                    en="the metric is the intersection over union, and training starts from a fit by cross-entropy "
                    "(Berman et al. 2018, arXiv:1705.08790).",
                    zh="指标为交并比,且训练从交叉熵的结果出发(Berman et al. 2018, arXiv:1705.08790)。",
                ),
            ),
            Alternative(
                "dice(group=batch) + categorical_ce",
                Text(en="many images lack some of the classes.", zh="许多图像缺少部分类别。"),
                computed=_SMOOTH,
            ),
            Alternative(
                "generalized_dice",
                Text(
                    en="classes differ in size a thousandfold and each is in every image (Sudre et al. 2017).",
                    zh="各类大小相差千倍且每幅图都有(Sudre et al. 2017)。",
                ),
            ),
        ),
        ruled_out=(_NO_SIGMOID,),
        warnings=(
            WarningText(
                "overlapping-classes",
                Text(
                    en="Where a pixel may have several classes at once, say multilabel=true: each then has its own "
                    "sigmoid.",
                    zh="若一个像素可同时属于多类,请指明 multilabel=true:此时每类各用 sigmoid。",
                ),
            ),
        ),
        fires=_masks(classes=3),
        silent=_masks(classes=2),
    ),
    Rule(
        name="evidence.segmentation.boundary_some_empty",
        book="evidence",
        tasks=_TASKS,
        when=(
            fact("goal.segmentation").equals("boundary"),
            fact("goal.empty_masks").is_true(),
            fact("empty_share") >= SOME_EMPTY,
        ),
        recommend="dice(group=batch) + bce + hausdorff_dt",
        computed=_SMOOTH,
        because=Text(
            en="The outline is judged, and empty images with it: distances place the edge, and every pixel of "
            "cross-entropy keeps an empty image empty.",
            zh="评价轮廓且计入空图:距离校正边缘,交叉熵的每个像素使空图保持为空。",
        ),
        source=Evidence(
            "C",
            "Ma et al. 2021, doi:10.1016/j.media.2021.102035; on empty images Tilborghs et al. 2022, arXiv:2207.09521",
        ),
        alternatives=(_PLAIN,),
        ruled_out=(
            RuledOut("dice", Text(en="It has no reason to leave an image empty.", zh="它没有理由把图像留空。")),
        ),
        warnings=(_RAMP,),
        fires=_masks("boundary", empty=True, empty_share=0.05),
        silent=_masks("boundary", empty=True, empty_share=0.0499),
    ),
    Rule(
        name="evidence.segmentation.probabilities",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.segmentation").equals("probabilities"),),
        recommend="bce",
        because=Text(
            en="Pixel by pixel it learns the probability; overlap losses are overconfident.",
            zh="它逐像素学习概率;重叠类损失过度自信。",
        ),
        source=Evidence("C", "arXiv:2506.03942 on Dice's overconfidence; proper: theorem"),
        alternatives=(
            Alternative(
                "dice + bce",
                Text(en="overlap matters too; calibrate afterwards.", zh="也在意重叠;之后再校准。"),
                computed=_SMOOTH,
            ),
        ),
        ruled_out=(_WEIGHTED_OUT,),
        fires=_masks("probabilities"),
        silent=_masks("overlap"),
    ),
    Rule(
        name="evidence.segmentation.mostly_empty",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.empty_masks").is_true(), fact("empty_share") >= MOSTLY_EMPTY),
        recommend="bce",
        because=Text(
            en="Most images are empty and that counts: Dice hardly rewards leaving them so, every pixel of BCE does.",
            zh="多数图像为空且计入指标:Dice 几乎不奖励正确留空,而 BCE 的每个像素都会。",
        ),
        source=Evidence("P", "our benchmark; theory: Tilborghs et al. 2022, arXiv:2207.09521"),
        alternatives=(
            Alternative("focal", Text(en="the foreground is tiny too.", zh="前景也极小。")),
            Alternative(
                "dice(group=batch) + bce",
                Text(en="images with foreground matter more.", zh="更在意有前景的图像。"),
                computed=_SMOOTH,
            ),
        ),
        ruled_out=(
            RuledOut("dice", Text(en="It has no reason to leave an image empty.", zh="它没有理由把图像留空。")),
        ),
        fires=_masks(empty=True, empty_share=0.5),
        silent=_masks(empty=True, empty_share=0.499),
    ),
    Rule(
        name="evidence.segmentation.costs",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.false_negative_cost").is_known(),),
        recommend="tversky",
        computed={"alpha": false_alarm_weight, "beta": miss_weight},
        because=Text(en="False alarms and misses weigh as they cost.", zh="误报与漏检按其代价计权。"),
        source=Evidence("C", "Salehi et al. 2017, arXiv:1706.05721"),
        alternatives=(
            Alternative("focal_tversky", Text(en="hard images should count more.", zh="希望困难图像计入更多。")),
        ),
        warnings=(
            WarningText(
                "tversky-is-not-dice",
                Text(
                    en="The farther alpha lies from beta, the farther this is from Dice.",
                    zh="alpha 与 beta 相差越大,离 Dice 越远。",
                ),
            ),
        ),
        fires=_masks(cost=2.0),
        silent=_masks(),
    ),
    Rule(
        name="evidence.segmentation.missing_labels",
        book="evidence",
        tasks=_TASKS,
        when=(fact("missing_labels").is_true(),),
        recommend="dice",
        computed=_SMOOTH,
        because=Text(
            en="Image by image with a negligible smoothing term, a mask that was never drawn hardly pulls.",
            zh="逐图计算且平滑项可忽略时,未标注的掩膜几乎不产生影响。",
        ),
        source=Evidence("C", "Tilborghs et al. 2022, arXiv:2207.09521"),
        alternatives=(_PLAIN,),
        fires=Profile(missing_labels=True),
        silent=Profile(missing_labels=False),
    ),
    Rule(
        name="evidence.segmentation.some_empty",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.empty_masks").is_true(), fact("empty_share") >= SOME_EMPTY),
        recommend="dice(group=batch) + bce",
        computed=_SMOOTH,
        because=_OVER_THE_BATCH,
        source=Evidence("C", "Tilborghs et al. 2022, arXiv:2207.09521"),
        alternatives=(_PLAIN, _WITH_FOCAL),
        ruled_out=(
            RuledOut("dice", Text(en="It has no reason to leave an image empty.", zh="它没有理由把图像留空。")),
        ),
        fires=_masks(empty=True, empty_share=0.05),
        silent=_masks(empty=True, empty_share=0.0499),
    ),
    Rule(
        name="evidence.segmentation.empty_counted",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.empty_masks").is_true(), fact("goal.segmentation").equals("overlap")),
        unless=(fact("empty_share") < SOME_EMPTY,),
        recommend="dice(group=batch) + bce",
        computed=_SMOOTH,
        because=_OVER_THE_BATCH,
        source=Evidence("C", "Tilborghs et al. 2022, arXiv:2207.09521"),
        assumption=Text(
            en="Empty images were taken to be few; measure empty_share: where most are empty, bce alone does better.",
            zh="假定空图很少;请测量 empty_share,若多数图像为空,单用 bce 更好。",
        ),
        alternatives=(_PLAIN, _WITH_FOCAL),
        fires=_masks(empty=True),
        silent=_masks(),
    ),
    Rule(
        name="evidence.segmentation.boundary",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.segmentation").equals("boundary"),),
        recommend="dice + hausdorff_dt",
        computed=_SMOOTH,
        because=Text(
            en="Overlap finds the object, distances to its outline place the edge.",
            zh="重叠找到目标,到轮廓的距离校正边缘。",
        ),
        source=Evidence("C", "Ma et al. 2021, doi:10.1016/j.media.2021.102035: Dice with a distance term ranks first"),
        alternatives=(
            Alternative("dice + bce", Text(en="distance maps cost too much.", zh="距离图开销过大。"), computed=_SMOOTH),
        ),
        warnings=(_RAMP,),
        fires=_masks("boundary"),
        silent=_masks("overlap"),
    ),
    Rule(
        name="evidence.segmentation.thin",
        book="evidence",
        tasks=_TASKS,
        when=(fact("thinness") >= THIN,),
        recommend="dice + cldice",
        computed=_SMOOTH,
        because=Text(
            en="Vessels and roads: a gap of a few pixels breaks the line, and only the skeleton sees it.",
            zh="血管与道路:几个像素的缺口就会断线,只有骨架能察觉。",
        ),
        source=Evidence("C", "Shit et al. 2021, arXiv:2003.07311"),
        alternatives=(
            Alternative("dice + bce", Text(en="connections do not matter.", zh="不在意连通性。"), computed=_SMOOTH),
        ),
        fires=Profile(thinness=10.0),
        silent=Profile(thinness=9.9),
    ),
    Rule(
        name="evidence.segmentation.tiny",
        book="evidence",
        tasks=_TASKS,
        when=(fact("mask_sparsity") >= TINY,),
        recommend="dice + bce",
        computed=_SMOOTH,
        because=Text(
            en="So little foreground that few batches have any: sample patches around it first, then take overlap with "
            "cross-entropy.",
            zh="前景极少,多数批次中根本没有:应先围绕前景采样图块,再计算重叠并加交叉熵。",
        ),
        source=Evidence("B", f"{_NNUNET}, with a third of the patches on foreground; {_EELBODE}"),
        alternatives=(_WITH_FOCAL, _RECALL),
        ruled_out=(
            RuledOut(
                "generalized_dice",
                Text(
                    en="Its weights, 1 over the squared size, explode for tiny regions.",
                    zh="其权重为面积平方的倒数,对极小区域会爆炸。",
                ),
            ),
            _WEIGHTED_OUT,
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
        tasks=_TASKS,
        recommend="dice + bce",
        computed=_SMOOTH,
        because=Text(
            en="Overlap for the region, cross-entropy for every pixel: Dice alone stalls or collapses.",
            zh="重叠针对区域,交叉熵针对每个像素:单用 Dice 会停滞或崩溃。",
        ),
        source=Evidence(
            "B", f"{_NNUNET}, whose maintainers advise against Dice alone (#1395); {_EELBODE}; and P: our benchmark"
        ),
        assumption=Text(
            en="Masks of one class were assumed, and images without any of it not to count.",
            zh="假定掩膜只有一类,且没有该类的图像不计入指标。",
        ),
        alternatives=(
            _ALONE,
            _PLAIN,
            _RECALL,
            _WITH_FOCAL,
            _OF_UNION,
            Alternative(
                "jaccard + bce",
                Text(en="the intersection over union is the metric, smoothly.", zh="指标为交并比,且希望平滑。"),
            ),
        ),
        ruled_out=(_WEIGHTED_OUT, _FOCAL_OUT),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
