"""The best constant prediction is what the loss says that it elicits: found by looking for it."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from losses.contract.loss import BoundLoss
from losses.contract.registry import catalogue
from tests.losses.draw import Batch, Subject, named, variants

ITEMS, ROUNDS, NARROWINGS = 101, 6, 40  # an odd number has one median; 12 * 0.618 ** 40 is 5e-8
GOLDEN = (5**0.5 - 1) / 2
HARMLESS = {"beta", "delta", "from_logits", "ignore_index"}  # parameters under which a loss elicits what it says


def huber(targets: Tensor, term: BoundLoss) -> Tensor:
    """Return where the errors, cut at the threshold, cancel."""
    beta = float(term.params.get("beta") or term.params.get("delta") or 0)
    low, high = float(targets.min()), float(targets.max())
    for _ in range(100):
        middle = (low + high) / 2
        pull = float((targets - middle).clamp(-beta, beta).sum())
        low, high = (middle, high) if pull > 0 else (low, middle)
    return torch.tensor(low)


def shares(targets: Tensor, term: BoundLoss) -> Tensor:
    """Return the part of each class, or of the positive one."""
    if targets.is_floating_point():
        return targets.mean(0) if targets.ndim > 1 else targets.mean()
    kept = targets[targets != term.params["ignore_index"]]
    return torch.bincount(kept).double() / len(kept)


FUNCTIONALS: dict[str, Callable[[Tensor, BoundLoss], Tensor]] = {
    "mean": lambda targets, _: targets.mean(),
    "median": lambda targets, _: targets.median(),
    "huber functional": huber,
    "probability": shares,
}
ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    "none": lambda scores: scores,
    "sigmoid": torch.sigmoid,
    "softmax": lambda scores: scores.softmax(0),
}


def usual(term: BoundLoss) -> bool:
    fields = term.loss.parameters.model_fields
    return all(name in HARMLESS or value == fields[name].default for name, value in term.params.items())


TERMS = [
    term
    for loss in catalogue().values()
    for term in variants(loss)
    if loss.elicits in FUNCTIONALS and loss.activation in ACTIVATIONS and term.params.get("beta") != 0 and usual(term)
]


def lowest(cost: Callable[[float], float]) -> float:
    """Return where a convex function of one number is least, by golden sections."""
    low, high = -6.0, 6.0
    left, right = high - GOLDEN * (high - low), low + GOLDEN * (high - low)
    at_left, at_right = cost(left), cost(right)
    for _ in range(NARROWINGS):
        if at_left <= at_right:
            high, right, at_right = right, left, at_left
            left = high - GOLDEN * (high - low)
            at_left = cost(left)
        else:
            low, left, at_left = left, right, at_right
            right = low + GOLDEN * (high - low)
            at_right = cost(right)
    return (low + high) / 2


def best_constant(term: BoundLoss, batch: Batch) -> Tensor:
    """Return the one prediction for all items that costs least, one score at a time."""
    predictions = batch.inputs["predictions"]
    activation = ACTIVATIONS[term.loss.activation]
    scores = torch.zeros(predictions.shape[1:], dtype=torch.float64)

    def cost(position: int, score: float) -> float:
        tried = scores.clone()
        tried.view(-1)[position] = score
        shown = activation(tried) if term.params.get("from_logits") is False else tried
        inputs = {**batch.inputs, "predictions": shown.expand_as(predictions).contiguous()}
        return Batch(batch.subject, inputs).evaluate(standard_error=False).value or 0.0

    for _ in range(ROUNDS if scores.numel() > 1 else 1):
        for position in range(scores.numel()):
            scores.view(-1)[position] = lowest(lambda score, position=position: cost(position, score))  # type: ignore[misc] # mypy cannot infer a lambda's default
    return activation(scores)


@pytest.mark.parametrize("term", TERMS, ids=named)
def test_the_best_constant_is_what_the_loss_elicits(term: BoundLoss) -> None:
    batch = Subject(term, spatial=()).draw(seed=41, items=ITEMS)
    targets = batch.inputs["targets"]
    targets = targets.exp().clamp(max=5) if term.loss.activation == "none" else targets  # mean and median differ
    skewed = Batch(batch.subject, {**batch.inputs, "targets": targets})

    best = best_constant(term, skewed)

    expected = FUNCTIONALS[term.loss.elicits](skewed.inputs["targets"], term)
    torch.testing.assert_close(best, expected.double(), rtol=0, atol=2e-6)


def test_the_functionals_differ_on_these_targets() -> None:
    assert {term.loss.elicits for term in TERMS} == set(FUNCTIONALS)
