"""Labels that do not count: void pixels of masks and label maps, ids below 0, missing labels, a label that is named."""

from typing import get_args

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.text import Text
from recommender.errors import UnreadableTargets
from recommender.loss_inputs import loss_inputs, masked
from recommender.measure import Measurement, measure_profile
from recommender.recommendation.recommend import recommend
from recommender.rules.table import RulebookName
from recommender.tasks import Task
from tests.recommender.measure.measured import codes, number

OBJECT = (slice(5, 7), slice(5, 7))
RANDOM = torch.Generator().manual_seed(3)


def masks(void: float, empty: int = 0) -> Tensor:
    """Return 50 masks 20 x 20 with an object of four pixels, and a first row that does not count."""
    planes = torch.zeros(50, 20, 20, dtype=torch.float64)
    planes[empty:, *OBJECT] = 1
    planes[:, 0] = void
    return planes


def facts(measured: Measurement) -> dict[str, object]:
    return measured.profile.model_dump(exclude_none=True)


@pytest.mark.parametrize("void", [255, 254, 65535, -1, -100])
def test_void_pixels_are_neither_foreground_nor_background(void: int) -> None:
    whole, half = (measure_profile("segmentation", masks(void, empty)) for empty in (0, 25))

    assert number(whole, "mask_sparsity") == pytest.approx(1 - 4 / 380, rel=1e-12)
    assert number(whole, "empty_share") == 0
    assert number(half, "empty_share") == 0.5
    assert ("ids-below-0" if void < 0 else "void-label") in codes(whole)


def test_void_pixels_do_not_change_the_advice() -> None:
    whole, half = (measure_profile("segmentation", masks(255, empty)).profile for empty in (0, 25))

    assert recommend("segmentation", profile=whole).objective == "dice(group=batch)"
    for profile in (whole, half):
        cropped = measure_profile("segmentation", masks(255, 25 if profile is half else 0)[:, 1:]).profile
        for book in get_args(RulebookName):
            there, here = (recommend("segmentation", profile=facts, rulebook=book) for facts in (profile, cropped))
            assert there.recommended == here.recommended


@pytest.mark.parametrize("name", ["mask_sparsity", "small_share", "thinness"])
@pytest.mark.parametrize("kind", ["plain", "ids", "channel", "one-hot", "soft"])
def test_facts_with_a_void_border_are_those_of_the_masks_without_it(kind: str, name: str) -> None:
    row, column = torch.meshgrid(torch.arange(40), torch.arange(40), indexing="ij")
    planes = torch.stack([((row - 20) ** 2 + (column - at) ** 2 <= 25).double() for at in range(8, 32) for _ in "ab"])
    made = {
        "plain": planes,
        "ids": planes * 7,
        "channel": planes[:, None],
        "one-hot": torch.stack([1 - planes, planes], dim=1),
        "soft": planes * 0.75,
    }[kind]
    bordered = made.clone()
    bordered[..., 0, :], bordered[..., -2:] = 255, 255

    inside, marked = (measure_profile("segmentation", there) for there in (made[..., 1:, :-2], bordered))

    if name == "small_share":  # whether an object is small is asked of the whole image
        inside = measure_profile("segmentation", made)
    assert number(marked, name) == pytest.approx(number(inside, name), rel=1e-12)


def test_the_example_of_one_image() -> None:
    measured = measure_profile("segmentation", torch.tensor([[[1, 255], [0, 1]]]))

    assert number(measured, "mask_sparsity") == pytest.approx(1 / 3)
    assert "void-label" in codes(measured)


@pytest.mark.parametrize(
    ("labels", "void"),
    [
        ([0, 255], False),  # a mask of bytes
        ([255], False),
        ([0, 85, 170, 255], False),  # shades
        ([*range(255), 255], False),  # as many classes
        ([0, 1, 2, 253, 254, 255], False),  # a mask of bytes after lossy compression
        ([1, 255], True),
        ([0, 15, 255], True),
        ([*range(19), 255], True),
        ([*range(150), 255], True),
        ([0, 1, 254, 255], True),
        ([*range(200), 65535], True),
    ],
    ids=lambda labels: str(labels)[-20:],
)
def test_reserved_labels_are_void_beside_labels_far_below(labels: list[int], void: bool) -> None:  # noqa: FBT001 - a column of the table
    measured = measure_profile("segmentation", torch.tensor(labels).reshape(1, 1, -1))

    assert ("void-label" in codes(measured)) == void
    counted = [label for label in labels if not (void and label in {254, 255, 65535})]
    assert number(measured, "mask_sparsity") == pytest.approx(counted.count(0) / len(counted))


