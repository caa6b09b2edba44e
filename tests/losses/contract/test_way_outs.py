"""A refusal says what to do about the numbers that came, and not about others."""

import pytest
import torch
from torch import Tensor

from losses.contract.domains import IDS, LABELS, LABELS_OF_LISTS, MASKS
from losses.contract.expression import parse
from losses.contract.registry import catalogue
from losses.errors import BadExpression, BadParameter, DomainViolation, NonFiniteInput, Refusal
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options

BYTES = "Masks of 0 and 255 become mask > 0; where 255 marks void beside 0 and 1, leave those places out by `mask`."


def refused(text: str, *chosen: Options, **inputs: object) -> Refusal:
    """Return how an objective refuses numbers written out."""
    tensors = {role: torch.as_tensor(numbers) for role, numbers in inputs.items()}
    weights = tensors.pop("weights", None)
    with pytest.raises(Refusal) as caught:
        evaluate(parse(text), tensors, weights=weights, options=chosen[0] if chosen else Options())
    return caught.value


def of_shape(loss: str, targets: list[float]) -> dict[str, Tensor]:
    """Return targets and predictions in the shape that a loss takes."""
    pattern = catalogue()[loss].pattern("targets")
    tensor = torch.tensor(targets)
    shaped = tensor[None] if pattern.names[:2] == ("n", "C") else tensor
    return {"predictions": torch.zeros(shaped.shape), "targets": shaped}


LABELLED = [
    name
    for name, loss in catalogue().items()
    if loss.domains.get("targets") in {LABELS, LABELS_OF_LISTS, MASKS} and loss.roles[:2] == ("predictions", "targets")
]


@pytest.mark.parametrize("loss", LABELLED)
def test_labels_of_another_encoding_are_told_how_they_become_those_wanted(loss: str) -> None:
    minus_one = refused(loss, **of_shape(loss, [0.0, 1.0, -1.0]))
    void = refused(loss, **of_shape(loss, [0.0, 255.0]))
    ids = refused(loss, **of_shape(loss, [0.0, 1.0, 2.0]))

    assert all(isinstance(refusal, DomainViolation) for refusal in (minus_one, void, ids))
    if loss == "multilabel_margin":  # whose name stands for lists of ids elsewhere
        assert all("[0, 1, -1, -1, -1] becomes [1, 1, 0, 0, 0]" in each.message for each in (minus_one, void, ids))
    else:
        assert BYTES in void.message
        assert "`mask`" in minus_one.message
        assert "Class ids" in ids.message


def test_the_lists_of_ids_of_torch_become_labels_with_the_value_of_torch() -> None:
    predictions, lists = torch.tensor([[0.1, 0.2, 0.4, 0.8, 0.3]]), torch.tensor([[0, 1, -1, -1, -1]])

    told = refused("multilabel_margin", predictions=predictions, targets=lists)
    labels = {"predictions": predictions, "targets": torch.tensor([[1.0, 1.0, 0.0, 0.0, 0.0]])}

    assert "(y + 1) / 2" not in told.message
    expected = torch.nn.functional.multilabel_margin_loss(predictions, lists).item()
    assert evaluate(parse("multilabel_margin"), labels).value == pytest.approx(expected)


IDENTIFIED = [name for name, loss in catalogue().items() if loss.domains.get("targets") is IDS]


@pytest.mark.parametrize("loss", IDENTIFIED)
@pytest.mark.parametrize(("mark", "said"), [(255, "=255."), (-1, "=-1."), (7, ".")])
def test_an_id_without_a_class_is_told_how_it_is_left_out(loss: str, mark: int, said: str) -> None:
    more = {role: torch.tensor([1.0, 1.0]) for role in catalogue()[loss].required[2:]}

    refusal = refused(loss, predictions=torch.zeros(3, 2), targets=[0, 1, mark], **more)

    has_ignored = "ignore_index" in catalogue()[loss].parameters.model_fields
    assert f"is left out by {f'ignore_index{said}' if has_ignored else '`mask`.'}" in refusal.message
    assert "One-hot" not in refusal.message
    assert "subtract 1" not in refusal.message


@pytest.mark.parametrize("loss", IDENTIFIED)
def test_ids_from_one_are_told_to_subtract_one(loss: str) -> None:
    more = {role: torch.tensor([1.0, 1.0]) for role in catalogue()[loss].required[2:]}

    assert "subtract 1" in refused(loss, predictions=torch.zeros(3, 2), targets=[1, 1, 2], **more).message


