"""What is the same under two names must be the same number."""

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from tests.losses.draw import Subject


def drawn(text: str, items: int = 20, *, optional: bool = False, edges: bool = True) -> dict[str, Tensor]:
    ((_, term),) = parse(text).terms
    return Subject(term, optional).draw(seed=31, items=items, edges=edges).inputs


def said(text: str, inputs: dict[str, Tensor]) -> Evaluation:
    return evaluate(parse(text), inputs, options=Options(gradient="full"))


def agree(one: Evaluation, other: Evaluation) -> None:
    assert one.value is not None
    assert one.value == pytest.approx(other.value, rel=1e-12)
    assert (one.standard_error or 0) == pytest.approx(other.standard_error or 0, rel=1e-10)
    torch.testing.assert_close(one.gradients, other.gradients, rtol=1e-10, atol=1e-14)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("focal(gamma=0, alpha=none)", "bce"),
        ("focal(gamma=0, alpha=none, from_logits=false)", "bce(from_logits=false)"),
        ("2*focal(gamma=0, alpha=0.5)", "bce"),
        ("focal_softmax(gamma=0)", "sparse_categorical_ce"),
        ("focal_softmax(gamma=0, from_logits=false)", "sparse_categorical_ce(from_logits=false)"),
        ("smooth_l1(beta=0)", "mae"),
        ("1000000000*smooth_l1(beta=500000000)", "mse"),
        ("adversarial_discriminator(form=minimax)", "adversarial_discriminator"),
    ],
)
def test_two_names_of_one_loss_give_one_number(one: str, other: str) -> None:
    inputs = drawn(other)

    agree(said(one, inputs), said(other, inputs))


@pytest.mark.parametrize("smoothing", [0, 0.1])
@pytest.mark.parametrize("optional", [False, True], ids=["", "class_weights"])
def test_one_hot_and_integer_labels_give_one_number(smoothing: float, optional: bool) -> None:  # noqa: FBT001 - a parameter of the test
    inputs = drawn("sparse_categorical_ce", optional=optional, edges=not smoothing)
    inputs["targets"] = inputs["targets"].clamp(min=0)
    one_hot = {**inputs, "targets": F.one_hot(inputs["targets"], 3).movedim(-1, 1)}

    from_ids = said(f"sparse_categorical_ce(label_smoothing={smoothing})", inputs)
    from_rows = said(f"categorical_ce(label_smoothing={smoothing})", one_hot)

    agree(from_ids, from_rows)
    assert from_ids.denominator == pytest.approx(from_rows.denominator, rel=1e-12)


@pytest.mark.parametrize("loss", ["bce", "focal"])
def test_logits_and_their_probabilities_give_one_number(loss: str) -> None:
    inputs = drawn(loss)
    probabilities = {**inputs, "predictions": inputs["predictions"].sigmoid()}

    value = said(f"{loss}(from_logits=false)", probabilities).value

    assert value == pytest.approx(said(loss, inputs).value, rel=1e-12)


@pytest.mark.parametrize("loss", ["categorical_ce", "sparse_categorical_ce", "focal_softmax", "dice"])
def test_logits_of_classes_and_their_probabilities_give_one_number(loss: str) -> None:
    inputs = drawn(loss)
    probabilities = {**inputs, "predictions": inputs["predictions"].softmax(1)}

    value = said(f"{loss}(from_logits=false)", probabilities).value

    assert value == pytest.approx(said(loss, inputs).value, rel=1e-12)


def test_two_classes_by_softmax_are_one_by_sigmoid() -> None:
    inputs = drawn("bce")
    z, y = inputs["predictions"][:, 0], inputs["targets"][:, 0]
    two = {"predictions": torch.stack([torch.zeros_like(z), z], 1), "targets": torch.stack([1 - y, y], 1)}

    value = said("categorical_ce", two).value

    assert value == pytest.approx(said("bce", {"predictions": z, "targets": y}).value, rel=1e-12)


@pytest.mark.parametrize("smooth", [0, 1e-5, 1])
def test_one_image_is_a_batch(smooth: float) -> None:
    inputs = drawn("dice", items=1)

    alone, batch = (said(f"dice(group={group}, smooth={smooth})", inputs) for group in ("image", "batch"))

    agree(alone, batch)


def test_the_losses_of_the_two_networks_of_the_minimax_game_cancel_on_fakes() -> None:
    inputs = drawn("adversarial_discriminator")
    certain = {**inputs, "real": torch.full_like(inputs["real"], 1e4)}  # costs nothing

    generator = said("adversarial_generator(form=minimax)", inputs).value

    assert generator == pytest.approx(-(said("adversarial_discriminator", certain).value or 0), rel=1e-12)
