"""Overlap of regions and of boxes: what is known about each, against plain torch, values and gradients."""

from collections.abc import Callable
from itertools import pairwise

import pytest
import torch
import torch.nn.functional as F  # noqa: N812 - the name torch gives it
from torch import Tensor

from losses.contract.expression import parse
from losses.errors import DomainViolation
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation

Inputs = dict[str, Tensor]
EVERY = ["dice", "jaccard", "tversky", "focal_tversky", "generalized_dice", "lovasz_softmax", "hausdorff_dt", "cldice"]


def drawn(*, classes: int = 3, hard: bool = False) -> Inputs:
    """Return logits and masks, one class a pixel; with `hard`, predictions that are masks too."""
    rng = torch.Generator().manual_seed(31)
    logits = 2 * torch.randn(4, classes, 5, 6, generator=rng, dtype=torch.float64)
    ids = torch.randint(classes, (4, 5, 6), generator=rng)
    masks = F.one_hot(ids, classes).movedim(-1, 1).double()
    sure = F.one_hot(logits.argmax(1), classes).movedim(-1, 1).double()
    return {"predictions": sure if hard else logits, "targets": masks}


def boxes() -> Inputs:
    """Return pairs of boxes, some apart, some one in the other."""
    rng = torch.Generator().manual_seed(32)
    corners = torch.rand(40, 2, 2, generator=rng, dtype=torch.float64) * 4
    sides = 0.2 + 3 * torch.rand(40, 2, 2, generator=rng, dtype=torch.float64)
    predictions, targets = torch.cat([corners, corners + sides], 2).unbind(1)
    return {"predictions": predictions, "targets": targets}


def said(text: str, inputs: Inputs, weights: Tensor | None = None, mask: Tensor | None = None) -> Evaluation:
    options = Options(gradient="full", standard_error=False)
    return evaluate(parse(text), inputs, weights=weights, mask=mask, options=options)


def agree(text: str, inputs: Inputs, reference: Callable[[Tensor, Tensor], Tensor]) -> None:
    """Assert that value and gradient are those of the reference."""
    leaf = inputs["predictions"].clone().requires_grad_()
    expected = reference(leaf, inputs["targets"])
    expected.backward()  # type: ignore[no-untyped-call] # torch does not type it

    evaluation = said(text, inputs)

    assert evaluation.value == pytest.approx(expected.item(), rel=1e-12, abs=1e-12)
    assert evaluation.gradients
    torch.testing.assert_close(evaluation.gradients["predictions"], leaf.grad, rtol=1e-10, atol=1e-12)


def everything_at_once(z: Tensor, y: Tensor) -> Tensor:
    p = z.softmax(1)
    return 1 - (2 * (p * y).sum() + 0.5) / (p.sum() + y.sum() + 0.75)


def vnet(z: Tensor, y: Tensor) -> Tensor:
    p = z.softmax(1)
    return (1 - 2 * (p * y).sum((2, 3)) / (p**2 + y**2).sum((2, 3))).mean()


def without_background(z: Tensor, y: Tensor) -> Tensor:
    p = z.softmax(1)[:, 1:]
    shared = (p * y[:, 1:]).sum((0, 2, 3))
    return (1 - shared / (p.sum((0, 2, 3)) + y[:, 1:].sum((0, 2, 3)) - shared)).mean()


def sudre(z: Tensor, y: Tensor) -> Tensor:
    p, weight = z.softmax(1), y.sum((0, 2, 3)) ** -2
    above = (weight * (p * y).sum((0, 2, 3))).sum()
    return 1 - 2 * above / (weight * (p + y).sum((0, 2, 3))).sum()


