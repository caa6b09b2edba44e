"""Regression, scores and counts: torch's numbers where torch has the loss, and what is known about the others."""

import math
from collections.abc import Callable

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor
from torch.distributions import Laplace, NegativeBinomial

from losses.contract.expression import parse
from losses.errors import DomainViolation
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation

Inputs = dict[str, Tensor]
ITEMS = 60


def drawn() -> Inputs:
    """Return real predictions and targets, positive scales and whole counts."""
    rng = torch.Generator().manual_seed(51)
    spread = torch.randn(6, ITEMS, generator=rng, dtype=torch.float64)
    return {
        "predictions": 2 * spread[0],
        "targets": 2 * spread[1],
        "positive": spread[2].exp(),
        "counts": (3 * spread[3].exp()).round(),
        "rows": 3 * spread[4].reshape(-1, 5),
        "others": 3 * spread[5].reshape(-1, 5),
    }


def real(x: Inputs) -> Inputs:
    return {"predictions": x["predictions"], "targets": x["targets"]}


def with_scale(role: str) -> Callable[[Inputs], Inputs]:
    return lambda x: {**real(x), role: x["positive"]}


def counted(x: Inputs) -> Inputs:
    return {"predictions": x["predictions"], "targets": x["counts"]}


def counted_by_mean(x: Inputs) -> Inputs:
    return {"predictions": x["positive"], "targets": x["counts"]}


def overdispersed(x: Inputs) -> Inputs:
    return {"predictions": x["predictions"], "dispersion": x["positive"], "targets": x["counts"]}


def vectors(x: Inputs) -> Inputs:
    return {"predictions": x["rows"], "targets": x["others"]}


def huber(delta: float) -> tuple[str, Callable[[Inputs], Inputs], Callable[[Inputs], Tensor]]:
    return f"huber(delta={delta})", real, lambda x: F.huber_loss(x["predictions"], x["targets"], delta=delta)


def gaussian(eps: float, *, full: bool) -> tuple[str, Callable[[Inputs], Inputs], Callable[[Inputs], Tensor]]:
    def reference(x: Inputs) -> Tensor:
        return F.gaussian_nll_loss(x["predictions"], x["targets"], x["variance"], full=full, eps=eps)

    return f"gaussian_nll(full={str(full).lower()}, eps={eps})", with_scale("variance"), reference


def poisson(
    *, log_input: bool, full: bool, eps: float = 1e-8
) -> tuple[str, Callable[[Inputs], Inputs], Callable[[Inputs], Tensor]]:
    def reference(x: Inputs) -> Tensor:
        return F.poisson_nll_loss(x["predictions"], x["targets"], log_input=log_input, full=full, eps=eps)

    text = f"poisson_nll(log_input={str(log_input).lower()}, full={str(full).lower()}, eps={eps})"
    return text, counted if log_input else counted_by_mean, reference


def negative_binomial(x: Inputs) -> Tensor:
    alpha = x["dispersion"]
    of_counts = NegativeBinomial(1 / alpha, logits=alpha.log() + x["predictions"])
    value: Tensor = -of_counts.log_prob(x["targets"]).mean()  # type: ignore[no-untyped-call] # torch's own
    return value


def laplace(x: Inputs) -> Tensor:
    value: Tensor = -Laplace(x["predictions"], x["scale"]).log_prob(x["targets"]).mean()  # type: ignore[no-untyped-call] # torch's own
    return value


def cosine(x: Inputs) -> Tensor:
    return F.cosine_embedding_loss(x["predictions"], x["targets"], torch.ones(len(x["targets"])))


PEERS = [
    *map(huber, (1.0, 0.3, 4.0)),
    gaussian(1e-6, full=False),
    gaussian(1e-6, full=True),
    gaussian(1e-2, full=False),
    *(poisson(log_input=log_input, full=full) for log_input in (True, False) for full in (True, False)),
    poisson(log_input=False, full=False, eps=0.1),
    ("cosine_similarity", vectors, cosine),
    (
        "cosine_similarity(form=negative)",
        vectors,
        lambda x: -F.cosine_similarity(x["predictions"], x["targets"]).mean(),
    ),
    ("laplace_nll", with_scale("scale"), laplace),
    ("negative_binomial_nll", overdispersed, negative_binomial),
]


def said(text: str, inputs: Inputs) -> Evaluation:
    return evaluate(parse(text), inputs, options=Options(gradient="full"))


@pytest.mark.parametrize(("text", "roles", "reference"), PEERS, ids=[peer[0] for peer in PEERS])
def test_value_and_gradient_are_those_of_torch(
    text: str, roles: Callable[[Inputs], Inputs], reference: Callable[[Inputs], Tensor]
) -> None:
    inputs = roles(drawn())

    evaluation = said(text, inputs)

    leaves = {role: inputs[role].requires_grad_() for role in evaluation.gradients or {}}
    expected = reference(inputs)
    slopes = torch.autograd.grad(expected, list(leaves.values()))
    assert evaluation.value == pytest.approx(expected.item(), rel=1e-12)
    torch.testing.assert_close(evaluation.gradients, dict(zip(leaves, slopes, strict=True)), rtol=1e-11, atol=1e-13)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("huber(delta=0.3)", "0.3*smooth_l1(beta=0.3)"),
        ("quantile", "0.5*mae"),
        ("expectile", "0.5*mse"),
        ("4*barron_general(alpha=2, scale=2)", "0.5*mse"),
        ("0.1*charbonnier(scale=0.1)", "0.1*barron_general(alpha=1, scale=0.1)"),
        ("barron_general(alpha=1e-17)", "cauchy"),
        ("barron_general(alpha=-1e16)", "welsch"),
    ],
)
def test_two_names_of_one_loss_give_one_number(one: str, other: str) -> None:
    inputs = real(drawn())

    evaluation, expected = said(one, inputs), said(other, inputs)

    assert evaluation.value == pytest.approx(expected.value, rel=1e-12)
    torch.testing.assert_close(evaluation.gradients, expected.gradients, rtol=1e-12, atol=1e-15)


