"""Where a loss is minimised, the printed repair gives the probability back."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor
from torch.autograd import functional

from losses.contract.expression import parse
from losses.contract.loss import BoundLoss, Items
from losses.description.probability import probability_map

BINARY = [
    "focal",
    "focal(alpha=0.975)",
    "focal(alpha=none)",
    "focal(alpha=0.5)",
    "focal(gamma=0.5)",
    "focal(gamma=5, alpha=0.1)",
    "focal(gamma=0, alpha=0.25)",
    "focal(alpha=0.9, normalize=positives)",
    "bce(pos_weight=39)",
    "bce(label_smoothing=0.1)",
    "bce(pos_weight=3, label_smoothing=0.2)",
    "bce_logit_adjusted(prior=0.02)",
    "bce_logit_adjusted(prior=0.3, tau=0.5)",
]
COUNTS = torch.tensor([900.0, 90.0, 10.0], dtype=torch.float64)
WEIGHTS = torch.tensor([0.5, 1.0, 4.0], dtype=torch.float64)
MULTICLASS: list[tuple[str, dict[str, Tensor]]] = [
    ("focal_softmax", {}),
    ("focal_softmax(gamma=0.5)", {}),
    ("focal_softmax", {"class_weights": WEIGHTS}),
    ("logit_adjusted", {"priors": COUNTS}),
    ("logit_adjusted(tau=0.5)", {"priors": COUNTS / COUNTS.sum()}),
    ("class_balanced", {"class_counts": COUNTS}),
    ("class_balanced(beta=0.9)", {"class_counts": COUNTS}),
    ("generalized_ce", {}),
    ("sparse_categorical_ce(label_smoothing=0.1)", {}),
    ("sparse_categorical_ce(label_smoothing=0.1)", {"class_weights": WEIGHTS}),
    ("categorical_ce(label_smoothing=0.2)", {}),
]
PURE = [
    "bce",
    "focal(gamma=0, alpha=0.5)",
    "focal(gamma=0, alpha=none)",
    "sparse_categorical_ce",
    "focal_softmax(gamma=0)",
    "class_balanced(beta=0)",
    "logit_adjusted(tau=0)",
    "bce_logit_adjusted(prior=0.5)",
]
HOPELESS = ["generalized_ce(q=1)", "focal(alpha=0)", "mse", "dice", "dice + bce(pos_weight=2)"]


def printed(text: str) -> Callable[..., Tensor]:
    to_probability = probability_map(parse(text))
    assert to_probability is not None
    names: dict[str, Callable[..., Tensor]] = {}
    exec(to_probability.code, names)  # noqa: S102 - the code a reader is given
    return names["probability"]


def bound(text: str) -> BoundLoss:
    return parse(text).terms[0][1]


def costs(term: BoundLoss, predictions: Tensor, targets: Tensor, **arrays: Tensor) -> Tensor:
    """Return what each item costs."""
    bound = term.loss.bind({**term.params, "normalize": "item"}) if term.kind == "ratio" else term
    given = bound({"predictions": predictions, "targets": targets, **arrays})
    if isinstance(given, Items):
        return given.numerator
    assert isinstance(given, Tensor)
    return given


def binary_minimisers(term: BoundLoss, truths: Tensor) -> Tensor:
    """Return the logits where the expected slopes vanish, found by halving intervals."""
    low, high = torch.full_like(truths, -40), torch.full_like(truths, 40)
    for _ in range(60):
        middle = ((low + high) / 2).requires_grad_()
        no, yes = (costs(term, middle, torch.full_like(middle, label)) for label in (0, 1))
        (slope,) = torch.autograd.grad(((1 - truths) * no + truths * yes).sum(), middle)
        at = middle.detach()
        low, high = torch.where(slope < 0, at, low), torch.where(slope < 0, high, at)
    return low


def minimiser(term: BoundLoss, truth: Tensor, **arrays: Tensor) -> Tensor:
    """Return logits (1, 3) where the expected loss is least: quasi-Newton steps, then Newton's."""
    labels = torch.eye(3, dtype=torch.float64) if term.loss.id == "categorical_ce" else torch.arange(3)

    def expected(logits: Tensor) -> Tensor:
        return (truth * costs(term, logits.expand(3, 3), labels, **arrays)).sum()

    logits = torch.zeros(3, dtype=torch.float64, requires_grad=True)
    steps = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        steps.zero_grad()
        value = expected(logits)
        value.backward()  # type: ignore[no-untyped-call] # torch's
        return value

    steps.step(closure)  # type: ignore[no-untyped-call] # torch's
    logits_now = logits.detach()
    for _ in range(5):
        bend = functional.hessian(expected, logits_now)  # type: ignore[no-untyped-call] # torch's
        slope = functional.jacobian(expected, logits_now)  # type: ignore[no-untyped-call] # torch's
        logits_now = logits_now - torch.linalg.pinv(bend, rtol=1e-9) @ slope
    return logits_now[None]


