"""The warnings of a measured profile."""

from losses.text import Text
from recommender.measure.measurement import RequiredItems
from recommender.measure.pictures.void import Void
from recommender.notices import MEASURED_ON_TARGETS, WarningText
from recommender.tasks import Task

ON_TARGETS = WarningText("measured-on-targets", MEASURED_ON_TARGETS)
NO_SPREAD = WarningText(
    "no-spread",
    Text(
        en="All values are equal, so there is no scale to measure and nothing to learn.",
        zh="所有数值都相同,没有可测的尺度,也没有可学的内容。",
    ),
)
ONE_CLASS = WarningText(
    "one-class",
    Text(
        en="Only one class occurs, so there is no imbalance to measure and nothing to tell apart.",
        zh="只出现一个类别,没有可测的不平衡,也无可区分。",
    ),
)
NOT_COUNTS = WarningText(
    "not-counts",
    Text(
        en="The task is count, and some targets are below 0 or no whole numbers; amounts are task=regression.",
        zh="任务为 count,但部分目标小于 0 或不是整数;数值应为 task=regression。",
    ),
)
CLASS_ABSENT = WarningText(
    "class-absent",
    Text(
        en="Some columns never hold a 1; class_imbalance is that of the classes that occur.",
        zh="有的列从未出现 1;class_imbalance 只按出现的类别计算。",
    ),
)
LABELS_ALL_DIFFER = WarningText(
    "labels-all-differ",
    Text(
        en="Every class occurs once, as identifiers do: nothing can be learnt of a class from one item. Numbers are "
        "task=regression.",
        zh="每个类别只出现一次,像是编号:单个样本无法让模型学到类别。若为数值,请用 task=regression。",
    ),
)
NO_POSITIVES = WarningText(
    "no-positives",
    Text(
        en="All labels differ, so no item has another of its class: the labels form no pair and no triplet. Two views "
        "of each item are what is left to learn from.",
        zh="所有标签各不相同,没有同类样本:标签构不成样本对或三元组。只能从每个样本的两个视图中学习。",
    ),
)
NO_NEGATIVES = WarningText(
    "no-negatives",
    Text(
        en="Only one label occurs, so no item has one of another class: the labels form no triplet, and embeddings "
        "that all coincide would fit them.",
        zh="只出现一个标签,没有异类样本:标签构不成三元组,所有嵌入重合即可满足。",
    ),
)
EMBEDDINGS_COINCIDE = WarningText(
    "embeddings-coincide",
    Text(
        en="All embeddings are equal: the model has collapsed, and no distance tells classes apart.",
        zh="所有嵌入都相同:模型已坍缩,距离无法区分类别。",
    ),
)
CONSTANT_LABEL = WarningText(
    "constant-label",
    Text(
        en="Some labels never change; class_imbalance is that of the worst label that does.",
        zh="有的标签从不变化;class_imbalance 取会变化的标签中最差者。",
    ),
)
IDS_BELOW_ZERO = WarningText(
    "ids-below-0",
    Text(
        en="Ids below 0 were taken to mark labels that do not count.",
        zh="小于 0 的索引被视为不计入的标签。",
    ),
)
SIGNS = WarningText(
    "signs",
    Text(
        en="The masks hold -1 and 1; -1 was taken for the background.",
        zh="掩膜只含 -1 和 1;-1 被视为背景。",
    ),
)
LARGER_IS_POSITIVE = WarningText(
    "larger-is-positive",
    Text(
        en="The two values are not 0 and 1; the larger was taken to be the positive class.",
        zh="两个取值不是 0 和 1;较大者被视为正类。",
    ),
)
LOOKS_EXCLUSIVE = WarningText(
    "looks-exclusive",
    Text(
        en="Every item has exactly one label; if that is so by nature, the task is multiclass.",
        zh="每个样本恰有一个标签;若本就如此,任务应为 multiclass。",
    ),
)

NOISE_IS_A_HINT = WarningText(
    "label-noise-is-a-hint",
    Text(
        en="label_noise takes half of the labels that the predictions contradict to be wrong; predictions that have "
        "seen those labels hide them, and overlapping classes look like them. Trust it? Put it into the profile.",
        zh="label_noise 假定与预测相悖的标签有一半是错的;见过这些标签的模型会掩盖错误,类别重叠也会像错误。"
        "若您相信它,请写入 profile。",
    ),
)
PREDICTIONS_DO_NOT_FIT = WarningText(
    "predictions-do-not-fit",
    Text(
        en="The predictions do not have the axes of the targets, so nothing was measured on them.",
        zh="预测与目标的轴不一致,因此未在其上测量任何内容。",
    ),
)
PREDICTIONS_TELL_LITTLE = WarningText(
    "predictions-tell-little",
    Text(
        en="The predictions tell classes apart no better than chance, so they say nothing of wrong labels.",
        zh="这些预测区分类别的能力不优于随机,因此无法说明标签是否有误。",
    ),
)
NO_FOREGROUND = WarningText(
    "no-foreground",
    Text(
        en="No image has any foreground, so there is no object to measure and nothing to segment.",
        zh="没有任何图像含有前景,没有可测的目标,也无可分割。",
    ),
)
NO_BACKGROUND = WarningText(
    "no-background",
    Text(
        en="No image has any background: every pixel is an object, and there is no outline to find. Are the masks "
        "inverted, or written with a background other than 0?",
        zh="没有任何图像含有背景:每个像素都是目标,无轮廓可寻。掩膜是否取反,或背景是否不为 0?",
    ),
)
SEVERAL_OUTPUTS = WarningText(
    "several-outputs",
    Text(
        en="How the spread goes with the predictions is measured for one output; send one at a time.",
        zh="离散度随预测值的变化只对单个输出测量;请逐个输出发送。",
    ),
)


def void(left_out: Void) -> list[WarningText]:
    """Return the warnings that some labels do not count."""
    warning_texts = [IDS_BELOW_ZERO] if left_out.below_zero else []
    if left_out.labels:
        labels = ", ".join(f"{label:g}" for label in left_out.labels)
        text = Text(
            en=f"{labels} was taken to mark what does not count, and no fact counts it. Name another label with "
            "ignore_index; leave such places out of a loss by `mask`.",
            zh=f"{labels} 被视为不计入的标签,各项事实均不含它。可用 ignore_index 指定其他标签;"
            "计算损失时请用 `mask` 排除这些位置。",
        )
        warning_texts.append(WarningText("void-label", text))
    return warning_texts


def too_few(evidence: RequiredItems) -> WarningText:
    """Return the warning that facts were left out because there are too few items."""
    needs = ", ".join(f"{fact} ({needed})" for fact, needed in evidence.short.items())
    return WarningText(
        "too-few-items",
        Text(
            en=f"Left out, with the number of items that each needs: {needs}.",
            zh=f"因样本不足而略去(括号内为所需样本数):{needs}。",
        ),
    )


def guessed(task: Task, reason: Text) -> WarningText:
    """Return the warning that the task was inferred from the targets."""
    return WarningText(
        "task-guessed",
        Text(
            en=f"No task was given; the targets were taken for {task}, because {reason.en}.",
            zh=f"未给出任务;因为{reason.zh},目标被视为 {task}。",
        ),
    )


def looks_like(task: Task, reason: Text) -> WarningText:
    """Return the warning that targets of a regression look like labels."""
    return WarningText(
        "targets-look-like-labels",
        Text(
            en=f"The task is regression, but the targets look like {task}: {reason.en}.",
            zh=f"任务为 regression,但目标看起来像 {task}:{reason.zh}。",
        ),
    )
