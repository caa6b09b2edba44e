"""One class of pixels: what mistakes cost, and masks that are empty."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Profile
from recommender.rules.evidence.segmentation.shared import (
    MOSTLY_EMPTY,
    OVER_THE_BATCH,
    PLAIN,
    RAMP,
    SMOOTH,
    SOME_EMPTY,
    TASKS,
    WEIGHTED_OUT,
    WITH_FOCAL,
    masks,
)
from recommender.rules.formulas import false_alarm_weight, miss_weight
from recommender.rules.table import Alternative, Evidence, Rule, RuledOut, fact

ROWS = (
    Rule(
        name="evidence.segmentation.boundary_some_empty",
        book="evidence",
        tasks=TASKS,
        when=(
            fact("goal.segmentation").equals("boundary"),
            fact("goal.empty_masks").is_true(),
            fact("empty_share") >= SOME_EMPTY,
        ),
        recommend="dice(group=batch) + bce + hausdorff_dt",
        computed=SMOOTH,
        because=Text(
            en="The outline is judged, and empty images with it: distances place the edge, and every pixel of "
            "cross-entropy keeps an empty image empty.",
            zh="评价轮廓且计入空图:距离校正边缘,交叉熵的每个像素使空图保持为空。",
        ),
        source=Evidence(
            "C",
            "Ma et al. 2021, doi:10.1016/j.media.2021.102035; on empty images Tilborghs et al. 2022, arXiv:2207.09521",
        ),
        alternatives=(PLAIN,),
        ruled_out=(
            RuledOut("dice", Text(en="It has no reason to leave an image empty.", zh="它没有理由把图像留空。")),
        ),
        warnings=(RAMP,),
        fires=masks("boundary", empty=True, empty_share=0.05),
        silent=masks("boundary", empty=True, empty_share=0.0499),
    ),
    Rule(
        name="evidence.segmentation.probabilities",
        book="evidence",
        tasks=TASKS,
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
                computed=SMOOTH,
            ),
        ),
        ruled_out=(WEIGHTED_OUT,),
        fires=masks("probabilities"),
        silent=masks("overlap"),
    ),
    Rule(
        name="evidence.segmentation.mostly_empty",
        book="evidence",
        tasks=TASKS,
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
                computed=SMOOTH,
            ),
        ),
        ruled_out=(
            RuledOut("dice", Text(en="It has no reason to leave an image empty.", zh="它没有理由把图像留空。")),
        ),
        fires=masks(empty=True, empty_share=0.5),
        silent=masks(empty=True, empty_share=0.499),
    ),
    Rule(
        name="evidence.segmentation.costs",
        book="evidence",
        tasks=TASKS,
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
        fires=masks(cost=2.0),
        silent=masks(),
    ),
    Rule(
        name="evidence.segmentation.missing_labels",
        book="evidence",
        tasks=TASKS,
        when=(fact("missing_labels").is_true(),),
        recommend="dice",
        computed=SMOOTH,
        because=Text(
            en="Image by image with a negligible smoothing term, a mask that was never drawn hardly pulls.",
            zh="逐图计算且平滑项可忽略时,未标注的掩膜几乎不产生影响。",
        ),
        source=Evidence("C", "Tilborghs et al. 2022, arXiv:2207.09521"),
        alternatives=(PLAIN,),
        fires=Profile(missing_labels=True),
        silent=Profile(missing_labels=False),
    ),
    Rule(
        name="evidence.segmentation.some_empty",
        book="evidence",
        tasks=TASKS,
        when=(fact("goal.empty_masks").is_true(), fact("empty_share") >= SOME_EMPTY),
        recommend="dice(group=batch) + bce",
        computed=SMOOTH,
        because=OVER_THE_BATCH,
        source=Evidence("C", "Tilborghs et al. 2022, arXiv:2207.09521"),
        alternatives=(PLAIN, WITH_FOCAL),
        ruled_out=(
            RuledOut("dice", Text(en="It has no reason to leave an image empty.", zh="它没有理由把图像留空。")),
        ),
        fires=masks(empty=True, empty_share=0.05),
        silent=masks(empty=True, empty_share=0.0499),
    ),
    Rule(
        name="evidence.segmentation.empty_counted",
        book="evidence",
        tasks=TASKS,
        when=(fact("goal.empty_masks").is_true(), fact("goal.segmentation").equals("overlap")),
        unless=(fact("empty_share") < SOME_EMPTY,),
        recommend="dice(group=batch) + bce",
        computed=SMOOTH,
        because=OVER_THE_BATCH,
        source=Evidence("C", "Tilborghs et al. 2022, arXiv:2207.09521"),
        assumption=Text(
            en="Empty images were taken to be few; measure empty_share: where most are empty, bce alone does better.",
            zh="假定空图很少;请测量 empty_share,若多数图像为空,单用 bce 更好。",
        ),
        alternatives=(PLAIN, WITH_FOCAL),
        fires=masks(empty=True),
        silent=masks(),
    ),
)
