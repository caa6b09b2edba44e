"""A loss that needs all items at once: never cut, no standard error, and no mask unless it reads one itself."""

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from losses.contract.domains import REAL
from losses.contract.expression import Objective
from losses.contract.loss import Items
from losses.contract.registry import catalogue
from losses.contract.shapes import Pattern, Shapes
from losses.errors import BadOption
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options


def spread(predictions: Tensor) -> Tensor:
    """Every item is compared with every other."""
    return (predictions[:, None] - predictions).square().mean()


def weighted_spread(predictions: Tensor, *, weights: Tensor | None = None) -> Items:
    """The same, each pair counting the product of its weights."""
    w = torch.ones_like(predictions) if weights is None else weights
    pairs = w[:, None] * w
    return Items((pairs * (predictions[:, None] - predictions).square()).sum(), pairs.sum())


def all_at_once(compute: object) -> Objective:
    """Return an objective of a loss that is on no shelf."""
    loss = replace(
        catalogue()["mse"],
        compute=compute,  # type: ignore[arg-type] # a formula
        id="spread",
        shapes=Shapes.parse("n -> "),
        elements=Pattern.parse("n"),
        domains={"predictions": REAL},
        kind="batch",
        conventions={},
    )
    return Objective(((1.0, loss.bind()),))


PREDICTIONS = torch.tensor([0.0, 1.0, 5.0, 2.0], dtype=torch.float64)
INPUTS = {"predictions": PREDICTIONS}


@pytest.mark.parametrize("chunk", [1, 1000])
def test_it_is_never_cut(chunk: int) -> None:
    evaluation = evaluate(all_at_once(spread), INPUTS, options=Options(chunk_elements=chunk))

    assert evaluation.value == pytest.approx(2 * float(PREDICTIONS.var(correction=0)), rel=1e-12)
    assert (evaluation.numerator, evaluation.denominator) == (evaluation.value, 1.0)


def test_its_standard_error_is_unknown() -> None:
    assert evaluate(all_at_once(spread), INPUTS).standard_error is None


def test_its_gradient_is_exact() -> None:
    evaluation = evaluate(all_at_once(spread), INPUTS, options=Options(gradient="full"))

    assert evaluation.gradients
    assert evaluation.gradient
    torch.testing.assert_close(evaluation.gradients["predictions"], PREDICTIONS - PREDICTIONS.mean())
    assert evaluation.gradient.absolute_sum == pytest.approx(float((PREDICTIONS - PREDICTIONS.mean()).abs().sum()))


@pytest.mark.parametrize("name", ["weights", "mask"])
def test_it_is_not_weighted_behind_its_back(name: str) -> None:
    with pytest.raises(BadOption) as refusal:
        evaluate(all_at_once(spread), INPUTS, **{name: torch.ones(4)})  # type: ignore[arg-type] # weights or mask

    assert refusal.value.facts == {"option": name}
    assert "looks at all items at once" in refusal.value.message


def test_it_has_only_a_mean() -> None:
    with pytest.raises(BadOption):
        evaluate(all_at_once(spread), INPUTS, options=Options(reduction="sum"))


def test_where_it_reads_a_mask_itself_a_masked_item_counts_as_absent() -> None:
    mask = torch.tensor([True, False, True, True])
    spoilt = {"predictions": PREDICTIONS.masked_fill(~mask, torch.nan)}

    masked = evaluate(all_at_once(weighted_spread), spoilt, mask=mask, options=Options(gradient="full"))
    absent = evaluate(
        all_at_once(weighted_spread), {"predictions": PREDICTIONS[mask]}, options=Options(gradient="full")
    )

    assert masked.value == pytest.approx(absent.value, rel=1e-12)
    assert masked.gradients
    assert absent.gradients
    torch.testing.assert_close(masked.gradients["predictions"][mask], absent.gradients["predictions"])
    assert masked.gradient == absent.gradient


def test_in_a_sum_nothing_else_is_cut_either_and_the_error_stays_unknown() -> None:
    alone = all_at_once(spread)
    objective = Objective((*alone.terms, *((2.0, term) for _, term in all_at_once(weighted_spread).terms)))

    evaluation = evaluate(objective, INPUTS, options=Options(chunk_elements=1))

    assert evaluation.value == pytest.approx(3 * (evaluate(alone, INPUTS).value or 0), rel=1e-12)
    assert evaluation.standard_error is None


def test_a_later_axis_may_be_told_by_a_later_input() -> None:
    shapes = Shapes.parse("n D, n K -> n")

    axes = shapes.bind({"first": torch.zeros(3, 2), "second": torch.zeros(3, 5)}, ("first", "second"), {})

    assert axes == {"n": (3,), "D": (2,), "K": (5,)}
