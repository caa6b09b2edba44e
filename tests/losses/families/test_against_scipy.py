"""Losses of times, angles and pictures against scipy's distributions and filters, and statsmodels' printed number."""

import math

import numpy as np
import pytest
import torch
from scipy import signal, stats

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate

RANDOM = np.random.default_rng(11)
LOCATION, TIMES = RANDOM.normal(size=40), RANDOM.uniform(0.2, 9, 40)
EVENTS = RANDOM.integers(0, 2, 40)


def value(objective: str, **inputs: object) -> float:
    arrays = {role: torch.as_tensor(array) for role, array in inputs.items()}
    return evaluate(parse(objective), arrays).value or 0.0


@pytest.mark.parametrize(
    ("distribution", "of_scipy"),
    [("weibull", stats.weibull_min), ("lognormal", stats.lognorm), ("loglogistic", stats.fisk)],
)
@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
def test_failure_times_have_the_likelihood_of_scipy(
    distribution: str, of_scipy: stats.rv_continuous, scale: float
) -> None:
    shape = scale if distribution == "lognormal" else 1 / scale
    spread = of_scipy(shape, scale=np.exp(LOCATION))

    ours = value(f"aft(distribution={distribution}, scale={scale})", predictions=LOCATION, targets=TIMES, events=EVENTS)

    assert ours == pytest.approx(-np.where(EVENTS == 1, spread.logpdf(TIMES), spread.logsf(TIMES)).mean(), rel=1e-12)


def test_the_partial_likelihood_is_that_of_statsmodels_with_breslows_ties() -> None:
    times = [6.0, 6, 6, 6, 7, 9, 10, 10, 11, 13, 16, 17]
    happened = [1, 1, 1, 0, 1, 0, 1, 0, 0, 1, 1, 0]
    covariate = np.array([0.5, -1, 0.2, 0.1, 1.5, 0, -0.3, 0.7, 0.4, -0.8, 0.9, -0.2])

    for slope, printed in (
        (1.0, 2.116590051516006),
        (-2.0, 2.5464015373043725),
    ):  # -PHReg(...).loglike([slope]) / 7, statsmodels 0.15.0
        ours = value("cox", predictions=slope * covariate, targets=np.array(times), events=np.array(happened))
        assert ours == pytest.approx(printed, rel=1e-12)


@pytest.mark.parametrize("concentration", [0.1, 1.0, 40.0])
def test_angles_have_the_likelihood_of_scipy(concentration: float) -> None:
    angles, means = RANDOM.uniform(-9, 9, 30), RANDOM.uniform(-9, 9, 30)

    ours = value(f"von_mises(concentration={concentration})", predictions=means, targets=angles)

    assert ours == pytest.approx(-stats.vonmises(concentration, loc=means).logpdf(angles).mean(), rel=1e-12)


def test_structural_similarity_is_that_of_windows_filtered_by_scipy() -> None:
    first, second = RANDOM.uniform(0, 255, (2, 3, 16, 14))
    at = np.arange(11) - 5
    window = np.exp(-(at[:, None] ** 2 + at**2) / (2 * 1.5**2))
    window /= window.sum()

    def local(picture: np.ndarray) -> np.ndarray:
        return np.stack([signal.convolve2d(channel, window, mode="valid") for channel in picture])

    a, b = local(first), local(second)
    var_a, var_b, together = local(first**2) - a**2, local(second**2) - b**2, local(first * second) - a * b
    c1, c2 = (0.01 * 255) ** 2, (0.03 * 255) ** 2
    similarity = (2 * a * b + c1) * (2 * together + c2) / ((a**2 + b**2 + c1) * (var_a + var_b + c2))

    ours = value("ssim(data_range=255)", predictions=first[None], targets=second[None])

    assert ours == pytest.approx(1 - similarity.mean(), rel=1e-10)


def test_an_angular_margin_is_added_to_the_angle() -> None:
    cosines, ids = RANDOM.uniform(-0.8, 0.95, (20, 4)), RANDOM.integers(0, 4, 20)
    widened = cosines.copy()
    widened[np.arange(20), ids] = np.cos(np.arccos(cosines[np.arange(20), ids]) + 0.3)
    logits = 8 * widened

    ours = value("arcface(margin=0.3, scale=8)", predictions=cosines, targets=ids)

    own = logits[np.arange(20), ids]
    assert ours == pytest.approx((np.logaddexp.reduce(logits, 1) - own).mean(), rel=1e-12)


def test_with_all_classes_drawn_alike_a_sampled_softmax_is_cross_entropy() -> None:
    logits, ids = RANDOM.normal(size=(20, 5)), RANDOM.integers(0, 5, 20)

    sampled = value("sampled_softmax", predictions=logits, targets=ids, expected_counts=np.full(5, 0.01))

    assert sampled == pytest.approx(value("sparse_categorical_ce", predictions=logits, targets=ids), rel=1e-12)


def test_a_sampled_softmax_estimates_the_sum_over_all_classes() -> None:
    logits = torch.from_numpy(RANDOM.normal(size=50))
    share = torch.from_numpy(RANDOM.dirichlet(np.ones(49)))
    drawn = torch.multinomial(share, 200_000, replacement=True, generator=torch.Generator().manual_seed(0))
    columns = torch.cat([logits[49:], logits[drawn]])  # the true class, which is drawn for certain, is the last
    expected = torch.cat([torch.ones(1, dtype=torch.float64), 200_000 * share[drawn]])

    sampled = value("sampled_softmax", predictions=columns[None], targets=np.array([0]), expected_counts=expected)

    assert sampled == pytest.approx(
        value("sparse_categorical_ce", predictions=logits[None], targets=np.array([49])), rel=0.01
    )


def test_losses_weighted_by_uncertainty_are_the_likelihood_of_squared_errors() -> None:
    errors, variance = RANDOM.normal(size=40), RANDOM.uniform(0.1, 5, size=40)

    weighted = value("uncertainty_weighted", losses=errors**2, variance=variance)

    assert weighted == pytest.approx(
        value("gaussian_nll", predictions=errors, targets=np.zeros(40), variance=variance), rel=1e-12
    )


def test_the_penalty_of_a_critic_is_that_of_its_gradient() -> None:
    points = torch.from_numpy(RANDOM.normal(size=(6, 3))).requires_grad_()
    slopes = torch.tensor([1.0, 2.0, 2.0], dtype=torch.float64)
    (gradients,) = torch.autograd.grad((points @ slopes).sum(), points)

    assert value("gradient_penalty", gradients=gradients) == pytest.approx((3.0 - 1) ** 2)
    assert math.isclose(value("gradient_penalty(target=0)", gradients=gradients), 9.0)
