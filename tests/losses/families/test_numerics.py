"""Extreme numbers: huge, infinite, perfect, collapsed, and NaN."""

import math
from contextlib import AbstractContextManager

import pytest
import torch

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from tests.losses.draw import Batch, Subject, every_kind, every_subject
from tests.losses.families.evaluating import INF, NAN, finite, said


@pytest.mark.parametrize(
    ("text", "predictions", "targets", "value"),
    [
        ("bce", [1e4, -1e4], [1.0, 0.0], 0.0),
        ("bce", [1e4, -1e4], [0.0, 1.0], 1e4),
        ("bce", [1e9, 0.0], [1.0, 0.0], math.log(2) / 2),
        ("bce(pos_weight=3)", [-1e4], [1.0], 3e4),
        ("focal(alpha=none)", [1e4, -1e4], [1.0, 0.0], 0.0),
        ("focal(alpha=none)", [1e4, -1e4], [0.0, 1.0], 1e4),
        ("focal(alpha=none, gamma=0.5)", [1e4, -1e4, 100.0], [1.0, 0.0, 1.0], 0.0),
        ("focal(alpha=none, gamma=0.5)", [-1e4], [1.0], 1e4),
        ("categorical_ce", [[1e4, -1e4]], [[0.0, 1.0]], 2e4),
        ("categorical_ce", [[1e4, -1e4]], [[1.0, 0.0]], 0.0),
        ("sparse_categorical_ce", [[1e4, -1e4], [0.0, 0.0]], [1, 0], 1e4 + math.log(2) / 2),
        ("focal_softmax(gamma=0.5)", [[1e4, 0.0], [0.0, 100.0]], [0, 1], 0.0),
        ("focal_softmax(gamma=0.5)", [[1e4, 0.0]], [1], 1e4),
        ("dice(smooth=0)", [[1e4, -1e4]], [[1.0, 0.0]], 0.0),
    ],
)
def test_huge_logits_keep_value_and_gradient_finite(
    text: str, predictions: list[object], targets: list[object], value: float
) -> None:
    evaluation = said(text, predictions=predictions, targets=targets)

    assert evaluation.value == pytest.approx(value, rel=1e-12, abs=1e-30)
    assert finite(evaluation)


@pytest.mark.parametrize("form", ["non_saturating", "minimax"])
def test_huge_scores_keep_both_networks_finite(form: str) -> None:
    scores = [1e4, -1e4]

    assert finite(said(f"adversarial_generator(form={form})", fake=scores))
    assert finite(said(f"adversarial_discriminator(form={form})", real=scores, fake=scores))


@pytest.mark.parametrize(
    ("text", "predictions", "targets", "value"),
    [
        ("bce", [-INF, 0.0], [0.0, 1.0], math.log(2) / 2),
        ("focal(alpha=none, gamma=0)", [-INF, 0.0], [0.0, 1.0], math.log(2) / 2),
        ("focal", [-INF], [0.0], 0.0),
        ("categorical_ce", [[-INF, 0.0, 0.0]], [[0.0, 0.5, 0.5]], math.log(2)),
        ("categorical_ce", [[-INF, 0.0, -INF]], [[0.0, 1.0, 0.0]], 0.0),
        ("sparse_categorical_ce", [[-INF, 0.0, 0.0]], [1], math.log(2)),
        ("focal_softmax", [[-INF, 0.0, 0.0]], [1], math.log(2) / 4),
        ("focal_softmax(gamma=0.5)", [[-INF, 0.0]], [1], 0.0),
        ("dice(smooth=0)", [[-INF, 0.0]], [[0.0, 1.0]], 0.0),
    ],
)
def test_minus_infinity_is_a_probability_of_zero(
    text: str, predictions: list[object], targets: list[object], value: float
) -> None:
    evaluation = said(text, predictions=predictions, targets=targets)

    assert evaluation.value == pytest.approx(value, rel=1e-12)
    assert finite(evaluation)


