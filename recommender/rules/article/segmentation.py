"""Segmentation: sections 3.3 and 4 of the article. Imbalance does not change the answer: Dice is robust to it."""

from losses.text import Text
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.article.thresholds import SPARSE_MASKS
from recommender.rules.formulas import dice_smooth
from recommender.rules.table import Alternative, Article, Rule, RuledOut, fact
from recommender.tasks import Scenario, Task

_TASKS = (Task.SEGMENTATION,)
_SMOOTH = {"smooth": dice_smooth}

_WITH_BCE = Alternative(
    "dice + bce",
    Text(
        en="training with Dice alone stalls, or many images have no foreground: every pixel then has a say "
        "(classes that exclude one another: dice + categorical_ce).",
        zh="单用 Dice 训练停滞,或许多图像没有前景:此时每个像素都起作用(类别互斥时用 dice + categorical_ce)。",
    ),
)
_OVER_THE_BATCH = Alternative(
    "dice(group=batch)",
    Text(
        en="single images have very little foreground, so their own overlap jumps about.",
        zh="单幅图像前景极少,其自身的重叠度波动很大。",
    ),
)
_IMAGE_BY_IMAGE = Alternative(
    "dice",
    Text(
        en="every image should count the same, however small its foreground.",
        zh="希望每幅图像同等计入,无论其前景多小。",
    ),
)
_FOCAL_ELSEWHERE = RuledOut(
    "focal",
    Text(
        en="For masks the article's answer to imbalance is Dice itself: it measures overlap, not pixels one by one.",
        zh="对于掩膜,文章应对不平衡的办法就是 Dice 本身:它衡量重叠而非逐个像素。",
    ),
)
_OVERLAP = Text(
    en="It rewards overlap with the region, so a large background cannot outvote a small one.",
    zh="它强调重叠区域,大面积背景无法压过小目标。",
)
_FOREGROUND = Text(
    en="mask_sparsity was not measured; enough foreground in each image was assumed.",
    zh="mask_sparsity 未测量;假定每幅图像的前景足够。",
)

RULES = (
    Rule(
        name="segmentation.sparse",
        book="article",
        tasks=_TASKS,
        when=(fact("mask_sparsity") >= SPARSE_MASKS,),
        recommend="dice(group=batch)",
        computed=_SMOOTH,
        because=Text(
            en="It rewards overlap, however tiny the lesion; over the whole batch, because one image has too few "
            "foreground pixels for a steady ratio.",
            zh="无论病灶多小它都强调重叠;按整批计算,因为单幅图像的前景像素太少,比值不稳。",
        ),
        source=Article("3.3"),
        alternatives=(_WITH_BCE, _IMAGE_BY_IMAGE),
        ruled_out=(_FOCAL_ELSEWHERE,),
        fires=Profile(mask_sparsity=0.95),
        silent=Profile(mask_sparsity=0.949),
    ),
    Rule(
        name="segmentation.dense",
        book="article",
        tasks=_TASKS,
        when=(fact("mask_sparsity") < SPARSE_MASKS,),
        recommend="dice",
        computed=_SMOOTH,
        because=_OVERLAP,
        source=Article("4"),
        alternatives=(_WITH_BCE, _OVER_THE_BATCH),
        ruled_out=(_FOCAL_ELSEWHERE,),
        fires=Profile(mask_sparsity=0.949),
        silent=Profile(mask_sparsity=0.95),
    ),
    Rule(
        name="segmentation.small_objects",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.SMALL_OBJECTS),),
        recommend="dice",
        computed=_SMOOTH,
        because=_OVERLAP,
        source=Article("4"),
        assumption=_FOREGROUND,
        alternatives=(_WITH_BCE, _OVER_THE_BATCH),
        ruled_out=(_FOCAL_ELSEWHERE,),
        fires=Question.of(Scenario.SMALL_OBJECTS),
        silent=Question.of(Scenario.TUMOUR_SEGMENTATION),
    ),
    Rule(
        name="segmentation.tumour_segmentation",
        book="article",
        tasks=_TASKS,
        when=(fact("scenario").equals(Scenario.TUMOUR_SEGMENTATION),),
        recommend="dice",
        computed=_SMOOTH,
        because=_OVERLAP,
        source=Article("3.3"),
        assumption=_FOREGROUND,
        alternatives=(_WITH_BCE, _OVER_THE_BATCH),
        ruled_out=(_FOCAL_ELSEWHERE,),
        fires=Question.of(Scenario.TUMOUR_SEGMENTATION),
        silent=Question.of(Scenario.SMALL_OBJECTS),
    ),
    Rule(
        name="segmentation.default",
        book="article",
        tasks=_TASKS,
        recommend="dice",
        computed=_SMOOTH,
        because=_OVERLAP,
        source=Article("4"),
        assumption=_FOREGROUND,
        alternatives=(_WITH_BCE, _OVER_THE_BATCH),
        ruled_out=(_FOCAL_ELSEWHERE,),
        fires=Profile(),
        silent=Question(Task.DETECTION),
    ),
)
