"""The metrics that models are judged by: what each rewards, and how to train for it.

A metric is not a loss: training minimises the loss, while the metric judges the result. Each row states the functional
of the targets that is optimal under the metric (what it elicits), and the training that leads to it. A new metric is
one row of `METRICS`.
"""

import numpy as np

from recommender.metrics.metric import Judged, Metric
from recommender.metrics.table import METRICS, metrics_of, read_metric

__all__ = ["METRICS", "Judged", "Metric", "metrics_of", "read_metric", "score"]


def score(metric: str, judged: Judged) -> float:
    """Return the value of a metric on predictions.

    Raises: UnknownMetric; ValueError where the metric is not defined on these targets.
    """
    compute = read_metric(metric).compute
    if compute is None:
        raise ValueError(f"{metric} is not computed from a table of predictions")
    if judged.targets.ndim > 1:  # several labels: the mean over those that occur and do not always
        pairs = zip(judged.targets.T, judged.predictions.T, strict=True)
        each = [judged._replace(targets=own, predictions=given) for own, given in pairs if own.min() < own.max()]
        return float(np.mean([compute(label) for label in each]))
    return float(compute(judged))
