"""What holds for every loss on the shelf, whatever its formula."""

import dataclasses
import math

import pytest
import torch
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.contract.loss import Case, Loss
from losses.contract.registry import catalogue
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from tests.losses.draw import (
    FIRSTS,
    ITEMS,
    KINDS,
    SUBJECTS,
    Batch,
    Subject,
    every_divisible_kind,
    every_itemwise_kind,
    every_kind,
    every_subject,
    every_weighted_kind,
    every_weighted_subject,
    named,
    once_a_loss,
)

LOW_PRECISION = [torch.float16, torch.bfloat16, torch.float32]
DOMAIN = ("from_logits", "clip")  # parameters that say which inputs have a finite value
SINGLE_ROUNDINGS = 4e-6  # of the absolute terms: some tens of roundings of 6e-8
FINER = [subject for subject in KINDS if subject.takes_weights and len(subject.draw().shape) > 1]
FINER += [
    subject
    for subject in SUBJECTS
    if subject.loss.sums_itself and subject.takes_weights and subject.spatial and subject not in FINER
]
every_finer_subject = once_a_loss(FINER)
every_finely_weighted_subject = once_a_loss(subject for subject in FINER if subject.counts_elements)
CASES = [
    pytest.param(loss, case, id=f"{loss.bind(case.params)}-{number}")
    for loss in catalogue().values()
    for number, case in enumerate(loss.cases)
]


def agree(got: object, expected: object, relative: float = 1e-12, absolute: float = 1e-12) -> None:
    """Assert that numbers agree, and that what is None on one side is None on the other."""
    if isinstance(got, dict) and isinstance(expected, dict):
        assert got.keys() == expected.keys()
        agree([*got.values()], [*expected.values()], relative, absolute)
    elif isinstance(got, list) and isinstance(expected, list):
        for one, other in zip(got, expected, strict=True):
            agree(one, other, relative, absolute)
    else:
        assert got == (None if expected is None else pytest.approx(expected, rel=relative, abs=absolute))


def say_the_same(evaluation: Evaluation, expected: Evaluation, absolute: float = 1e-12) -> None:
    """Assert that two evaluations agree to 1e-12, of the sum of absolute terms where that is more."""
    assert (evaluation.kept, evaluation.reason) == (expected.kept, expected.reason)
    for name in ("value", "numerator", "denominator", "per_class"):
        agree(getattr(evaluation, name), getattr(expected, name), absolute=absolute)
    agree(evaluation.standard_error, expected.standard_error, relative=1e-9)
    if evaluation.gradient and expected.gradient:
        agree(vars(evaluation.gradient), vars(expected.gradient), relative=1e-9)


def absolute_terms(batch: Batch) -> float:
    """Return the size of what a value is a sum of: the mean of the absolute items, at least 1."""
    if batch.subject.term.kind != "item":
        return max(1.0, abs(batch.evaluate(standard_error=False).value or 0.0))
    values = batch.evaluate(reduction="none").values
    return 1.0 if values is None else max(1.0, float(values.abs().mean()))


def whole_weights(length: int, seed: int = 3) -> Tensor:
    """Return 0, 1, 2 or 3 for every item, none of them missing."""
    return torch.randint(4, (length,), generator=torch.Generator().manual_seed(seed)).index_fill(
        0, torch.tensor([0, 1]), 2
    )


def repeated(weights: Tensor) -> Tensor:
    """Return every position as often as its weight says."""
    return torch.arange(len(weights)).repeat_interleave(weights)


@pytest.mark.parametrize(("loss", "case"), CASES)
def test_a_worked_case_gives_what_it_says(loss: Loss, case: Case) -> None:
    term = loss.bind(case.params)
    inputs = {
        role: torch.tensor(numbers, dtype=None if term.domain(role).whole else torch.float64)
        for role, numbers in case.inputs.items()
    }
    options = Options(reduction="none" if term.kind == "item" else "mean")

    evaluation = evaluate(Subject(term).objective, inputs, options=options)

    gives = torch.as_tensor(evaluation.value if evaluation.values is None else evaluation.values, dtype=torch.float64)
    torch.testing.assert_close(gives, torch.tensor(case.gives, dtype=torch.float64), rtol=1e-12, atol=1e-12)


@every_subject
def test_chunks_change_neither_the_value_nor_the_gradient(subject: Subject) -> None:
    batch = subject.draw(items=29, edges=True)
    largest = max(tensor.numel() for tensor in batch.inputs.values())

    whole = batch.evaluate(gradient="full")
    cut = batch.evaluate(gradient="full", chunk_elements=math.ceil(largest / 7))

    say_the_same(cut, whole)
    assert whole.gradients
    torch.testing.assert_close(cut.gradients, whole.gradients, rtol=1e-12, atol=1e-12)


