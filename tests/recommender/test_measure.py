"""Facts against values computed by hand, and against data of known make."""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import one_hot

from losses.errors import NonFiniteInput, Refusal, ShapeMismatch, UnsupportedDtype
from recommender.engine import recommend
from recommender.errors import NothingToMeasure, UnknownTask, UnreadableTargets
from recommender.measure import Measurement, measure_profile
from recommender.measure.labels import class_counts, class_imbalance, label_counts, label_encoding, positive_share
from recommender.measure.masks import mask_sparsity
from recommender.measure.residuals import outlier_rate, residual_scale
from recommender.measure.stats import median, wilson
from recommender.profile import Measured
from recommender.tasks import Task

RANDOM = torch.Generator().manual_seed(1)
NORMAL = torch.randn(400_000, generator=RANDOM, dtype=torch.float64)


def codes(measured: Measurement) -> list[str]:
    return [warning.code for warning in measured.warnings]


def number(measured: Measurement, fact: str) -> float:
    value = measured.profile.number(fact)
    assert value is not None
    return value


@pytest.mark.parametrize(("values", "middle"), [([3.0], 3.0), ([1.0, 9.0, 2.0], 2.0), ([4.0, 1.0, 2.0, 9.0], 3.0)])
def test_the_median_of_an_even_number_is_the_mean_of_the_middle_two(values: list[float], middle: float) -> None:
    assert median(torch.tensor(values)) == middle


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
    found = [residual_scale(sample) for sample in samples]

    covered = sum(one.interval[0] <= 1 <= one.interval[1] for one in found if one and one.interval)

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

    found = class_imbalance(counts)

    assert found is not None
    half = math.exp(1.96 * math.sqrt(1 / 10 + 1 / 90))
    assert (found.value, found.n) == (9, 100)
    assert found.interval == pytest.approx((9 / half, 9 * half), rel=1e-4)


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
    found = mask_sparsity(written)

    assert found is not None
    assert found.value == pytest.approx(0.7)
    assert found.n == 2
    assert found.interval == pytest.approx((0.7 - 1.96 * 0.2, 1.0), rel=1e-4)


def test_one_image_has_no_interval() -> None:
    found = mask_sparsity(masks(3))

    assert found == Measured(value=0.7, n=1, method="mean over images", basis="targets")


MASKS = (torch.rand(30, 1, 8, 8, generator=RANDOM) < 0.03).float()
IDS = torch.arange(300) % 7


@pytest.mark.parametrize(
    ("targets", "task"),
    [
        (NORMAL[:50], "regression"),
        (torch.arange(500), "regression"),
        (NORMAL[:60].reshape(20, 3), "regression"),
        (torch.tensor([3, 8]), "regression"),
        (torch.tensor([0, 1, 1]), "binary"),
        (torch.tensor([-1.0, 1.0, 1.0]), "binary"),
        (torch.tensor([False, True]), "binary"),
        (torch.tensor([2, 5] * 50), "binary"),
        (IDS, "multiclass"),
        (IDS[:, None], "multiclass"),
        (IDS[:21].double(), "multiclass"),
        (one_hot(IDS), "multiclass"),
        ((one_hot(IDS) + one_hot(IDS.roll(3))).clamp(max=1), "multilabel"),
        (MASKS, "segmentation"),
        (MASKS[:, 0], "segmentation"),
        (torch.arange(200).reshape(2, 10, 10), "regression"),
        (torch.arange(12).reshape(4, 3), "regression"),
    ],
)
def test_a_task_left_out_is_read_off_the_targets_and_said(targets: Tensor, task: str) -> None:
    measured = measure_profile(None, targets)

    assert measured.task == task
    assert codes(measured)[0] == "task-guessed"
    assert task in measured.warnings[0].text


def test_residuals_are_measured_where_there_are_predictions() -> None:
    targets = torch.tensor([10.0, 20.0, 30.0, 40.0, 50.0])

    alone = measure_profile("regression", targets)
    judged = measure_profile("regression", targets, targets + torch.tensor([1.0, -1.0, 0.0, 2.0, 90.0]))

    assert "measured-on-targets" in codes(alone)
    assert codes(judged) == []
    assert (number(alone, "outlier_rate"), number(judged, "outlier_rate")) == (0, 0.2)
    assert number(judged, "residual_scale") == pytest.approx(1.4826)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32, torch.int16, torch.bool])
def test_every_kind_of_number_is_measured(dtype: torch.dtype) -> None:
    measured = measure_profile("binary", torch.tensor([0, 1, 0, 0]).to(dtype))

    assert number(measured, "class_imbalance") == 3
    assert number(measured, "positive_share") == 0.25


