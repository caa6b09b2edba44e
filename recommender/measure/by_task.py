"""Which function measures the arrays of which task."""

from collections.abc import Callable

from recommender.measure.boxes import detection
from recommender.measure.classification import binary, multiclass, multilabel
from recommender.measure.embeddings import similarity
from recommender.measure.measurement import Found, Given
from recommender.measure.regression import regression
from recommender.measure.segmentation import segmentation
from recommender.tasks import Task

MEASURES: dict[Task, Callable[[Given], Found]] = {
    Task.REGRESSION: regression,
    Task.BINARY: binary,
    Task.MULTILABEL: multilabel,
    Task.MULTICLASS: multiclass,
    Task.SEGMENTATION: segmentation,
    Task.DETECTION: detection,
    Task.SIMILARITY: similarity,
}
