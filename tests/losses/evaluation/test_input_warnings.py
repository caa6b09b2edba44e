"""What is legal and looks unintended is pointed out, with the way out; what is meant is left alone."""

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from losses.contract.registry import catalogue
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options


def warned(text: str, *chunk_elements: int, **inputs: object) -> dict[str, str]:
    """Return what is pointed out of numbers written out: the texts by their codes."""
    tensors = {role: torch.as_tensor(numbers) for role, numbers in inputs.items()}
    mask = tensors.pop("mask", None)
    options = Options(chunk_elements=chunk_elements[0] if chunk_elements else 1 << 18)
    result = evaluate(parse(text), tensors, mask=mask, options=options)
    return {warning.code: warning.text for warning in result.warnings}


LISTED = ["ranknet", "listnet", "list_mle", "ranking_softmax"]
SCORES = [[1.5, 0.3, 0.0]]


@pytest.mark.parametrize("text", LISTED)
def test_grades_of_minus_one_look_like_padding(text: str) -> None:
    padded = warned(text, predictions=SCORES, targets=[[2.0, 1.0, -1.0]])
    masked = warned(text, predictions=SCORES, targets=[[2.0, 1.0, -1.0]], mask=[[1, 1, 0]])
    signed = warned(text, predictions=SCORES, targets=[[2.0, -1.0, -2.5]])

    assert "`mask`" in padded["looks-like-padding"]
    assert masked == signed == {}


@pytest.mark.parametrize("text", ["ranknet", "list_mle"])
def test_padding_in_the_mask_leaves_the_list_that_is_meant(text: str) -> None:
    inputs = {"predictions": torch.tensor(SCORES), "targets": torch.tensor([[2.0, 1.0, -1.0]])}

    result = evaluate(parse(text), inputs, mask=torch.tensor([[1, 1, 0]]))

    assert result.value == pytest.approx(0.26328246733803123, rel=1e-6)


@pytest.mark.parametrize("text", ["approx_ndcg", "lambda_loss"])
def test_where_grades_below_zero_are_refused_the_mask_is_named(text: str) -> None:
    with pytest.raises(Exception, match=r"fills up a list, leave it out by `mask`"):
        warned(text, predictions=SCORES, targets=[[2.0, 1.0, -1.0]])


def volume() -> dict[str, Tensor]:
    rng = torch.Generator().manual_seed(0)
    return {
        "predictions": torch.randn(33, 41, 25, generator=rng),
        "targets": torch.randint(2, (33, 41, 25), generator=rng),
    }


SOFTMAXED = [
    name
    for name, loss in catalogue().items()
    if loss.roles[:2] == ("predictions", "targets")
    and loss.pattern("targets").names == ("n", "C", "*s")
    and loss.bind().domain("targets").is_of_probabilities
    and not loss.bind().domain("targets").simplex
    and "softmax" in loss.activation
]


@pytest.mark.parametrize("text", SOFTMAXED)
def test_a_volume_alone_is_told_how_its_axes_were_read(text: str) -> None:
    alone = warned(text, **volume())
    whole = warned(text, **{role: tensor[None, None] for role, tensor in volume().items()})

    assert "33 items with 41 classes on axis 1" in alone["several-classes-a-pixel"]
    assert "(1, 1, ...)" in alone["several-classes-a-pixel"]
    assert "several-classes-a-pixel" not in whole


def test_there_are_losses_of_softmaxed_masks() -> None:
    assert {"dice", "jaccard", "tversky", "lovasz_softmax"} <= set(SOFTMAXED)


def test_several_labels_a_pixel_that_are_meant_draw_no_warning() -> None:
    several = {"predictions": torch.zeros(2, 3, 4, 4), "targets": torch.ones(2, 3, 4, 4)}

    assert "several-classes-a-pixel" in warned("dice", **several)
    assert warned("dice(activation=sigmoid)", **several) == {}
    assert warned("dice", predictions=torch.zeros(2, 3, 4), targets=torch.eye(3)[:, [0, 1, 2, 2]].expand(2, 3, 4)) == {}


@pytest.mark.parametrize(
    ("text", "more"), [("NLLLoss", {}), ("nll", {}), ("KLDivLoss", {}), ("CTCLoss", {"labels": 1})]
)
def test_a_name_that_takes_log_probabilities_elsewhere_is_told_of_positive_numbers(
    text: str, more: dict[str, int]
) -> None:
    scores = torch.tensor([[2.0, -1.0]]) if not more else torch.tensor([[[2.0, 0.0, 1.0], [-1.0, 0.0, 1.0]]])
    targets = torch.tensor([[0.25, 0.75]]) if text == "KLDivLoss" else torch.tensor([[1]] if more else [1])

    positive = warned(text, predictions=scores, targets=targets)
    logarithms = warned(text, predictions=scores.log_softmax(1), targets=targets)
    logits = warned(parse(text).terms[0][1].loss.id, predictions=scores, targets=targets)

    assert "log-softmax" in positive["not-log-probabilities"]
    assert logarithms == logits == {}


BOXES = torch.tensor([[10.0, 20.0, 5.0, 8.0], [1.0, 2.0, 3.0, 4.0]])


@pytest.mark.parametrize("chunk_elements", [1, 1 << 18])
@pytest.mark.parametrize("form", ["xywh", "cxcywh"])
def test_sizes_that_are_never_less_than_the_corner_look_like_corners(form: str, chunk_elements: int) -> None:
    corners = warned(f"giou(format={form})", chunk_elements, predictions=BOXES[1:], targets=BOXES[1:])
    sizes = warned(f"giou(format={form})", chunk_elements, predictions=BOXES, targets=BOXES)

    assert "leave format out" in corners["looks-like-corners"]
    assert sizes == {}
