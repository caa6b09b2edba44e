"""Object detection: sections 1.3 and 2.4 of the article."""

from losses.text import Text
from recommender.profile import Profile
from recommender.question import Question
from recommender.rules.formulas import box_beta, focal_gamma, paper_alpha, proposal_beta
from recommender.rules.table import Alternative, Article, Rule, RuledOut
from recommender.tasks import Task

_TASKS = (Task.DETECTION,)

RULES = (
    Rule(
        name="detection.class",
        book="article",
        tasks=_TASKS,
        head="class",
        recommend="focal",
        computed={"gamma": focal_gamma, "alpha": paper_alpha},
        because=Text(
            en="Background far outnumbers objects, small ones above all; easy background counts less, so that it "
            "cannot drown them.",
            zh="背景样本远多于目标样本,小目标尤甚;易分类的背景被降权,不会淹没目标。",
        ),
        source=Article("2.4"),
        assumption=Text(
            en="Every position or anchor is classified, so nearly all examples are background.",
            zh="假定对每个位置或锚框都做分类,因此绝大多数样本是背景。",
        ),
        alternatives=(
            Alternative(
                "bce",
                Text(
                    en="background is sampled down before the loss, as in Faster R-CNN.",
                    zh="在计算损失前已对背景做下采样,如 Faster R-CNN。",
                ),
            ),
        ),
        ruled_out=(
            RuledOut(
                "dice",
                Text(
                    en="The article names it for small objects as masks; a class head has no region to overlap.",
                    zh="文章所说的小目标用 Dice 针对掩膜;分类头没有可重叠的区域。",
                ),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.SEGMENTATION),
    ),
    Rule(
        name="detection.box",
        book="article",
        tasks=_TASKS,
        head="box",
        recommend="smooth_l1",
        computed={"beta": box_beta},
        because=Text(
            en="Squared for small offsets and linear for large ones: precise boxes, and early wild ones do not "
            "dominate.",
            zh="小偏移取平方,大偏移取线性:边界框精确,训练早期的大误差也不会主导。",
        ),
        source=Article("1.3"),
        assumption=Text(
            en="The box head puts out offsets from anchors or positions, scaled to about 1.",
            zh="假定边界框头输出相对锚框或位置的偏移量,尺度约为 1。",
        ),
        alternatives=(
            Alternative(
                "smooth_l1",
                Text(
                    en="the offsets are small and not divided by their spread, as in the proposal network of Faster "
                    "R-CNN.",
                    zh="偏移量很小且未除以其离散度,如 Faster R-CNN 的候选区域网络。",
                ),
                computed={"beta": proposal_beta},
            ),
        ),
        ruled_out=(
            RuledOut(
                "mse",
                Text(
                    en="It squares large offsets too, so the worst boxes own the gradient.",
                    zh="它对大偏移也取平方,最差的框会主导梯度。",
                ),
            ),
        ),
        fires=Profile(),
        silent=Question(Task.REGRESSION),
    ),
)
