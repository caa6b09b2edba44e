"""The standard error is what resampling whole items would say."""

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from tests.losses.draw import KINDS, Batch, Subject, every_kind, once_a_loss

ITEMS, RESAMPLES = 400, 200  # the bootstrap itself is good to 1 / sqrt(2 * 200) = 5 %
KNOWN = [subject for subject in KINDS if subject.term.kind != "batch"]


def drawn(batch: Batch, rng: torch.Generator) -> tuple[Batch, Tensor]:
    """Return a resample with replacement of each list of items, and the positions drawn from the first."""
    item_axes = {batch.subject.loss.pattern(role).item_axis: len(tensor) for role, tensor in batch.inputs.items()}
    positions = {
        item_axis: torch.randint(length, (length,), generator=rng)
        for item_axis, length in item_axes.items()
        if item_axis
    }
    patterns = {role: batch.subject.loss.pattern(role) for role in batch.inputs}
    again = batch.map(
        lambda role, tensor: tensor[positions[item_axis]] if (item_axis := patterns[role].item_axis) else tensor
    )
    return again, next(iter(positions.values()))


def bootstrapped(batch: Batch, weights: Tensor | None = None) -> float:
    """Return the spread of the value over resamples."""
    rng = torch.Generator().manual_seed(11)
    values = []
    for _ in range(RESAMPLES):
        again, positions = drawn(batch, rng)
        evaluation = again.evaluate(None if weights is None else weights[positions], standard_error=False)
        values.append(evaluation.value)
    return float(torch.tensor(values, dtype=torch.float64).std())


@once_a_loss(KNOWN)
def test_the_standard_error_is_that_of_a_bootstrap(subject: Subject) -> None:
    batch = subject.draw(seed=12, items=ITEMS)

    evaluation = batch.evaluate()

    assert evaluation.standard_error == pytest.approx(bootstrapped(batch), rel=0.15)


@once_a_loss(subject for subject in KNOWN if subject.takes_weights)
def test_the_standard_error_of_a_weighted_mean_is_that_of_a_bootstrap(subject: Subject) -> None:
    batch = subject.draw(seed=12, items=ITEMS)
    weights = torch.rand(ITEMS, generator=torch.Generator().manual_seed(13))

    evaluation = batch.evaluate(weights)

    assert evaluation.standard_error == pytest.approx(bootstrapped(batch, weights), rel=0.15)


@pytest.mark.parametrize("text", ["mse + 2*mae", "bce + dice(group=batch)"])
def test_the_standard_error_of_a_sum_knows_that_its_terms_move_together(text: str) -> None:
    objective = parse(text)
    rng = torch.Generator().manual_seed(14)
    inputs = {
        "predictions": torch.randn(ITEMS, 1, 5, generator=rng),
        "targets": torch.rand(ITEMS, 1, 5, generator=rng).round(),
    }

    evaluation = evaluate(objective, inputs)

    values = []
    for _ in range(RESAMPLES):
        again = torch.randint(ITEMS, (ITEMS,), generator=rng)
        resampled = {role: tensor[again] for role, tensor in inputs.items()}
        values.append(evaluate(objective, resampled, options=Options(standard_error=False)).value)
    assert evaluation.standard_error == pytest.approx(float(torch.tensor(values).std()), rel=0.15)


def test_independent_lists_add_in_squares() -> None:
    rng = torch.Generator().manual_seed(15)
    inputs = {"fake": torch.randn(50, generator=rng), "predictions": torch.randn(80, generator=rng)}
    inputs["targets"] = torch.zeros(80)

    both = evaluate(parse("adversarial_generator + mse"), inputs).standard_error
    alone = [evaluate(parse(text), inputs).standard_error or 0.0 for text in ("adversarial_generator", "mse")]

    assert both == pytest.approx((alone[0] ** 2 + alone[1] ** 2) ** 0.5, rel=1e-6)


@every_kind
def test_one_row_has_no_standard_error(subject: Subject) -> None:
    one = subject.draw().map(lambda role, tensor: tensor[:1] if subject.loss.pattern(role).item_axis else tensor)

    evaluation = one.evaluate()

    assert evaluation.value is not None or subject.term.kind == "batch"  # which may need another row to compare with
    assert evaluation.standard_error is None


@every_kind
def test_a_standard_error_that_nobody_wants_is_left_out(subject: Subject) -> None:
    assert subject.draw().evaluate(standard_error=False).standard_error is None
