"""Classes on the last axis give what classes on axis 1 give."""

import pytest
import torch

from losses.contract.expression import parse
from losses.contract.registry import catalogue
from losses.errors import BadOption, DomainViolation, NonFiniteInput, ShapeMismatch
from losses.evaluation.class_axis import roles_of_classes
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.stream import Stream
from tests.losses.draw import Batch, Subject, once_a_loss

LAST = Options(class_axis=-1, gradient="full")
CLASSED = [Subject(loss.bind()) for loss in catalogue().values() if roles_of_classes(Subject(loss.bind()).objective)]
TOKENS = {"predictions": torch.randn(8, 7, 5, generator=torch.Generator().manual_seed(2))}
TOKENS["targets"] = torch.randint(5, (8, 7), generator=torch.Generator().manual_seed(3))


def last(batch: Batch) -> Batch:
    """Return the batch with its classes on the last axis."""
    roles = roles_of_classes(batch.subject.objective)
    return batch.map(lambda role, tensor: tensor.movedim(1, -1) if role in roles else tensor)


@once_a_loss(CLASSED)
def test_classes_may_stand_on_the_last_axis(subject: Subject) -> None:
    batch = subject.draw()

    first = batch.evaluate(gradient="full")
    moved = last(batch).evaluate(gradient="full", class_axis=-1)

    assert moved.value == pytest.approx(first.value, rel=1e-12)
    assert moved.gradients
    assert first.gradients
    roles = roles_of_classes(subject.objective)
    for role, slope in first.gradients.items():
        expected = slope.movedim(1, -1) if role in roles else slope
        torch.testing.assert_close(moved.gradients[role], expected, rtol=1e-9, atol=1e-15)


def test_a_sum_with_a_loss_of_single_numbers_moves_its_weights_too() -> None:
    rng = torch.Generator().manual_seed(4)
    inputs = {"predictions": torch.randn(2, 3, 4, 4, generator=rng), "targets": torch.rand(2, 3, 4, 4, generator=rng)}
    pixels = torch.rand(2, 4, 4, generator=rng)

    for objective in ("dice(activation=sigmoid) + bce", "dice(activation=sigmoid)"):
        first = evaluate(parse(objective), inputs, weights=pixels)
        channels_last = {role: tensor.movedim(1, -1) for role, tensor in inputs.items()}
        moved = evaluate(parse(objective), channels_last, weights=pixels, options=Options(class_axis=-1))
        assert moved.value == pytest.approx(first.value, rel=1e-6)


def test_a_stream_takes_classes_on_the_last_axis() -> None:
    stream = Stream(parse("cross_entropy"), Options(class_axis=-1))
    for start in (0, 4):
        stream.add({role: tensor[start : start + 4] for role, tensor in TOKENS.items()})

    expected = torch.nn.functional.cross_entropy(TOKENS["predictions"].movedim(-1, 1), TOKENS["targets"])
    assert stream.finish().value == pytest.approx(expected.item(), rel=1e-6)


def test_token_logits_are_told_where_classes_stand() -> None:
    with pytest.raises(ShapeMismatch) as refusal:
        evaluate(parse("cross_entropy"), TOKENS)

    assert refusal.value.message == (
        "targets must have axes (n *s), got shape [8, 7]. Classes stand on axis 1: send predictions.movedim(-1, 1) of "
        "shape [8, 5, 7], or ask with class_axis=-1."
    )
    assert evaluate(parse("cross_entropy"), TOKENS, options=LAST).value is not None


def test_classes_on_axis_1_are_told_to_leave_the_option_out() -> None:
    inputs = {**TOKENS, "predictions": TOKENS["predictions"].movedim(-1, 1)}

    with pytest.raises(ShapeMismatch, match="leave class_axis out"):
        evaluate(parse("cross_entropy"), inputs, options=LAST)


def test_shapes_that_fit_neither_way_are_told_the_shape_that_would() -> None:
    with pytest.raises(ShapeMismatch, match=r"\[8, 5\] would fit"):
        evaluate(parse("cross_entropy"), {**TOKENS, "targets": torch.zeros(8, 6, dtype=torch.long)})


def test_a_loss_without_classes_has_no_axis_of_them() -> None:
    with pytest.raises(BadOption, match="leave class_axis out"):
        evaluate(parse("mse"), {"predictions": torch.zeros(3), "targets": torch.zeros(3)}, options=LAST)


def test_refusals_count_along_the_axes_that_were_sent() -> None:
    logits = TOKENS["predictions"].clone()
    logits[2, 6, 3] = torch.nan
    shares = torch.full((2, 3, 4), 0.25)
    shares[1, 2, 3] = 2.0

    with pytest.raises(NonFiniteInput) as not_finite:
        evaluate(parse("cross_entropy"), {**TOKENS, "predictions": logits}, options=LAST)
    with pytest.raises(DomainViolation) as outside:
        evaluate(parse("dice"), {"predictions": torch.zeros(2, 3, 4), "targets": shares}, options=LAST)

    assert not_finite.value.facts["index"] == [2, 6, 3]
    assert outside.value.facts["index"] == [1, 2, 3]
    assert "[1, 2, 3]" in outside.value.message