def test_a_label_that_is_named_does_not_count() -> None:
    targets = torch.tensor([[[0, 1], [2, 2]], [[0, 0], [2, 1]]])

    measured = measure_profile("segmentation", targets, ignore_index=2)

    assert number(measured, "mask_sparsity") == pytest.approx((1 / 2 + 2 / 3) / 2)
    assert "void-label" in codes(measured)


def test_an_image_of_which_no_pixel_counts_is_no_empty_image() -> None:
    planes = masks(255, empty=10)
    planes[40:] = 255

    measured = measure_profile("segmentation", planes)

    assert number(measured, "empty_share") == 10 / 40


@pytest.mark.parametrize(("task", "axes"), [("segmentation", (4, 2, 2)), ("multiclass", (4, 2)), ("similarity", (4,))])
def test_labels_of_which_none_counts_are_refused(task: str, axes: tuple[int, ...]) -> None:
    with pytest.raises(UnreadableTargets):
        measure_profile(task, torch.full(axes, -1))


@pytest.mark.parametrize(("void", "code"), [(255, "void-label"), (-1, "ids-below-0"), (-100, "ids-below-0")])
@pytest.mark.parametrize("kind", ["column", "map", "one-hot"])
def test_void_labels_are_no_class(kind: str, void: int, code: str) -> None:
    ids = torch.tensor([[0, 0, 0, 1], [2, 2, 0, 1]])
    counted = torch.tensor([[True, True, False, True], [True, False, True, True]])
    rows = torch.nn.functional.one_hot(ids).movedim(-1, 1)
    targets = {
        "column": ids.flatten().masked_fill(~counted.flatten(), void),
        "map": ids.masked_fill(~counted, void),
        "one-hot": rows.masked_fill(~counted[:, None], void),
    }[kind]

    measured = measure_profile("multiclass", targets)

    assert number(measured, "classes") == 3
    assert number(measured, "class_imbalance") == 3 / 1
    assert number(measured, "smallest_class") == 1
    assert measured.profile.label_encoding == ("onehot" if kind == "one-hot" else "integer")
    assert code in codes(measured)


@pytest.mark.parametrize("void", [255, -1, -100])
def test_a_third_value_of_two_classes_does_not_count(void: int) -> None:
    measured = measure_profile("binary", torch.tensor([0, 0, 0, 1, void, void]))

    assert facts(measured)["classes"] == facts(measure_profile("binary", torch.tensor([0, 0, 0, 1])))["classes"]
    assert number(measured, "positive_share") == 1 / 4
    assert number(measured, "class_imbalance") == 3


def test_signs_are_two_classes_and_masks() -> None:
    signs = torch.tensor([-1, -1, 1, -1])

    labels, planes = measure_profile("binary", signs), measure_profile("segmentation", signs.reshape(1, 2, 2))

    assert number(labels, "positive_share") == 1 / 4
    assert number(planes, "mask_sparsity") == 3 / 4
    assert "signs" in codes(planes)


@pytest.mark.parametrize("void", [255, -1])
def test_missing_labels_of_items_with_several_do_not_count(void: int) -> None:
    targets = torch.tensor([[0, 1, void], [1, void, 0], [0, 0, 1], [void, 0, 0]])

    measured = measure_profile("multilabel", targets)

    assert number(measured, "positive_share") == pytest.approx(3 / 9)
    assert number(measured, "class_imbalance") == 2
    assert measured.details["label_shares"].value == pytest.approx([1 / 3, 1 / 3, 1 / 3])


def test_predictions_beside_labels_that_do_not_count_are_judged_on_the_others() -> None:
    labels = torch.arange(400) % 2
    scores = torch.where(labels > 0, 0.9, 0.1) + 0.05 * torch.rand(400, generator=RANDOM)
    labels[:20] = 1 - labels[:20]
    marked = torch.cat([labels, torch.full((100,), 255)])

    alone = measure_profile("binary", labels, scores).details["label_noise"]
    beside = measure_profile("binary", marked, torch.cat([scores, torch.rand(100, generator=RANDOM)]))

    assert beside.details["label_noise"] == alone


