"""Numbers at the ends of what can be written: parameters over their whole declared range, and weights."""

import math
import sys
from itertools import product
from typing import get_args

import pytest
import torch
from pydantic.fields import FieldInfo

from losses.contract.expression import parse
from losses.contract.loss import Loss
from losses.errors import BadParameter
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from tests.losses.draw import Batch, Subject, every_loss

SIZES = [1e-320, 1e-200, 1e-46, 1e-38, 1e-19, 1e-6, 1.0, 37.5, 1e12, 1e19, 1e39, 1e160, 1e200, sys.float_info.max]
DTYPES = [torch.float64, torch.float32]
OVERFLOWED = "the loss is not finite"


def legal(field: FieldInfo) -> list[float]:
    """Return numbers from end to end of what a parameter may be; none for one that is no number."""
    if float not in (get_args(field.annotation) or (field.annotation,)):
        return []
    bounds = {
        name: getattr(each, name) for each in field.metadata for name in ("ge", "gt", "le", "lt") if hasattr(each, name)
    }
    low, high = bounds.get("ge", bounds.get("gt", -math.inf)), bounds.get("le", bounds.get("lt", math.inf))
    ends = [end for end in (low, high) if math.isfinite(end)]
    inner = [math.nextafter(low, math.inf) if low else 0.0, math.nextafter(high, -math.inf)]
    beyond = [end + sign * size for end, sign, size in product(ends, (-1, 1), SIZES)]
    numbers = [0.0, *ends, *inner, *beyond, *SIZES, *(-size for size in SIZES)]
    return sorted(
        {
            float(x)
            for x in numbers
            if low <= x <= high and x not in (bounds.get("gt"), bounds.get("lt")) and math.isfinite(x)
        }
    )


def explained(evaluation: Evaluation) -> bool:
    """Return whether there is a value and its gradient, or a word on what is missing."""
    if evaluation.value is None:
        return bool(evaluation.reason)
    warned = {warned.code for warned in evaluation.warnings}
    slopes = (evaluation.gradients or {}).values()
    finite = evaluation.gradients is not None and all(bool(slope.isfinite().all()) for slope in slopes)
    return math.isfinite(evaluation.value) and (finite or "gradient-not-finite" in warned)


@every_loss
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_no_parameter_in_its_range_breaks_the_loss(loss: Loss, dtype: torch.dtype) -> None:
    numbers = [(name, x) for name, field in loss.parameters.model_fields.items() for x in legal(field)]
    plain = Subject(loss.bind()).draw(items=4).to(dtype)

    for name, number in numbers:
        term = loss.bind({name: number})
        try:
            evaluation = Batch(Subject(term), plain.inputs).evaluate(gradient="full")
        except BadParameter as refused:
            assert "must fit float" in refused.message  # noqa: PT017 - most numbers are not refused
            assert not 1.2e-38 <= abs(number) <= 3.4e38 or dtype == torch.float64
            continue
        assert explained(evaluation), f"{term}: {evaluation}"


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("smooth_l1(beta=1e39)", "beta"),
        ("huber(delta=1e39)", "delta"),
        ("wing(width=1e39)", "width"),
        ("mape(eps=1e39)", "eps"),
        ("smape(eps=1e39)", "eps"),
        ("tukey_biweight(c=1e-46)", "c"),
        ("mse + tukey_biweight(c=1e39)", "c"),
    ],
)
def test_a_parameter_that_does_not_fit_float32_is_refused_there(text: str, name: str) -> None:
    inputs = {"predictions": torch.ones(1), "targets": torch.zeros(1)}

    with pytest.raises(BadParameter, match=f"{name} must fit float32.*dtype=float64"):
        evaluate(parse(text), inputs)

    assert evaluate(parse(text), inputs, options=Options(dtype=torch.float64)).reason is None


@pytest.mark.parametrize(
    ("text", "value"),
    [("tukey_biweight(c=1e200)", 0.5), ("laplace_nll(eps=1e308)", math.log(2) + 308 * math.log(10))],
)
def test_a_parameter_may_be_huge_in_float64(text: str, value: float) -> None:
    numbers = {"predictions": [1.0], "targets": [0.0], "scale": [1.0]}
    inputs = {role: torch.tensor(number, dtype=torch.float64) for role, number in numbers.items()}

    assert evaluate(parse(text), inputs).value == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize("smooth", [1e-200, 1e200])
def test_a_correlation_has_no_products_that_leave_the_range(smooth: float) -> None:
    inputs = {role: torch.tensor([[[1.0, 0.0]]], dtype=torch.float64) for role in ("predictions", "targets")}

    evaluation = evaluate(parse(f"mcc(smooth={smooth}, from_logits=false)"), inputs)

    assert evaluation.value == pytest.approx(0.0 if smooth < 1 else 1.0, abs=1e-12)