@pytest.mark.parametrize(
    ("text", "predictions", "targets", "value"),
    [
        ("mse", [1.0, 2.0], [1.0, 2.0], 0.0),
        ("mae", [1.0, 2.0], [1.0, 2.0], 0.0),
        ("smooth_l1", [1.0, 2.0], [1.0, 2.0], 0.0),
        ("smooth_l1(beta=0)", [1.0, 2.0], [1.0, 2.0], 0.0),
        ("bce(from_logits=false)", [0.0, 1.0], [0.0, 1.0], 0.0),
        ("focal(from_logits=false)", [0.0, 1.0], [0.0, 1.0], 0.0),
        ("focal(from_logits=false, gamma=0.5)", [0.0, 1.0], [0.0, 1.0], 0.0),
        ("categorical_ce(from_logits=false)", [[0.0, 1.0]], [[0.0, 1.0]], 0.0),
        ("sparse_categorical_ce(from_logits=false)", [[0.0, 1.0]], [1], 0.0),
        ("focal_softmax(from_logits=false)", [[0.0, 1.0]], [1], 0.0),
        ("focal_softmax(from_logits=false, gamma=0.5)", [[0.0, 1.0]], [1], 0.0),
        ("dice(from_logits=false)", [[0.0, 1.0]], [[0.0, 1.0]], 0.0),
        ("dice(from_logits=false, group=batch)", [[0.0, 1.0]], [[0.0, 1.0]], 0.0),
    ],
)
def test_a_perfect_prediction_costs_nothing(
    text: str, predictions: list[object], targets: list[object], value: float
) -> None:
    evaluation = said(text, predictions=predictions, targets=targets)

    assert evaluation.value == value
    assert finite(evaluation)


@pytest.mark.parametrize("p", [1, 2, 3])
@pytest.mark.parametrize("eps", [0, 1e-6])
def test_a_collapsed_embedding_costs_the_margin(p: float, eps: float) -> None:
    same = [[1.0, 2.0]]

    evaluation = said(f"triplet(margin=0.2, p={p}, eps={eps})", anchor=same, positive=same, negative=same)

    assert evaluation.value == pytest.approx(0.2, rel=1e-12)
    assert finite(evaluation)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("scale", [1e-12, 1.0, 1e12])
def test_a_high_norm_stays_in_range(dtype: torch.dtype, scale: float) -> None:
    apart = torch.tensor([[0.3, 0.1]], dtype=dtype) * scale
    inputs = {"anchor": torch.zeros_like(apart), "positive": apart, "negative": apart / 2}

    value = evaluate(parse(f"triplet(p=100, eps=0, margin={scale})"), inputs).value

    assert value == pytest.approx(1.15 * scale, rel=1e-6)


@pytest.mark.parametrize("smooth", [0, 1e-5, 1])
@pytest.mark.parametrize("group", ["image", "batch"])
def test_an_empty_mask_predicted_empty_costs_nothing(group: str, smooth: float) -> None:
    empty = [[[0.0, 0.0]]]

    evaluation = said(f"dice(from_logits=false, group={group}, smooth={smooth})", predictions=empty, targets=empty)

    assert evaluation.value == 0
    assert finite(evaluation)


def test_an_empty_mask_predicted_full_costs_everything() -> None:
    evaluation = said("dice(from_logits=false, smooth=0)", predictions=[[[1.0, 1.0]]], targets=[[[0.0, 0.0]]])

    assert evaluation.value == 1
    assert finite(evaluation)


@pytest.mark.parametrize("loss", ["categorical_ce", "dice", "dice(group=batch)"])
def test_one_class_only_is_certain(loss: str) -> None:
    evaluation = said(f"{loss}", predictions=[[[40.0, 50.0]]], targets=[[[1.0, 1.0]]])

    assert evaluation.value == pytest.approx(0.0, abs=1e-16)
    assert finite(evaluation)


