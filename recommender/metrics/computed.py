"""The computation of each metric, by scikit-learn where it has the metric."""

from collections.abc import Callable

import numpy as np

from recommender.metrics.metric import Judged, Numbers

TOP = 10  # places that nDCG looks at


def of_sklearn(function: str, *, clip: float | None = None, **options: object) -> Callable[[Judged], float]:
    """Return a metric of scikit-learn on targets and predictions; predictions below `clip` are raised to it."""

    def compute(judged: Judged) -> float:
        """Return the value of the metric."""
        from sklearn import metrics  # noqa: PLC0415 - it takes half a second, which an answer without it need not

        predictions = judged.predictions if clip is None else np.maximum(judged.predictions, clip)
        return float(getattr(metrics, function)(judged.targets, predictions, sample_weight=judged.weights, **options))

    return compute


def decided(function: str, **options: object) -> Callable[[Judged], float]:
    """Return a metric of scikit-learn on targets and predicted classes."""

    def compute(judged: Judged) -> float:
        """Return the value of the metric."""
        from sklearn import metrics  # noqa: PLC0415 - as above

        averaged = {"average": "macro"} if function == "f1_score" and judged.predictions.ndim > 1 else {}
        decided = decide(judged)
        return float(
            getattr(metrics, function)(judged.targets, decided, sample_weight=judged.weights, **options, **averaged)
        )

    return compute


def decide(judged: Judged) -> Numbers:
    """Return the class that each row of probabilities predicts, shape (n)."""
    if judged.predictions.ndim > 1:
        return np.asarray(judged.predictions.argmax(1))
    return (judged.predictions >= judged.cut).astype(int)


def log_loss(judged: Judged) -> float:
    """Return the mean negative log-probability of the true classes."""
    from sklearn.metrics import log_loss  # noqa: PLC0415 - as above

    classes = judged.predictions.shape[1] if judged.predictions.ndim > 1 else 2
    predictions = judged.predictions.astype(float)
    if predictions.ndim > 1:
        predictions = predictions / predictions.sum(1, keepdims=True)
    return float(log_loss(judged.targets, predictions, sample_weight=judged.weights, labels=list(range(classes))))


def brier(judged: Judged) -> float:
    """Return the mean squared distance between probabilities and outcomes; for several classes, summed over them."""
    if judged.predictions.ndim == 1:
        errors = (judged.predictions - judged.targets) ** 2
    else:
        errors = ((judged.predictions - np.eye(judged.predictions.shape[1])[judged.targets.astype(int)]) ** 2).sum(1)
    return float(np.average(errors, weights=judged.weights))


def median_ae(judged: Judged) -> float:
    """Return the median absolute error; with weights, the smallest error with half of the weight at or below it."""
    errors = np.abs(judged.predictions - judged.targets)
    if judged.weights is None:
        return float(np.median(errors))
    order = np.argsort(errors)
    below = np.cumsum(judged.weights[order])
    return float(errors[order][np.searchsorted(below, below[-1] / 2)])


def auc(judged: Judged) -> float:
    """Return the area under the ROC curve."""
    from sklearn.metrics import roc_auc_score  # noqa: PLC0415 - as above

    if judged.predictions.ndim == 1:
        return float(roc_auc_score(judged.targets, judged.predictions, sample_weight=judged.weights))
    predictions = judged.predictions / judged.predictions.sum(1, keepdims=True)
    labels = list(range(predictions.shape[1]))
    kinds = {"multi_class": "ovr", "average": "macro", "labels": labels}
    return float(roc_auc_score(judged.targets, predictions, sample_weight=judged.weights, **kinds))


def average_precision(judged: Judged) -> float:
    """Return the average precision."""
    from sklearn.metrics import average_precision_score  # noqa: PLC0415 - as above

    if judged.predictions.ndim == 1:
        return float(average_precision_score(judged.targets, judged.predictions, sample_weight=judged.weights))
    outcomes = np.eye(judged.predictions.shape[1])[judged.targets.astype(int)]
    return float(average_precision_score(outcomes, judged.predictions, sample_weight=judged.weights))


