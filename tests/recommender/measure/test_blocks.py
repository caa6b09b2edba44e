"""Measuring in blocks: the same numbers however arrays are cut and merged, and order statistics that are exact."""

import itertools
import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor

from recommender.measure.accumulators import CentralMoments, EndCounts, Largest, QuantileBracket, brackets
from recommender.measure.numbers import residual_scores, robust_scale
from recommender.measure.numbers.residual_blocks import Array, ResidualStream
from recommender.measure.numbers.residual_scores import OutlierLimits, ResidualScores, ResidualSummary
from recommender.measure.numbers.residuals import (
    one_sidedness,
    outlier_magnitude,
    outlier_rate,
    residual_scale,
    tail_index,
)
from recommender.measure.numbers.target_values import Amounts
from tests.recommender.measure.measured import NORMAL, summary_of

N = 20_000
ARRAYS = {
    "normal": NORMAL[:N],
    "outliers": torch.cat([NORMAL[: N - 500], NORMAL[:500] * 30 + 5]),
    "sorted": NORMAL[:N].sort().values,
    "ties": (NORMAL[:N] * 2).round(),
    "half zeros": NORMAL[:N].clamp(min=0),
    "constant": torch.full((N,), 3.5, dtype=torch.float64),
    "far from zero": NORMAL[:N] + 1e9,
    "huge": NORMAL[:N] * 1e307,
    "half": NORMAL[:N].half(),
    "bfloat16": NORMAL[:N].bfloat16(),
    "integers": (NORMAL[:N] * 1e6).int(),
}
FEW = 1000  # in the sample: some thousands are then as many as millions are
every_array = pytest.mark.parametrize("values", ARRAYS.values(), ids=ARRAYS.keys())


def facts(drawn: ResidualSummary) -> list[float]:
    measured = [one(drawn) for one in (outlier_rate, residual_scale, one_sidedness, outlier_magnitude, tail_index)]
    return [math.nan if one is None else one.value for one in measured] + [
        float(drawn.scores.beyond_fence),
        float(drawn.scores.beyond_classic),
    ]


@every_array
@pytest.mark.parametrize("count", [1, 7, 1000])
def test_the_number_of_blocks_changes_nothing(values: Tensor, count: int) -> None:
    whole = summary_of(values, sample_size=FEW)

    with np.errstate(all="ignore"):
        cut = residual_scores.summarise(ResidualStream(values, block=math.ceil(N / count), sample_size=FEW))

    assert facts(cut) == pytest.approx(facts(whole), rel=1e-12, nan_ok=True)


@every_array
def test_passes_over_many_blocks_give_what_sorting_everything_gives(values: Tensor) -> None:
    in_memory = summary_of(values)

    streamed = summary_of(values, sample_size=FEW)

    assert streamed.passes == (5 if in_memory.spread.shift else 3)
    assert in_memory.spread.centre == streamed.spread.centre
    assert in_memory.spread.mad == streamed.spread.mad
    assert facts(streamed) == pytest.approx(facts(in_memory), rel=1e-12, nan_ok=True)


def test_outputs_beside_one_another_are_measured_one_by_one() -> None:
    columns = [NORMAL[:5000], 100 + 7 * NORMAL[5000:10_000], NORMAL[10_000:15_000] ** 3]

    together = summary_of(torch.stack(columns, dim=1), sample_size=FEW).spread

    for place, column in enumerate(columns):
        alone = summary_of(column, sample_size=FEW).spread
        assert (together.centre[place], together.mad[place]) == (alone.centre[0], alone.mad[0])


def test_of_many_outputs_groups_fit_in_memory_and_give_the_same() -> None:
    values = NORMAL[:12_000].reshape(100, 120)
    in_one_block = summary_of(values)

    in_groups = summary_of(values, sample_size=FEW)

    assert np.array_equal(in_groups.spread.mad, in_one_block.spread.mad)
    assert facts(in_groups)[:2] == facts(in_one_block)[:2]


def test_an_order_statistic_is_that_of_the_sorted_numbers() -> None:
    values = NORMAL[:N].numpy()
    sample = np.sort(values[::20])

    for quantile in (0.0, 0.01, 0.25, 0.5, 0.9, 1.0):
        (order,) = brackets(sample, (quantile,), 0)
        for part in np.array_split(values, 13):
            order.add(part)
        order_statistic = order.quantile(quantile)
        assert order_statistic == pytest.approx(np.quantile(values, quantile), rel=1e-12)
        assert quantile in {0.0, 1.0} or order.inside.all.size < N / 3