CLASSES = torch.tensor([[[0, 1, 255], [2, 1, 0]], [[1, 1, 2], [255, 0, 2]]])


@pytest.mark.parametrize("objective", ["categorical_ce", "sparse_categorical_ce", "dice", "class_balanced"])
def test_void_pixels_are_masked_where_a_loss_is_evaluated(objective: str) -> None:
    predictions = torch.randn(2, 3, 2, 3, dtype=torch.float64, generator=RANDOM)
    counted = CLASSES != 255
    clean = CLASSES.masked_fill(~counted, 0)
    arrays = masked(Task.SEGMENTATION, {"predictions": predictions, "targets": CLASSES})

    inputs = loss_inputs(parse(objective), arrays)

    wanted = loss_inputs(parse(objective), {"predictions": predictions, "targets": clean, "mask": counted})
    assert not isinstance(inputs, Text)
    assert not isinstance(wanted, Text)
    assert arrays["mask"].equal(counted)
    value = evaluate(parse(objective), inputs, mask=arrays["mask"]).value
    assert value == pytest.approx(evaluate(parse(objective), wanted, mask=counted).value, rel=1e-12)
    if "class_counts" in inputs:
        assert inputs["class_counts"].tolist() == [3, 4, 3]


def test_a_mask_that_was_sent_still_holds() -> None:
    arrays = {"targets": CLASSES, "mask": torch.tensor([1, 0])}

    mask = masked(Task.SEGMENTATION, arrays)["mask"]

    assert mask.equal((CLASSES != 255) & torch.tensor([True, False])[:, None, None])


@pytest.mark.parametrize(
    ("labels", "code"), [(torch.arange(10), "no-positives"), (torch.zeros(10), "no-negatives")], ids=["all", "one"]
)
def test_labels_that_form_no_triplet_are_told_and_no_triplet_is_advised(labels: Tensor, code: str) -> None:
    measured = measure_profile("similarity", labels=labels)

    answer = recommend("similarity", profile=measured.profile)

    assert code in codes(measured)
    assert measured.profile.supervision == "none"
    assert answer.article is None
    assert answer.recommended
    assert (answer.objective, answer.recommended.rulebook) == ("nt_xent", "evidence")
    assert "triplet" in {out.objective for out in answer.ruled_out}
    assert "article-silent" in {notice.code for notice in answer.warnings}


def test_labels_below_0_belong_to_no_class_of_similar_items() -> None:
    embeddings = torch.randn(4, 2, generator=RANDOM)

    measured = measure_profile("similarity", embeddings=embeddings, labels=torch.tensor([0, 0, 1, -1]))

    assert (number(measured, "classes"), number(measured, "smallest_class")) == (2, 1)
    assert "ids-below-0" in codes(measured)


def test_embeddings_that_are_all_equal_are_told() -> None:
    measured = measure_profile("similarity", embeddings=torch.ones(4, 2), labels=torch.tensor([0, 0, 1, 1]))

    assert "embeddings-coincide" in codes(measured)


def test_classes_that_occur_once_each_are_told() -> None:
    assert "labels-all-differ" in codes(measure_profile("multiclass", torch.tensor([3, 0, 2, 1])))


def test_masks_without_background_are_told() -> None:
    assert "no-background" in codes(measure_profile("segmentation", torch.ones(2, 4, 4)))


def test_a_task_is_read_off_the_labels_that_count() -> None:
    rows = torch.tensor([[0, 1, 255], [1, 1, 0], [255, 0, 0]])

    assert measure_profile(None, rows).task is Task.MULTILABEL
    with pytest.raises(UnreadableTargets):
        measure_profile("segmentation", torch.full((2, 4), -1))
    assert measure_profile(None, torch.full((2, 4), -1)).task is Task.REGRESSION


def test_grades_of_minus_one_fill_up_lists_unless_grades_may_be_below_0() -> None:
    padded = measure_profile("ranking", torch.tensor([[2.0, 1.0, -1.0]]))
    signed = measure_profile("ranking", torch.tensor([[2.0, -1.0, -3.0]]))
    named = measure_profile("ranking", torch.tensor([[2.0, 1.0, 7.0]]), ignore_index=7)

    assert "void-label" in codes(padded)
    assert "void-label" not in codes(signed)
    assert "void-label" in codes(named)
