"""Medcouple, L-kurtosis and tail index: those of their definitions."""

from itertools import combinations, product

import numpy as np
import pytest
import torch

from recommender.measure.numbers.residuals import (
    skewness,
    tail_index,
)
from recommender.measure.stats import l_kurtosis, medcouple
from tests.recommender.measure.measured import NORMAL, summary_of
from tests.recommender.measure.test_regression import drawn


def by_definition(values: list[float]) -> float:
    """Return the medcouple over all pairs, ties at the median by rank, as its authors define it."""
    centre = float(np.median(values))
    up, down = sorted(v for v in values if v >= centre), sorted(v for v in values if v <= centre)
    ties = sum(v == centre for v in values)
    kernel = []
    for high, low in product(range(len(up)), range(len(down))):
        x, y = up[high], down[low]
        if x == y:
            kernel.append(float(np.sign(ties - 1 - high - (len(down) - 1 - low))) * -1)
        else:
            kernel.append(((x - centre) - (centre - y)) / (x - y))
    return float(np.median(kernel))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([1.0, 2.0, 3.0], 0.0),
        ([1.0, 2.0, 10.0], 7 / 18),
        ([0.0, 1.0, 2.0, 7.0], by_definition([0.0, 1.0, 2.0, 7.0])),
        ([-10.0, 1.0, 2.0], -5 / 12),
        ([5.0] * 9, 0.0),
        ([0.0, 0.0, 0.0, 1.0, 2.0], by_definition([0.0, 0.0, 0.0, 1.0, 2.0])),
        ([0.0, 3.0, 3.0, 3.0, 4.0, 9.0], by_definition([0.0, 3.0, 3.0, 3.0, 4.0, 9.0])),
    ],
)
def test_the_medcouple_is_the_median_over_pairs(values: list[float], expected: float) -> None:
    assert medcouple(np.array(values)) == pytest.approx(expected)


def test_the_medcouple_of_a_sample_is_that_of_its_definition_and_turns_with_it() -> None:
    values = (NORMAL[:61] ** 2).numpy()

    assert medcouple(np.sort(values)) == pytest.approx(by_definition(values.tolist()))
    assert medcouple(np.sort(-values)) == pytest.approx(-by_definition(values.tolist()))


def test_the_interval_of_the_medcouple_covers_the_truth() -> None:
    skews = [skewness(summary_of(part)) for part in NORMAL[:60_000].reshape(200, 300)]

    covered = sum(one.interval[0] <= 0 <= one.interval[1] for one in skews if one.interval)

    assert covered / 200 == pytest.approx(0.95, abs=0.04)


@pytest.mark.parametrize(
    ("distribution", "expected"),
    [
        (torch.distributions.Normal(0.0, 1.0), 0.1226),
        (torch.distributions.Uniform(0.0, 1.0), 0.0),
        (torch.distributions.Exponential(1.0), 1 / 6),
        (torch.distributions.Gumbel(0.0, 1.0), 0.1504),
    ],
)
def test_l_kurtosis_of_known_distributions(distribution: torch.distributions.Distribution, expected: float) -> None:
    assert l_kurtosis(drawn(distribution).sort().values.numpy()) == pytest.approx(expected, abs=0.012)


def test_l_kurtosis_by_hand() -> None:
    values = np.array([1.0, 2.0, 4.0, 8.0, 16.0])

    quadruples = np.array([np.sort(values[list(four)]) for four in combinations(range(5), 4)])
    pairs = np.array([np.sort(values[list(two)]) for two in combinations(range(5), 2)])
    fourth = (quadruples @ [-1, 3, -3, 1]).mean() / 4
    second = (pairs @ [-1, 1]).mean() / 2

    assert l_kurtosis(values) == pytest.approx(fourth / second)


@pytest.mark.parametrize("freedom", [1.0, 2.0, 3.0])
def test_the_tail_index_of_students_t_is_its_degrees_of_freedom(freedom: float) -> None:
    index = tail_index(summary_of(drawn(torch.distributions.StudentT(freedom))))

    assert index is not None
    assert index.value == pytest.approx(freedom, rel=0.15)
    assert index.interval == pytest.approx((index.value * 0.902, index.value * 1.098), rel=1e-3)  # k = 400


def test_the_tail_index_is_hills_over_the_largest() -> None:
    values = drawn(torch.distributions.Pareto(1.0, 2.5), 2500)
    distances = (values - values.median()).abs().sort(descending=True).values.numpy()
    k = 100

    index = tail_index(summary_of(torch.cat([values, values.median()[None]])))

    assert index is not None
    assert index.method == f"Hill, largest {k}"
    assert index.value == pytest.approx(1 / np.log(distances[:k] / distances[k]).mean())
