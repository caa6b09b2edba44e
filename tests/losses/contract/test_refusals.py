"""What cannot be answered is refused by name, with what was wanted, what came, and the way out."""

import math

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from losses.errors import (
    BadOption,
    DomainViolation,
    MissingInput,
    NonFiniteInput,
    Refusal,
    ShapeMismatch,
    UnsupportedDtype,
)
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.totals import Reduction
from tests.losses.draw import Batch, Subject, every_kind

NAN, INF = math.nan, math.inf


def refused(text: str, inputs: dict[str, Tensor], **more: object) -> Refusal:
    """Return how an objective refuses some inputs."""
    with pytest.raises(Refusal) as caught:
        evaluate(parse(text), inputs, **more)  # type: ignore[arg-type] # weights, mask and options by name
    return caught.value


def pair(predictions: object, targets: object) -> dict[str, Tensor]:
    return {"predictions": torch.as_tensor(predictions), "targets": torch.as_tensor(targets)}


def zeros(predictions: tuple[int, ...], targets: tuple[int, ...]) -> dict[str, Tensor]:
    return pair(torch.zeros(predictions), torch.zeros(targets))


@pytest.mark.parametrize(
    ("text", "predictions", "targets", "role", "expected", "message"),
    [
        ("mse", (3,), (3, 1), "targets", "*n", "got shape [3, 1]. [3] would fit; nothing is broadcast."),
        ("mse", (3, 1), (3,), "targets", "*n", "[3, 1] would fit"),
        ("bce", (3,), (1,), "targets", "*n", "[3] would fit"),
        ("mse", (), (), "predictions", "*n", "got shape []."),
        ("categorical_ce", (3,), (3,), "predictions", "n C *s", "got shape [3]."),
        ("sparse_categorical_ce", (3, 2, 4), (3, 5), "targets", "n *s", "[3, 4] would fit"),
        ("sparse_categorical_ce", (3, 2), (3, 2), "targets", "n *s", "One-hot labels belong to categorical_ce."),
        ("focal_softmax", (3, 2, 4), (3, 2, 4), "targets", "n *s", "One-hot labels belong to categorical_ce."),
        ("categorical_ce", (3, 2), (3,), "targets", "n C *s", "Class ids belong to sparse_categorical_ce"),
        ("categorical_ce", (3, 2, 4), (3, 4), "targets", "n C *s", "Class ids belong to sparse_categorical_ce"),
        ("dice", (3, 2, 4), (3, 1, 4), "targets", "n C *s", "[3, 2, 4] would fit"),
        ("dice", (3,), (3,), "predictions", "n C *s", "got shape [3]."),
        ("categorical_ce", (3, 0), (3, 0), "predictions", "n C *s", "C must be at least 1."),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    text: str, predictions: tuple[int, ...], targets: tuple[int, ...], role: str, expected: str, message: str
) -> None:
    refusal = refused(text, zeros(predictions, targets))

    assert isinstance(refusal, ShapeMismatch)
    got = predictions if role == "predictions" else targets
    assert refusal.facts == {"role": role, "expected": expected, "got": list(got)}
    assert message in refusal.message


def test_embeddings_of_different_length_are_refused() -> None:
    inputs = {"anchor": torch.zeros(2, 3), "positive": torch.zeros(2, 3), "negative": torch.zeros(2, 4)}

    refusal = refused("triplet", inputs)

    assert refusal.facts == {"role": "negative", "expected": "n D", "got": [2, 4]}


def test_class_weights_are_one_a_class() -> None:
    inputs = {**pair(torch.zeros(2, 3), [0, 1]), "class_weights": torch.ones(2)}

    refusal = refused("sparse_categorical_ce", inputs)

    assert refusal.facts == {"role": "class_weights", "expected": "C", "got": [2]}


def test_the_terms_of_a_sum_have_the_same_items() -> None:
    three = dict.fromkeys(("anchor", "positive", "negative"), torch.zeros(3, 2))

    refusal = refused("triplet + mse", {**three, **zeros((4,), (4,))})

    assert isinstance(refusal, ShapeMismatch)
    assert refusal.facts == {"role": "predictions", "expected": "*n", "got": [4]}
    assert "Another term of the sum has 3 items." in refusal.message


@pytest.mark.parametrize("chunk", [1, 3, 1000])
@pytest.mark.parametrize(
    ("text", "inputs", "role", "index", "message"),
    [
        ("bce", pair(torch.zeros(6), [0, 1, 0, 1.5, 2, 0]), "targets", [3], "labels from 0 to 1"),
        ("bce", pair(torch.zeros(4), [1, 1, 1, -1]), "targets", [3], "Labels of -1 and 1 become (y + 1) / 2;"),
        ("bce(from_logits=false)", pair([0.5, 0.2, 1.25], [0, 1, 1]), "predictions", [2], "from_logits=true"),
        ("focal(from_logits=false)", pair([[0.5], [-0.5]], [[0], [1]]), "predictions", [1, 0], "from 0 to 1"),
        ("categorical_ce", pair(torch.zeros(3, 2), [[1, 0], [0, 1], [1, 1]]), "targets", [2, 0], "Several labels"),
        ("categorical_ce", pair(torch.zeros(2, 2), [[1, 0], [2, -1]]), "targets", [1, 0], "one-hot rows"),
        ("categorical_ce(from_logits=false)", pair([[0.5, 0.4]], [[1, 0]]), "predictions", [0, 0], "sum to 1"),
        ("sparse_categorical_ce", pair(torch.zeros(3, 2), [0, 1, 2]), "targets", [2], "whole class ids, 0 to 1;"),
        ("sparse_categorical_ce", pair(torch.zeros(3, 2), [0, 1, -1]), "targets", [2], "whole class ids"),
        ("sparse_categorical_ce", pair(torch.zeros(3, 2), [0, 2**40, 1]), "targets", [1], "0 to 1"),
        ("sparse_categorical_ce", pair(torch.zeros(3, 2), [0, 0.5, 1]), "targets", [1], "belong to categorical_ce"),
        ("focal_softmax", pair(torch.zeros(3, 2), [0, 1, -101]), "targets", [2], "by ignore_index."),
        ("sparse_categorical_ce(ignore_index=1)", pair(torch.zeros(3, 3), [1, 0, -100]), "targets", [2], "0 to 2"),
        ("dice", pair(torch.zeros(3, 1, 2), [[[0, 1]], [[0, 1]], [[0, 255]]]), "targets", [2, 0, 1], "0 to 1"),
    ],
)  # fmt: skip
def test_numbers_outside_the_domain_are_refused_with_the_first_index(
    text: str, inputs: dict[str, Tensor], role: str, index: list[int], message: str, chunk: int
) -> None:
    refusal = refused(text, inputs, options=Options(chunk_elements=chunk))

    assert isinstance(refusal, DomainViolation)
    assert (refusal.facts["role"], refusal.facts["index"]) == (role, index)
    assert message in refusal.message


@pytest.mark.parametrize("predictions", [[[-100.0, 101.0]], [[0.0, 0.0]]])
def test_ignoring_an_id_excuses_no_prediction(predictions: list[list[float]]) -> None:
    for ignored in (-100, 0):
        text = f"sparse_categorical_ce(from_logits=false, ignore_index={ignored})"

        assert isinstance(refused(text, pair(predictions, [1])), DomainViolation)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_rounding_of_a_narrow_dtype_is_no_violation(dtype: torch.dtype) -> None:
    rows = torch.randn(50, 40, generator=torch.Generator().manual_seed(0)).softmax(1).to(dtype)
    inputs = pair(rows, torch.eye(40)[:40].repeat(2, 1)[:50])

    assert evaluate(parse("categorical_ce(from_logits=false)"), inputs).value is not None


@every_kind
@pytest.mark.parametrize("bad", [NAN, INF])
def test_a_number_that_is_not_finite_is_refused_with_its_index(subject: Subject, bad: float) -> None:
    for role in subject.loss.required:
        batch = subject.draw()
        if not batch.inputs[role].is_floating_point():
            continue
        spoilt = batch.inputs[role].clone()
        spoilt.view(-1)[-1] = bad

        with pytest.raises(NonFiniteInput) as refusal:
            Batch(subject, {**batch.inputs, role: spoilt}).evaluate(chunk_elements=7)

        assert refusal.value.facts == {"role": role, "index": [length - 1 for length in spoilt.shape]}
        assert "nonfinite=allow" in refusal.value.message


def test_minus_infinity_is_legal_only_for_logits() -> None:
    assert isinstance(refused("mse", pair([0.0, -INF], [0.0, 0.0])), NonFiniteInput)
    assert isinstance(refused("bce(from_logits=false)", pair([0.5, -INF], [0.0, 0.0])), NonFiniteInput)


def test_ids_that_are_not_finite_are_refused_even_where_other_numbers_may_be() -> None:
    inputs = pair(torch.zeros(2, 2), [0.0, NAN])

    refusal = refused("sparse_categorical_ce", inputs, options=Options(nonfinite="allow"))

    assert refusal.facts == {"role": "targets", "index": [1]}


@pytest.mark.parametrize("dtype", [torch.complex64, torch.uint16])
def test_numbers_of_another_kind_are_refused(dtype: torch.dtype) -> None:
    refusal = refused("mse", {"predictions": torch.zeros(2, dtype=dtype), "targets": torch.zeros(2)})

    assert isinstance(refusal, UnsupportedDtype)
    assert (refusal.facts["role"], refusal.facts["got"]) == ("predictions", str(dtype).removeprefix("torch."))
    assert "float16" in refusal.message


@every_kind
def test_a_missing_input_is_named_with_all_that_are_needed(subject: Subject) -> None:
    inputs = subject.draw().inputs
    for role in subject.loss.required:
        rest = {name: tensor for name, tensor in inputs.items() if name != role}

        with pytest.raises(MissingInput) as refusal:
            evaluate(subject.objective, rest)

        assert refusal.value.facts == {"loss": subject.loss.id, "role": role, "roles": list(subject.loss.roles)}


@pytest.mark.parametrize("text", ["dice(group=batch)", "adversarial_discriminator", "bce + dice(group=batch)"])
@pytest.mark.parametrize("reduction", ["sum", "none", "mean_over_count"])
def test_a_quotient_has_only_a_mean(text: str, reduction: Reduction) -> None:
    inputs = {"real": torch.zeros(2), "fake": torch.zeros(3), **zeros((2, 1), (2, 1))}

    refusal = refused(text, inputs, options=Options(reduction=reduction))

    assert isinstance(refusal, BadOption)
    assert refusal.facts == {"option": "reduction"}
    assert "only reduction=mean has a meaning" in refusal.message


def test_terms_with_different_items_have_no_values_per_item() -> None:
    refusal = refused("bce + dice", zeros((2, 1, 3), (2, 1, 3)), options=Options(reduction="none"))

    assert refusal.facts == {"option": "reduction"}


def test_values_per_item_have_no_single_gradient() -> None:
    refusal = refused("mse", zeros((2,), (2,)), options=Options(reduction="none", gradient="full"))

    assert refusal.facts == {"option": "gradient"}


@pytest.mark.parametrize("name", ["weights", "mask"])
def test_two_lists_of_items_take_no_weights(name: str) -> None:
    inputs = {"real": torch.zeros(3), "fake": torch.zeros(3)}

    refusal = refused("adversarial_discriminator", inputs, **{name: torch.ones(3)})

    assert isinstance(refusal, BadOption)
    assert refusal.facts == {"option": name}
    assert "two lists of items" in refusal.message


@pytest.mark.parametrize("name", ["weights", "mask"])
@pytest.mark.parametrize("shape", [(), (2,), (3, 3), (3, 2, 1), (1, 2)])
def test_weights_and_masks_have_the_first_axes_of_the_items(name: str, shape: tuple[int, ...]) -> None:
    refusal = refused("mse", zeros((3, 2), (3, 2)), **{name: torch.ones(shape)})

    assert isinstance(refusal, ShapeMismatch)
    assert refusal.facts == {"role": name, "expected": "*n", "got": list(shape)}
    assert "[3, 2] or its first axes would fit." in refusal.message


def test_a_mask_of_pixels_has_no_classes() -> None:
    refusal = refused("dice", zeros((2, 3, 4), (2, 3, 4)), mask=torch.ones(2, 3, 4))

    assert refusal.facts == {"role": "mask", "expected": "n *s", "got": [2, 3, 4]}
    assert "[2, 4] or its first axes would fit." in refusal.message


@pytest.mark.parametrize(("bad", "kind"), [(-0.5, DomainViolation), (NAN, NonFiniteInput), (INF, NonFiniteInput)])
@pytest.mark.parametrize("chunk", [1, 1000])
def test_weights_are_finite_and_not_negative(bad: float, kind: type[Refusal], chunk: int) -> None:
    weights = torch.tensor([1.0, 0.0, bad])

    refusal = refused("mse", zeros((3,), (3,)), weights=weights, options=Options(chunk_elements=chunk))

    assert isinstance(refusal, kind)
    assert (refusal.facts["role"], refusal.facts["index"]) == ("weights", [2])


def test_class_weights_are_not_negative() -> None:
    inputs = {**pair(torch.zeros(2, 2), [0, 1]), "class_weights": torch.tensor([1.0, -100.0])}

    refusal = refused("sparse_categorical_ce", inputs)

    assert (refusal.facts["role"], refusal.facts["index"]) == ("class_weights", [1])