@pytest.mark.parametrize("loss", ["sparse_categorical_ce", "focal_softmax", "focal_softmax(gamma=0.5)"])
def test_one_class_by_id_is_certain(loss: str) -> None:
    evaluation = said(loss, predictions=[[-4.0], [7.0]], targets=[0, 0])

    assert evaluation.value == 0
    assert finite(evaluation)


@every_subject
def test_extreme_but_legal_numbers_keep_the_gradient_finite(subject: Subject) -> None:
    batch = subject.draw(seed=51, items=40, edges=True)

    assert finite(batch.evaluate(gradient="full"))


@every_kind
def test_numbers_that_are_not_finite_give_a_null_and_their_count_where_that_is_asked_for(subject: Subject) -> None:
    role = next(role for role in subject.loss.required if not subject.term.domain(role).whole)
    batch = subject.draw()
    spoilt = batch.inputs[role].clone()
    spoilt.view(-1)[0], spoilt.view(-1)[-1] = NAN, INF

    evaluation = Batch(subject, {**batch.inputs, role: spoilt}).evaluate(nonfinite="allow", chunk_elements=7)

    assert (evaluation.value, evaluation.reason) == (None, f"2 non-finite numbers in {role}")


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("bce", {"predictions": [INF, 0.0], "targets": [1.0, 1.0]}),
        ("triplet", {"anchor": [[0.0]], "positive": [[1.0]], "negative": [[INF]]}),
        ("adversarial_generator", {"fake": [INF, 1.0]}),
    ],
)
def test_an_infinity_that_would_cost_nothing_is_still_reported(text: str, inputs: dict[str, list[object]]) -> None:
    tensors = {role: torch.tensor(numbers) for role, numbers in inputs.items()}

    evaluation = evaluate(parse(text), tensors, options=Options(nonfinite="allow"))

    assert evaluation.value is None
    assert (evaluation.reason or "").startswith("1 non-finite numbers in ")


def test_a_number_is_counted_once_for_all_terms() -> None:
    evaluation = said("mse + mae", options=Options(nonfinite="allow"), predictions=[NAN, 1.0], targets=[0.0, 0.0])

    assert (evaluation.value, evaluation.reason) == (None, "1 non-finite numbers in predictions")
    assert [term.reason for term in evaluation.terms or []] == [evaluation.reason] * 2


def test_logits_of_an_ignored_item_leave_no_trace() -> None:
    nothing = [-INF, -INF, -INF]

    evaluation = said("sparse_categorical_ce", predictions=[nothing, [0.0, 0.0, 0.0]], targets=[-100, 1])

    assert evaluation.value == pytest.approx(math.log(3))
    assert finite(evaluation)


def test_whole_numbers_alone_are_computed_in_float64() -> None:
    evaluation = evaluate(parse("mse"), {"predictions": torch.tensor([3, 4]), "targets": torch.tensor([True, False])})

    assert (evaluation.value, evaluation.dtype) == (10.0, torch.float64)


@pytest.mark.parametrize(
    "dtype", [torch.uint8, torch.int8, torch.int32, torch.bool, torch.float16, torch.float64], ids=str
)
def test_ids_of_any_kind_are_whole_numbers(dtype: torch.dtype) -> None:
    inputs = {"predictions": torch.zeros(2, 2), "targets": torch.tensor([0, 1]).to(dtype)}

    assert evaluate(parse("sparse_categorical_ce"), inputs).value == pytest.approx(math.log(2), rel=1e-7)


@pytest.mark.parametrize("mode", [torch.no_grad, torch.inference_mode])
def test_the_callers_mode_does_not_matter(mode: type[AbstractContextManager[None]]) -> None:
    objective = parse("mse + dice(group=batch)")

    with mode():
        inputs = {"predictions": torch.linspace(0, 1, 6).reshape(2, 1, 3), "targets": torch.ones(2, 1, 3)}
        evaluation = evaluate(objective, inputs, options=Options(gradient="full"))

    assert evaluation.gradient is not None
    assert evaluation.gradient.absolute_sum > 0