def lovasz(z: Tensor, y: Tensor) -> Tensor:
    """Return the extension by its definition: one Jaccard index for every set of the largest errors."""
    values = []
    for p, true in zip(z.softmax(1).movedim(1, 0).flatten(1), y.movedim(1, 0).flatten(1), strict=True):
        errors, order = (true - p).abs().sort(descending=True)
        costs = [0.0]
        for wrong in range(1, len(order) + 1):
            guess = true.clone()
            guess[order[:wrong]] = 1 - guess[order[:wrong]]
            costs.append(float(1 - (guess * true).sum() / (guess + true).clamp(max=1).sum()))
        values.append(sum(error * (more - less) for error, (less, more) in zip(errors, pairwise(costs), strict=True)))
    return torch.stack([torch.as_tensor(value) for value in values]).mean()


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("dice(group=all, smooth=0.5, epsilon=0.25)", everything_at_once),
        ("dice(overlap=squares, smooth=0)", vnet),
        ("jaccard(group=batch, include_background=false, smooth=0)", without_background),
        ("generalized_dice(group=batch)", sudre),
        ("lovasz_softmax", lovasz),
    ],
)
def test_regions_agree_with_their_formula(text: str, reference: Callable[[Tensor, Tensor], Tensor]) -> None:
    agree(text, drawn(), reference)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("tversky(smooth=0)", "dice(smooth=0)"),
        ("tversky(smooth=0.25)", "dice(smooth=0.5)"),
        ("tversky(alpha=1, beta=1, smooth=0.25)", "jaccard(smooth=0.25)"),
        ("focal_tversky(gamma=1, alpha=0.2, beta=0.9)", "tversky(alpha=0.2, beta=0.9)"),
        ("generalized_dice(weighting=uniform, group=batch)", "dice(group=all, smooth=0)"),
        ("soft_f1", "dice(group=batch, activation=sigmoid)"),
    ],
)
def test_two_names_of_one_number(one: str, other: str) -> None:
    inputs = drawn()

    assert said(one, inputs).value == pytest.approx(said(other, inputs).value, rel=1e-12)


def test_dice_is_not_iou() -> None:
    inputs = drawn(classes=1)

    dice, jaccard = (said(f"{name}(group=all, smooth=0)", inputs).value or 0.0 for name in ("dice", "jaccard"))

    assert 1 - dice == pytest.approx(2 * (1 - jaccard) / (2 - jaccard), rel=1e-12)


def test_on_sets_lovasz_is_the_jaccard_index() -> None:
    inputs = drawn(hard=True)

    extension = said("lovasz_softmax(from_logits=false)", inputs).value

    assert extension == pytest.approx(
        said("jaccard(group=batch, smooth=0, from_logits=false)", inputs).value, rel=1e-12
    )


@pytest.mark.parametrize("text", ["lovasz_softmax", "lovasz_hinge"])
def test_over_the_batch_too_a_whole_weight_is_a_repetition(text: str) -> None:
    inputs = drawn()
    weights = torch.tensor([2, 0, 1, 3])
    again = torch.arange(4).repeat_interleave(weights)

    weighted = said(text, inputs, weights=weights)

    repeated = said(text, {role: tensor[again] for role, tensor in inputs.items()})
    assert weighted.value == pytest.approx(repeated.value, rel=1e-12)


@pytest.mark.parametrize("text", ["lovasz_softmax", "lovasz_hinge"])
def test_over_the_batch_too_a_masked_pixel_counts_as_absent(text: str) -> None:
    inputs = drawn()
    kept = torch.tensor([True, True, False, True, True])

    masked = said(text, inputs, mask=kept[:, None].expand(4, 5, 6))

    absent = said(text, {role: tensor[:, :, kept] for role, tensor in inputs.items()})
    assert masked.value == pytest.approx(absent.value, rel=1e-12)


