"""Metrics against independent references: other functions of scikit-learn, or the definition written out row by row."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from sklearn import metrics as sk

from recommender.metrics import METRICS, Judged, score
from recommender.tasks import Task

N, CLASSES = 60, 4
DRAW = np.random.default_rng(7)
TRUTH = DRAW.gamma(2.0, 3.0, N)
SAID = TRUTH * DRAW.lognormal(0.0, 0.3, N)
LABELS = (DRAW.random(N) < 0.4).astype(int)
CHANCES = np.clip(0.25 + 0.4 * LABELS + DRAW.normal(0, 0.2, N), 0.02, 0.98)
IDS = DRAW.integers(0, CLASSES, N)
SHARES = DRAW.dirichlet(np.ones(CLASSES), N) * 0.6 + 0.4 * np.eye(CLASSES)[IDS]
GRADES, LISTS = DRAW.integers(0, 5, N), DRAW.permutation(np.arange(N) % 5)
LISTED = Judged(GRADES, GRADES + DRAW.normal(0, 2, N).round(), queries=LISTS)
NUMBERS, PAIR, CLASS = Judged(TRUTH, SAID), Judged(LABELS, CHANCES), Judged(IDS, SHARES)
GIVEN = {Task.REGRESSION: NUMBERS, Task.BINARY: PAIR, Task.MULTICLASS: CLASS, Task.ORDINAL: CLASS, Task.RANKING: LISTED}
COMPUTED = [name for name, metric in METRICS.items() if metric.compute]
PAIRS = [(name, task) for name in COMPUTED for task in GIVEN if task in METRICS[name].tasks]
OF_ROWS = [(name, task) for name, task in PAIRS if not METRICS[name].of_lists]


def mean(values: object) -> float:
    return math.fsum(values) / N  # type: ignore[arg-type] # a generator of numbers


def ranked(own: Judged) -> float:
    total = 0.0
    for truth, shares in zip(own.targets, own.predictions, strict=True):
        for grade in range(CLASSES - 1):
            total += (sum(shares[: grade + 1]) - (truth <= grade)) ** 2 / (CLASSES - 1)
    return float(total / N)


def kappa(own: Judged) -> float:
    grades = np.rint(own.predictions @ np.arange(CLASSES)).astype(int)
    pairs = list(zip(own.targets.tolist(), grades.tolist(), strict=True))
    observed = mean((truth - said) ** 2 for truth, said in pairs)
    expected = sum((truth - said) ** 2 for truth, _ in pairs for _, said in pairs) / N**2
    return float(1 - observed / expected)


def above(own: Judged) -> float:
    """Return the share of pairs of a positive and a negative that are in order."""
    ups, downs = own.predictions[own.targets == 1], own.predictions[own.targets == 0]
    return float(sum((up > down) + (up == down) / 2 for up in ups for down in downs) / (len(ups) * len(downs)))


def confusion(own: Judged) -> tuple[int, int, int, int]:
    """Return true positives, false positives, false negatives and true negatives at one half."""
    said = own.predictions >= 0.5
    return tuple(  # type: ignore[return-value] # four
        int(((own.targets == truth) & (said == positive)).sum())
        for truth, positive in ((1, True), (0, True), (1, False), (0, False))
    )


def f1(own: Judged) -> float:
    hits, alarms, misses, _ = confusion(own)
    return 2 * hits / (2 * hits + alarms + misses)


def mcc(own: Judged) -> float:
    hits, alarms, misses, rest = confusion(own)
    size = (hits + alarms) * (hits + misses) * (rest + alarms) * (rest + misses)
    return (hits * rest - alarms * misses) / math.sqrt(size)


def precision(own: Judged) -> float:
    """Return the mean over positives of the precision at their place in the order."""
    order = np.argsort(-own.predictions)
    hits = own.targets[order] == 1
    return float((np.cumsum(hits) / np.arange(1, N + 1))[hits].mean())


REFERENCES: dict[tuple[str, Task], Callable[[Judged], float]] = {
    ("rmse", Task.REGRESSION): lambda own: sk.root_mean_squared_error(own.targets, own.predictions),
    ("mae", Task.REGRESSION): lambda own: sk.mean_absolute_error(own.targets, own.predictions),
    ("median_ae", Task.REGRESSION): lambda own: sk.median_absolute_error(own.targets, own.predictions),
    ("rmsle", Task.REGRESSION): lambda own: sk.root_mean_squared_log_error(own.targets, own.predictions),
    ("mape", Task.REGRESSION): lambda own: mean(abs(p - t) / t for t, p in zip(*own[:2], strict=True)),
    ("smape", Task.REGRESSION): lambda own: mean(2 * abs(p - t) / (t + p) for t, p in zip(*own[:2], strict=True)),
    ("pinball", Task.REGRESSION): lambda own: sk.mean_pinball_loss(own.targets, own.predictions, alpha=own.quantile),
    ("poisson_deviance", Task.REGRESSION): lambda own: mean(
        2 * (t * math.log(t / p) + p - t) for t, p in zip(*own[:2], strict=True)
    ),
    ("ratio_of_totals", Task.REGRESSION): lambda own: math.fsum(own.predictions) / math.fsum(own.targets),
    ("log_loss", Task.BINARY): lambda own: mean(-math.log(p if t else 1 - p) for t, p in zip(*own[:2], strict=True)),
    ("log_loss", Task.MULTICLASS): lambda own: mean(-math.log(p[t]) for t, p in zip(*own[:2], strict=True)),
    ("brier", Task.BINARY): lambda own: sk.brier_score_loss(own.targets, own.predictions),
    ("brier", Task.MULTICLASS): lambda own: mean(
        sum((p[k] - (k == t)) ** 2 for k in range(CLASSES)) for t, p in zip(*own[:2], strict=True)
    ),
    ("auc", Task.BINARY): above,
    ("auc", Task.MULTICLASS): lambda own: float(
        np.mean([above(Judged((own.targets == k).astype(int), own.predictions[:, k])) for k in range(CLASSES)])
    ),
    ("average_precision", Task.BINARY): precision,
    ("average_precision", Task.MULTICLASS): lambda own: float(
        np.mean([precision(Judged((own.targets == k).astype(int), own.predictions[:, k])) for k in range(CLASSES)])
    ),
    ("accuracy", Task.BINARY): lambda own: mean((p >= 0.5) == t for t, p in zip(*own[:2], strict=True)),
    ("accuracy", Task.MULTICLASS): lambda own: mean(p.argmax() == t for t, p in zip(*own[:2], strict=True)),
    ("balanced_accuracy", Task.BINARY): lambda own: float(
        np.mean([((own.predictions >= 0.5) == k)[own.targets == k].mean() for k in (0, 1)])
    ),
    ("balanced_accuracy", Task.MULTICLASS): lambda own: float(
        np.mean([(own.predictions.argmax(1) == k)[own.targets == k].mean() for k in range(CLASSES)])
    ),
    ("f1", Task.BINARY): f1,
    ("f1", Task.MULTICLASS): lambda own: float(
        np.mean(
            [
                f1(Judged((own.targets == k).astype(int), (own.predictions.argmax(1) == k).astype(float)))
                for k in range(CLASSES)
            ]
        )
    ),
    ("mcc", Task.BINARY): mcc,
    ("expected_cost", Task.BINARY): lambda own: mean(
        (own.false_negative_cost if t else 1.0) * ((p >= 0.5) != t) for t, p in zip(*own[:2], strict=True)
    ),
    ("qwk", Task.ORDINAL): kappa,
    ("ranked_probability_score", Task.ORDINAL): ranked,
    ("ndcg", Task.RANKING): lambda own: float(
        np.mean(
            [
                sk.ndcg_score([2.0 ** own.targets[own.queries == k] - 1], [own.predictions[own.queries == k]], k=10)
                for k in set(LISTS)
            ]
        )
    ),
}


@pytest.mark.parametrize(("name", "task"), REFERENCES)
def test_a_metric_is_what_its_definition_says(name: str, task: Task) -> None:
    own = GIVEN[task]._replace(quantile=0.8, false_negative_cost=5.0)

    assert score(name, own) == pytest.approx(REFERENCES[name, task](own), rel=1e-12)


@pytest.mark.parametrize(("name", "task"), OF_ROWS)
def test_a_row_of_weight_two_counts_as_two_rows(name: str, task: Task) -> None:
    own = GIVEN[task]
    times = np.random.default_rng(1).integers(1, 4, N)
    repeated = own._replace(targets=own.targets.repeat(times), predictions=own.predictions.repeat(times, axis=0))
    if name == "median_ae" and times.sum() % 2 == 0:  # the median of an even number lies between two rows
        times[0] += 1
        repeated = own._replace(targets=own.targets.repeat(times), predictions=own.predictions.repeat(times, axis=0))

    weighted = score(name, own._replace(weights=times.astype(float)))

    assert weighted == pytest.approx(score(name, repeated), rel=1e-12)


def test_every_metric_that_is_computed_has_a_reference() -> None:
    assert {name for name, _ in REFERENCES} == set(COMPUTED)


@pytest.mark.parametrize(("name", "task"), PAIRS)
def test_a_perfect_prediction_is_best(name: str, task: Task) -> None:
    own, metric = GIVEN[task], METRICS[name]
    exact = own.targets if own.predictions.ndim == 1 else np.eye(CLASSES)[own.targets]
    perfect = score(name, own._replace(predictions=np.asarray(exact, dtype=float)))

    assert metric.cost(perfect) <= metric.cost(score(name, own))
