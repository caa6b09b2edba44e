"""What the rows of segmentation share: thresholds, alternatives, and the questions they are tried on."""

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal, Profile
from recommender.question import Question
from recommender.rules.formulas import dice_smooth
from recommender.rules.table import Alternative, RuledOut, Threshold
from recommender.tasks import Task

TASKS = (Task.SEGMENTATION,)
SMOOTH = {"smooth": dice_smooth}
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
NNUNET = "Isensee et al. 2021, doi:10.1038/s41592-020-01008-z: the default of nnU-Net"
EELBODE = (
    "Eelbode et al. 2020, arXiv:2010.13499: losses that follow the metric beat weighted cross-entropy on six tasks"
)
WEIGHTED_OUT = RuledOut(
    "bce(pos_weight=100)",
    Text(
        en="Weights by inverse frequency flood the picture with false alarms and spoil calibration.",
        zh="按逆频率加权会产生大量误报并破坏校准。",
    ),
)
PLAIN = Alternative(
    "bce", Text(en="probabilities a pixel are wanted, or most images are empty.", zh="需要逐像素概率,或多数图像为空。")
)
WITH_FOCAL = Alternative(
    "dice(group=batch) + focal",
    Text(en="objects are tiny and background easy.", zh="目标极小而背景容易。"),
    computed=SMOOTH,
)
RAMP = WarningText(
    "ramp-the-boundary-term",
    Text(en="Raise the weight of the distance term slowly.", zh="请缓慢增大距离项的权重。"),
)
OVER_THE_BATCH = Text(
    en="Over the batch an empty image costs its false alarms only, and each pixel has a say.",
    zh="按整批计算时,空图只计误报,且每个像素都起作用。",
)


def masks(segmentation: str = "overlap", *, empty: bool = False, cost: float | None = None, **facts: float) -> Question:
    """Return a question about segmentation masks.

    `segmentation`, `empty` and `cost` set the goal: what masks are judged by, whether they may be empty, and what a
    missed positive costs, in false alarms; `facts` are fields of the profile.
    """
    goal = Goal(segmentation=segmentation, empty_masks=empty, false_negative_cost=cost)  # type: ignore[arg-type] # literals
    return Question(Task.SEGMENTATION, profile=Profile(**facts), goal=goal)  # type: ignore[arg-type] # facts by name
