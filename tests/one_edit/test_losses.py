"""A loss is one function in a file of losses/families; everything else finds it."""

import json

import pytest
import torch

from tests.one_edit.copies import Copy

FAMILY = "losses/families/classification.py"
IMPORT = "from losses.contract.registry import loss\n"
LOSS = '''

def _to_probability(params: Mapping[str, Value]) -> ProbabilityMap:
    temperature = params["temperature"]
    code = f"def probability(predictions):\\n    return (predictions / {temperature}).sigmoid()\\n"
    return ProbabilityMap(f"p = sigmoid(z / {temperature})", IMPORTS + code)


@loss(
    title=Text("Tempered binary cross-entropy", "带温度的二分类交叉熵"),
    task="binary",
    shapes="*n, *n -> *n",
    predictions=LOGITS,
    targets=LABELS,
    formula=r"-y \\log \\sigma(z / T) - (1 - y) \\log(1 - \\sigma(z / T))",
    source="Hinton et al. 2015, arXiv:1503.02531",
    elicits="probability, distorted",
    activation="sigmoid",
    probability=_to_probability,
    traits={"convex", "smooth", "bounded gradient"},
    aliases={"tempered_cross_entropy": {}},
    cases=[case(predictions=[0.0], targets=[1.0], gives=[0.6931471805599453])],
    pytorch="return F.binary_cross_entropy_with_logits(predictions / {temperature}, targets)",
)
def tempered_bce(
    predictions: Tensor,
    targets: Tensor,
    *,
    temperature: Annotated[float, Field(ge=0.1, le=100, description="What scores are divided by.")] = 2.0,
) -> Tensor:
    """Learns the probability that the label is 1, of scores that are divided by a temperature."""
    return terms.binary_cross_entropy(*terms.log_probabilities(predictions / temperature, from_logits=True), targets)
'''
ARRAYS = {"predictions": [2.0, -1.0], "targets": [1.0, 0.0]}
OBJECTIVE = "tempered_bce(temperature=4)"


def value_of(temperature: float) -> float:
    predictions, targets = (torch.tensor(numbers, dtype=torch.float64) for numbers in ARRAYS.values())
    return float(torch.nn.functional.binary_cross_entropy_with_logits(predictions / temperature, targets))


@pytest.fixture
def edited(copy: Copy) -> Copy:
    copy.insert(FAMILY, IMPORT, "from losses.contract.probability import IMPORTS, ProbabilityMap\n")
    copy.insert(FAMILY, "from typing import Annotated\n", "from collections.abc import Mapping\n")
    copy.append(FAMILY, LOSS)
    return copy


def test_a_loss_is_listed_described_evaluated_drawn_and_recommended(edited: Copy) -> None:
    asked = {"task": "binary", "profile": {"class_imbalance": 50.0}}
    listings = edited.listings(
        {"method": "GET", "url": "/v1/losses/tempered_bce"},
        {"method": "GET", "url": "/v1/losses/tempered_bce/curve"},
        {"method": "GET", "url": "/v1/losses/tempered_bce/curve", "params": {"format": "svg"}},
        {"method": "POST", "url": "/v1/evaluate", "json": {"loss": OBJECTIVE, **ARRAYS}},
        {"method": "POST", "url": "/v1/evaluate", "json": {"loss": "tempered_cross_entropy + 0.5*bce", **ARRAYS}},
        {"method": "GET", "url": "/v2/models/tempered_bce"},
        {"method": "POST", "url": "/v1/recommend", "json": asked},
        {"method": "POST", "url": "/v1/evaluate", "json": {"loss": "tempered_bec", **ARRAYS}},
    )
    statuses, bodies = zip(*listings.answers, strict=True)
    page, curve, drawn, evaluated, summed, model, recommended, typo = bodies

    assert statuses == (200, 200, 200, 200, 200, 200, 200, 422), bodies
    assert listings.places("tempered_bce") >= {
        "/v1/losses",
        "docs: all-losses",
        "docs: losses/binary.md",
        "docs: curves",
    }
    assert json.loads(page)["parameters"]["properties"]["temperature"]["default"] == 2
    assert len(json.loads(curve)["x"]) > 1
    assert drawn.startswith(b"<svg")
    assert json.loads(evaluated)["results"][0]["value"] == pytest.approx(value_of(4), rel=1e-12)
    assert [term["loss"] for term in json.loads(summed)["results"][0]["terms"]] == ["tempered_bce", "bce"]
    assert json.loads(model)["name"] == "tempered_bce"
    assert json.loads(typo)["did_you_mean"] == "tempered_bce"
    others = {other["objective"]: other for other in json.loads(recommended)["alternatives"]}
    assert others["tempered_bce"]["origin"] == "catalogue"
    assert others["tempered_bce"]["repair"][0]["formula"] == "p = sigmoid(z / 2.0)"
    assert _printed(page) == pytest.approx(value_of(2), rel=1e-6)


def _printed(page: bytes) -> float:
    """Return what the snippet of the page gives."""
    names: dict[str, object] = {}
    code = json.loads(page)["snippets"]["pytorch"]
    exec(code, names)  # noqa: S102 - the code a reader is given
    return float(names["loss"](*map(torch.tensor, ARRAYS.values())))  # type: ignore[operator] # a function


def test_a_loss_is_under_the_laws(edited: Copy) -> None:
    passed = edited.laws("tempered_bce", "tests/losses/evaluation/test_laws.py")

    assert passed >= 15
