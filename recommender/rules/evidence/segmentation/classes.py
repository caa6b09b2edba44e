"""Several classes of pixels that exclude one another."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.rules.evidence.segmentation.shared import (
    EELBODE,
    MOSTLY_EMPTY,
    NNUNET,
    OVER_THE_BATCH,
    SMOOTH,
    SOME_EMPTY,
    TASKS,
    masks,
)
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, Threshold, fact

SEVERAL_CLASSES = Threshold(
    name="evidence.masks.several_classes",
    default=3.0,
    source="two classes, background among them, are one mask",
    description=Text(
        en="From this number of classes on, a pixel has one of several.", zh="类别数达到该值,每个像素属于多类之一。"
    ),
)
_NO_SIGMOID = RuledOut(
    "bce",
    Text(
        en="Its sigmoid lets a pixel have several classes, or none; here they exclude one another.",
        zh="其 sigmoid 允许一个像素属于多类或不属于任何类;此处各类互斥。",
    ),
)
_EMPTY_CLASSES = (
    fact("classes") >= SEVERAL_CLASSES,
    fact("goal.segmentation").equals("overlap"),
    fact("goal.empty_masks").is_true(),
)
_BATCH_AND_SOFTMAX = Alternative(
    "dice(group=batch) + categorical_ce",
    Text(en="images with foreground matter more.", zh="更在意有前景的图像。"),
    computed=SMOOTH,
)
_SOFTMAX_ALONE = Alternative(
    "categorical_ce",
    Text(en="most images are empty, or probabilities a pixel are wanted.", zh="多数图像为空,或需要逐像素概率。"),
)

ROWS = (
    Rule(
        name="evidence.segmentation.classes_probabilities",
        book="evidence",
        tasks=TASKS,
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
        fires=masks("probabilities", classes=3),
        silent=masks("overlap", classes=3),
    ),
    Rule(
        name="evidence.segmentation.classes_mostly_empty",
        book="evidence",
        tasks=TASKS,
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
        fires=masks(empty=True, classes=3, empty_share=0.5),
        silent=masks(empty=True, classes=3, empty_share=0.499),
    ),
    Rule(
        name="evidence.segmentation.classes_some_empty",
        book="evidence",
        tasks=TASKS,
        when=(*_EMPTY_CLASSES, fact("empty_share") >= SOME_EMPTY),
        unless=(fact("multilabel").is_true(), fact("goal.false_negative_cost").is_known()),
        recommend="dice(group=batch) + categorical_ce",
        computed=SMOOTH,
        because=OVER_THE_BATCH,
        source=Evidence("C", "Tilborghs et al. 2022, arXiv:2207.09521"),
        alternatives=(_SOFTMAX_ALONE,),
        ruled_out=(_NO_SIGMOID,),
        fires=masks(empty=True, classes=3, empty_share=0.05),
        silent=masks(empty=True, classes=3, empty_share=0.0499),
    ),
    Rule(
        name="evidence.segmentation.classes",
        book="evidence",
        tasks=TASKS,
        when=(fact("classes") >= SEVERAL_CLASSES, fact("goal.segmentation").equals("overlap")),
        unless=(fact("multilabel").is_true(), fact("goal.false_negative_cost").is_known()),
        recommend="dice + categorical_ce",
        computed=SMOOTH,
        because=Text(
            en="A pixel has one of several classes: the softmax makes them exclude one another, and Dice counts each "
            "class the same, however small.",
            zh="每个像素属于多类之一:softmax 使各类互斥,Dice 对各类一视同仁,不论大小。",
        ),
        source=Evidence("B", f"{NNUNET}; {EELBODE}"),
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
                computed=SMOOTH,
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
        fires=masks(classes=3),
        silent=masks(classes=2),
    ),
)
