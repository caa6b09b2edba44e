"""Code of a recommendation: that of PyTorch runs here, that of other libraries in `make conformance`."""

import ast
from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.description.snippets import library_code, pytorch_code
from losses.evaluation.evaluate import evaluate
from recommender.profile import Profile
from recommender.recommendation.choice import bind
from recommender.recommendation.recommend import recommend
from recommender.rules import ROWS
from tests.losses.draw import Subject

ITEMS = 12


def objectives() -> Iterator[Objective]:
    """Yield everything that a row of either book can recommend or offer, where its own example puts it."""
    for row in ROWS:
        facts = row.example(row.fires).facts
        yield bind(row.recommend, row.computed, facts)[0]
        for other in row.alternatives:
            yield bind(other.recommend, other.computed, facts)[0]


OFFERED = {str(objective): objective for objective in objectives()}


def inputs(objective: Objective) -> dict[str, Tensor]:
    """Return arrays that every term takes: of the domains of one role, numbers of the narrowest."""
    drawn: dict[str, Tensor] = {}
    for role in dict.fromkeys(role for _, term in objective.terms for role in term.loss.required):
        takers = [term for _, term in objective.terms if role in term.loss.required]
        taker = max(takers, key=lambda term: (term.domain(role).simplex, term.domain(role).whole))
        spatial = (16, 16) if len(objective.terms) > 1 else (2, 3)
        drawn[role] = Subject(taker, spatial=spatial).draw(items=ITEMS).inputs[role]
    return drawn


def loss_of(code: str) -> Any:  # noqa: ANN401 - a function with the inputs of its loss
    room: dict[str, Any] = {}
    exec(code, room)  # noqa: S102 - our own code, and that it runs is the promise
    return room["loss"]


@pytest.mark.parametrize("objective", OFFERED.values(), ids=OFFERED)
def test_the_code_of_whatever_a_rule_offers_gives_the_same_number(objective: Objective) -> None:
    arrays = inputs(objective)

    value = float(loss_of(pytorch_code(objective))(*arrays.values()))

    assert value == pytest.approx(evaluate(objective, arrays).value, rel=1e-12)


@pytest.mark.parametrize("library", ["keras", "optax"])
@pytest.mark.parametrize("objective", OFFERED.values(), ids=OFFERED)
def test_code_of_another_library_takes_the_same_inputs(objective: Objective, library: str) -> None:
    text = library_code(objective, library)

    if text is not None:
        *_, function = ast.parse(text).body
        assert isinstance(function, ast.FunctionDef)
        assert [argument.arg for argument in function.args.args] == list(inputs(objective))
        assert f"import {library}" in text


@pytest.mark.parametrize(
    ("text", "library", "call"),
    [
        ("smooth_l1(beta=2.82)", "keras", "keras.losses.Huber(delta=2.82)(targets, predictions) / 2.82"),
        ("bce", "keras", "keras.losses.BinaryCrossentropy()(targets, predictions)"),
        ("focal(alpha=0.9)", "keras", "apply_class_balancing=True, alpha=0.9, gamma=2.0"),
        ("focal(alpha=none)", "keras", "keras.losses.BinaryFocalCrossentropy(gamma=2.0)"),
        ("dice(group=batch)", "optax", "axis=tuple(range(predictions.ndim - 1))"),
        ("bce(pos_weight=3)", "optax", "(3.0 * targets * optax.losses.sigmoid_binary_cross_entropy(predictions, 1.0) "),
        ("dice + 0.5*bce", "optax", " + 0.5 * optax.losses.sigmoid_binary_cross_entropy(predictions, targets).mean()"),
        ("sparse_categorical_ce(label_smoothing=0.1)", "optax", "optax.losses.smooth_labels("),
    ],
)
def test_the_call_has_the_parameters_that_were_set(text: str, library: str, call: str) -> None:
    snippet = library_code(parse(text), library)

    assert snippet is not None
    assert call in snippet


@pytest.mark.parametrize(
    ("text", "library"),
    [
        ("bce(pos_weight=3)", "keras"),
        ("dice", "keras"),
        ("dice(empty=skip)", "optax"),
        ("bce(pos_weight=3, label_smoothing=0.1)", "optax"),
        ("tukey_biweight", "optax"),
        ("mse + tukey_biweight", "keras"),
        ("bce + bce_logit_adjusted", "keras"),
    ],
)
def test_nothing_is_printed_that_would_say_something_else(text: str, library: str) -> None:
    assert library_code(parse(text), library) is None


def test_a_comment_says_where_inputs_are_of_another_form() -> None:
    keras, optax = (library_code(parse("bce"), library) for library in ("keras", "optax"))

    assert keras is not None
    assert optax is not None
    assert "# predictions are probabilities here, after the sigmoid or softmax\n" in keras
    assert "#" not in optax


def test_pixels_of_keras_have_their_classes_last_and_a_comment_says_so() -> None:
    snippet = library_code(parse("sparse_categorical_ce"), "keras")

    assert snippet is not None
    assert "# with more than two axes, classes come last here\n" in snippet


def test_an_answer_has_code_for_each_library_that_has_all_of_it() -> None:
    outliers = recommend("regression", profile=Profile(outlier_rate=0.1, residual_scale=2.0)).snippets
    overlap = recommend("segmentation").snippets

    assert outliers.keras is not None
    assert "delta=2.69" in outliers.keras
    assert outliers.optax is not None
    assert (overlap.keras, overlap.optax is None) == (None, False)


def test_of_several_heads_each_has_its_function() -> None:
    snippets = recommend("detection").snippets

    for text in (snippets.pytorch, snippets.keras, snippets.optax):
        assert text is not None
        module = ast.parse(text)
        assert [each.name for each in module.body if isinstance(each, ast.FunctionDef)] == ["class_loss", "box_loss"]
        assert text == text.strip("\n") + "\n"
    predictions, targets = torch.tensor([0.2, 3.0]), torch.tensor([0.0, 1.0])
    room: dict[str, Any] = {}
    exec(snippets.pytorch, room)  # noqa: S102 - our own code, and that it runs is the promise
    value = evaluate(parse("smooth_l1"), {"predictions": predictions, "targets": targets}).value
    assert float(room["box_loss"](predictions, targets)) == pytest.approx(value)
