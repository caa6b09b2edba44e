"""Whole numbers are told apart in the dtype in which they came, whatever is computed in."""

from itertools import pairwise

import pytest
import torch

from losses.contract.expression import parse
from losses.contract.loss import Loss
from losses.contract.registry import catalogue
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from tests.losses.draw import Batch, Subject, named

GROUPED = [
    loss
    for loss in catalogue().values()
    if "targets" in loss.domains and loss.domains["targets"].whole and loss.domains["targets"].low is None
]
CLOSE = [
    [1e19, 2e19, 3e19],
    [2.0**53, 2.0**53 + 2, 1.0],
    [2.0**24, 2.0**24 + 1, 1.0],
    [2**62, 2**62 + 1, 1],
]
EMBEDDINGS = torch.tensor([[1.0, 0.2], [0.0, 1.0], [0.5, 1.0]], dtype=torch.float64)


@pytest.mark.parametrize("loss", GROUPED, ids=named)
@pytest.mark.parametrize("labels", CLOSE, ids=str)
@pytest.mark.parametrize("dtype", [None, torch.float32], ids=str)
def test_labels_that_differ_are_never_one(loss: Loss, labels: list[float], dtype: torch.dtype | None) -> None:
    batch = Subject(loss.bind()).draw(items=3)
    far, small = (
        torch.tensor(labels, dtype=torch.float64 if isinstance(labels[0], float) else None),
        torch.tensor([0, 1, 2]),
    )

    close = Batch(batch.subject, {**batch.inputs, "targets": far}).evaluate(dtype=dtype)
    apart = Batch(batch.subject, {**batch.inputs, "targets": small}).evaluate(dtype=dtype)

    assert (close.value, close.reason, close.kept) == (apart.value, apart.reason, apart.kept)


@pytest.mark.parametrize(("text", "value"), [("supcon", None), ("nt_xent_labels", None), ("multi_similarity", 0.30095)])
def test_labels_beyond_64_bits_have_no_pair(text: str, value: float | None) -> None:
    labels = torch.tensor([1e19, 2e19, 3e19], dtype=torch.float64)

    result = evaluate(parse(text), {"predictions": EMBEDDINGS, "targets": labels})

    assert result.value == (None if value is None else pytest.approx(value, rel=1e-4))
    assert (result.reason is None) == (value is not None)


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32], ids=str)
def test_a_count_may_be_larger_than_any_int64(dtype: torch.dtype) -> None:
    inputs = {"predictions": [1e19], "dispersion": [0.0], "targets": [1e19]}

    result = evaluate(
        parse("negative_binomial_nll(log_input=false)"),
        {role: torch.tensor(numbers, dtype=torch.float64) for role, numbers in inputs.items()},
        options=Options(dtype=dtype),
    )

    assert result.value == pytest.approx(22.793496916648106, rel=1e-12 if dtype == torch.float64 else 1e-6)


def test_a_count_rises_from_one_float_to_the_next() -> None:
    counts = torch.tensor([2.0**53, 2.0**53 + 2, 2.0**63, 1e19, 1e300], dtype=torch.float64)
    one = torch.ones_like(counts)
    inputs = {"predictions": one, "dispersion": one, "targets": counts}

    values = evaluate(parse("negative_binomial_nll(log_input=false)"), inputs, options=Options(reduction="none")).values

    assert values is not None
    assert all(low < high for low, high in pairwise(values.tolist()))
