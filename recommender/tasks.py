"""The tasks that can be asked about, one row each, and the scenarios of the article.

A new task is one member of `Task` with its row. Rules (`recommender.rules`) and losses (`task=`) may name it; until
they do, answers say that nothing is known of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Literal, Self

from losses.near import near
from losses.text import Text
from recommender.errors import NoTask, UnknownScenario, UnknownTask
from recommender.profile import Goal

_NO_GOAL = Goal()
BINARY_CLASSES = 2  # classes of a binary task, or background and one class of pixels
InputKind = Literal["numbers", "pair", "labels", "classes", "grades", "masks", "boxes", "embeddings"]


class Scenario(StrEnum):
    """An application that the article names."""

    HOUSE_PRICES = "house_prices"
    SALARIES = "salaries"
    BOX_REGRESSION = "box_regression"
    SPAM = "spam"
    DISEASE_DIAGNOSIS = "disease_diagnosis"
    MULTILABEL_IMAGES = "multilabel_images"
    IMAGE_CLASSIFICATION = "image_classification"
    TEXT_MANY_CLASSES = "text_many_classes"
    SMALL_OBJECTS = "small_objects"
    RARE_DISEASE = "rare_disease"
    FACE_RECOGNITION = "face_recognition"
    PERSON_REIDENTIFICATION = "person_reidentification"
    SIMILARITY_MATCHING = "similarity_matching"
    IMAGE_GENERATION = "image_generation"
    STYLE_TRANSFER = "style_transfer"
    SUPER_RESOLUTION = "super_resolution"
    TUMOUR_SEGMENTATION = "tumour_segmentation"


@dataclass(frozen=True, kw_only=True)
class TaskRow:
    """What is known of a task before anything is measured.

    Attributes:
        title: The model's output in words.
        metric: The metric that candidates are compared by; where `aim` is set, `METRIC_OF_AIM` has it instead.
        other_names: Other names of the task, suggested where one is asked for.
        places: The article's scenarios that mean this task, with the sections that name them.
        also_in: Scenarios of other tasks that can be asked under this task, too.
        default_goal: The goal that is assumed where the question leaves it out.
        aim: The part of the goal that determines the metric.
        yes_or_no: Whether a probability is compared with a decision threshold.
        labels: Whether an item has one class label or several; None where targets are not class labels.
        needs_targets: Whether its losses compare predictions with targets; otherwise they take arrays of their own.
        measured_as: The kind of input that its arrays are; None where only their number is measured.
        implies: Facts of the profile that describe the task and need not be read by one of its rules.
        in_article: Whether the article mentions it.
    """

    title: Text
    metric: Text | None = None
    other_names: tuple[str, ...] = ()
    places: Mapping[Scenario, str] = field(default_factory=dict)
    also_in: tuple[Scenario, ...] = ()
    default_goal: Goal = _NO_GOAL
    aim: str | None = None
    yes_or_no: bool = False
    labels: Literal["one", "several"] | None = None
    needs_targets: bool = True
    measured_as: InputKind | None = None
    implies: tuple[str, ...] = ()
    in_article: bool = False


# The article's key principle: classification cares about probabilities, regression about differences of values.
_PROBABILITIES = Goal(decision="probabilities")
_DECISION = "decision"


class Task(StrEnum):
    """What the model outputs. The value of a member is its name; `row` is what is known of the task."""

    row: TaskRow

    def __new__(cls, name: str, row: TaskRow) -> Self:
        """Return a member with its name as value."""
        member = str.__new__(cls, name)
        member._value_ = name
        member.row = row
        return member

    REGRESSION = (
        "regression",
        TaskRow(
            title=Text("numbers, such as a price", "数值,如价格"),
            other_names=("forecasting", "regressor"),
            places={
                Scenario.HOUSE_PRICES: "1.1",
                Scenario.SALARIES: "1.2",
                Scenario.BOX_REGRESSION: "1.3",
            },
            default_goal=Goal(functional="mean", outliers="unknown"),
            aim="functional",
            measured_as="numbers",
            in_article=True,
        ),
    )
    BINARY = (
        "binary",
        TaskRow(
            title=Text("one of two classes", "二选一的类别"),
            other_names=("binary_classification",),
            places={Scenario.SPAM: "2.1", Scenario.DISEASE_DIAGNOSIS: "2.1", Scenario.RARE_DISEASE: "2.4"},
            default_goal=_PROBABILITIES,
            aim=_DECISION,
            yes_or_no=True,
            labels="one",
            measured_as="pair",
            in_article=True,
        ),
    )
    MULTILABEL = (
        "multilabel",
        TaskRow(
            title=Text("any number of labels", "任意个标签"),
            other_names=("multilabel_classification", "tagging"),
            places={Scenario.MULTILABEL_IMAGES: "2.1"},
            also_in=(Scenario.DISEASE_DIAGNOSIS, Scenario.RARE_DISEASE),
            default_goal=_PROBABILITIES,
            aim=_DECISION,
            yes_or_no=True,
            labels="several",
            measured_as="labels",
            in_article=True,
        ),
    )
    MULTICLASS = (
        "multiclass",
        TaskRow(
            title=Text("one of many classes", "多选一的类别"),
            other_names=("classification", "multiclass_classification"),
            places={Scenario.IMAGE_CLASSIFICATION: "2.2", Scenario.TEXT_MANY_CLASSES: "2.3"},
            also_in=(Scenario.RARE_DISEASE,),
            default_goal=_PROBABILITIES,
            aim=_DECISION,
            labels="one",
            measured_as="classes",
            in_article=True,
        ),
    )
    SEGMENTATION = (
        "segmentation",
        TaskRow(
            title=Text("a mask: which pixels belong to what", "掩膜:各像素属于什么"),
            other_names=("semantic_segmentation", "image_segmentation"),
            # The article says two things of small objects: focal in 2.4, Dice in 3.3 and 4. The task decides.
            places={Scenario.SMALL_OBJECTS: "4", Scenario.TUMOUR_SEGMENTATION: "3.3"},
            default_goal=Goal(segmentation="overlap", empty_masks=False),
            aim="segmentation",
            yes_or_no=True,
            measured_as="masks",
            in_article=True,
        ),
    )
    DETECTION = (
        "detection",
        TaskRow(
            title=Text("boxes around objects, and what is in them", "目标的边界框及其类别"),
            metric=Text("mean average precision", "平均精度均值(mAP)"),
            other_names=("object_detection",),
            also_in=(Scenario.BOX_REGRESSION, Scenario.SMALL_OBJECTS),
            needs_targets=False,
            measured_as="boxes",
            implies=("boxes",),
            in_article=True,
        ),
    )
    SIMILARITY = (
        "similarity",
        TaskRow(
            title=Text("embeddings in which like is near like", "相似者相近的嵌入"),
            metric=Text("recall at 1", "首位召回率"),
            other_names=("metric_learning", "embedding", "contrastive_learning"),
            places={
                Scenario.FACE_RECOGNITION: "3.1",
                Scenario.PERSON_REIDENTIFICATION: "3.1",
                Scenario.SIMILARITY_MATCHING: "3.1",
            },
            needs_targets=False,
            measured_as="embeddings",
            in_article=True,
        ),
    )
    GENERATION = (
        "generation",
        TaskRow(
            title=Text("new data like those seen", "与所见数据相似的新数据"),
            metric=Text("Fréchet inception distance", "FID"),
            other_names=("gan", "diffusion"),
            places={
                Scenario.IMAGE_GENERATION: "3.2",
                Scenario.STYLE_TRANSFER: "3.2",
                Scenario.SUPER_RESOLUTION: "3.2",
            },
            default_goal=Goal(generation="likelihood"),
            needs_targets=False,
            in_article=True,
        ),
    )
    COUNT = (
        "count",
        TaskRow(
            title=Text("how often something happens", "某事发生的次数"),
            other_names=("counts", "poisson_regression", "count_regression"),
            default_goal=Goal(functional="mean"),
            aim="functional",
            measured_as="numbers",
        ),
    )
    ORDINAL = (
        "ordinal",
        TaskRow(
            title=Text("one of several classes with an order, such as grades", "有序类别之一,如等级"),
            metric=Text(
                "mean absolute error of the rank and quadratic weighted kappa", "等级的平均绝对误差与二次加权 kappa"
            ),
            other_names=("ordinal_regression", "ordinal_classification", "rating"),
            labels="one",
            measured_as="grades",
            implies=("ordered",),
        ),
    )
    RANKING = (
        "ranking",
        TaskRow(
            title=Text("an order within each list, such as search results", "列表内的次序,如搜索结果"),
            other_names=("learning_to_rank", "recommendation", "retrieval"),
            default_goal=Goal(ranking="ndcg"),
            aim="ranking",
        ),
    )
    SURVIVAL = (
        "survival",
        TaskRow(
            title=Text("the time until an event that not all items reach", "到事件发生的时间,部分样本被删失"),
            metric=Text("concordance index", "一致性指数"),
            other_names=("survival_analysis", "time_to_event", "cox"),
        ),
    )
    SEQUENCE = (
        "sequence",
        TaskRow(
            title=Text("a sequence of labels without an alignment, such as speech", "未对齐的标签序列,如语音"),
            metric=Text("edit distance over length", "编辑距离与长度之比"),
            other_names=("speech_recognition", "handwriting_recognition", "sequence_labelling"),
        ),
    )
    DISTILLATION = (
        "distillation",
        TaskRow(
            title=Text("what a larger model puts out", "更大模型的输出"),
            metric=Text(
                "accuracy on true labels, and agreement with the teacher", "真实标签上的准确率,及与教师的一致率"
            ),
            other_names=("knowledge_distillation", "model_compression"),
            needs_targets=False,
        ),
    )
    MULTITASK = (
        "multitask",
        TaskRow(
            title=Text("several outputs, each with a loss of its own", "多个输出,各有自己的损失"),
            metric=Text("the metric of each output", "各输出自己的指标"),
            other_names=("multi_task", "multitask_learning", "multi_output", "several_outputs"),
            needs_targets=False,
        ),
    )


METRIC_OF_AIM = {
    "mean": Text("root mean squared error", "均方根误差"),
    "median": Text("mean absolute error", "平均绝对误差"),
    "quantile": Text("pinball loss", "分位数损失"),
    "interval": Text("interval score", "区间评分"),
    "probabilities": Text("log loss and Brier score", "对数损失与 Brier 分数"),
    "ranking": Text("average precision", "平均精度"),
    "balanced": Text("balanced accuracy", "平衡准确率"),
    "accuracy": Text("accuracy", "准确率"),
    "distribution": Text("negative log likelihood on held-out data", "留出数据上的负对数似然"),
    "overlap": Text("Dice coefficient per image", "逐图 Dice 系数"),
    "boundary": Text("95th-percentile Hausdorff distance", "95 百分位 Hausdorff 距离"),
    "ndcg": Text("nDCG at 10", "nDCG@10"),
    "pairs": Text("share of pairs in the right order", "次序正确的样本对占比"),
    "top_one": Text("mean reciprocal rank", "平均倒数排名(MRR)"),
}


_BY_NAME = {task.value: task for task in Task}


@dataclass(frozen=True)
class ArticlePlace:
    """Where the article names a scenario, the task that it means, and other tasks it can be asked under."""

    section: str
    task: Task
    also: tuple[Task, ...] = ()


PLACES: dict[Scenario, ArticlePlace] = {
    scenario: ArticlePlace(section, task, tuple(other for other in Task if scenario in other.row.also_in))
    for task in Task
    for scenario, section in task.row.places.items()
}


def read_task(name: str) -> Task:
    """Return the task of that name.

    Raises: UnknownTask, with the nearest name.
    """
    if name in _BY_NAME:
        return _BY_NAME[name]
    others = {other: task for task in Task for other in task.row.other_names}
    close = near(name, [*Task, *others])
    raise UnknownTask(Task, others.get(close, close) if close else None)


def read_scenario(name: str) -> Scenario:
    """Return the scenario of that name.

    Raises: UnknownScenario, with the nearest name.
    """
    if name in tuple(Scenario):
        return Scenario(name)
    raise UnknownScenario(Scenario, near(name, Scenario))


def read_task_and_scenario(task: str | None, scenario: str | None) -> tuple[Task, Scenario | None]:
    """Return both as known names; a scenario alone implies its task.

    Raises: NoTask, UnknownTask, UnknownScenario.
    """
    case = None if scenario is None else read_scenario(scenario)
    if task is not None:
        return read_task(task), case
    if case is None:
        raise NoTask(Task, Scenario)
    return PLACES[case].task, case
