"""Facts of a regression at known operating points, and against other ways to compute them."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor

from recommender.measure import measure_profile
from recommender.measure.numbers.heteroscedasticity import (
    heteroscedasticity,
    ranks,
    relation_details,
    variance_power,
)
from recommender.measure.numbers.residual_blocks import Array, Block, ResidualStream
from recommender.measure.numbers.residuals import (
    mean_median_gap,
    one_sidedness,
    outlier_magnitude,
    outlier_rate,
    residual_details,
    skewness,
)
from recommender.measure.numbers.target_values import amounts, dispersion, heaping, support, zero_excess
from recommender.measure.stats import rank_interval
from tests.recommender.measure.measured import NORMAL, RANDOM, number, summary_of

ONES = torch.ones(40_000, dtype=torch.float64)


def drawn(distribution: torch.distributions.Distribution, n: int = 40_000) -> Tensor:
    torch.manual_seed(3)
    numbers: Tensor = distribution.sample((n,)).double()
    return numbers


def shown(values: Tensor, name: str) -> float:
    detail = residual_details(summary_of(values))[name]
    assert detail is not None
    assert isinstance(detail.value, float)
    return detail.value


def test_clean_normal_errors_have_known_rates_and_shapes() -> None:
    assert outlier_rate(summary_of(NORMAL)).value == pytest.approx(0.000465, abs=1.5e-4)
    assert shown(NORMAL, "tukey_fence_rate") == pytest.approx(0.00698, abs=5e-4)
    assert shown(NORMAL, "z_above_3_rate") == pytest.approx(0.0027, abs=3e-4)
    assert shown(NORMAL, "excess_rate") == pytest.approx(0, abs=1.5e-4)
    assert shown(NORMAL, "excess_kurtosis") == pytest.approx(0, abs=0.03)
    assert shown(NORMAL, "moment_skewness") == pytest.approx(0, abs=0.02)
    assert skewness(summary_of(NORMAL)).value == pytest.approx(0, abs=0.01)


def test_a_tenth_of_equal_gross_errors_masks_itself_from_the_classic_score() -> None:
    errors = torch.cat([NORMAL[:900], 50 * ONES[:110]])

    details = residual_details(summary_of(errors))

    assert shown(errors, "z_above_3_rate") == 0
    assert outlier_rate(summary_of(errors)).value > 0.1
    assert details["masking"] is not None
    assert details["masking"].value is True
    clean = residual_details(summary_of(NORMAL[:20_000]))["masking"]
    assert clean is not None
    assert clean.value is False


def test_sides_and_magnitude_of_the_flagged_are_those_of_what_was_put_in() -> None:
    errors = torch.cat([NORMAL[:1000].clamp(-2, 2), 20 * ONES[:9], -10 * ONES[:1]])
    scale = float((errors - errors.median()).abs().median()) / 0.6745

    sides, size = one_sidedness(summary_of(errors)), outlier_magnitude(summary_of(errors))

    assert sides is not None
    assert sides.value == pytest.approx(0.8)
    assert sides.n == 10
    assert size is not None
    assert size.value == pytest.approx(20 / scale, rel=0.01)


def test_five_flagged_items_do_not_show_a_side() -> None:
    assert one_sidedness(summary_of(torch.cat([NORMAL[:1000].clamp(-2, 2), 20 * ONES[:5]]))) is None
    assert outlier_magnitude(summary_of(NORMAL[:100].clamp(-1, 1))) is None


def test_mean_and_median_of_an_exponential_lie_a_known_way_apart() -> None:
    values = drawn(torch.distributions.Exponential(1.0))
    centre = math.log(2)
    mad = 0.48121  # x with sinh(x) = 1 / 2, the median distance from the median
    gap = mean_median_gap(summary_of(values))

    assert gap is not None
    assert gap.value == pytest.approx((1 - centre) / (1.4826 * mad), rel=0.03)
    assert gap.interval is not None
    assert gap.interval[0] < (1 - centre) / (1.4826 * mad) < gap.interval[1]


def related(predictions: Tensor, errors: Tensor) -> Block:
    return ResidualStream(predictions + errors, predictions).whole()


def test_the_spread_of_the_top_fifth_over_the_bottom_fifth() -> None:
    predictions = torch.linspace(0, 1, 40_000, dtype=torch.float64)
    errors = NORMAL[:40_000] * torch.where(predictions > 0.5, 3.0, 1.0)

    ratio = heteroscedasticity(related(predictions, errors), 40_000)

    assert ratio is not None
    assert ratio.value == pytest.approx(3, rel=0.06)
    assert heteroscedasticity(related(ONES, errors), 40_000) is None
    same = heteroscedasticity(related(predictions, NORMAL[:40_000]), 40_000)
    assert same is not None
    assert same.interval is not None
    assert same.interval[0] < 1 < same.interval[1]


@pytest.mark.parametrize("power", [0.0, 1.0, 2.0])
def test_the_power_of_the_variance_is_recovered(power: float) -> None:
    mean = torch.linspace(1, 50, 40_000, dtype=torch.float64)

    exponent = variance_power(related(mean, NORMAL[:40_000] * mean ** (power / 2) * 0.1), 40_000)

    assert exponent is not None
    assert exponent.value == pytest.approx(power, abs=0.1)
    assert exponent.interval is not None
    assert exponent.interval[0] <= power + 0.05


def test_a_power_that_the_data_cannot_tell_is_left_out() -> None:
    assert variance_power(related(100 + 0.001 * NORMAL[:400], NORMAL[400:800]), 400) is None
    assert variance_power(related(-ONES[:400], NORMAL[:400] * 0.1), 400) is None


def test_rank_correlation_and_breusch_pagan_are_those_of_their_formulae() -> None:
    predictions, errors = NORMAL[:500], NORMAL[500:1000] * (2 + NORMAL[:500])
    block = related(predictions, errors)
    rank = ranks(np.abs(block.errors.ravel())), ranks(predictions.numpy())
    design = np.stack([np.ones(500), predictions.numpy()], axis=1)
    square = block.errors.ravel() ** 2
    fit = design @ np.linalg.lstsq(design, square, rcond=None)[0]
    explained = 1 - ((square - fit) ** 2).sum() / ((square - square.mean()) ** 2).sum()

    details = relation_details(block, 500)

    assert details["spearman_spread"] is not None
    assert details["spearman_spread"].value == pytest.approx(np.corrcoef(*rank)[0, 1])
    assert details["breusch_pagan"] is not None
    assert details["breusch_pagan"].value == pytest.approx(500 * explained)
    assert details["breusch_pagan_p"] is not None
    assert details["breusch_pagan_p"].value == pytest.approx(math.erfc(math.sqrt(500 * explained / 2)))


def test_equal_numbers_share_the_mean_of_their_ranks() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0, 3.0])).tolist() == [3, 0, 3, 1, 3]


@pytest.mark.parametrize(
    ("targets", "kind"),
    [
        ([-1.0, 2.0], "real"),
        ([0.0, 2.5], "nonnegative"),
        ([0.5, 2.5], "positive"),
        ([0.0, 1.0, 0.5], "unit"),
        ([0, 3, 17, 2], "counts"),
        ([1, 3, 17, 2], "counts"),
        ([250_000, 199_000, 310_500], "positive"),
        ([-1, 3], "real"),
        ([0, 1, 1], "unit"),
    ],
)
def test_which_numbers_targets_can_be(targets: list[float], kind: str) -> None:
    assert support(amounts(ResidualStream(torch.tensor(targets)))) == kind
    assert measure_profile("regression", torch.tensor(targets)).profile.support == kind


def test_poisson_counts_have_a_dispersion_of_one_and_no_more_zeros_than_they_should() -> None:
    mean = torch.linspace(0.5, 6, 40_000, dtype=torch.float64)
    counts = torch.poisson(mean, generator=RANDOM)
    alone, judged = amounts(ResidualStream(counts)), amounts(ResidualStream(counts, mean))

    conditional = dispersion(judged, 40_000, judged=True)
    marginal = dispersion(alone, 40_000, judged=False)

    assert conditional is not None
    assert marginal is not None
    assert conditional.value == pytest.approx(1, abs=0.03)
    assert conditional.interval is not None
    assert conditional.interval[0] < 1 < conditional.interval[1]
    assert marginal.value == pytest.approx(float(counts.var() / counts.mean()))
    assert (conditional.basis, marginal.basis) == ("residuals", "targets")
    steady = zero_excess(amounts(ResidualStream(torch.poisson(2 * ONES, generator=RANDOM))), 40_000)
    zeros = torch.cat([torch.poisson(2 * ONES, generator=RANDOM), 0 * ONES[:4000]])
    assert steady is not None
    assert abs(float(np.asarray(steady.value))) < 3
    excess = zero_excess(amounts(ResidualStream(zeros)), 44_000)
    assert excess is not None
    assert float(np.asarray(excess.value)) > 10


def test_dispersion_counts_the_features_and_raises_predictions_that_no_count_has() -> None:
    counts, mean = torch.tensor([0.0, 2.0, 4.0, 1.0]), torch.tensor([1.0, 1.0, 2.0, 2.0])

    dispersed = dispersion(amounts(ResidualStream(counts, mean)), 4, judged=True, features=2)

    assert dispersed is not None
    assert dispersed.value == pytest.approx((1 + 1 + 2 + 0.5) / 2)
    raised = amounts(ResidualStream(counts, mean - 1))
    floor = 0.05 * 1.75
    low = dispersion(raised, 4, judged=True)
    assert low is not None
    assert low.value == pytest.approx((floor + (2 - floor) ** 2 / floor + 9 + 0) / 3)
    assert "2 predictions raised to 0.0875" in (low.method or "")


def test_where_targets_pile_up_is_shown() -> None:
    targets = torch.cat([NORMAL[:900].clamp(-3, 3) * 10, 50 * ONES[:100]])

    details = measure_profile("regression", targets).details

    assert details["share_at_most"].value == 0.1
    assert details["censored"].value is True
    assert details["integer_share"].value == pytest.approx(0.1, abs=0.01)
    tens: Array = np.array([10.0, 20.0, 30.0, 31.0])
    heaps = heaping(tens)
    assert heaps is not None
    assert heaps.value == 0.75


def test_zeros_are_counted_exactly() -> None:
    measured = measure_profile("regression", torch.cat([0 * ONES[:30], NORMAL[:70].abs() + 0.1]))

    assert number(measured, "zero_share") == 0.3
    assert measured.profile.support == "nonnegative"


@pytest.mark.parametrize("n", [5, 30, 301])
def test_the_rank_interval_of_the_median_covers_it(n: int) -> None:
    low, high = rank_interval(n, 0.5)
    below = [math.comb(n, k) / 2**n for k in range(n + 1)]

    # the median lies between two ranks where more than `low` and at most `high` items lie below it
    assert sum(below[low + 1 : high + 1]) > 0.93
    assert 0 <= low <= high < n


def test_huge_and_tiny_residuals_keep_their_facts() -> None:
    errors = torch.cat([NORMAL[:400], 30 * ONES[:20]])
    plain = measure_profile("regression", errors).profile

    for unit in (1e300, 1e-300):
        scaled = measure_profile("regression", errors * unit).profile
        for fact in ("outlier_rate", "one_sidedness", "outlier_magnitude", "tail_index", "skewness", "mean_median_gap"):
            assert scaled.number(fact) == pytest.approx(plain.number(fact), rel=1e-9)