@pytest.mark.parametrize(("empty", "value"), [("score", 0.75), ("zero", 0.25), ("skip", 0.5)])
def test_a_class_without_a_pixel_is_scored_or_free_or_left_out(empty: str, value: float) -> None:
    masks = torch.tensor([[[1.0, 0.0]], [[0.0, 0.0]]])

    evaluation = said(
        f"dice(smooth=0, from_logits=false, empty={empty})", {"predictions": masks * 0 + 0.5, "targets": masks}
    )

    assert evaluation.value == value


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("level", [0.0, 1.0])
def test_masks_met_exactly_cost_nothing_and_leave_a_finite_gradient(name: str, level: float) -> None:
    masks = torch.full((2, 1, 3, 3), level, dtype=torch.float64)
    text = (
        f"{name}(from_logits=false)" if name != "lovasz_softmax" else "lovasz_softmax(from_logits=false, empty=score)"
    )

    evaluation = said(text, {"predictions": torch.ones_like(masks) if "lovasz" in name else masks, "targets": masks})

    assert evaluation.value == pytest.approx(1 - level if "lovasz" in name else 0.0, abs=1e-12)
    assert evaluation.gradients
    assert evaluation.gradients["predictions"].isfinite().all()


def ciou(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return complete IoU from its definition, alpha without a gradient."""
    low, high = torch.maximum(predictions[:, :2], targets[:, :2]), torch.minimum(predictions[:, 2:], targets[:, 2:])
    shared = (high - low).relu().prod(1)
    size, true = predictions[:, 2:] - predictions[:, :2], targets[:, 2:] - targets[:, :2]
    iou = shared / (size.prod(1) + true.prod(1) - shared + 1e-7)
    hull = torch.maximum(predictions[:, 2:], targets[:, 2:]) - torch.minimum(predictions[:, :2], targets[:, :2])
    centres = (predictions.reshape(-1, 2, 2).mean(1) - targets.reshape(-1, 2, 2).mean(1)).square().sum(1)
    v = 4 / torch.pi**2 * ((true[:, 0] / true[:, 1]).atan() - (size[:, 0] / size[:, 1]).atan()) ** 2
    alpha = (v / (1 - iou + v + 1e-7)).detach()
    return (1 - iou + centres / (hull.square().sum(1) + 1e-7) + alpha * v).mean()


def test_complete_iou_holds_alpha_fixed_in_the_gradient() -> None:
    agree("ciou", boxes(), ciou)


@pytest.mark.parametrize("name", ["iou", "giou", "diou", "ciou"])
def test_boxes_without_area_leave_a_finite_gradient(name: str) -> None:
    point = torch.ones(1, 4, dtype=torch.float64)

    for other in (point, 2 * point, torch.tensor([[0.0, 0.0, 2.0, 2.0]], dtype=torch.float64)):
        evaluation = said(name, {"predictions": point, "targets": other})
        assert evaluation.value is not None
        assert evaluation.gradients
        assert evaluation.gradients["predictions"].isfinite().all()


@pytest.mark.parametrize("loss", ["iou", "giou", "diou", "ciou"])
def test_boxes_have_one_value_in_every_format(loss: str) -> None:
    rng = torch.Generator().manual_seed(6)
    corners = {role: torch.rand(9, 2, generator=rng, dtype=torch.float64) for role in ("predictions", "targets")}
    sizes = {role: 0.1 + torch.rand(9, 2, generator=rng, dtype=torch.float64) for role in corners}
    boxes = {
        "xyxy": {role: torch.cat([first, first + sizes[role]], 1) for role, first in corners.items()},
        "xywh": {role: torch.cat([first, sizes[role]], 1) for role, first in corners.items()},
        "cxcywh": {role: torch.cat([first + sizes[role] / 2, sizes[role]], 1) for role, first in corners.items()},
    }

    values = {form: evaluate(parse(f"{loss}(format={form})"), inputs).value for form, inputs in boxes.items()}

    assert values["xywh"] == pytest.approx(values["xyxy"], rel=1e-12)
    assert values["cxcywh"] == pytest.approx(values["xyxy"], rel=1e-12)


def test_boxes_of_a_corner_and_a_size_are_told_their_format() -> None:
    boxes = torch.tensor([[10.0, 20.0, 5.0, 8.0]])

    with pytest.raises(DomainViolation, match=r"COCO .* format=xywh"):
        evaluate(parse("iou"), {"predictions": boxes, "targets": boxes})
    with pytest.raises(DomainViolation, match="width and height of at least 0"):
        evaluate(parse("iou(format=xywh)"), {"predictions": -boxes, "targets": boxes})
