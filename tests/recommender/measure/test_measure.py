"""Facts against values computed by hand, and against data of known make."""

import math

import pytest
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from recommender.measure.classes.labels import (
    class_counts,
    class_imbalance,
    label_counts,
    label_encoding,
    positive_share,
)
from recommender.measure.numbers import residuals
from recommender.measure.pictures.masks import Masks, coverage, mask_sparsity
from recommender.measure.stats import wilson
from recommender.profile import Measured
from tests.recommender.measure.measured import NORMAL, summary_of


def outlier_rate(errors: Tensor) -> Measured:
    return residuals.outlier_rate(summary_of(errors, errors * 0))


def residual_scale(errors: Tensor) -> Measured | None:
    return residuals.residual_scale(summary_of(errors))


def sparsity(written: Tensor) -> Measured:
    measured_masks = Masks.of(written)
    assert measured_masks is not None
    return mask_sparsity(coverage(measured_masks))


@pytest.mark.parametrize(
    ("share", "n", "low", "high"), [(0.0, 10, 0.0, 0.2775), (0.5, 10, 0.2366, 0.7634), (1.0, 10, 0.7225, 1.0)]
)
def test_wilsons_interval(share: float, n: int, low: float, high: float) -> None:
    assert wilson(share, n) == pytest.approx((low, high), abs=1e-4)


def test_nothing_flagged_certifies_few_outliers_from_1276_items_on() -> None:
    assert wilson(0, 1275)[1] > 0.003 >= wilson(0, 1277)[1]


def test_clean_normal_errors_flag_a_known_share_and_show_their_spread() -> None:
    rate, scale = outlier_rate(NORMAL * 5), residual_scale(NORMAL * 5)

    assert rate.value == pytest.approx(0.000465, abs=1.5e-4)
    assert scale is not None
    assert scale.value == pytest.approx(5, rel=0.01)


def test_outliers_are_counted_by_hand() -> None:
    errors = torch.tensor([1.0, 2.0, 3.0, 4.0, 100.0])

    rate, scale = outlier_rate(errors), residual_scale(errors)

    assert (rate.value, rate.n, rate.basis) == (0.2, 5, "residuals")
    assert rate.interval == pytest.approx(wilson(0.2, 5))
    assert scale is not None
    assert scale.value == pytest.approx(1.4826)
    assert scale.interval is not None
    assert scale.interval[1] / scale.value == pytest.approx(math.exp(1.96 * 1.17 / math.sqrt(5)), rel=1e-4)


@pytest.mark.parametrize(("z", "flagged"), [(3.49, 0), (3.51, 1)])
def test_the_cut_is_at_a_modified_z_of_three_and_a_half(z: float, flagged: int) -> None:
    errors = torch.tensor([-1.0, -1.0, 0.0, 1.0, z / 0.6745], dtype=torch.float64)

    assert outlier_rate(errors).value == flagged / 5


def test_half_the_values_equal_falls_back_to_the_mean_absolute_deviation() -> None:
    errors = torch.tensor([0.0] * 8 + [10.0])

    rate, scale = outlier_rate(errors), residual_scale(errors)

    assert rate.value == pytest.approx(1 / 9)
    assert rate.method is not None
    assert "mean absolute deviation" in rate.method
    assert scale is not None
    assert scale.value == pytest.approx(1.2533 * 10 / 9)


def test_every_output_has_its_own_centre_and_scale() -> None:
    errors = torch.stack([NORMAL[:2000], 1000 + 500 * NORMAL[2000:4000], 7 * NORMAL[4000:6000]], dim=1)

    rate, scale = outlier_rate(errors), residual_scale(errors)

    assert rate.value < 0.003
    assert scale is not None
    assert scale.value == pytest.approx(7, rel=0.1)


def test_the_interval_of_the_spread_covers_the_truth() -> None:
    samples = NORMAL[:60_000].reshape(300, 200)
    scales = [residual_scale(sample) for sample in samples]

    covered = sum(one.interval[0] <= 1 <= one.interval[1] for one in scales if one and one.interval)

    assert covered / 300 == pytest.approx(0.95, abs=0.04)


def test_huge_and_tiny_numbers_stay_finite() -> None:
    for unit in (1e308, 1e-320):
        errors = torch.tensor([-1.7, -1.7, 0.0, 1.7, 1.7], dtype=torch.float64) * unit
        scale = residual_scale(errors)
        assert outlier_rate(errors).value == 0
        assert scale is not None
        assert 0 < scale.value < math.inf


def test_imbalance_is_a_ratio_with_an_interval_in_its_logarithm() -> None:
    counts = class_counts(torch.tensor([0] * 90 + [1] * 10))

    imbalance = class_imbalance(counts)

    assert imbalance is not None
    half = math.exp(1.96 * math.sqrt(1 / 10 + 1 / 90))
    assert (imbalance.value, imbalance.n) == (9, 100)
    assert imbalance.interval == pytest.approx((9 / half, 9 * half), rel=1e-4)


def test_the_worst_label_gives_the_imbalance_of_several() -> None:
    targets = torch.zeros(100, 3)
    targets[:50, 0], targets[:4, 1] = 1, 1

    counts = label_counts(targets)

    imbalance, share = class_imbalance(counts), positive_share(counts)
    assert imbalance is not None
    assert share is not None
    assert imbalance.value == 24
    assert share.value == pytest.approx(54 / 300)
    assert share.interval == pytest.approx(wilson(54 / 300, 100))


@pytest.mark.parametrize(
    ("targets", "encoding"),
    [
        (torch.tensor([0, 2, 1]), "integer"),
        (torch.tensor([0.0, 2.0, 1.0]), "integer"),
        (one_hot(torch.tensor([0, 2, 1])), "onehot"),
        (one_hot(torch.tensor([[0, 2], [1, 1]])).movedim(-1, 1), "onehot"),
        (torch.tensor([[0.25, 0.75], [1.0, 0.0]]), "onehot"),
        (torch.tensor([0.5, 1.5]), None),
    ],
)
def test_how_labels_are_written(targets: Tensor, encoding: str | None) -> None:
    assert label_encoding(targets) == encoding


def masks(*foreground: int) -> Tensor:
    """Return one mask of ten pixels an image, with that many on."""
    return (torch.arange(10)[None] < torch.tensor(foreground)[:, None]).double().reshape(-1, 1, 2, 5)


@pytest.mark.parametrize(
    "written",
    [
        masks(5, 1),
        masks(5, 1)[:, 0],
        torch.cat([1 - masks(5, 1), masks(5, 1)], dim=1),
        masks(5, 1)[:, 0].long() * 3,
        torch.cat([masks(5, 1), masks(2, 0)], dim=1),
        masks(5, 1).float() * 0.9,
    ],
    ids=["one channel", "no channel", "background first", "ids", "overlapping classes", "soft"],
)
def test_sparsity_is_the_share_of_background_with_an_interval_over_images(written: Tensor) -> None:
    measured = sparsity(written)

    assert measured.value == pytest.approx(0.7)
    assert measured.n == 2
    assert measured.interval == pytest.approx((0.7 - 1.96 * 0.2, 1.0), rel=1e-4)


def test_one_image_has_no_interval() -> None:
    measured = sparsity(masks(3))

    assert measured == Measured(value=0.7, n=1, method="mean over images", basis="targets")