@pytest.mark.parametrize(
    ("task", "targets", "warned", "facts"),
    [
        ("regression", torch.ones(9), "no-spread", {"n", "outlier_rate"}),
        ("regression", torch.tensor([4.5]), "no-spread", {"n", "outlier_rate"}),
        ("regression", torch.tensor([0, 1, 1]), "targets-look-like-labels", {"n", "outlier_rate", "residual_scale"}),
        ("binary", torch.zeros(9), "one-class", {"n", "classes"}),
        ("binary", torch.full((9,), 3), "one-class", {"n", "classes"}),
        ("binary", torch.tensor([-1, 1]), "larger-is-positive", {"n", "classes", "class_imbalance", "positive_share"}),
        ("multiclass", torch.full((9,), 3), "one-class", {"n", "classes", "label_encoding"}),
        (
            "multiclass",
            one_hot(torch.tensor([0, 2]), 4),
            "class-absent",
            {"n", "classes", "label_encoding", "class_imbalance"},
        ),
        (
            "multiclass",
            torch.tensor([-100, 1, 2]),
            "ids-below-0",
            {"n", "classes", "label_encoding", "class_imbalance"},
        ),
        ("multilabel", torch.zeros(3, 4), "constant-label", {"n", "classes", "multilabel"}),
        (
            "multilabel",
            one_hot(torch.tensor([0, 1])),
            "looks-exclusive",
            {"n", "classes", "multilabel", "class_imbalance", "positive_share"},
        ),
    ],
)
def test_degenerate_targets_leave_facts_out_and_say_so(
    task: str, targets: Tensor, warned: str, facts: set[str]
) -> None:
    measured = measure_profile(task, targets)

    assert warned in codes(measured)
    assert set(measured.profile.model_dump(exclude_none=True)) == facts


def test_binary_targets_are_read_from_one_hot_rows_and_from_probabilities() -> None:
    rows = measure_profile("binary", one_hot(torch.tensor([0, 0, 0, 1])))
    soft = measure_profile("binary", torch.tensor([0.5, 0.1, 0.3, 0.1]))

    assert number(rows, "positive_share") == 0.25
    assert number(soft, "positive_share") == pytest.approx(0.25)


def test_more_than_two_values_are_counted_and_the_contradiction_shows_in_the_answer() -> None:
    measured = measure_profile("binary", torch.tensor([0, 1, 2, 2]))

    assert number(measured, "classes") == 3
    answer = recommend(measured.task, profile=measured.profile)
    assert "classes-contradict-task" in {warning.code for warning in answer.warnings}


@pytest.mark.parametrize("task", ["detection", "similarity", "generation"])
def test_where_nothing_applies_only_the_items_are_counted(task: str) -> None:
    assert measure_profile(task, torch.zeros(4, 4)).profile.model_dump(exclude_none=True).keys() == {"n"}


def test_warnings_speak_chinese() -> None:
    (guess,) = measure_profile(None, IDS, language="zh").warnings

    assert "未给出任务" in guess.text


@pytest.mark.parametrize(
    ("task", "targets", "predictions", "refusal"),
    [
        ("regresion", NORMAL[:5], None, UnknownTask),
        ("regression", torch.tensor(1.0), None, ShapeMismatch),
        ("regression", torch.zeros(0, 3), None, NothingToMeasure),
        ("regression", torch.zeros(3, 0), None, NothingToMeasure),
        ("regression", torch.tensor([1.0, math.nan]), None, NonFiniteInput),
        ("regression", torch.zeros(2), torch.tensor([1.0, math.inf]), NonFiniteInput),
        ("regression", 1e308 * torch.ones(2).double(), -1e308 * torch.ones(2).double(), NonFiniteInput),
        ("regression", torch.zeros(3), torch.zeros(3, 1), ShapeMismatch),
        ("regression", torch.zeros(3, dtype=torch.complex64), None, UnsupportedDtype),
        ("binary", NORMAL[:5], None, UnreadableTargets),
        ("multiclass", NORMAL[:5], None, UnreadableTargets),
        ("multiclass", torch.full((5,), -100), None, UnreadableTargets),
        ("multilabel", torch.tensor([[0, 2]]), None, UnreadableTargets),
        ("segmentation", NORMAL[:8].reshape(2, 2, 2), None, UnreadableTargets),
        ("segmentation", torch.zeros(5), None, UnreadableTargets),
    ],
)
def test_what_cannot_be_measured_is_refused(
    task: str, targets: Tensor, predictions: Tensor | None, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        measure_profile(task, targets, predictions)


shapes = st.lists(st.integers(1, 4), min_size=1, max_size=4)
numbers = st.sampled_from([0.0, 1.0, -1.0, 2.0, 0.5, 1e-320, -1e308, 3e38])


@given(
    task=st.none() | st.sampled_from(Task),
    shape=shapes,
    values=st.lists(numbers, min_size=1, max_size=3),
    judged=st.booleans(),
)
def test_any_finite_array_gives_a_profile_that_can_be_pasted_or_a_refusal(
    task: Task | None, shape: list[int], values: list[float], *, judged: bool
) -> None:
    targets = torch.tensor(values, dtype=torch.float64).repeat(256)[: math.prod(shape)].reshape(shape)
    try:
        measured = measure_profile(task, targets, targets.flip(0) if judged else None)
    except Refusal:
        return

    wire = json.loads(json.dumps(measured.profile.model_dump(mode="json"), allow_nan=False))
    answer = recommend(measured.task, profile=type(measured.profile).model_validate(wire))
    assert answer.recommended.objective
