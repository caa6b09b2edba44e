"""A curve is the loss along its axis: its values are those of evaluate, its slope is the gradient."""

import math
from collections.abc import Callable, Mapping

import pytest
import torch
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.contract.loss import BoundLoss, Loss
from losses.contract.registry import catalogue
from losses.description.curve import Curve, curve, curves_along_one_axis
from losses.description.lines import Line, lines, why_not
from losses.errors import BadOption, DomainViolation, Refusal
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options

POINTS, SPAN = 25, 2.7  # so that few points lie on a kink
ONE_NUMBER_AN_ITEM = {"*n", "*f", "n", "*s", "C", "K"}
OF_SEVERAL_PIXELS = {"hausdorff_dt", "cldice"}  # distances to a border and skeletons, which one pixel has not


def has_one_prediction_and_one_target(loss: Loss) -> bool:
    """Say so from what a loss declares."""
    axes = {axis for role in loss.required for axis in loss.pattern(role).names}
    return loss.bind().kind == "item" and len(loss.required) <= 2 and axes <= ONE_NUMBER_AN_ITEM


DRAWN = [
    loss
    for loss in catalogue().values()
    if has_one_prediction_and_one_target(loss) and loss.id not in OF_SEVERAL_PIXELS
]
BOUND = [
    loss.bind(params)
    for loss in DRAWN
    for params in ({}, {"from_logits": False})  # of probabilities where it takes them
    if not params or "from_logits" in loss.parameters.model_fields
]
every_bound = pytest.mark.parametrize("term", BOUND, ids=str)


@pytest.mark.parametrize("loss", catalogue().values(), ids=lambda loss: loss.id)
def test_every_item_loss_of_one_prediction_and_one_target_has_a_curve_and_the_others_say_why_not(loss: Loss) -> None:
    objective = Objective(((1.0, loss.bind()),))

    if loss in DRAWN:
        drawn = curve(objective, POINTS, SPAN)
        assert len(drawn.x) == len(drawn.value) == len(drawn.gradient) == POINTS
        assert any(drawn.gradient)
        assert all(map(math.isfinite, [*drawn.value, *drawn.gradient]))
    else:
        with pytest.raises(BadOption, match=loss.id) as refused:
            curve(objective, POINTS, SPAN)
        assert any(reason in refused.value.message for reason in REASONS[_category(loss)])


REASONS = {
    "batch": ["compares items with one another"],
    "ratio": ["sums over all items"],
    "inputs": ["one prediction and its target"],
    "item": ["a vector of", "a box of", "a list of", "a sequence of"],
    "pixels": ["only of how several lie together"],
}


def _category(loss: Loss) -> str:
    if loss.id in OF_SEVERAL_PIXELS:
        return "pixels"
    kind = loss.bind().kind
    return kind if kind != "item" else "inputs" if len(loss.required) > 2 else "item"


def values_of(term: BoundLoss, inputs: Mapping[str, Tensor]) -> Tensor:
    """Return the value of each item."""
    values = evaluate(Objective(((1.0, term),)), inputs, options=Options(reduction="none")).values
    assert values is not None
    return values.reshape(len(values), -1).sum(1)


def drawn_along(term: BoundLoss) -> tuple[Curve, Line]:
    """Return the curve of a loss, and the line along which it was drawn."""
    drawn = curve(Objective(((1.0, term),)), POINTS, SPAN)
    value = torch.tensor(drawn.value, dtype=torch.float64)
    along = [line for line in lines(term, POINTS, SPAN, None) if line.axis == drawn.axis]
    return drawn, next(line for line in along if torch.allclose(values_of(term, line.inputs), value))


@every_bound
def test_its_points_are_what_evaluate_says_of_each_by_itself(term: BoundLoss) -> None:
    drawn, line = drawn_along(term)

    for place in range(POINTS):
        inputs = {role: tensor[place : place + 1] for role, tensor in line.inputs.items()}
        options = Options(gradient="full", reduction="sum")
        single = evaluate(Objective(((1.0, term),)), inputs, options=options)
        assert single.gradients is not None
        slope = float((single.gradients[line.moves] * line.direction[place : place + 1]).sum())
        assert single.value == pytest.approx(drawn.value[place], rel=1e-9, abs=1e-12)
        assert slope == pytest.approx(drawn.gradient[place], rel=1e-9, abs=1e-12)


@every_bound
def test_its_slope_is_its_gradient(term: BoundLoss) -> None:
    drawn, line = drawn_along(term)
    inside, step = slice(1, -1), 1e-6  # a step from the ends may leave the domain
    inputs = {role: tensor[inside] for role, tensor in line.inputs.items()}

    def stepped(size: float) -> Tensor:
        return values_of(term, {**inputs, line.moves: inputs[line.moves] + size * line.direction[inside]})

    slope = (stepped(step) - stepped(-step)) / (2 * step)
    gradient = torch.tensor(drawn.gradient, dtype=torch.float64)[inside]
    far = ~torch.isclose(slope, gradient, rtol=1e-4, atol=1e-6)
    assert int(far.sum()) <= 1, (slope[far], gradient[far])  # a kink


