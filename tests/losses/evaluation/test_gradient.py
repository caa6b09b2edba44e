"""The gradient is the slope of the value, and its shares are those of the items."""

import math
from itertools import product

import pytest

from tests.losses.draw import SUBJECTS, Batch, Subject, every_kind, once_a_loss

PLACES = 8  # of each input, where the gradient is compared
STEP = 2e-7  # of central differences in float64: its square and 1e-16 / STEP are both small

HELD_FIXED = "stop gradient"  # the trait of a loss with a factor that is a constant in the gradient, by definition


def nudged(batch: Batch, role: str, place: tuple[int, ...], step: float) -> float:
    """Return the value with one number of one input moved."""
    moved = batch.inputs[role].clone()
    moved[place] += step
    return Batch(batch.subject, {**batch.inputs, role: moved}).evaluate(standard_error=False).value or 0.0


def sample(places: list[tuple[int, ...]]) -> list[tuple[int, ...]]:
    """Return some of the places, or all where they are few."""
    step = math.ceil(len(places) / PLACES)
    return places[step // 2 :: step]


@once_a_loss(subject for subject in SUBJECTS if HELD_FIXED not in subject.loss.traits)
def test_the_gradient_is_the_slope_of_the_value(subject: Subject) -> None:
    batch = subject.draw(seed=1, items=3)
    here = batch.evaluate(gradient="full", standard_error=False)
    gradients, value = here.gradients or {}, here.value or 0.0

    kinks = checked = 0
    for role, gradient in gradients.items():
        for place in sample(list(product(*map(range, gradient.shape)))):
            up, down = nudged(batch, role, place, STEP), nudged(batch, role, place, -STEP)
            checked += 1
            if abs(up + down - 2 * value) / STEP > 1e-3 * float(gradient.abs().max()):
                kinks += 1
                continue
            assert (up - down) / (2 * STEP) == pytest.approx(
                float(gradient[place]), rel=1e-5, abs=2e-8 * max(1.0, abs(value))
            )

    assert tuple(gradients) == subject.loss.differentiable
    assert kinks < 0.1 * checked


@every_kind
def test_the_shares_of_the_gradient_add_up(subject: Subject) -> None:
    batch = subject.draw(items=40, edges=True)

    evaluation = batch.evaluate(gradient="full")

    shares, gradients = evaluation.gradient, evaluation.gradients or {}
    assert shares is not None
    total = sum(float(gradient.abs().sum()) for gradient in gradients.values())
    assert shares.absolute_sum == pytest.approx(total, rel=1e-12)
    tops = [shares.top_1_percent_share, shares.top_5_percent_share, shares.top_10_percent_share]
    known = [top for top in tops if top is not None]
    assert len(known) == (3 if total else 0)
    assert [*known, 1 + 1e-12] == sorted([*known, 1 + 1e-12])
    assert shares.largest <= total * min(known, default=0.0) * (1 + 1e-12)
    assert 0 <= shares.zero_share <= 1
