"""Parameters that follow from facts."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from recommender.profile import Goal, Measured, Profile
from recommender.recommendation.recommend import recommend
from recommender.rules.formula import significant
from recommender.rules.formulas import box_beta, dice_smooth, focal_alpha, focal_gamma, huber_beta, training_prior


@pytest.mark.parametrize(
    ("scale", "beta", "clipped"),
    [(2.1, 2.82, False), (1e-3, 0.00135, False), (12345.0, 16600.0, False), (1e-30, 1e-18, True), (1e308, 1e18, True)],
)
def test_beta_is_hubers_constant_in_units_of_the_spread(scale: float, beta: float, *, clipped: bool) -> None:
    computed = huber_beta(Profile(residual_scale=scale))

    assert computed.value == beta
    assert computed.formula == "1.345 * residual_scale"
    assert [warning.code for warning in computed.warnings] == ["parameter-clipped"] * clipped


def test_beta_without_a_scale_assumes_standardised_targets_and_says_so() -> None:
    beta = huber_beta(Profile())

    assert beta.value == 1.345
    assert [warning.code for warning in beta.warnings] == ["standardised-targets-assumed"]


def test_beta_of_boxes_without_a_scale_is_the_articles_own() -> None:
    assert box_beta(Profile()).value == 1
    assert box_beta(Profile()).warnings == ()
    assert box_beta(Profile(residual_scale=0.1)).value == 0.135


@pytest.mark.parametrize(
    ("profile", "alpha", "codes"),
    [
        (Profile(positive_share=0.03), 0.97, []),
        (Profile(positive_share=Measured(value=0.9), class_imbalance=9), 0.1, []),
        (Profile(class_imbalance=19), 0.95, ["minority-taken-as-positive"]),
        (Profile(), 0.25, ["alpha-favours-negatives"]),
        (Profile(positive_share=1e-9), 0.999, ["parameter-clipped"]),
        (Profile(class_imbalance=1e300), 0.999, ["minority-taken-as-positive", "parameter-clipped"]),
    ],
)
def test_alpha_is_the_share_of_negatives(profile: Profile, alpha: float, codes: list[str]) -> None:
    computed = focal_alpha(profile)

    assert computed.value == alpha
    assert [warning.code for warning in computed.warnings] == codes


def test_constants_stay_as_they_are() -> None:
    assert (focal_gamma(Profile()).value, dice_smooth(Profile()).value) == (2, 1e-5)


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.0, 0.0), (-0.0123456, -0.0123), (98765.0, 98800.0), (0.08 - 0.003, 0.077)]
)
def test_significant_digits(value: float, rounded: float) -> None:
    assert significant(value, 3) == rounded


def focal_minimum(truth: float, objective: str) -> float:
    """Return the output that the loss wants where the probability is `truth`, found on a fine grid."""
    (_, loss), *_ = parse(objective).terms
    outputs = torch.linspace(0.001, 0.999, 99_801, dtype=torch.float64)
    logits = outputs.logit()

    def cost(label: float) -> Tensor:
        items = loss({"predictions": logits, "targets": torch.full_like(logits, label)})
        assert isinstance(items, Tensor)
        return items

    return float(outputs[(truth * cost(1) + (1 - truth) * cost(0)).argmin()])


@pytest.mark.parametrize("truth", [0.02, 0.3, 0.5, 0.9])
@pytest.mark.parametrize("share", [0.05, 0.75])
def test_the_repair_of_an_answer_returns_the_probability(truth: float, share: float) -> None:
    answer = recommend("binary", profile=Profile(class_imbalance=19, positive_share=share))
    room: dict[str, Any] = {}
    exec(answer.repair[0].code, room)  # noqa: S102 - it is our own code, and that it runs is the promise
    v = focal_minimum(truth, answer.objective)

    def phi(v: float, g: float = 2) -> float:
        return math.pow(1 - v, g) - g * math.pow(1 - v, g - 1) * v * math.log(v)

    a, b = v / ((1 - share) * phi(v)), (1 - v) / (share * phi(1 - v))
    formula = f"a = v / ({1 - share:g} phi(v)), b = (1-v) / ((1-{1 - share:g}) phi(1-v))"
    assert formula in answer.repair[0].formula
    assert "phi(v) = (1-v)^g - g (1-v)^(g-1) v ln v, g = 2" in answer.repair[0].formula
    assert a / (a + b) == pytest.approx(truth, abs=2e-4)
    assert float(room["probability"](torch.tensor(v, dtype=torch.float64).logit())) == pytest.approx(a / (a + b))


def test_no_repair_is_needed_where_no_probability_is_wanted() -> None:
    answer = recommend("binary", profile=Profile(class_imbalance=19), goal=Goal(decision="ranking"))

    assert "output-not-a-probability" not in {warning.code for warning in answer.warnings}


@pytest.mark.parametrize("share", [0.9996, 0.99999, 1e-6])
def test_rounding_takes_no_parameter_past_its_bounds(share: float) -> None:
    answer = recommend(
        "binary", profile=Profile(positive_share=share), goal=Goal(decision="balanced"), rulebook="evidence"
    )

    assert training_prior(Profile(positive_share=share)).value == share
    assert f"prior={share!r}" in str(answer.alternatives)