@pytest.mark.parametrize(
    ("rows", "way_out"),
    [
        ([[0.0, 0.0]], "A row of zeros, of an item without a label, is left out by `mask`."),
        ([[1.0, 1.0]], "Several labels an item belong to bce."),
        ([[0.5, 0.25]], "shares are divided by their sum"),
    ],
)
def test_rows_that_are_not_one_hot_are_told_what_they_are(rows: list[list[float]], way_out: str) -> None:
    assert way_out in refused("categorical_ce", predictions=torch.zeros(1, 2), targets=rows).message


@pytest.mark.parametrize(
    ("loss", "role", "way_out"),
    [
        ("class_balanced", "class_counts", "A class that was never seen counts 1."),
        ("ldam", "class_counts", "A class that was never seen counts 1."),
        ("logit_adjusted", "priors", "A class that was never seen counts as if it had been seen once."),
    ],
)
def test_a_class_without_items_is_told_what_it_counts(loss: str, role: str, way_out: str) -> None:
    refusal = refused(loss, predictions=torch.zeros(1, 2), targets=[0], **{role: [0.0, 5.0]})

    assert refusal.message.endswith(way_out)


@pytest.mark.parametrize(
    ("text", "way_out"),
    [
        ("tweedie(power=1)", "A power of 1 is poisson_nll, a power of 2 gamma_deviance."),
        ("tweedie(power=2)", "A power of 1 is poisson_nll, a power of 2 gamma_deviance."),
        ("huber(delta=0)", "huber / delta becomes mae"),
        ("generalized_ce(q=0)", "A q of 0 is sparse_categorical_ce."),
        ("class_balanced(beta=1)", "class_weights of 1 / class_counts"),
    ],
)
def test_the_ends_of_a_range_are_told_what_lies_there(text: str, way_out: str) -> None:
    with pytest.raises(BadParameter) as refusal:
        parse(text)

    assert way_out in refusal.value.message


def test_a_list_for_a_parameter_is_told_which_inputs_are_lists() -> None:
    with pytest.raises(BadExpression, match="A parameter is one number"):
        parse("bce(pos_weight=[1,2])")


def test_weights_do_what_torch_does_by_a_pos_weight_a_class() -> None:
    generator = torch.Generator().manual_seed(3)
    predictions, targets = torch.randn(5, 2, generator=generator), torch.randint(2, (5, 2), generator=generator).float()
    pos_weight = torch.tensor([1.0, 2.0])

    weights = torch.where(targets == 1, pos_weight, 1)
    options = Options(reduction="mean_over_count")
    result = evaluate(parse("bce"), {"predictions": predictions, "targets": targets}, weights=weights, options=options)

    expected = torch.nn.functional.binary_cross_entropy_with_logits(predictions, targets, pos_weight=pos_weight)
    assert result.value == pytest.approx(expected.item(), rel=1e-6)


NAN = float("nan")
ALLOW = Options(nonfinite="allow")


def test_nonfinite_is_offered_only_where_it_helps() -> None:
    numbers = refused("mse", predictions=[1.0, NAN], targets=[1.0, 1.0])
    ids = refused("cross_entropy", predictions=torch.zeros(2, 2), targets=[0.0, NAN])
    ids_allowed = refused("cross_entropy", ALLOW, predictions=torch.zeros(2, 2), targets=[0.0, NAN])
    weights = refused("mse", predictions=[1.0, 2.0], targets=[1.0, 1.0], weights=[1.0, NAN])

    assert "nonfinite=allow" in numbers.message
    for refusal in (ids, ids_allowed, weights):
        assert isinstance(refusal, NonFiniteInput)
        assert "nonfinite=allow" not in refusal.message


@pytest.mark.parametrize("options", [Options(dtype=torch.float32), Options(dtype=torch.float32, nonfinite="allow")])
def test_a_number_that_does_not_fit_the_dtype_is_no_nan(options: Options) -> None:
    wide = torch.tensor([1.0, 1e39], dtype=torch.float64)

    refusal = refused("mse", options, predictions=wide, targets=[1.0, 1.0])

    assert isinstance(refusal, DomainViolation)
    assert refusal.facts["index"] == [1]
    assert "within the range of float32" in refusal.message
    assert "dtype=float64" in refusal.message


def test_a_weight_that_does_not_fit_the_dtype_of_the_arrays_is_no_nan() -> None:
    inputs = {"predictions": torch.ones(2), "targets": torch.zeros(2)}
    weights = torch.tensor([1.0, 1e39], dtype=torch.float64)

    refusal = refused("mse", Options(reduction="sum"), **inputs, weights=weights)
    mean = evaluate(parse("mse"), inputs, weights=weights)

    assert "weights must be within the range of float32" in refusal.message
    assert mean.value == 1.0
