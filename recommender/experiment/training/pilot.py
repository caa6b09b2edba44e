"""The profile with which the rule books are asked: facts of the target from the predictions of a simple pilot model."""

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch

from recommender.experiment.features import Features
from recommender.experiment.target import Target
from recommender.measure import measure_profile
from recommender.measure.classes.label_noise import PredictionKind
from recommender.profile import Profile
from recommender.tasks import Task

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

UNPREDICTED = (Task.MULTILABEL, Task.ORDINAL, Task.RANKING)  # of which facts are counted on the targets alone
PROBABILITIES: PredictionKind = "probabilities"
PILOT_FOLDS = 3
PILOT_ROWS = 5_000  # beyond it a fact of the target is known well enough


def pilot_profile(target: Target, features: Features, seed: int) -> Profile:
    """Return facts of the target, measured with the out-of-fold predictions of a pilot model."""
    rng = np.random.default_rng(seed)
    sample = np.sort(rng.permutation(len(target.values))[:PILOT_ROWS])
    values = target.values[sample]
    x = features.rows(sample).prepared(np.arange(len(sample)))
    targets = torch.from_numpy(values if target.classes is None else values.astype(np.int64))
    pilot, kind = None, None
    if target.task not in UNPREDICTED and _is_enough(values, target):
        pilot = torch.from_numpy(_pilot(x, values, target))
        kind = None if target.classes is None else PROBABILITIES
    measured = measure_profile(target.task, targets, pilot, features=x.shape[1] + 1, predictions_are=kind)
    return measured.profile.model_copy(update={"n": target.n})


def _is_enough(values: np.ndarray, target: Target) -> bool:
    """Return whether each fold of the pilot can have a row, and for classes one of each class."""
    counts = (
        [len(values)] if target.ids is None else np.bincount(values.astype(int), minlength=len(target.classes or ()))
    )
    return min(counts) >= PILOT_FOLDS


def _pilot(x: np.ndarray, values: np.ndarray, target: Target) -> np.ndarray:
    """Return out-of-fold predictions of a robust linear model, or of a logistic one for classes."""
    from sklearn.linear_model import HuberRegressor, LogisticRegression  # noqa: PLC0415 - scikit-learn is slow to import
    from sklearn.model_selection import cross_val_predict  # noqa: PLC0415 - as above

    with blas_threads().limit(limits=1):  # its threads spin on matrices of this size: 13 times the time, beside others
        if target.classes is not None:
            chances = cross_val_predict(
                LogisticRegression(max_iter=200), x, values.astype(int), cv=PILOT_FOLDS, method="predict_proba"
            )
            return np.asarray(chances[:, 1] if target.outputs == 1 else chances, dtype=np.float64)
        centre, spread = robust(values)
        scaled = (values - centre) / spread
        pilot = cross_val_predict(HuberRegressor(max_iter=200, alpha=1.0), x, scaled, cv=PILOT_FOLDS)
    return np.asarray(centre + spread * pilot, dtype=np.float64)


@lru_cache(maxsize=1)
def blas_threads() -> "ThreadpoolController":
    """Return the controller of the threads of the linear algebra that scikit-learn calls."""
    import sklearn.linear_model  # noqa: PLC0415, F401 - it loads that library; slow to import
    from threadpoolctl import ThreadpoolController  # noqa: PLC0415 - comes with scikit-learn

    return ThreadpoolController().select(user_api="blas")


def robust(values: np.ndarray | Sequence[float]) -> tuple[float, float]:
    """Return the median, and the spread as 1.4826 median absolute deviations; the deviation where that is 0."""
    array = np.asarray(values, dtype=np.float64)
    centre = float(np.median(array))
    return centre, float(1.4826 * np.median(np.abs(array - centre))) or float(array.std()) or 1.0
