"""What can be asked about: the tasks, and the scenarios by which the article names them."""

from dataclasses import dataclass
from enum import StrEnum

from losses.errors import near
from losses.text import Text
from recommender.errors import NoTask, UnknownScenario, UnknownTask
from recommender.profile import Goal


class Task(StrEnum):
    """What the model puts out."""

    REGRESSION = "regression"
    BINARY = "binary"
    MULTILABEL = "multilabel"
    MULTICLASS = "multiclass"
    SEGMENTATION = "segmentation"
    DETECTION = "detection"
    SIMILARITY = "similarity"
    GENERATION = "generation"


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


@dataclass(frozen=True)
class Place:
    """Where a scenario stands in the article, the task it means, and other tasks it can be asked under."""

    section: str
    task: Task
    also: tuple[Task, ...] = ()


PLACES: dict[Scenario, Place] = {
    Scenario.HOUSE_PRICES: Place("1.1", Task.REGRESSION),
    Scenario.SALARIES: Place("1.2", Task.REGRESSION),
    Scenario.BOX_REGRESSION: Place("1.3", Task.REGRESSION, (Task.DETECTION,)),
    Scenario.SPAM: Place("2.1", Task.BINARY),
    Scenario.DISEASE_DIAGNOSIS: Place("2.1", Task.BINARY, (Task.MULTILABEL,)),
    Scenario.MULTILABEL_IMAGES: Place("2.1", Task.MULTILABEL),
    Scenario.IMAGE_CLASSIFICATION: Place("2.2", Task.MULTICLASS),
    Scenario.TEXT_MANY_CLASSES: Place("2.3", Task.MULTICLASS),
    # The article says two things of small objects: focal in 2.4, Dice in 3.3 and 4. The task decides.
    Scenario.SMALL_OBJECTS: Place("4", Task.SEGMENTATION, (Task.DETECTION,)),
    Scenario.RARE_DISEASE: Place("2.4", Task.BINARY, (Task.MULTILABEL, Task.MULTICLASS)),
    Scenario.FACE_RECOGNITION: Place("3.1", Task.SIMILARITY),
    Scenario.PERSON_REIDENTIFICATION: Place("3.1", Task.SIMILARITY),
    Scenario.SIMILARITY_MATCHING: Place("3.1", Task.SIMILARITY),
    Scenario.IMAGE_GENERATION: Place("3.2", Task.GENERATION),
    Scenario.STYLE_TRANSFER: Place("3.2", Task.GENERATION),
    Scenario.SUPER_RESOLUTION: Place("3.2", Task.GENERATION),
    Scenario.TUMOUR_SEGMENTATION: Place("3.3", Task.SEGMENTATION),
}


ONE_LABEL = (Task.BINARY, Task.MULTICLASS)
LABELLED = (*ONE_LABEL, Task.MULTILABEL)
# The article's key principle: classification cares about probabilities, regression about differences of values.
_PROBABILITIES = Goal(decision="probabilities")
DEFAULT_GOALS: dict[Task, Goal] = {
    Task.REGRESSION: Goal(functional="mean", outliers="errors"),
    Task.BINARY: _PROBABILITIES,
    Task.MULTILABEL: _PROBABILITIES,
    Task.MULTICLASS: _PROBABILITIES,
    Task.SEGMENTATION: Goal(segmentation="overlap", empty_masks=False),
    Task.GENERATION: Goal(generation="likelihood"),
}
_DECISION = "decision"
GOAL_PARTS = {  # the part of the goal that the metric follows
    Task.REGRESSION: "functional",
    Task.BINARY: _DECISION,
    Task.MULTILABEL: _DECISION,
    Task.MULTICLASS: _DECISION,
    Task.SEGMENTATION: "segmentation",
}
METRICS = {
    "mean": Text("root mean squared error", "均方根误差"),
    "median": Text("mean absolute error", "平均绝对误差"),
    "quantile": Text("pinball loss", "分位数损失"),
    "probabilities": Text("log loss and Brier score", "对数损失与 Brier 分数"),
    "ranking": Text("average precision", "平均精度"),
    "balanced": Text("balanced accuracy", "平衡准确率"),
    "accuracy": Text("accuracy", "准确率"),
    "distribution": Text("negative log likelihood on held-out data", "留出数据上的负对数似然"),
    "overlap": Text("Dice coefficient per image", "逐图 Dice 系数"),
    "boundary": Text("95th-percentile Hausdorff distance", "95 百分位 Hausdorff 距离"),
    "detection": Text("mean average precision", "平均精度均值(mAP)"),
    "similarity": Text("recall at 1", "首位召回率"),
    "generation": Text("Fréchet inception distance", "FID"),
}
YES_OR_NO = (Task.BINARY, Task.MULTILABEL, Task.SEGMENTATION)  # tasks whose answers are yes or no
WITHOUT_TARGETS = (Task.DETECTION, Task.SIMILARITY, Task.GENERATION)  # their losses take other arrays


# What else people call the tasks; good for a hint, not for an answer.
OTHER_NAMES = {
    "classification": Task.MULTICLASS,
    "binary_classification": Task.BINARY,
    "multiclass_classification": Task.MULTICLASS,
    "multilabel_classification": Task.MULTILABEL,
    "semantic_segmentation": Task.SEGMENTATION,
    "object_detection": Task.DETECTION,
    "metric_learning": Task.SIMILARITY,
    "gan": Task.GENERATION,
}


def read_task(name: str) -> Task:
    """Return the task of that name.

    Raises: UnknownTask, with the nearest name.
    """
    if name in tuple(Task):
        return Task(name)
    close = near(name, [*Task, *OTHER_NAMES])
    raise UnknownTask(Task, OTHER_NAMES.get(close, close) if close else None)


def read_scenario(name: str) -> Scenario:
    """Return the scenario of that name.

    Raises: UnknownScenario, with the nearest name.
    """
    if name in tuple(Scenario):
        return Scenario(name)
    raise UnknownScenario(Scenario, near(name, Scenario))


def settle(task: str | None, scenario: str | None) -> tuple[Task, Scenario | None]:
    """Return both as known names; a scenario alone implies its task.

    Raises: NoTask, UnknownTask, UnknownScenario.
    """
    case = None if scenario is None else read_scenario(scenario)
    if task is not None:
        return read_task(task), case
    if case is None:
        raise NoTask(Task, Scenario)
    return PLACES[case].task, case
