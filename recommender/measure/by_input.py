"""The function that measures each kind of input."""

from collections.abc import Callable

from recommender.measure.boxes import detection
from recommender.measure.classification import binary, grades, multiclass, multilabel
from recommender.measure.embeddings import similarity
from recommender.measure.measurement import Given, TaskMeasurement
from recommender.measure.regression import regression
from recommender.measure.segmentation import segmentation
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
