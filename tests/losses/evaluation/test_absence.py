"""What is not there: masked and ignored items, and items that are there with a weight of 0."""

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from losses.evaluation.totals import Reduction
from tests.losses.draw import SUBJECTS, Subject, every_weighted_subject, once_a_loss

IGNORING = [subject for subject in SUBJECTS if "ignore_index" in subject.term.params]
BOTH: list[Reduction] = ["mean", "mean_over_count"]
IGNORED = "every item is ignored: its id is the ignore_index"


def some(shape: tuple[int, ...], seed: int) -> Tensor:
    """Return a mask that leaves about a third out."""
    return torch.rand(shape, generator=torch.Generator().manual_seed(seed)) > 1 / 3


def classified(
    text: str, targets: list[int], weights: list[float] | None = None, *, mask: list[int] | None = None
) -> Evaluation:
    """Return what a loss of class ids says of three items, its mean taken over what is kept."""
    numbers = {"predictions": [[1.0, 0.0], [0.0, 1.0], [2.0, 0.0]], "priors": [1.0, 1.0]}
    inputs = {role: torch.tensor(rows, dtype=torch.float64) for role, rows in numbers.items()}
    return evaluate(
        parse(text),
        {**inputs, "targets": torch.tensor(targets)},
        weights=None if weights is None else torch.tensor(weights, dtype=torch.float64),
        mask=None if mask is None else torch.tensor(mask),
        options=Options(reduction="mean_over_count"),
    )


@every_weighted_subject
def test_weights_never_change_what_is_kept(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    mask, weights = some(batch.shape[:1], 1), some(batch.shape[:1], 2).double()

    weighted, without = batch.evaluate(weights, mask), batch.evaluate(mask=mask)

    assert (weighted.kept, weighted.ignored) == (without.kept, without.ignored)


@every_weighted_subject
def test_a_weight_of_zero_is_a_mask_to_the_mean_its_error_and_its_gradient(subject: Subject) -> None:
    batch = subject.draw(edges=True)
    mask = some(batch.shape, 3)

    weighted, masked = batch.evaluate(mask.double(), gradient="full"), batch.evaluate(mask=mask, gradient="full")

    assert weighted.value == pytest.approx(masked.value, rel=1e-12, abs=1e-12)
    assert weighted.standard_error == pytest.approx(masked.standard_error, rel=1e-9, abs=1e-12)
    torch.testing.assert_close(weighted.gradients, masked.gradients, rtol=1e-12, atol=1e-12)
    assert weighted.gradient
    assert masked.gradient
    assert weighted.gradient.zero_share == pytest.approx(masked.gradient.zero_share)


@once_a_loss(IGNORING)
@pytest.mark.parametrize("reduction", BOTH)
def test_an_ignored_item_is_ignored_under_any_weight(subject: Subject, reduction: Reduction) -> None:
    batch = subject.draw(edges=True)
    there = batch.inputs["targets"].ne(int(str(subject.term.params["ignore_index"])))

    plain = batch.evaluate(reduction=reduction, gradient="full")
    again = batch.evaluate(there.double(), reduction=reduction, gradient="full")

    assert (again.value, again.kept, again.ignored) == (plain.value, plain.kept, plain.ignored)
    assert again.standard_error == pytest.approx(plain.standard_error, rel=1e-9)
    torch.testing.assert_close(again.gradients, plain.gradients, rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("cross_entropy", 0.31326168751822286),
        ("generalized_ce", 0.281294),
        ("symmetric_ce", 1.107092),
        ("ordinal_emd2", 0.0723295),
        ("logit_adjusted", 0.313262),
    ],
)
def test_an_ignored_item_of_weight_zero_is_not_kept(text: str, value: float) -> None:
    weighted = classified(text, [0, 1, -100], [1.0, 1.0, 0.0])

    assert weighted.value == pytest.approx(value, rel=1e-5)
    assert (weighted.kept, weighted.ignored) == (2, 1)
    assert weighted.value == classified(text, [0, 1, -100], [1.0, 1.0, 1.0]).value
    assert weighted.value == classified(text, [0, 1, -100], mask=[1, 1, 0]).value


def test_where_all_are_ignored_and_weigh_nothing_there_is_no_value() -> None:
    evaluation = classified("cross_entropy", [-100, -100, -100], [0.0, 0.0, 0.0])

    assert (evaluation.value, evaluation.reason, evaluation.kept) == (None, IGNORED, 0)


@pytest.mark.parametrize("least", [0.0, 1e-300])
def test_the_class_weight_of_another_class_does_not_say_what_is_kept(least: float) -> None:
    inputs = {
        "predictions": torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 3.0]], dtype=torch.float64),
        "targets": torch.tensor([1, 1, 1]),
        "class_weights": torch.tensor([0.0, 1.0], dtype=torch.float64),
    }
    weights = torch.tensor([1.0, 1.0, least], dtype=torch.float64)

    evaluation = evaluate(parse("cross_entropy"), inputs, weights=weights, options=Options(reduction="mean_over_count"))

    assert evaluation.kept == 3
    assert evaluation.value == pytest.approx((1.3132616875182228 + 0.31326168751822286) / 3, rel=1e-12)
    assert evaluation.standard_error == pytest.approx(0.3960070948277158, rel=1e-9)