def rmsle(judged: Judged) -> float:
    """Return the root mean squared error of log(1 + x)."""
    errors = np.log1p(np.maximum(judged.predictions, 0.0)) - np.log1p(judged.targets)
    return float(np.sqrt(np.average(errors**2, weights=judged.weights)))


def rmse(judged: Judged) -> float:
    """Return the root mean squared error."""
    return float(np.sqrt(np.average((judged.predictions - judged.targets) ** 2, weights=judged.weights)))


def mae(judged: Judged) -> float:
    """Return the mean absolute error."""
    return float(np.average(np.abs(judged.predictions - judged.targets), weights=judged.weights))


def smape(judged: Judged) -> float:
    """Return the symmetric mean absolute percentage error."""
    sizes = np.abs(judged.predictions) + np.abs(judged.targets)
    errors = 2 * np.abs(judged.predictions - judged.targets) / np.where(sizes == 0, 1.0, sizes)
    return float(np.average(errors, weights=judged.weights))


def pinball(judged: Judged) -> float:
    """Return the mean pinball loss at the quantile of the goal."""
    errors = judged.targets - judged.predictions
    return float(
        np.average(np.maximum(judged.quantile * errors, (judged.quantile - 1) * errors), weights=judged.weights)
    )


def ratio_of_totals(judged: Judged) -> float:
    """Return the sum of predictions divided by the sum of targets."""
    weights = np.ones(len(judged.targets)) if judged.weights is None else judged.weights
    return float((weights * judged.predictions).sum() / (weights * judged.targets).sum())


def ranked_probability(judged: Judged) -> float:
    """Return the ranked probability score: the squared distance of cumulative probabilities from the outcome.

    It is averaged over the rows and the thresholds between classes.
    """
    places = np.arange(judged.predictions.shape[1] - 1)
    reached = judged.targets[:, None] <= places
    errors = ((judged.predictions.cumsum(1)[:, :-1] - reached) ** 2).mean(1)
    return float(np.average(errors, weights=judged.weights))


def kappa(judged: Judged) -> float:
    """Return the quadratic weighted kappa of the grades nearest to the predicted means."""
    from sklearn.metrics import cohen_kappa_score  # noqa: PLC0415 - as above

    grades = np.arange(judged.predictions.shape[1])
    decided = np.rint(judged.predictions @ grades).astype(int)
    return float(
        cohen_kappa_score(judged.targets, decided, labels=grades, weights="quadratic", sample_weight=judged.weights)
    )


def expected_cost(judged: Judged) -> float:
    """Return the mean cost of decisions, a missed positive costing `false_negative_cost` false alarms."""
    decided = decide(judged)
    costs = np.where(judged.targets == 1, judged.false_negative_cost, 1.0) * (decided != judged.targets)
    return float(np.average(costs, weights=judged.weights))


def ndcg(judged: Judged) -> float:
    """Return the mean over queries of nDCG at 10, with gains 2^y - 1.

    Items with equal scores share the gains of their ranks (McSherry & Najork 2008, doi:10.1007/978-3-540-78646-7_38).
    Queries may have any length, unlike scikit-learn's matrix. A query without a relevant item has no nDCG.

    Raises: ValueError where there are no queries.
    """
    if judged.queries is None:
        raise ValueError("ndcg takes the query of each row")
    order = np.lexsort((-judged.predictions, judged.queries))
    queries, relevance, scores = judged.queries[order], judged.targets[order], judged.predictions[order]
    is_first = np.r_[True, queries[1:] != queries[:-1]]
    first = np.flatnonzero(is_first)
    query = np.cumsum(is_first) - 1
    place = np.arange(len(order)) - first[query]
    worth = np.where(place < TOP, 1 / np.log2(place + 2), 0.0)
    largest = np.maximum.reduceat(relevance, first)[query]
    gains = np.exp2(relevance - largest) - np.exp2(-largest)  # over 2^largest, which may leave the range of float64
    equal = np.cumsum(is_first | np.r_[True, scores[1:] != scores[:-1]]) - 1
    shared = (np.bincount(equal, worth) / np.bincount(equal))[equal]
    gained = np.add.reduceat(gains * shared, first)
    best = np.add.reduceat(gains[np.lexsort((-relevance, queries))] * worth, first)
    return float((gained[best > 0] / best[best > 0]).mean())