@pytest.mark.parametrize("text", BINARY)
def test_a_binary_repair_returns_the_probability(text: str) -> None:
    truths = torch.tensor([0.001, 0.02, 0.1, 0.3, 0.5, 0.7, 0.9, 0.98, 0.999], dtype=torch.float64)

    outputs = binary_minimisers(bound(text), truths)

    assert printed(text)(outputs).tolist() == pytest.approx(truths.tolist(), abs=1e-6)


@pytest.mark.parametrize("truth", [[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.94, 0.05, 0.01]])
@pytest.mark.parametrize(("text", "arrays"), MULTICLASS)
def test_a_multiclass_repair_returns_the_probabilities(
    text: str, arrays: dict[str, Tensor], truth: list[float]
) -> None:
    output = minimiser(bound(text), torch.tensor(truth, dtype=torch.float64), **arrays)

    assert printed(text)(output, **arrays)[0].tolist() == pytest.approx(truth, abs=1e-6)


@pytest.mark.parametrize("text", ["focal(alpha=0.9)", "bce(pos_weight=3)", "bce_logit_adjusted(prior=0.1)"])
def test_outputs_that_are_probabilities_are_repaired_alike(text: str) -> None:
    logits = torch.linspace(-3, 3, 7, dtype=torch.float64)
    inside = text.replace(")", ", from_logits=false)")

    assert printed(inside)(logits.sigmoid()).tolist() == pytest.approx(printed(text)(logits).tolist(), rel=1e-12)


@pytest.mark.parametrize(("text", "arrays"), MULTICLASS)
def test_classes_are_axis_1_of_pixels_too(text: str, arrays: dict[str, Tensor]) -> None:
    logits = torch.randn(2, 3, 4, 5, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    flat = logits.movedim(1, -1).reshape(-1, 3)
    inside = text.replace(")", ", from_logits=false)") if text.endswith(")") else f"{text}(from_logits=false)"

    probabilities = printed(text)(logits, **arrays)

    assert torch.allclose(probabilities.movedim(1, -1).reshape(-1, 3), printed(text)(flat, **arrays), rtol=1e-12)
    assert torch.allclose(probabilities, printed(inside)(logits.softmax(1), **arrays), rtol=1e-9)


@pytest.mark.parametrize("truth", [[0.7, 0.2, 0.1], [0.3, 0.3, 0.4], [0.94, 0.05, 0.01]])
def test_the_repair_of_corn_returns_the_probability_of_each_rank(truth: list[float]) -> None:
    asked, ranks = torch.tensor(truth, dtype=torch.float64), torch.arange(3)
    logits = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    steps = torch.optim.LBFGS([logits], max_iter=200, line_search_fn="strong_wolfe")

    def closure() -> Tensor:
        steps.zero_grad()
        value = (asked * costs(bound("corn"), logits.expand(3, 2), ranks)).sum()
        value.backward()  # type: ignore[no-untyped-call] # torch's
        return value

    steps.step(closure)  # type: ignore[no-untyped-call] # torch's

    assert printed("corn")(logits.detach()[None])[0].tolist() == pytest.approx(truth, abs=1e-4)


@pytest.mark.parametrize("text", PURE)
def test_no_repair_where_the_output_is_a_probability(text: str) -> None:
    assert probability_map(parse(text)) is None


@pytest.mark.parametrize("text", HOPELESS)
def test_no_repair_where_the_output_does_not_tell_the_probability(text: str) -> None:
    assert probability_map(parse(text)) is None


@pytest.mark.parametrize("text", BINARY)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_a_binary_repair_holds_at_the_ends(text: str, dtype: torch.dtype) -> None:
    ends = printed(text)(torch.tensor([-1000.0, -60.0, 60.0, 1000.0], dtype=dtype))

    assert ends.dtype == dtype
    assert ends.tolist() == pytest.approx([0, 0, 1, 1], abs=1e-9)


@pytest.mark.parametrize(("text", "arrays"), MULTICLASS)
def test_a_multiclass_repair_holds_at_the_ends(text: str, arrays: dict[str, Tensor]) -> None:
    logits = torch.tensor([[1000.0, -1000.0, 0.0], [0.0, -torch.inf, -90.0]])

    probabilities = printed(text)(logits, **{role: array.float() for role, array in arrays.items()})

    assert probabilities.dtype == torch.float32
    assert probabilities.sum(1).tolist() == pytest.approx([1, 1], abs=1e-6)
    assert probabilities[:, 0].tolist() == pytest.approx([1, 1], abs=1e-6)


def test_the_function_is_the_printed_code() -> None:
    to_probability = probability_map(parse("focal(alpha=0.9)"))
    assert to_probability is not None
    logits = torch.linspace(-3, 3, 7)

    assert to_probability.function()(logits).tolist() == printed("focal(alpha=0.9)")(logits).tolist()


def test_the_figures_of_the_literature_come_out() -> None:
    output = torch.tensor([0.694, 0.846, 0.154], dtype=torch.float64)  # of focal with gamma 2 at .9, .99 and .01

    probabilities = printed("focal(alpha=none)")(output.logit())

    assert probabilities.tolist() == pytest.approx([0.9, 0.99, 0.01], abs=1e-3)
