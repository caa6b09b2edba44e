"""Overlap losses in four steps: sum over pixels, group by image or batch, score each class, combine classes."""

from collections.abc import Callable
from typing import Annotated, Literal, NamedTuple

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.loss import Items, Kind, Sums, Value
from losses.mathematics import terms
from losses.mathematics.saturating import sigmoid, softmax

Group = Annotated[
    Literal["image", "batch", "all"],
    Field(
        description="One overlap an image and class, one a class over the batch, or one of everything, in which "
        "class weights weigh the classes' sums."
    ),
]
Empty = Annotated[
    Literal["score", "zero", "skip"],
    Field(description="A class that the target lacks is scored like any other, costs 0 and counts, or does not count."),
]
Background = Annotated[bool, Field(description="Class 0 counts; false: it does not, unless it is the only one.")]
Activation = Annotated[
    Literal["auto", "sigmoid", "softmax"],
    Field(description="What turns logits into probabilities; auto: sigmoid for one class, softmax for several."),
]
Overlap = Annotated[
    Literal["product", "squares", "minimum"],
    Field(
        description="The region shared: sum of p y beside sums of p and y; the same beside sums of squares (V-Net); "
        "sum of min(p, y), which soft labels met exactly bring to 0."
    ),
]
Smooth = Annotated[float, Field(ge=0, description="Added above and below the line, in pixels.")]
Epsilon = Annotated[float, Field(ge=0, description="Added below the line alone, in pixels.")]


NO_FOREGROUND = "no mask has a foreground, and with empty=skip one that is empty has weight 0"


class Sizes(NamedTuple):
    """Sizes in pixels: of the intersection, of the predicted region, of the true region, and of the image."""

    shared: Tensor
    predicted: Tensor
    true: Tensor
    pixels: Tensor


Score = Callable[[Sizes], Tensor]


def kind(params: dict[str, Value]) -> Kind:
    """Return the kind of an overlap loss by its parameter `group`: item for image, ratio otherwise."""
    return "item" if params["group"] == "image" else "ratio"


def activated(predictions: Tensor, *, from_logits: bool, activation: str) -> Tensor:
    """Return the predictions as probabilities, (n, C, *s)."""
    if not from_logits:
        return predictions
    single = activation == "sigmoid" or (activation == "auto" and predictions.shape[1] == 1)
    return sigmoid(predictions) if single else softmax(predictions)


def pixel_weights(weights: Tensor | None, p: Tensor) -> Tensor:
    """Return the weight of each pixel of p (n, C, pixels) as (n, 1, pixels); ones where there are no weights."""
    return torch.ones_like(p[:, :1]) if weights is None else terms.flat(weights.unsqueeze(1)).to(p.dtype)


def regions(p: Tensor, y: Tensor, weights: Tensor | None, *, overlap: str = "product") -> Tensor:
    """Return the weighted sums over the pixels of each image of probabilities p and masks y.

    Shapes: p and y (n, C, *s), weights (n, *s), result (n, 4, C) in the order of Sizes, in float64.
    """
    p, y = terms.flat(p), terms.flat(y)
    shared = p.minimum(y) if overlap == "minimum" else p * y
    parts = [shared, p.square(), y.square()] if overlap == "squares" else [shared, p, y]
    if weights is None:
        sums = [terms.total(each) for each in parts]
        return torch.stack([*sums, torch.full_like(sums[0], p.shape[-1])], 1)
    w = pixel_weights(weights, p)
    sums = [terms.total(w * each) for each in parts]
    return torch.stack([*sums, terms.total(w).expand_as(sums[0])], 1)


def ratio(above: Tensor, below: Tensor) -> Tensor:
    """Return above / below; 1 where `below` is 0, which implies that `above` is 0."""
    is_zero = below == 0
    return (above / terms.in_range(below).where(~is_zero, 1)).where(~is_zero, 1)


def combine(
    regions_by_class: Tensor,
    score: Score,
    class_weights: Tensor | None,
    *,
    group: str,
    empty: str,
    include_background: bool,
) -> Items | Sums:
    """Return the loss of every class from the sums over regions.

    Args:
        regions_by_class: The result of `regions`, shape (n, 4, C).
        score: Computes the loss of each class from the sizes of its regions.
        class_weights: The weight of each class, shape (C); None for equal weights.
        group: Which regions are added before they are scored, see `Group`.
        empty: How a class without target pixels counts, see `Empty`.
        include_background: Whether class 0 counts.
    """

    def finish(totals: dict[str, Tensor]) -> Items:
        """Return the loss of each class from the totals of its regions."""
        sums = totals["n"]
        present = torch.ones_like(sums[..., 0, :])
        if not include_background and present.shape[-1] > 1:
            present = torch.cat([torch.zeros_like(present[..., :1]), present[..., 1:]], -1)
        weight = present if class_weights is None else present * class_weights
        if group == "all":
            sums, weight = (sums * weight).sum(-1), torch.ones_like(weight[0])
            present = weight
        sizes = Sizes(*sums.unbind(-1 if group == "all" else -2))
        value, counted = score(sizes), sizes.pixels > 0
        if empty == "zero":
            value = value.where(sizes.true > 0, 0)
        if empty == "skip":
            counted = counted & (sizes.true > 0)
        weight = weight.where(counted, 0)
        return Items(value * weight, weight, counted & (present > 0))

    return finish({"n": regions_by_class}) if group == "image" else Sums({"n": regions_by_class}, finish)


def code(params: dict[str, Value], score: str) -> str:
    """Return the body of a PyTorch snippet; `score` is an expression of `shared`, `predicted` and `true`."""
    over = {"image": "2", "batch": "(0, 2)", "all": "(0, 1, 2)"}[str(params["group"])]
    shared = "torch.minimum(p, y)" if params["overlap"] == "minimum" else "p * y"
    sizes = "p.square(), y.square()" if params["overlap"] == "squares" else "p, y"
    mean = {"score": "value", "zero": "(value * (true > 0))", "skip": "value[true > 0]"}[str(params["empty"])]
    lines = [
        *probabilities(params),
        "p, y = (mask.reshape(*mask.shape[:2], -1) for mask in (p, targets))  # (n, classes, pixels)",
        *foreground(params),
        f"shared, predicted, true = (mask.sum({over}) for mask in ({shared}, {sizes}))",
        f"value = {score}",
        f"return {mean}.mean()",
    ]
    return "\n".join(lines)


def probabilities(params: dict[str, Value]) -> list[str]:
    """Return the line of a PyTorch snippet that computes p from the predictions."""
    auto = "predictions.sigmoid() if predictions.shape[1] == 1 else predictions.softmax(1)"
    made = {"auto": auto, "sigmoid": "predictions.sigmoid()", "softmax": "predictions.softmax(1)"}
    return [f"p = {made[str(params['activation'])]}" if params["from_logits"] else "p = predictions"]


def foreground(params: dict[str, Value]) -> list[str]:
    """Return the lines of a PyTorch snippet that drop class 0 from p and y."""
    if params["include_background"]:
        return []
    return ["if p.shape[1] > 1:", "    p, y = p[:, 1:], y[:, 1:]"]
