"""Labels, boxes and embeddings: facts by hand, hints at wrong labels, and what is refused."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import normalize, one_hot

from recommender.measure import Measurement, measure_profile
from recommender.measure.classes.label_noise import Confidence
from recommender.measure.classes.labels import class_counts, value_counts
from recommender.measure.details import Detail
from recommender.measure.pictures.boxes import area_orders
from recommender.measure.stats import wilson
from tests.recommender.measure.measured import NORMAL, RANDOM, codes, number


def value(detail: Detail) -> list[float]:
    assert isinstance(detail.value, list)
    return detail.value


def test_how_even_three_classes_are() -> None:
    measured = measure_profile("multiclass", torch.tensor([0] * 80 + [1] * 15 + [2] * 5))

    shares = [0.8, 0.15, 0.05]
    entropy = -sum(share * math.log(share) for share in shares)
    assert value(measured.details["class_shares"]) == pytest.approx(shares)
    assert measured.details["effective_classes"].value == pytest.approx(math.exp(entropy))
    assert measured.details["entropy_score"].value == pytest.approx(1 - entropy / math.log(3))
    assert measured.details["rarest_share"].value == pytest.approx(0.15)
    assert number(measured, "smallest_class") == 5


def test_shares_of_several_classes_have_intervals_that_hold_together() -> None:
    several = measure_profile("multiclass", torch.tensor([0] * 80 + [1] * 15 + [2] * 5)).details["class_shares"]
    pair = measure_profile("binary", torch.tensor([0] * 80 + [1] * 20)).details["class_shares"]

    wide = [wilson(share, 100, math.sqrt(5.7311)) for share in (0.8, 0.15, 0.05)]  # chi-square at 1 - 0.05 / 3
    assert np.array(several.interval) == pytest.approx(np.array(wide), abs=1e-4)
    assert np.array(pair.interval) == pytest.approx(np.array([wilson(0.8, 100), wilson(0.2, 100)]))


def test_an_absent_class_is_the_smallest_where_predictions_have_a_column_for_it() -> None:
    measured = measure_profile("multiclass", torch.tensor([0, 1, 1]), torch.eye(3) * 5)

    assert (number(measured, "classes"), number(measured, "smallest_class")) == (3, 0)
    assert "class-absent" in codes(measured)


def test_how_many_labels_items_have() -> None:
    rows = torch.zeros(10, 3)
    rows[:8, 0], rows[:2, 1] = 1, 1

    measured = measure_profile("multilabel", rows)

    assert measured.details["cardinality"].value == pytest.approx(1)
    assert measured.details["density"].value == pytest.approx(1 / 3)
    assert measured.details["mean_imbalance"].value == pytest.approx((1 + 4) / 2)
    assert measured.details["all_zero_share"].value == pytest.approx(0.2)
    assert value(measured.details["label_shares"]) == pytest.approx([0.8, 0.2, 0])


@pytest.mark.parametrize("dtype", [torch.int64, torch.float32, torch.uint8])
def test_counts_are_those_of_sorting_everything_however_it_is_cut(dtype: torch.dtype) -> None:
    values = (NORMAL[:5000] * 20 + 100).to(torch.int64).to(dtype)
    expected = torch.unique(values, return_counts=True)

    for numbers, counts in (value_counts(values), value_counts(values, block=7)):
        assert numbers.tolist() == expected[0].tolist()
        assert counts.tolist() == expected[1].tolist()


def test_ids_far_apart_are_counted_too() -> None:
    assert class_counts(torch.tensor([0, 10**12, 10**12, -1])).tolist() == [[1, 2]]


def overlapping(wrong: float) -> tuple[Tensor, Tensor]:
    """Return labels of three well-separated classes, some of them wrong, and the probabilities of a good classifier."""
    truth = torch.arange(3000) % 3
    logits = 6.0 * one_hot(truth, 3) + torch.randn(3000, 3, generator=RANDOM)
    flip = torch.rand(3000, generator=RANDOM) < wrong
    return torch.where(flip, (truth + 1) % 3, truth), logits


def hinted(measured: Measurement) -> float:
    value = measured.details["label_noise"].value
    assert isinstance(value, float)
    return value


@pytest.mark.parametrize("wrong", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("written", ["logits", "probabilities", "onehot"])
def test_half_of_the_labels_that_predictions_contradict_are_taken_to_be_wrong(wrong: float, written: str) -> None:
    targets, logits = overlapping(wrong)

    predictions = logits if written == "logits" else logits.softmax(1)
    measured = measure_profile("multiclass", one_hot(targets) if written == "onehot" else targets, predictions)

    assert hinted(measured) == pytest.approx(wrong / 2, abs=0.02)
    assert "label-noise-is-a-hint" in codes(measured)
    interval = measured.details["label_noise"].interval
    assert isinstance(interval, tuple)
    assert interval[0] == 0
    assert isinstance(interval[1], float)
    assert interval[1] >= wrong - 0.02
    assert measured.profile.label_noise is None


def test_two_classes_have_a_hint_from_one_column_or_two() -> None:
    truth = torch.arange(1000) % 2
    logits = 6.0 * (truth - 0.5) + torch.randn(1000, generator=RANDOM)
    targets = truth.clone()
    targets[:100] = 1 - targets[:100]

    one = measure_profile("binary", targets, logits)
    column = measure_profile("binary", targets, logits.sigmoid()[:, None])
    both = measure_profile("binary", targets, torch.stack([torch.zeros(1000), logits], dim=1))

    assert hinted(one) == pytest.approx(0.05, abs=0.02)
    assert hinted(one) == hinted(column) == hinted(both)


def test_confident_learning_by_hand() -> None:
    rows = [[0.9, 0.1], [0.8, 0.2], [0.3, 0.7], [0.2, 0.8], [0.9, 0.1], [0.45, 0.55]] * 40 + [[0.2, 0.8]] * 120
    targets = torch.tensor([0, 0, 1, 1, 1, 0] * 40 + [1] * 120)
    # confidences: class 0 (0.9 + 0.8 + 0.45) / 3 = 0.717, class 1 (40 * 1.6 + 96) / 240 = 0.667; of six the fifth is
    # confidently of class 0, and the last of class 1 is below 0.667 there
    probabilities = torch.tensor(rows)

    measured = measure_profile("multiclass", targets, probabilities)

    assert hinted(measured) == pytest.approx(0.5 * 40 / 360)


def test_confidences_merge() -> None:
    targets, logits = overlapping(0.1)
    rows = logits.double().softmax(1)
    whole, one, other = (Confidence.none(3) for _ in range(3))
    whole.add(targets, rows)
    one.add(targets[:1000], rows[:1000])
    other.add(targets[1000:], rows[1000:])
    other.merge(one)

    assert torch.allclose(whole.total, other.total)
    assert torch.equal(whole.count, other.count)
    assert torch.equal(whole.right, other.right)


def test_classes_too_small_for_a_hint_say_so() -> None:
    measured = measure_profile("binary", torch.tensor([0] * 99 + [1] * 49), NORMAL[:148])

    assert "label_noise" not in measured.details
    assert "label_noise (50)" in measured.warnings[-1].text


def test_predictions_no_better_than_chance_hint_at_nothing() -> None:
    measured = measure_profile("multiclass", torch.arange(3000) % 3, NORMAL[:9000].reshape(3000, 3))

    assert "label_noise" not in measured.details
    assert codes(measured) == ["predictions-tell-little"]


def test_predictions_that_do_not_fit_the_labels_are_left_aside_and_that_is_said() -> None:
    measured = measure_profile("binary", torch.tensor([0, 1, 1]), torch.zeros(7))

    assert codes(measured) == ["predictions-do-not-fit"]


def squares(sides: Tensor) -> Tensor:
    corner = torch.full_like(sides, 5)
    return torch.stack([corner, corner, corner + sides, corner + sides], dim=1)


def test_boxes_tell_how_far_their_areas_spread() -> None:
    sides = torch.linspace(1, 100, 100)

    measured = measure_profile("detection", squares(sides))

    assert measured.profile.boxes is True
    areas = (sides.double() ** 2).numpy()
    assert number(measured, "box_area_spread") == pytest.approx(np.quantile(areas, 0.9) / np.quantile(areas, 0.1))
    interval = measured.profile.interval("box_area_spread")
    assert interval is not None
    assert 1 < interval[0] < number(measured, "box_area_spread") < interval[1]
    assert number(measured, "small_share") == 0.31
    assert value(measured.details["box_area"])[1] == pytest.approx(np.median(areas))


def test_of_many_boxes_the_percentiles_are_exact_too() -> None:
    many = squares(NORMAL[:20_000].abs().float() + 0.5)

    sampled = area_orders(many, sample_size=500)

    quantiles = [
        [order.quantile(share) for order, share in zip(orders, (0.1, 0.5, 0.9), strict=True)]
        for orders in (area_orders(many), sampled)
    ]
    assert quantiles[0] == quantiles[1]
    assert all(order.inside.all.size < len(many) for order in sampled)


def test_boxes_in_parts_of_the_image_have_no_pixels() -> None:
    measured = measure_profile("detection", squares(torch.linspace(1, 10, 40)) / 100)

    assert measured.profile.small_share is None
    assert measured.details["normalised"].value == 1


def test_boxes_with_predictions_have_residuals() -> None:
    targets = squares(torch.linspace(5, 50, 60))

    measured = measure_profile("detection", targets, targets + NORMAL[:240].reshape(60, 4).float())

    assert number(measured, "residual_scale") == pytest.approx(1, rel=0.3)


def test_embeddings_tell_how_far_classes_lie_apart() -> None:
    ids = torch.arange(600) % 3
    centres = 10.0 * torch.eye(8)[:3]

    measured = measure_profile("similarity", embeddings=centres[ids] + 0.01 * NORMAL[:4800].reshape(600, 8), labels=ids)

    assert number(measured, "embedding_scale") == pytest.approx(10 * math.sqrt(2), rel=0.01)
    assert (measured.profile.supervision, measured.profile.unit_norm) == ("labels", False)
    assert (number(measured, "classes"), number(measured, "smallest_class")) == (3, 200)
    interval = measured.profile.interval("embedding_scale")
    assert interval is not None
    assert interval[0] <= number(measured, "embedding_scale") <= interval[1]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32, torch.bfloat16])
def test_embeddings_of_length_one_are_told_from_others(dtype: torch.dtype) -> None:
    rows = normalize(NORMAL[:640].reshape(10, 64)).to(dtype)

    assert measure_profile("similarity", embeddings=rows).profile.unit_norm is True
    assert measure_profile("similarity", embeddings=rows * 1.1).profile.unit_norm is False


def test_embeddings_and_labels_may_have_the_names_that_losses_know() -> None:
    rows, ids = NORMAL[:640].reshape(80, 8), torch.arange(80) % 4

    named = measure_profile("similarity", embeddings=rows, labels=ids)
    known = measure_profile("similarity", ids, rows)

    assert named.profile.model_dump(exclude={"n"}) == known.profile.model_dump(exclude={"n"})


def test_equal_embeddings_with_other_labels_show_how_many_labels_are_wrong_at_least() -> None:
    rows = torch.tensor([[1.0, 0.0]] * 4 + [[0.0, 1.0]] * 2 + [[0.5, 0.5]])
    ids = torch.tensor([0, 0, 0, 1, 2, 2, 3])

    details = measure_profile("similarity", embeddings=rows, labels=ids).details

    assert details["duplicate_conflicts"].value == pytest.approx(1 / 7)
    assert details["without_positive"].value == pytest.approx(2 / 7)