SHAPES: dict[str, Callable[[float], float]] = {
    "mse": lambda x: x**2,
    "focal": lambda p: -0.25 * (1 - p) ** 2 * math.log(p),
    "bce": lambda p: -math.log(p),
    "hinge": lambda s: max(0.0, 1 - s),
    "squared_hinge": lambda s: max(0.0, 1 - s) ** 2,
    "soft_margin": lambda s: math.log1p(math.exp(-s)),
    "poisson_nll": lambda z: math.exp(z) - z,
    "gamma_deviance": lambda z: 2 * (z + math.exp(-z) - 1),
    "generalized_kl": lambda z: math.exp(z) - z - 1,
    "jaccard": lambda p: 1 - p,
    "dice": lambda p: 1 - 2 * p / (1 + p),
    "multilabel_soft_margin": lambda p: -math.log(p),
    "categorical_hinge": lambda s: max(0.0, 1 - s),
    "contrastive_distance": lambda d: d**2,
    "mape": lambda y: 100 * abs(y - 1),
    "msle": lambda y: (math.log1p(y) - math.log(2)) ** 2,
}


@pytest.mark.parametrize("loss_id", SHAPES)
def test_its_values_are_those_of_the_formula(loss_id: str) -> None:
    drawn = curve(parse(loss_id), POINTS, SPAN)

    assert drawn.value == pytest.approx([SHAPES[loss_id](x) for x in drawn.x], rel=1e-4, abs=1e-5)


def test_a_negative_label_is_drawn_too() -> None:
    drawn = curve(parse("bce(pos_weight=3)"), POINTS, SPAN, target=0)

    assert (drawn.axis, drawn.target) == ("probability", 0)
    assert drawn.value == pytest.approx([-math.log1p(-p) for p in drawn.x])
    assert drawn.gradient == pytest.approx(drawn.x)


def test_counts_are_held_against_any_count() -> None:
    drawn = curve(parse("poisson_nll"), POINTS, SPAN, target=3)

    assert drawn.target == 3
    assert drawn.value == pytest.approx([math.exp(z) - 3 * z for z in drawn.x])


def test_a_sum_is_the_sum_of_its_terms_whatever_their_items_are() -> None:
    whole = curve(parse("dice + 0.5*bce"), POINTS, SPAN)
    dice, bce = curves_along_one_axis([parse("dice"), parse("bce")], POINTS, SPAN)

    assert whole.value == pytest.approx([one + 0.5 * other for one, other in zip(dice.value, bce.value, strict=True)])
    assert whole.gradient == pytest.approx(
        [one + 0.5 * other for one, other in zip(dice.gradient, bce.gradient, strict=True)]
    )


def test_losses_meet_on_an_axis_that_all_of_them_have() -> None:
    margins = curves_along_one_axis([parse("bce"), parse("hinge"), parse("categorical_ce")], POINTS, SPAN)
    alone = curve(parse("bce"), POINTS, SPAN)

    assert {drawn.axis for drawn in margins} == {"score"}
    assert alone.axis == "probability of the truth"
    assert margins[0].value == pytest.approx([math.log1p(math.exp(-score)) for score in margins[0].x])


REFUSED = [
    (["mse", "bce"], None, BadOption, "share no axis"),
    (["mse + hinge"], None, BadOption, "share no axis"),
    (["dice(group='batch')"], None, BadOption, "sums over all items"),
    (["poisson_nll"], -1.0, DomainViolation, "at least 0"),
    (["bce"], 2.0, DomainViolation, "from 0 to 1"),
    (["categorical_ce"], 1.0, BadOption, "is a class"),
    (["adversarial_generator"], 1.0, BadOption, "no target"),
]


@pytest.mark.parametrize(("texts", "target", "kind", "says"), REFUSED, ids=[str(row[0]) for row in REFUSED])
def test_what_cannot_be_drawn_is_refused(
    texts: list[str], target: float | None, kind: type[Refusal], says: str
) -> None:
    with pytest.raises(kind, match=says):
        curves_along_one_axis([parse(text) for text in texts], POINTS, SPAN, target)


def test_so_far_out_that_nothing_is_finite_a_shorter_span_is_asked_for() -> None:
    with pytest.raises(BadOption, match="shorter span"):
        curve(parse("poisson_nll"), POINTS, 1e6)


def test_a_reason_is_given_for_the_parameters_that_are_set() -> None:
    assert why_not(catalogue()["dice"].bind()) is None
    assert why_not(catalogue()["dice"].bind({"group": "batch"}))
