"""Where a loss saturates, or almost nothing is wrong: what is left has its digits, in the value and in the gradient."""

import math
from itertools import product

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from tests.losses.draw import Subject, every_subject

SCALES = [0.1, 1.0, 8.0, 30.0]
SEEDS = range(3)
LEAST = torch.finfo(torch.float32).tiny  # a slope below it has fewer digits than float32


def said(text: str, dtype: torch.dtype, **inputs: object) -> Evaluation:
    """Return what an objective says of numbers written out, with its gradient."""
    whole = {"targets"} if text.startswith("generalized_ce") else set()
    tensors = {role: torch.tensor(x, dtype=None if role in whole else dtype) for role, x in inputs.items()}
    return evaluate(parse(text), tensors, options=Options(gradient="full"))


def sizes(slopes: Tensor) -> Tensor:
    """Return the length of the gradient of every item."""
    return slopes.double().flatten(1).norm(dim=1) if slopes.ndim > 1 else slopes.double().abs()


@every_subject
def test_float32_has_the_gradient_of_float64(subject: Subject) -> None:
    for scale, seed in product(SCALES, SEEDS):
        drawn = subject.draw(seed=seed, items=6)
        batch = drawn.map(
            lambda role, tensor, scale=scale: (
                scale * tensor  # type: ignore[misc] # bound at once
                if subject.term.domain(role).free or subject.term.domain(role).minus_infinity
                else tensor
            )
        ).to(torch.float32)

        low, high = batch.evaluate(gradient="full"), batch.evaluate(gradient="full", dtype=torch.float64)

        if low.gradients is None:  # beyond the range of float32, which is said
            assert low.reason or low.warnings
            continue
        for role, slopes in (high.gradients or {}).items():
            apart = sizes(low.gradients[role] - slopes)
            off = (apart > 1e-4 * sizes(slopes)) & (sizes(slopes) > LEAST)
            assert not off.any(), f"{subject} at {scale}, seed {seed}: {apart[off]}"


def test_a_wrong_label_that_is_surely_denied_still_has_a_gradient() -> None:
    result = said("generalized_ce", torch.float32, predictions=[[0.0, 24.0]], targets=[0])

    assert result.gradients
    assert result.gradients["predictions"][0].tolist() == pytest.approx([-5.0565e-08, 5.0565e-08], rel=1e-4, abs=0)
    assert result.gradient
    assert result.gradient.zero_share == 0


@pytest.mark.parametrize(
    ("text", "dtype", "error", "slope"),
    [
        ("welsch", torch.float32, 5.0, 1.86333e-5),
        ("welsch", torch.float32, 6.0, 9.138e-8),
        ("welsch", torch.float64, 8.5, 1.7399e-15),
        ("geman_mcclure", torch.float32, 1e3, 1.59999e-8),
        ("geman_mcclure", torch.float32, 1e4, 1.6e-11),
        ("barron_general(alpha=3.4e38)", torch.float32, 1.0, math.exp(0.5)),
    ],
)
def test_an_outlier_pulls_as_little_as_its_formula_says(
    text: str, dtype: torch.dtype, error: float, slope: float
) -> None:
    result = said(text, dtype, predictions=[error], targets=[0.0])

    assert result.gradients
    assert result.gradients["predictions"].item() == pytest.approx(slope, rel=1e-4, abs=0)


@pytest.mark.parametrize(("logit", "target"), [(24.0, 1.0), (40.0, 1.0), (-40.0, 0.0)])
@pytest.mark.parametrize("text", ["dice", "jaccard", "tversky"])
def test_sure_pixels_keep_a_slope(text: str, logit: float, target: float) -> None:
    sure = torch.tensor([[[logit, -logit, 0.5]]])
    inputs = {"predictions": sure, "targets": torch.tensor([[[target, 1 - target, 1.0]]])}
    options = Options(gradient="full")

    low = evaluate(parse(text), inputs, options=options).gradients
    high = evaluate(parse(text), {role: tensor.double() for role, tensor in inputs.items()}, options=options).gradients

    assert low
    assert high
    torch.testing.assert_close(low["predictions"].double(), high["predictions"], rtol=1e-4, atol=1e-30)


@pytest.mark.parametrize(
    "text", ["cross_entropy", "class_balanced(beta=0)", "logit_adjusted", "focal_softmax(gamma=0)"]
)
def test_a_sure_and_right_class_keeps_its_slope(text: str) -> None:
    inputs = {
        "predictions": torch.tensor([[24.0, 0.0, 1.0]]),
        "targets": torch.tensor([0]),
        "class_counts": torch.ones(3),
        "priors": torch.ones(3),
    }

    result = evaluate(parse(text), inputs, options=Options(gradient="full"))

    least, more = math.exp(-24), math.exp(-23)
    assert result.gradients
    assert result.gradients["predictions"][0].tolist() == pytest.approx([-least - more, least, more], rel=1e-4, abs=0)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_at_no_error_the_slope_of_a_scale_of_zero_is_that_of_every_scale(dtype: torch.dtype) -> None:
    result = said("crps_gaussian", dtype, predictions=[1.0], scale=[0.0], targets=[1.0])

    assert result.value == 0
    assert result.gradients
    assert result.gradients["scale"].item() == pytest.approx(0.2336950, rel=1e-6)
    assert result.gradients["predictions"].item() == 0


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
def test_a_student_all_but_equal_to_its_teacher_is_a_little_off(dtype: torch.dtype) -> None:
    result = said("distillation_kl", dtype, student=[[1e-4, 2e-4, 0.5]], teacher=[[1.1e-4, 2e-4, 0.5]])

    assert result.value == pytest.approx(1.0864997881421867e-11, rel=2e-6, abs=0)


@pytest.mark.parametrize("text", ["distillation_kl", "distillation_kl(temperature=1)"])
def test_a_divergence_of_two_softmaxes_is_never_below_zero(text: str) -> None:
    rng = torch.Generator().manual_seed(5)
    teacher = 8 * torch.randn(500, 7, generator=rng)
    student = teacher + torch.logspace(-7, 1, 500)[:, None] * torch.randn(500, 7, generator=rng)

    low = evaluate(parse(text), {"student": student, "teacher": teacher}, options=Options(reduction="none")).values
    wide = {"student": student.double(), "teacher": teacher.double()}
    high = evaluate(parse(text), wide, options=Options(reduction="none")).values

    assert low is not None
    assert high is not None
    assert bool((low >= 0).all())
    torch.testing.assert_close(low.double(), high, rtol=1e-3, atol=1e-11)


@pytest.mark.parametrize(
    "text", ["js_div(from_logits=false)", "generalized_kl(from_logits=false)", "gamma_deviance(log_input=false)"]
)
@pytest.mark.parametrize("apart", [1e-6, 1e-3, 0.1])
def test_a_divergence_of_close_numbers_keeps_its_digits_and_is_never_below_zero(text: str, apart: float) -> None:
    predictions, targets = torch.tensor([[0.25 + apart, 0.75 - apart]]), torch.tensor([[0.25, 0.75]])

    low = evaluate(parse(text), {"predictions": predictions, "targets": targets})
    high = evaluate(parse(text), {"predictions": predictions.double(), "targets": targets.double()})

    assert low.value == pytest.approx(high.value, rel=1e-4 if text.startswith("js") else 1e-2 if apart < 1e-3 else 1e-4)
    assert (low.value or 0) >= 0
