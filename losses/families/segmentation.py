"""Overlap: pixel statistics, grouped by image or over the batch, finished per class, classes averaged."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses import terms
from losses.domains import LABELS, LOGITS
from losses.registry import loss
from losses.spec import Items, Said, Sums, Text, Value, case


def _dice_code(params: dict[str, Value]) -> str:
    activation = "p = predictions.sigmoid() if predictions.shape[1] == 1 else predictions.softmax(1)"
    over, smooth = ("(0, 2)" if params["group"] == "batch" else "2"), params["smooth"]
    return f"""\
{activation if params["from_logits"] else "p = predictions"}
p, y = (mask.reshape(*mask.shape[:2], -1) for mask in (p, targets))  # (n, classes, pixels)
overlap, size = (p * y).sum({over}), (p + y).sum({over})
return (1 - (2 * overlap + {smooth}) / (size + {smooth})).mean()"""


@loss(
    title="Dice loss",
    task="segmentation",
    shapes="n C *s, n C *s, C -> n C",
    elements="n *s",
    kind=lambda params: "ratio" if params["group"] == "batch" else "item",
    predictions=LOGITS,
    targets=LABELS,
    formula=r"1 - \frac{2 \sum p y + \epsilon}{\sum p + \sum y + \epsilon}",
    source="Milletari et al. 2016, arXiv:1606.04797; Dice 1945",
    elicits="overlap",
    activation="sigmoid for one class, softmax for several",
    traits={"overlap"},
    aliases={"soft_dice": {}, "dice_loss": {}, "DiceLoss": {}},
    cases=[
        case(predictions=[[[1.0, 0.0]]], targets=[[[1.0, 0.0]]], gives=[[0.0]], params={"from_logits": False}),
        case(
            predictions=[[[0.5, 0.5]]],
            targets=[[[1.0, 0.0]]],
            gives=[[0.5]],
            params={"from_logits": False, "smooth": 0.0},
        ),
        case(
            predictions=[[[1.0, 1.0]], [[0.0, 0.0]]],
            targets=[[[1.0, 0.0]], [[0.0, 0.0]]],
            gives=1 - 2 / 3,
            params={"from_logits": False, "smooth": 0.0, "group": "batch"},
        ),
    ],
    pytorch=_dice_code,
    article=Said(
        section="3.3",
        characteristics=Text(
            en="Robust to imbalance, such as a tiny lesion, since it looks at the overlapping region alone.",
            zh="对类别不平衡(如医学影像中病灶区域极小)更稳健,强调重叠区域的准确性。",
        ),
        scenarios=Text(
            en="Semantic segmentation, such as tumours; small objects.", zh="语义分割(如肿瘤区域分割)、小目标检测。"
        ),
        note=Text(
            en="The article calls it IoU. It is not: with J the IoU, Dice is 2J / (1 + J).",
            zh="文章称其本质是交并比(IoU),并不准确:设 J 为 IoU,则 Dice = 2J / (1 + J)。",
        ),
    ),
)
def dice(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    group: Annotated[
        Literal["image", "batch"], Field(description="One overlap an image and class, or one a class over the batch.")
    ] = "image",
    smooth: Annotated[
        float, Field(ge=0, description="Added above and below the line; at 0 an empty mask predicted empty costs 0.")
    ] = 1e-5,
    from_logits: Annotated[bool, Field(description="Predictions are logits; false: probabilities.")] = True,
    weights: Tensor | None = None,
) -> Items | Sums:
    """Learns a region by its overlap with the true one, however small it is beside the background."""
    if from_logits:
        predictions = predictions.sigmoid() if predictions.shape[1] == 1 else predictions.softmax(1)
    p, y = terms.flat(predictions), terms.flat(targets)
    w = torch.ones_like(p[:, :1]) if weights is None else terms.flat(weights.unsqueeze(1)).to(p.dtype)
    statistics = torch.stack([terms.total(w * p * y), terms.total(w * (p + y))], 1)
    counted = (w > 0).any(2).to(torch.float64)

    def finish(totals: dict[str, Tensor]) -> Items:
        return _classes(totals["n"], smooth, class_weights)

    if group == "batch":
        return Sums({"n": statistics}, finish)
    items = _classes(statistics, smooth, class_weights)
    return Items(items.numerator * counted, items.denominator * counted)


def _classes(statistics: Tensor, smooth: float, class_weights: Tensor | None) -> Items:
    """Return the loss of every class from (..., 2, C): overlap, and size of both regions together."""
    overlap, size = statistics.unbind(-2)
    empty = size + smooth == 0
    value = 1 - torch.where(empty, 1, (2 * overlap + smooth) / (size + smooth).where(~empty, 1))
    weight = torch.ones_like(value) if class_weights is None else class_weights.to(value.dtype).expand_as(value)
    return Items(value * weight, weight)
