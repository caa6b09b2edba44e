"""Where nothing counts: everything is ignored, masked, empty, or without weight."""

import pytest
import torch

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.totals import Reduction
from tests.losses.draw import Subject, every_kind, every_weighted_kind
from tests.losses.families.evaluating import INF, said

NOTHING, MASKED, IGNORED = (
    "there are no items",
    "every item is masked",
    "every item is ignored: its id is the ignore_index",
)
WEIGHTLESS = "every weight is 0, and so is what the sum is divided by"


@pytest.mark.parametrize("loss", ["sparse_categorical_ce", "focal_softmax"])
def test_where_every_id_is_ignored_there_is_no_value(loss: str) -> None:
    evaluation = said(loss, predictions=[[0.0, 1.0], [2.0, 0.0]], targets=[-100, -100])

    assert (evaluation.value, evaluation.reason, evaluation.kept, evaluation.ignored) == (None, IGNORED, 0, 2)
    assert (evaluation.standard_error, evaluation.gradient) == (None, None)


@every_weighted_kind
def test_where_everything_is_masked_there_is_no_value(subject: Subject) -> None:
    batch = subject.draw()
    nothing = torch.zeros(batch.shape[0])

    masked, weightless = batch.evaluate(mask=nothing), batch.evaluate(weights=nothing)

    assert (masked.value, masked.reason, masked.kept) == (None, MASKED, 0)
    assert weightless.value is None
    assert weightless.reason == WEIGHTLESS


@every_kind
def test_of_no_items_there_is_no_value(subject: Subject) -> None:
    empty = subject.draw().map(lambda role, tensor: tensor[:0] if subject.loss.pattern(role).item_axis else tensor)

    evaluation = empty.evaluate(gradient="full")

    assert (evaluation.value, evaluation.reason, evaluation.kept) == (None, NOTHING, 0)


@pytest.mark.parametrize("text", ["mse", "bce + 0.5*focal"])
@pytest.mark.parametrize("reduction", ["mean", "mean_over_count"])
def test_of_empty_lists_there_is_no_value(text: str, reduction: Reduction) -> None:
    evaluation = said(text, predictions=[], targets=[], options=Options(reduction=reduction))

    assert (evaluation.value, evaluation.reason) == (None, NOTHING)


def test_one_empty_list_of_two_is_said_to_be_empty() -> None:
    evaluation = said("adversarial_discriminator", real=[], fake=[1.0])

    assert (evaluation.value, evaluation.reason) == (None, NOTHING)


@pytest.mark.parametrize(
    ("text", "predictions", "targets"),
    [
        ("bce", [-INF], [1.0]),
        ("bce(from_logits=false)", [0.0], [1.0]),
        ("categorical_ce", [[-INF, 0.0]], [[0.5, 0.5]]),
        ("categorical_ce(label_smoothing=0.1)", [[-INF, 0.0]], [[0.0, 1.0]]),
        ("sparse_categorical_ce(from_logits=false)", [[0.0, 1.0]], [0]),
        ("sparse_categorical_ce", [[-INF, -INF]], [0]),
        ("focal_softmax", [[-INF]], [0]),
        ("mse", [1e200], [0.0]),
        ("1e308*mse", [1e10], [0.0]),
    ],
)
def test_what_is_not_finite_is_null_with_a_reason(text: str, predictions: list[object], targets: list[object]) -> None:
    evaluation = said(text, predictions=predictions, targets=targets)

    assert (evaluation.value, evaluation.standard_error, evaluation.gradient, evaluation.gradients) == (
        None,
        None,
        None,
        None,
    )
    assert (evaluation.reason or "").startswith("the loss is not finite")


def test_a_weight_of_zero_is_kept_and_a_mask_is_not() -> None:
    inputs = {"predictions": torch.tensor([1.0, 2.0, 9.0]), "targets": torch.tensor([1.5, 0.0, 0.0])}
    last = torch.tensor([1.0, 1.0, 0.0])
    options = Options(reduction="mean_over_count")

    weighted = evaluate(parse("mse"), inputs, weights=last, options=options)
    masked = evaluate(parse("mse"), inputs, mask=last, options=options)

    assert weighted.value == pytest.approx(4.25 / 3)
    assert masked.value == pytest.approx(4.25 / 2)
    assert (weighted.kept, masked.kept) == (3, 2)


def test_a_mask_of_pixels_holds_for_every_term_of_a_sum() -> None:
    rng = torch.Generator().manual_seed(6)
    logits = torch.randn(4, 1, 5, 6, generator=rng, dtype=torch.float64)
    inputs = {"predictions": logits, "targets": (logits > 1).double()}
    mask = torch.rand(4, 5, 6, generator=rng) > 0.3

    both = evaluate(parse("dice + bce"), inputs, mask=mask, options=Options(gradient="full", chunk_elements=20))
    dice = evaluate(parse("dice"), inputs, mask=mask)
    bce = evaluate(parse("bce"), inputs, mask=mask.unsqueeze(1))

    assert both.value == pytest.approx((dice.value or 0) + (bce.value or 0), rel=1e-12)
    assert both.gradients is not None
    assert not both.gradients["predictions"][:, 0][~mask].any()
