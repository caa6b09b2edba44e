"""Masks: Dice together with cross-entropy, over the batch where foreground is rare, and alone almost never."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.article.thresholds import SPARSE_MASKS
from recommender.rules.formulas import dice_smooth, false_alarm_weight, miss_weight
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact
from recommender.tasks import Scenario, Task

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
DENSE = Threshold(
    name="evidence.masks.dense",
    default=0.8,
    source="Dice and cross-entropy tie from 15 % to 20 % foreground (loss odyssey's liver task: CE .967, Dice .955)",
    description=Text(
        en="Under this share of background pixels decide as well as overlap.",
        zh="背景占比低于该值,逐像素与重叠同样有效。",
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
SOME_SMALL = Threshold(
    name="evidence.masks.some_small",
    default=0.2,
    source="ours: one object in five",
    description=Text(
        en="From this share of small objects on, cross-entropy alone leaves too many out.",
        zh="小目标占比达到该值,单用交叉熵会漏掉过多目标。",
    ),
)
SMALL_OBJECTS = Threshold(
    name="evidence.masks.small_objects",
    default=0.5,
    source="ours: most objects are small in COCO's sense, under 32 x 32 pixels",
    description=Text(
        en="From this share of small objects on, masks count as sparse.", zh="小目标占比达到该值,掩膜视为稀疏。"
    ),
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
_RECALL = Alternative(
    "tversky(alpha=0.3, beta=0.7)",
    Text(en="a missed object costs more than a false alarm.", zh="漏检的代价高于误报。"),
)
_ALONE = Alternative(
    "dice",
    Text(en="every image has foreground and Dice is all that counts.", zh="每幅图都有前景且只看 Dice。"),
    computed=_SMOOTH,
)
_SMALL = Text(
    en="Small objects: overlap over the batch is steady, and every pixel has a say.",
    zh="小目标:按整批计算的重叠稳定,且每个像素都起作用。",
)
_OVER_THE_BATCH = Text(
    en="Over the batch an empty image costs its false alarms only, and each pixel has a say.",
    zh="按整批计算时,空图只计误报,且每个像素都起作用。",
)


def _masks(
    segmentation: str = "overlap", *, empty: bool = False, cost: float | None = None, **facts: float
) -> Question:
    """Return a question about masks with that goal."""
    goal = Goal(segmentation=segmentation, empty_masks=empty, false_negative_cost=cost)  # type: ignore[arg-type] # literals
    return Question(Task.SEGMENTATION, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name


RULES = (
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
        warnings=(
            WarningText(
                "ramp-the-boundary-term",
                Text(en="Raise the weight of the distance term slowly.", zh="请缓慢增大距离项的权重。"),
            ),
        ),
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
        name="evidence.segmentation.mostly_empty_ignored",
        book="evidence",
        tasks=_TASKS,
        when=(
            fact("goal.empty_masks").is_false(),
            fact("empty_share") >= MOSTLY_EMPTY,
            fact("mask_sparsity") >= SPARSE_MASKS,
        ),
        recommend="tversky(alpha=0.3, beta=0.7)",
        because=Text(
            en="Empty images do not count and misses are the danger: image by image, an empty one hardly pulls.",
            zh="空图不计入指标,漏检才是风险:逐图计算时,空图几乎不产生影响。",
        ),
        source=Evidence(
            "C", "Salehi et al. 2017, arXiv:1706.05721, on rare lesions; Tilborghs et al. 2022, arXiv:2207.09521"
        ),
        alternatives=(
            _ALONE,
            Alternative(
                "dice + bce", Text(en="training stalls or collapses.", zh="训练停滞或崩溃。"), computed=_SMOOTH
            ),
        ),
        ruled_out=(_WEIGHTED_OUT, _FOCAL_OUT),
        fires=_masks(empty_share=0.5, mask_sparsity=0.95),
        silent=_masks(empty_share=0.5, mask_sparsity=0.949),
    ),
    Rule(
        name="evidence.segmentation.tiny",
        book="evidence",
        tasks=_TASKS,
        when=(fact("mask_sparsity") >= TINY,),
        recommend="dice(group=batch) + bce",
        computed=_SMOOTH,
        because=Text(
            en="So little foreground that few batches have any: sample patches around it first, then take overlap over "
            "the batch with cross-entropy.",
            zh="前景极少,多数批次中根本没有:应先围绕前景采样图块,再按整批计算重叠并加交叉熵。",
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
        name="evidence.segmentation.sparse",
        book="evidence",
        tasks=_TASKS,
        when=(fact("mask_sparsity") >= SPARSE_MASKS,),
        recommend="dice(group=batch) + bce",
        computed=_SMOOTH,
        because=Text(
            en="Little foreground: overlap over the batch is steady, and every pixel has a say.",
            zh="前景稀少:按整批计算的重叠稳定,且每个像素都起作用。",
        ),
        source=Evidence("B", f"{_NNUNET}; {_EELBODE}"),
        alternatives=(_WITH_FOCAL, _RECALL, _ALONE),
        ruled_out=(_WEIGHTED_OUT, _FOCAL_OUT),
        fires=Profile(mask_sparsity=0.95),
        silent=Profile(mask_sparsity=0.949),
    ),
    Rule(
        name="evidence.segmentation.dense_small",
        book="evidence",
        tasks=_TASKS,
        when=(fact("mask_sparsity") < DENSE, fact("small_share") >= SOME_SMALL),
        recommend="dice + bce",
        computed=_SMOOTH,
        because=Text(
            en="Plenty of foreground, some of it in small objects: pixels for the large ones, overlap for the small.",
            zh="前景充足,但部分是小目标:像素损失照顾大目标,重叠照顾小目标。",
        ),
        source=Evidence("B", f"{_NNUNET}; {_EELBODE}"),
        alternatives=(_PLAIN, _ALONE),
        fires=Profile(mask_sparsity=0.799, small_share=0.2),
        silent=Profile(mask_sparsity=0.799, small_share=0.199),
    ),
    Rule(
        name="evidence.segmentation.dense",
        book="evidence",
        tasks=_TASKS,
        when=(fact("mask_sparsity") < DENSE,),
        recommend="bce",
        because=Text(
            en="With a fifth of the pixels foreground, pixel by pixel is as good and steadier.",
            zh="前景占五分之一以上时,逐像素同样好且更稳定。",
        ),
        source=Evidence("B", "Liu et al. 2024, arXiv:2104.08717; loss odyssey (Ma et al. 2021): liver"),
        alternatives=(Alternative("dice + bce", Text(en="the two tie here.", zh="二者在此相当。"), computed=_SMOOTH),),
        fires=Profile(mask_sparsity=0.799),
        silent=Profile(mask_sparsity=0.8),
    ),
    Rule(
        name="evidence.segmentation.small",
        book="evidence",
        tasks=_TASKS,
        when=(fact("small_share") >= SMALL_OBJECTS,),
        recommend="dice(group=batch) + bce",
        computed=_SMOOTH,
        because=_SMALL,
        source=Evidence("B", f"{_NNUNET}; {_EELBODE}"),
        alternatives=(_WITH_FOCAL, _RECALL),
        ruled_out=(_WEIGHTED_OUT, _FOCAL_OUT),
        fires=Profile(small_share=0.5),
        silent=Profile(small_share=0.499),
    ),
    Rule(
        name="evidence.segmentation.small_objects",
        book="evidence",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.SMALL_OBJECTS),),
        recommend="dice(group=batch) + bce",
        computed=_SMOOTH,
        because=_SMALL,
        source=Evidence("B", f"{_NNUNET}; {_EELBODE}"),
        assumption=Text(
            en="mask_sparsity and small_share were not measured; little foreground was assumed.",
            zh="mask_sparsity 与 small_share 未测量;假定前景稀少。",
        ),
        alternatives=(_WITH_FOCAL, _RECALL),
        ruled_out=(_WEIGHTED_OUT, _FOCAL_OUT),
        fires=Question.of(Scenario.SMALL_OBJECTS),
        silent=Question.of(Scenario.TUMOUR_SEGMENTATION),
    ),
    Rule(
        name="evidence.segmentation.empty_counted",
        book="evidence",
        tasks=_TASKS,
        when=(fact("goal.empty_masks").is_true(),),
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
        name="evidence.segmentation.default",
        book="evidence",
        tasks=_TASKS,
        recommend="dice + bce",
        computed=_SMOOTH,
        because=Text(
            en="Overlap for the region, cross-entropy for every pixel: Dice alone stalls or collapses.",
            zh="重叠针对区域,交叉熵针对每个像素:单用 Dice 会停滞或崩溃。",
        ),
        source=Evidence("B", f"{_NNUNET}, whose maintainers advise against Dice alone (#1395); {_EELBODE}"),
        assumption=Text(en="A moderate share of foreground was assumed.", zh="假定前景占比适中。"),
        alternatives=(_ALONE, _PLAIN),
        ruled_out=(_WEIGHTED_OUT, _FOCAL_OUT),
        fires=Profile(),
        silent=Question(Task.MULTICLASS),
    ),
)