@every_divisible_kind
@pytest.mark.parametrize("items", [100, pytest.param(1000, marks=pytest.mark.long)])
def test_a_chunk_an_item_changes_neither_the_value_nor_the_gradient(subject: Subject, items: int) -> None:
    batch = dataclasses.replace(subject, spatial=(1,)).draw(items=items)

    whole = batch.evaluate(gradient="full")
    cut = batch.evaluate(gradient="full", chunk_elements=1)

    say_the_same(cut, whole, absolute=1e-12 * absolute_terms(batch))
    torch.testing.assert_close(cut.gradients, whole.gradients, rtol=1e-12, atol=1e-12)


@every_weighted_kind
def test_weights_and_masks_are_cut_with_their_items(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    rng = torch.Generator().manual_seed(5)
    weights, mask = torch.rand(batch.shape[0], generator=rng), torch.rand(batch.shape, generator=rng) > 0.3

    whole = batch.evaluate(weights, mask, gradient="full")
    cut = batch.evaluate(weights, mask, gradient="full", chunk_elements=1)

    say_the_same(cut, whole)
    torch.testing.assert_close(cut.gradients, whole.gradients, rtol=1e-12, atol=1e-12)


@every_weighted_subject
def test_a_whole_weight_is_a_repetition(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    weights = whole_weights(batch.shape[0])

    weighted = batch.evaluate(weights)

    assert weighted.value == pytest.approx(batch.take(repeated(weights)).evaluate().value, rel=1e-12, abs=1e-12)


@every_finely_weighted_subject
def test_a_whole_weight_of_an_element_is_a_repetition_of_it(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    weights = whole_weights(batch.shape[-1])

    weighted = batch.evaluate(weights.expand(batch.shape))

    expected = batch.take(repeated(weights), axis=-1).evaluate().value
    assert weighted.value == pytest.approx(expected, rel=1e-12, abs=1e-12)


@every_finer_subject
def test_weights_of_items_and_a_mask_of_elements_work_together(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    weights = whole_weights(batch.shape[0])
    mask = torch.rand(batch.shape, generator=torch.Generator().manual_seed(4)) > 0.4

    both = batch.evaluate(weights, mask)

    again = repeated(weights)
    assert both.value == pytest.approx(batch.take(again).evaluate(mask=mask[again]).value, rel=1e-12, abs=1e-12)


@every_finely_weighted_subject
def test_weights_may_have_only_the_first_axes_of_the_elements(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    prefix = torch.rand(batch.shape[:-1], generator=torch.Generator().manual_seed(6)) + 0.1

    short = batch.evaluate(prefix if prefix.ndim > 1 else prefix[:, None].expand(batch.shape), gradient="full")
    full = batch.evaluate(prefix.unsqueeze(-1).expand(batch.shape), gradient="full")

    say_the_same(short, full)


@every_weighted_subject
def test_a_masked_item_counts_as_absent(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    mask = whole_weights(batch.shape[0]) > 0

    masked = batch.poisoned(mask).evaluate(mask=mask, gradient="full")
    absent = batch.take(mask.nonzero()[:, 0]).evaluate(gradient="full")

    say_the_same(masked, absent)
    assert masked.gradients
    assert absent.gradients
    for role, gradient in masked.gradients.items():
        torch.testing.assert_close(gradient[mask], absent.gradients[role], rtol=1e-12, atol=1e-12)
        assert not gradient[~mask].any()


@every_finer_subject
def test_a_masked_element_counts_as_absent(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    column = torch.arange(batch.shape[-1]) != 1
    mask = column.expand(batch.shape)

    masked = batch.poisoned(mask).evaluate(mask=mask, gradient="summary")
    absent = batch.take(column.nonzero()[:, 0], axis=-1).evaluate(gradient="summary")

    say_the_same(masked, absent)


@every_weighted_kind
def test_weights_scale_out_of_a_mean(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    weights = torch.rand(batch.shape[0], generator=torch.Generator().manual_seed(7)) + 0.5

    once, more = batch.evaluate(weights), batch.evaluate(1024 * weights)

    smoothing = 1e-4 if subject.term.params.get("smooth") else 1e-12
    assert more.value == pytest.approx(once.value, rel=smoothing)
    assert more.standard_error == pytest.approx(once.standard_error, rel=10 * smoothing)


@every_kind
@pytest.mark.parametrize("dtype", LOW_PRECISION, ids=str)
def test_low_precision_agrees_with_float64(subject: Subject, dtype: torch.dtype) -> None:
    batch = subject.draw().to(dtype)

    low = batch.evaluate()
    high = batch.evaluate(dtype=torch.float64)

    assert (low.dtype, high.dtype) == (torch.float32, torch.float64)
    assert low.value == pytest.approx(high.value, abs=SINGLE_ROUNDINGS * absolute_terms(batch))


@pytest.mark.parametrize("loss", [loss for loss in FIRSTS if loss.bind().kind != "batch"], ids=named)
def test_a_sum_far_beyond_float16_is_right(loss: Loss) -> None:
    few = Subject(loss.bind(), spatial=(1,)).draw(items=4).to(torch.float16)
    many = few.map(lambda _, tensor: tensor.tile(25_000, *[1] * (tensor.ndim - 1)) if len(tensor) > 3 else tensor)

    evaluation, expected = many.evaluate(), few.evaluate()

    assert evaluation.value == pytest.approx(expected.value, rel=2e-5 if evaluation.numerator is None else 1e-6)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float32], ids=str)
def test_totals_are_kept_in_float64(dtype: torch.dtype) -> None:
    predictions = torch.ones(2**12 + 1, dtype=dtype)
    predictions[0] = 2.0**12  # its square is 2**24, beyond which float32 has no odd numbers

    evaluation = evaluate(parse("mse"), {"predictions": predictions, "targets": torch.zeros_like(predictions)})

    assert (evaluation.numerator, evaluation.denominator) == (2**24 + 2**12, 2**12 + 1)


@every_itemwise_kind
@pytest.mark.parametrize("weighted", [False, True])
def test_the_reductions_are_made_of_the_same_sums(subject: Subject, weighted: bool) -> None:  # noqa: FBT001 - a parameter of the test
    batch = subject.draw(edges=True)
    rng = torch.Generator().manual_seed(2)
    weights = torch.rand(batch.shape[0], generator=rng) if weighted and subject.takes_weights else None

    mean, total, per_count, none = (
        batch.evaluate(weights, reduction=reduction) for reduction in ("mean", "sum", "mean_over_count", "none")
    )

    assert mean.numerator is not None
    assert mean.denominator
    assert none.values is not None
    assert mean.value == pytest.approx(mean.numerator / mean.denominator, rel=1e-12)
    assert total.value == pytest.approx(mean.numerator, rel=1e-12)
    assert per_count.value == pytest.approx(mean.numerator / mean.kept, rel=1e-12)
    assert float(none.values.sum()) == pytest.approx(mean.numerator, rel=1e-12, abs=1e-12)
    assert (none.value, none.kept, none.ignored) == (None, mean.kept, mean.ignored)
    assert none.values.shape == subject.loss.shapes.items.lengths(subject.axes(ITEMS))


@every_kind
def test_of_a_sum_values_and_gradients_add(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    other = subject.loss.bind({name: value for name, value in subject.term.params.items() if name in DOMAIN})
    objective = Objective(((1.0, subject.term), (0.5, other)))

    both = evaluate(objective, batch.inputs, options=Options(gradient="full"))
    first = batch.evaluate(gradient="full")
    second = Batch(Subject(other), batch.inputs).evaluate(gradient="full")

    assert first.value is not None
    assert second.value is not None
    assert both.value == pytest.approx(first.value + 0.5 * second.value, rel=1e-12)
    assert [term.value for term in both.terms or []] == [first.value, second.value]
    for role, gradient in (both.gradients or {}).items():
        expected = (first.gradients or {})[role] + 0.5 * (second.gradients or {})[role]
        torch.testing.assert_close(gradient, expected, rtol=1e-12, atol=1e-13)


@pytest.mark.parametrize(
    "text",
    [
        "mse + 2*mae",
        "bce + 0.5*focal",
        "dice + 0.5*bce(pos_weight=3)",
        "0.25*dice(group=batch) + bce",
        "categorical_ce + dice",
        "adversarial_generator + adversarial_discriminator",
    ],
)
def test_different_losses_add_on_the_inputs_that_they_share(text: str) -> None:
    objective = parse(text)
    rng = torch.Generator().manual_seed(8)
    roles = {role for _, term in objective.terms for role in term.loss.required}
    inputs = {role: torch.randn(9, 2, 4, generator=rng, dtype=torch.float64) for role in sorted(roles)}
    if "targets" in inputs:
        inputs["targets"] = torch.nn.functional.one_hot(inputs["targets"].argmax(1), 2).movedim(-1, 1).double()

    both = evaluate(objective, inputs, options=Options(gradient="summary"))
    cut = evaluate(objective, inputs, options=Options(gradient="summary", chunk_elements=1))

    alone = [evaluate(parse(str(term)), inputs).value or 0.0 for _, term in objective.terms]
    coefficients = [coefficient for coefficient, _ in objective.terms]
    assert both.value == pytest.approx(sum(map(math.prod, zip(coefficients, alone, strict=True))), rel=1e-12)
    say_the_same(cut, both)
