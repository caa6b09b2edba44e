"""What a reader of a measured profile should know."""

from losses.spec import Text
from recommender import cautions
from recommender.tasks import Task
from recommender.words import Caution

ON_TARGETS = Caution("measured-on-targets", cautions.ON_TARGETS)
NO_SPREAD = Caution(
    "no-spread",
    Text(
        en="All values are equal, so there is no scale to measure and nothing to learn.",
        zh="所有数值都相同,没有可测的尺度,也没有可学的内容。",
    ),
)
ONE_CLASS = Caution(
    "one-class",
    Text(
        en="Only one class occurs, so there is no imbalance to measure and nothing to tell apart.",
        zh="只出现一个类别,没有可测的不平衡,也无可区分。",
    ),
)
CLASS_ABSENT = Caution(
    "class-absent",
    Text(
        en="Some columns never hold a 1; class_imbalance is that of the classes that occur.",
        zh="有的列从未出现 1;class_imbalance 只按出现的类别计算。",
    ),
)
CONSTANT_LABEL = Caution(
    "constant-label",
    Text(
        en="Some labels never change; class_imbalance is that of the worst label that does.",
        zh="有的标签从不变化;class_imbalance 取会变化的标签中最差者。",
    ),
)
IDS_BELOW_ZERO = Caution(
    "ids-below-0",
    Text(
        en="Ids below 0 were taken to mark labels that do not count.",
        zh="小于 0 的索引被视为不计入的标签。",
    ),
)
LARGER_IS_POSITIVE = Caution(
    "larger-is-positive",
    Text(
        en="The two values are not 0 and 1; the larger was taken to be the positive class.",
        zh="两个取值不是 0 和 1;较大者被视为正类。",
    ),
)
LOOKS_EXCLUSIVE = Caution(
    "looks-exclusive",
    Text(
        en="Every item has exactly one label; if that is so by nature, the task is multiclass.",
        zh="每个样本恰有一个标签;若本就如此,任务应为 multiclass。",
    ),
)


def guessed(task: Task, reason: Text) -> Caution:
    """Return what to say where the task was read off the targets."""
    return Caution(
        "task-guessed",
        Text(
            en=f"No task was given; the targets were taken for {task}, because {reason.en}.",
            zh=f"未给出任务;因为{reason.zh},目标被视为 {task}。",
        ),
    )


def looks_like(task: Task, reason: Text) -> Caution:
    """Return what to say where targets of a regression look like labels."""
    return Caution(
        "targets-look-like-labels",
        Text(
            en=f"The task is regression, but the targets look like {task}: {reason.en}.",
            zh=f"任务为 regression,但目标看起来像 {task}:{reason.zh}。",
        ),
    )