def test_a_gradient_that_overflows_is_null_with_a_word() -> None:
    inputs = {"predictions": torch.tensor([1e-40]), "targets": torch.ones(1)}

    evaluation = evaluate(parse("bce(from_logits=false)"), inputs, options=Options(gradient="full"))

    assert evaluation.value == pytest.approx(40 * math.log(10), rel=1e-5)
    assert (evaluation.gradient, evaluation.gradients) == (None, None)
    assert [warned.code for warned in evaluation.warnings] == ["gradient-not-finite"]


@pytest.mark.parametrize("size", [1e-320, 1e-100, 1e39, 1e308])
@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_weights_of_any_size_leave_a_mean_as_it_is(size: float, dtype: torch.dtype) -> None:
    inputs = {"predictions": torch.tensor([1.0, 0.0], dtype=dtype), "targets": torch.zeros(2, dtype=dtype)}
    weights = torch.tensor([size, size], dtype=torch.float64)

    evaluation = evaluate(parse("mae"), inputs, weights=weights, options=Options(gradient="full"))

    assert evaluation.value == 0.5
    assert evaluation.standard_error == pytest.approx(0.5, rel=1e-6)
    assert evaluation.gradients
    assert evaluation.gradients["predictions"].tolist() == pytest.approx([0.5, 0.0], rel=1e-12)
    assert evaluation.numerator == pytest.approx(size, rel=1e-6)


@pytest.mark.parametrize(
    ("text", "class_weights"),
    [("cross_entropy", [1e308, 1e308]), ("dice", [1e308, 1e308]), ("dice(group=batch)", [1e308, 1e308])],
)
def test_class_weights_whose_sum_overflows_give_no_value(text: str, class_weights: list[float]) -> None:
    soft = torch.tensor([[1.0, 0.0], [0.0, 1.0]], dtype=torch.float64)
    targets = torch.tensor([0, 1]) if text == "cross_entropy" else soft
    inputs = {
        "predictions": soft,
        "targets": targets,
        "class_weights": torch.tensor(class_weights, dtype=torch.float64),
    }

    evaluation = evaluate(parse(text), inputs)

    assert evaluation.value is None
    assert (evaluation.reason or "").startswith(OVERFLOWED)


@pytest.mark.parametrize("text", ["iou", "giou", "diou", "ciou"])
def test_boxes_whose_areas_overflow_have_no_value(text: str) -> None:
    inputs = {"predictions": torch.tensor([[0, 0, 1e19, 2e19]]), "targets": torch.tensor([[0, 0, 2e19, 2e19]])}

    evaluation = evaluate(parse(text), inputs)
    wide = evaluate(parse(text), inputs, options=Options(dtype=torch.float64))

    assert evaluation.value is None
    assert (evaluation.reason or "").startswith(OVERFLOWED)
    assert wide.value is not None


def test_the_size_of_features_does_not_matter_to_their_correlation() -> None:
    first = torch.tensor([[1.0, 2.0, 3.0], [3.0, 1.0, 2.0], [2.0, 5.0, 1.0]])
    second = torch.tensor([[1.0, 2.0, 2.0], [3.0, 0.0, 2.0], [1.0, 5.0, 1.0]])

    plain = evaluate(parse("barlow_twins(eps=0)"), {"first": first, "second": second}).value
    huge = evaluate(parse("barlow_twins(eps=0)"), {"first": 1e19 * first, "second": 1e19 * second}).value

    assert huge == pytest.approx(plain, rel=1e-5)


@pytest.mark.parametrize("size", [1e-300, 1e-180, 1e170, 1e300])
@pytest.mark.parametrize("chunk_elements", [7, 1 << 18])
def test_the_standard_error_has_the_unit_of_the_value(size: float, chunk_elements: int) -> None:
    errors = torch.randn(50, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    options = Options(chunk_elements=chunk_elements)

    plain, scaled = (
        evaluate(parse("mae"), {"predictions": unit * errors, "targets": 0 * errors}, options=options).standard_error
        for unit in (1.0, size)
    )

    assert scaled == pytest.approx((plain or 0.0) * size, rel=1e-9)


def test_a_clip_so_small_that_only_its_logarithm_fits_is_computed_with() -> None:
    inputs = {"predictions": torch.zeros(1), "targets": torch.ones(1)}

    assert evaluate(parse("bce(convention=torch, from_logits=false)"), inputs).value == pytest.approx(100)