def test_a_bracket_that_misses_says_so_and_a_wider_one_is_taken() -> None:
    low = QuantileBracket(-9.0, -8.0)
    low.add(np.arange(10.0))

    assert low.quantile(0.5) is None

    sample = np.linspace(100, 200, 50)
    widths = [brackets(sample, (0.5,), tries)[0] for tries in range(3)]
    assert [(order.low, order.high) == (-math.inf, math.inf) for order in widths] == [False, True, True]


def test_a_sample_that_misleads_costs_passes_and_no_digit(monkeypatch: pytest.MonkeyPatch) -> None:
    values = NORMAL[:N]
    honest = summary_of(values, sample_size=FEW)
    drawn = torch.zeros(FEW, dtype=torch.int64)
    monkeypatch.setattr(torch, "randint", lambda *_, **__: drawn)

    misled = summary_of(values, sample_size=FEW)

    assert misled.passes > honest.passes
    assert facts(misled) == pytest.approx(facts(honest), rel=1e-12)


def filled(make: Callable[[], ResidualScores], stream: ResidualStream) -> list[ResidualScores]:
    parts = []
    for block in stream.blocks():
        part = make()
        part.add(block)
        parts.append(part)
    return parts


def test_scores_merge_in_any_order() -> None:
    stream = ResidualStream(ARRAYS["outliers"], block=4000)
    limits = OutlierLimits.of(robust_scale.robust_spread(stream))

    def make() -> ResidualScores:
        return ResidualScores(limits, QuantileBracket(3.5, 20.0), Largest(100))

    results = []
    for order in itertools.permutations(range(5)):
        parts = filled(make, stream)
        total = make()
        for place in order:
            total.merge(parts[place])
        results.append((total.flagged, total.above, total.magnitude.quantile(0.5), *total.tail.finish()))

    assert len(set(results)) == 1
    assert results[0][0] == summary_of(ARRAYS["outliers"]).scores.flagged


def test_moments_and_amounts_merge_as_if_never_parted() -> None:
    values = 1e6 + NORMAL[:N].numpy() ** 2
    parts = [CentralMoments.of(part) for part in np.array_split(values, 7)]
    total = CentralMoments()
    for part in reversed(parts):
        total.merge(part)

    off = values - values.mean()
    assert total.n == N
    assert total.mean == pytest.approx(values.mean(), rel=1e-14)
    assert total.deviation == pytest.approx(values.std(ddof=1), rel=1e-10)
    assert total.skewness == pytest.approx((off**3).mean() / values.std() ** 3, rel=1e-9)
    assert total.kurtosis == pytest.approx((off**4).mean() / values.std() ** 4 - 3, rel=1e-9)

    one, other, both = (Amounts(floor=1.0) for _ in range(3))
    stream = ResidualStream((NORMAL[:N] * 3).round().abs(), NORMAL[:N].abs() + 0.5, block=N // 2)
    for half, block in zip((one, other), stream.blocks(), strict=True):
        half.add(block)
        both.add(block)
    other.merge(one)
    assert (other.ends, other.zeros, other.whole, other.floored) == (both.ends, both.zeros, both.whole, both.floored)
    assert other.squares == pytest.approx(both.squares, rel=1e-12)


@pytest.mark.parametrize("parts", [1, 3, 50])
def test_ends_count_how_often_they_occur(parts: int) -> None:
    values = np.array([3.0, 1.0, 1.0, 2.0, 9.0, 9.0, 9.0, 1.0] * 25)
    ends = EndCounts()
    for part in np.array_split(values, parts):
        ends.add(part)

    assert (ends.least, ends.at_least, ends.most, ends.at_most) == (1.0, 75, 9.0, 75)


def test_the_largest_numbers_are_kept_whatever_their_order() -> None:
    for values in (NORMAL[:N].numpy(), np.sort(NORMAL[:N].numpy()), np.ones(N)):
        largest = Largest(50)
        for part in np.array_split(values, 30):
            largest.add(part)
        expected: Array = np.sort(values)[::-1][:50]
        assert np.array_equal(largest.finish(), expected)


def test_a_million_residuals_leave_no_array_of_their_size() -> None:
    values = NORMAL.float().repeat(3)
    kept = max(block.errors.nbytes for block in ResidualStream(values).blocks())

    summary = summary_of(values)

    assert summary.scores.magnitude.inside.all.nbytes + kept + summary.sample.nbytes < 0.4 * values.numel() * 8