def test_an_interval_is_two_quantiles() -> None:
    x = drawn()
    bounds = {"lower": x["predictions"] - x["positive"], "upper": x["predictions"] + x["positive"]}

    value = said("interval_score(alpha=0.2)", {**bounds, "targets": x["targets"]}).value

    low, high = (
        said(f"quantile(quantile={share})", {"predictions": bounds[role], "targets": x["targets"]}).value or 0
        for role, share in (("lower", 0.1), ("upper", 0.9))
    )
    assert value == pytest.approx(2 / 0.2 * (low + high), rel=1e-12)


def test_the_ranked_probability_score_is_twice_the_mean_of_all_quantile_losses() -> None:
    x = with_scale("scale")(drawn())
    points = 4000
    shares = (torch.arange(points, dtype=torch.float64) + 0.5) / points
    forecast = x["predictions"][:, None] + x["scale"][:, None] * torch.special.ndtri(shares)

    value = said("crps_gaussian", x).value

    error = x["targets"][:, None] - forecast
    assert value == pytest.approx(float(2 * (shares * error).maximum((shares - 1) * error).mean()), rel=1e-4)


def test_without_its_weight_beta_nll_is_gaussian() -> None:
    inputs = with_scale("variance")(drawn())

    evaluation, expected = said("beta_nll(beta=0)", inputs), said("gaussian_nll", inputs)

    assert evaluation.value == expected.value
    torch.testing.assert_close(evaluation.gradients, expected.gradients, rtol=0, atol=0)


def test_at_beta_1_the_mean_learns_as_from_squares() -> None:
    inputs = with_scale("variance")(drawn())

    gradients = (said("beta_nll(beta=1)", inputs).gradients or {})["predictions"]

    expected = (said("mse", real(inputs)).gradients or {})["predictions"] / 2
    torch.testing.assert_close(gradients, expected, rtol=1e-12, atol=1e-15)


def test_without_dispersion_a_negative_binomial_is_poisson() -> None:
    inputs = overdispersed(drawn())
    inputs["dispersion"] = torch.zeros_like(inputs["dispersion"])

    evaluation = said("negative_binomial_nll", inputs)

    expected = said("poisson_nll", counted(drawn()))
    left_out = float((inputs["targets"] + 1).lgamma().mean())
    assert evaluation.value == pytest.approx((expected.value or 0) + left_out, rel=1e-12)
    torch.testing.assert_close(
        (evaluation.gradients or {})["predictions"], (expected.gradients or {})["predictions"], rtol=1e-12, atol=1e-14
    )


@pytest.mark.parametrize(
    ("z", "alpha", "count", "expected"),  # by mpmath with 60 digits
    [
        (9.0, 1e-12, 8000, 6.071040230057022),
        (3.0, 1e-6, 20, 2.4211633801846113),
        (14.0, 2.0, 100_000, 13.716979150884104),
        (-700.0, 0.5, 3, 2100.69314718056),
        (9.0, 1e4, 10**9, 42.27427753555322),
    ],
)
def test_a_negative_binomial_keeps_its_digits(z: float, alpha: float, count: int, expected: float) -> None:
    inputs = {"predictions": torch.tensor([z]), "dispersion": torch.tensor([alpha]), "targets": torch.tensor([count])}

    evaluation = evaluate(parse("negative_binomial_nll"), inputs, options=Options(dtype=torch.float64))

    single = evaluate(parse("negative_binomial_nll"), inputs)
    assert evaluation.value == pytest.approx(expected, rel=1e-6)  # alpha was rounded to float32
    assert single.value == pytest.approx(expected, rel=1e-5)


def test_a_small_error_keeps_its_digits_under_every_robust_loss() -> None:
    tiny = torch.tensor([1e-9], dtype=torch.float64)

    for name in ("log_cosh", "charbonnier", "cauchy", "geman_mcclure", "welsch", "tukey_biweight"):
        evaluation = said(name, {"predictions": tiny, "targets": torch.zeros_like(tiny)})

        assert evaluation.value == pytest.approx(5e-19, rel=1e-12)
        assert float((evaluation.gradients or {})["predictions"]) == pytest.approx(1e-9, rel=1e-12)


def test_an_outlier_beyond_all_squares_is_finite_under_a_redescending_loss() -> None:
    far = torch.tensor([1e200, -1e200], dtype=torch.float64)

    for name, limit in (("geman_mcclure", 2.0), ("welsch", 1.0), ("cauchy", None), ("charbonnier", 1e200)):
        evaluation = said(name, {"predictions": far, "targets": torch.zeros_like(far)})

        assert evaluation.value == pytest.approx(limit or 2 * 200 * math.log(10) - math.log(2), rel=1e-12)
        assert (evaluation.gradients or {})["predictions"].isfinite().all()


@pytest.mark.parametrize("name", ["poisson_nll", "negative_binomial_nll", "gamma_deviance"])
def test_a_negative_mean_is_refused_and_its_logarithm_is_not(name: str) -> None:
    inputs = {"predictions": torch.tensor([-0.5]), "dispersion": torch.tensor([1.0]), "targets": torch.tensor([2])}

    assert evaluate(parse(name), inputs).value is not None
    with pytest.raises(DomainViolation):
        evaluate(parse(f"{name}(log_input=false)"), inputs)
