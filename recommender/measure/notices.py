"""What a reader of a measured profile should know."""

from losses.spec import Text
from recommender import cautions
from recommender.measure.found import Evidence
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

NOISE_IS_A_HINT = Caution(
    "label-noise-is-a-hint",
    Text(
        en="label_noise takes half of the labels that the predictions contradict to be wrong; predictions that have "
        "seen those labels hide them, and overlapping classes look like them. Trust it? Put it into the profile.",
        zh="label_noise 假定与预测相悖的标签有一半是错的;见过这些标签的模型会掩盖错误,类别重叠也会像错误。"
        "若您相信它,请写入 profile。",
    ),
)
PREDICTIONS_DO_NOT_FIT = Caution(
    "predictions-do-not-fit",
    Text(
        en="The predictions do not have the axes of the targets, so nothing was measured on them.",
        zh="预测与目标的轴不一致,因此未在其上测量任何内容。",
    ),
)
PREDICTIONS_TELL_LITTLE = Caution(
    "predictions-tell-little",
    Text(
        en="The predictions tell classes apart no better than chance, so they say nothing of wrong labels.",
        zh="这些预测区分类别的能力不优于随机,因此无法说明标签是否有误。",
    ),
)
NO_FOREGROUND = Caution(
    "no-foreground",
    Text(
        en="No image has any foreground, so there is no object to measure and nothing to segment.",
        zh="没有任何图像含有前景,没有可测的目标,也无可分割。",
    ),
)
SEVERAL_OUTPUTS = Caution(
    "several-outputs",
    Text(
        en="How the spread goes with the predictions is measured for one output; send one at a time.",
        zh="离散度随预测值的变化只对单个输出测量;请逐个输出发送。",
    ),
)


def too_few(evidence: Evidence) -> Caution:
    """Return which facts were left out, and how many items each would need."""
    needs = ", ".join(f"{fact} ({needed})" for fact, needed in evidence.short.items())
    return Caution(
        "too-few-items",
        Text(
            en=f"Left out, with the number of items that each needs: {needs}.",
            zh=f"因样本不足而略去(括号内为所需样本数):{needs}。",
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
