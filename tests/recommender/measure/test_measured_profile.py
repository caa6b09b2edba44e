"""Arrays to a profile: which facts are measured for which task, and what is said or refused."""

import json
import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn.functional import one_hot

from losses.errors import MissingInput, NonFiniteInput, Refusal, ShapeMismatch, UnknownInput, UnsupportedDtype
from recommender.errors import (
    BadBox,
    IdOutOfRange,
    NothingToMeasure,
    NotOneHot,
    NotProbabilities,
    SingleColumn,
    UnknownTask,
    UnreadableTargets,
)
from recommender.measure import measure_profile
from recommender.recommendation.recommend import recommend
from recommender.tasks import Task
from tests.recommender.measure.measured import NORMAL, RANDOM, codes, number

MASKS = (torch.rand(30, 1, 8, 8, generator=RANDOM) < 0.03).float()
IDS = torch.arange(300) % 7
AMOUNTS = {"n", "outlier_rate", "support", "zero_share", "outlier_sum_share"}
SPREAD = {*AMOUNTS, "residual_scale", "total_under_huber", "total_under_mae"}
COUNTS = {"n", "classes", "smallest_class"}


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
    assert codes(judged) == ["too-few-items"]
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
        ("regression", torch.ones(9), "no-spread", AMOUNTS),
        ("regression", torch.tensor([4.5]), "no-spread", AMOUNTS),
        ("regression", torch.tensor([0, 1, 1]), "targets-look-like-labels", SPREAD),
        ("binary", torch.zeros(9), "one-class", COUNTS),
        ("binary", torch.full((9,), 3), "one-class", COUNTS),
        ("binary", torch.tensor([-1, 1]), "larger-is-positive", {*COUNTS, "class_imbalance", "positive_share"}),
        ("multiclass", torch.full((9,), 3), "one-class", {*COUNTS, "label_encoding"}),
        (
            "multiclass",
            one_hot(torch.tensor([0, 2]), 4),
            "class-absent",
            {*COUNTS, "label_encoding", "class_imbalance"},
        ),
        (
            "multiclass",
            torch.tensor([-100, 1, 2]),
            "ids-below-0",
            {*COUNTS, "label_encoding", "class_imbalance"},
        ),
        ("multilabel", torch.zeros(3, 4), "constant-label", {*COUNTS, "multilabel"}),
        (
            "multilabel",
            one_hot(torch.tensor([0, 1])),
            "looks-exclusive",
            {*COUNTS, "multilabel", "class_imbalance", "positive_share"},
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


@pytest.mark.parametrize("task", ["similarity", "generation"])
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
        ("multiclass", torch.tensor([[1.0, 0.0], [1.0, 1.0]]), None, NotOneHot),
        ("multiclass", torch.tensor([[0.2, 0.3]]), None, NotOneHot),
        ("multiclass", torch.tensor([0, 1]), torch.ones(2, 1), SingleColumn),
        ("multiclass", torch.tensor([0, 3]), torch.ones(2, 3), IdOutOfRange),
        ("detection", torch.tensor([[0, 0, 1, 1], [3, 0, 2, 1]]), None, BadBox),
        ("detection", torch.tensor([[0, 0, 1, 1], [2, 0, 2, 1]]), None, BadBox),
        ("detection", torch.zeros(4), None, UnreadableTargets),
        ("detection", torch.tensor([[0, 0, 1, 1]]), torch.zeros(2, 4), ShapeMismatch),
        ("generation", None, None, MissingInput),
        ("multilabel", torch.tensor([[0, 2]]), None, UnreadableTargets),
        ("segmentation", NORMAL[:8].reshape(2, 2, 2), None, UnreadableTargets),
        ("segmentation", torch.zeros(5), None, UnreadableTargets),
    ],
)
def test_what_cannot_be_measured_is_refused(
    task: str, targets: Tensor | None, predictions: Tensor | None, refusal: type[Refusal]
) -> None:
    with pytest.raises(refusal):
        measure_profile(task, targets, predictions)


@pytest.mark.parametrize(
    ("task", "targets", "predictions", "index"),
    [
        ("multiclass", one_hot(torch.tensor([0, 1, 2])).clamp(max=1) * torch.tensor([[1], [1], [0]]), None, [2]),
        ("multiclass", torch.tensor([0, 1, 2, 7, 9]), torch.eye(3).repeat(2, 1)[:5], [3]),
        ("detection", torch.tensor([[0.0, 0.0, 1.0, 1.0]] * 70_000 + [[0.0, 1.0, 1.0, 1.0]]), None, [70_000]),
        ("regression", torch.tensor([[0.0, 0.0]] * 70_000 + [[0.0, math.inf]]), None, [70_000, 1]),
    ],
)
def test_a_refusal_names_the_first_place_that_is_wrong(
    task: str, targets: Tensor, predictions: Tensor | None, index: list[int]
) -> None:
    with pytest.raises(Refusal) as caught:
        measure_profile(task, targets, predictions)

    assert caught.value.facts["index"] == index


@pytest.mark.parametrize("rows", [[[0.5, 1.5], [0.5, 0.5]], [[0.5, 0.5], [0.5, 0.6]]])
def test_probabilities_are_refused_only_where_they_are_claimed(rows: list[list[float]]) -> None:
    targets, predictions = torch.tensor([0, 1]), torch.tensor(rows)

    measured = measure_profile("multiclass", targets, predictions)

    assert number(measured, "classes") == 2
    with pytest.raises(NotProbabilities, match="predictions_are=logits"):
        measure_profile("multiclass", targets, predictions, predictions_are="probabilities")


def test_arrays_that_a_task_has_no_use_for_are_refused() -> None:
    with pytest.raises(UnknownInput):
        measure_profile("regression", NORMAL[:5], labels=IDS[:5])


def test_embeddings_alone_are_taken_for_similarity_and_that_is_said() -> None:
    measured = measure_profile(None, embeddings=NORMAL[:100].reshape(20, 5))

    assert measured.task == "similarity"
    assert codes(measured) == ["task-guessed"]
    assert number(measured, "n") == 20


def test_facts_without_items_enough_are_left_out_and_it_is_said_how_many_they_need() -> None:
    few = measure_profile("regression", NORMAL[:399], NORMAL[1000:1399])
    enough = measure_profile("regression", NORMAL[:400], NORMAL[1000:1400])

    assert (few.profile.tail_index, codes(few)) == (None, ["too-few-items"])
    assert "tail_index (400)" in few.warnings[0].text
    assert (number(enough, "tail_index") > 0, codes(enough)) == (True, [])


def test_the_features_of_the_model_land_in_the_profile_and_give_the_pull_of_outliers() -> None:
    errors = NORMAL[:1000].clone()
    errors[:50] += 20

    measured = measure_profile("regression", errors, torch.zeros(1000), features=10)

    assert number(measured, "features") == 10
    assert number(measured, "outlier_pull") == pytest.approx(number(measured, "outlier_rate") * 10)


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
    assert answer.objective or measured.task is Task.SURVIVAL  # of which no rule speaks
