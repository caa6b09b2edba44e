"""The function that measures each kind of input."""

from collections.abc import Callable

from recommender.measure.classes.classification import binary, grades, multiclass, multilabel
from recommender.measure.classes.embeddings import similarity
from recommender.measure.measurement import Given, TaskMeasurement
from recommender.measure.numbers.regression import regression
from recommender.measure.pictures.boxes import detection
from recommender.measure.pictures.segmentation import segmentation
from recommender.tasks import InputKind

MEASURES: dict[InputKind, Callable[[Given], TaskMeasurement]] = {
    "numbers": regression,
    "pair": binary,
    "labels": multilabel,
    "classes": multiclass,
    "grades": grades,
    "masks": segmentation,
    "boxes": detection,
    "embeddings": similarity,
}
