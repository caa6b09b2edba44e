"""Losses on bounding boxes: intersection over union and its extensions."""

import math
from collections.abc import Callable
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import CORNERS
from losses.contract.loss import Value, case
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.text import Text

SHAPES = "n 4, n 4 -> n"
BoxFormat = Annotated[
    Literal["xyxy", "xywh", "cxcywh"],
    Field(description="Boxes are two corners; a corner and a size, as in COCO; or a centre and a size."),
]
Eps = Annotated[
    float, Field(gt=0, le=1, description="Added to areas and squared lengths that divide, as torchvision does.")
]
UNIT, RIGHT, HALF, APART = (
    [[0.0, 0.0, 1.0, 1.0]],
    [[1.0, 0.0, 2.0, 1.0]],
    [[0.0, 0.0, 0.5, 1.0]],
    [[2.0, 0.0, 3.0, 1.0]],
)
TALL, WIDE = [[0.0, 0.0, 2.0, 4.0]], [[0.0, 0.0, 4.0, 2.0]]
ASPECT = 4 / math.pi**2 * (math.atan(2) - math.atan(1 / 2)) ** 2  # of TALL against WIDE
TINY: dict[str, Value] = {"eps": 1e-30}  # below the last digit of anything in the worked cases
DEGENERATE = "A box without area overlaps nothing, not even itself: it costs 1, as in torchvision (vision #7746)."
REVERSED = "torchvision takes boxes with x2 < x1 as they come (vision #2582); here they are refused."

_FORMATS = {
    "xyxy": "",
    "xywh": "predictions, targets = (torch.cat([b[:, :2], b[:, :2] + b[:, 2:]], 1) for b in (predictions, targets))\n",
    "cxcywh": "predictions, targets = (\n"
    "    torch.cat([b[:, :2] - b[:, 2:] / 2, b[:, :2] + b[:, 2:] / 2], 1) for b in (predictions, targets)\n"
    ")\n",
}
_START = """\
inter = (torch.minimum(predictions[:, 2:], targets[:, 2:]) - torch.maximum(predictions[:, :2], targets[:, :2]))
inter = inter.clamp(min=0).prod(1)
size, true_size = predictions[:, 2:] - predictions[:, :2], targets[:, 2:] - targets[:, :2]
union = size.prod(1) + true_size.prod(1) - inter
iou = inter / (union + {eps})
"""
_HULL = """\
hull = torch.maximum(predictions[:, 2:], targets[:, 2:]) - torch.minimum(predictions[:, :2], targets[:, :2])
"""
_CENTRES = """\
apart = (predictions[:, :2] + predictions[:, 2:] - targets[:, :2] - targets[:, 2:]).square().sum(1) / 4
distance = apart / (hull.square().sum(1) + {eps})
"""


def _code(lines: str) -> Callable[[dict[str, Value]], str]:
    """Return a function that makes the snippet of a loss: boxes are converted to corners, then follow `lines`."""
    return lambda params: _FORMATS[str(params["format"])] + lines.format(eps=params["eps"])


def _corners(boxes: Tensor, format: str) -> Tensor:  # noqa: A002 - the name of the parameter
    """Return boxes as x1, y1, x2, y2."""
    if format == "xyxy":
        return boxes
    corner, size = boxes[:, :2], boxes[:, 2:]
    first = corner if format == "xywh" else corner - size / 2
    return torch.cat([first, first + size], 1)


@loss(
    title=Text("IoU loss", "交并比(IoU)损失"),
    task="detection",
    shapes=SHAPES,
    predictions=CORNERS,
    targets=CORNERS,
    shifts="predictions targets",
    formula=r"1 - \frac{|A \cap B|}{|A \cup B| + \epsilon}",
    source="Yu et al. 2016 (UnitBox), arXiv:1608.01471; Jaccard 1912",
    elicits="box overlap",
    traits={"overlap"},
    aliases={"iou_loss": {}, "box_iou": {}},
    differences=(
        "UnitBox and mmdetection's default take -log(IoU) instead of 1 - IoU.",
        "Boxes that do not meet cost 1 and have no gradient, wherever they are.",
        DEGENERATE,
    ),
    cases=[
        case(predictions=UNIT, targets=UNIT, gives=[0.0], params=TINY),
        case(predictions=UNIT, targets=HALF, gives=[0.5], params=TINY),
        case(predictions=UNIT, targets=APART, gives=[1.0]),
        case(predictions=[[1.0, 1.0, 1.0, 1.0]], targets=[[1.0, 1.0, 1.0, 1.0]], gives=[1.0]),
    ],
    pytorch=_code(_START + "return (1 - iou).mean()"),
)
def iou(predictions: Tensor, targets: Tensor, *, format: BoxFormat = "xyxy", eps: Eps = 1e-7) -> Tensor:  # noqa: A002 - its usual name
    """Return 1 - IoU of each pair of boxes; the gradient is 0 where they do not intersect."""
    shared, union = terms.shared_area(_corners(predictions, format), _corners(targets, format))
    return 1 - shared / (union + eps)


@loss(
    title=Text("Generalised IoU loss", "广义交并比(GIoU)损失"),
    task="detection",
    shapes=SHAPES,
    predictions=CORNERS,
    targets=CORNERS,
    shifts="predictions targets",
    formula=r"1 - \frac{|A \cap B|}{|A \cup B| + \epsilon} + \frac{|H| - |A \cup B|}{|H| + \epsilon},"
    r"\ H \text{ the hull of both}",
    source="Rezatofighi et al. 2019, arXiv:1902.09630",
    elicits="box overlap",
    traits={"overlap"},
    aliases={"giou_loss": {}, "generalized_box_iou_loss": {}, "GIoULoss": {}, "BoxGIoULoss": {}},
    conventions={"torch": {}, "monai": {"eps": 2**-23}},
    differences=(DEGENERATE, REVERSED, "MONAI adds the float32 machine epsilon, 1.2e-7, and averages over the boxes."),
    cases=[
        case(predictions=UNIT, targets=UNIT, gives=[0.0], params=TINY),
        case(predictions=UNIT, targets=RIGHT, gives=[1.0]),
        case(predictions=UNIT, targets=APART, gives=[1 + 1 / 3], params=TINY),
    ],
    pytorch=_code(_START + _HULL + "hull = hull.prod(1)\nreturn (1 - iou + (hull - union) / (hull + {eps})).mean()"),
)
def giou(predictions: Tensor, targets: Tensor, *, format: BoxFormat = "xyxy", eps: Eps = 1e-7) -> Tensor:  # noqa: A002 - its usual name
    """Return 1 - GIoU: IoU minus the share of the hull that neither box covers; disjoint boxes have a gradient."""
    boxes = _corners(predictions, format), _corners(targets, format)
    shared, union = terms.shared_area(*boxes)
    hull = terms.hull(*boxes).prod(1)
    return 1 - shared / (union + eps) + (hull - union) / (hull + eps)


def _distance_iou(predictions: Tensor, targets: Tensor, eps: float) -> tuple[Tensor, Tensor]:
    """Return the IoU, and the squared distance of the centres divided by the squared diagonal of the hull.

    Shapes (n).
    """
    shared, union = terms.shared_area(predictions, targets)
    between = ((predictions[:, :2] - targets[:, :2]) + (predictions[:, 2:] - targets[:, 2:])) / 2
    diagonal = terms.in_range(terms.hull(predictions, targets).square().sum(1))
    return shared / (union + eps), between.square().sum(1) / (diagonal + eps)


@loss(
    title=Text("Distance IoU loss", "距离交并比(DIoU)损失"),
    task="detection",
    shapes=SHAPES,
    predictions=CORNERS,
    targets=CORNERS,
    shifts="predictions targets",
    formula=r"1 - \mathrm{IoU} + \frac{\|c_A - c_B\|^2}{d^2 + \epsilon},\ d \text{ the diagonal of the hull}",
    source="Zheng et al. 2020, arXiv:1911.08287",
    elicits="box overlap",
    traits={"overlap"},
    aliases={"diou_loss": {}, "distance_box_iou_loss": {}, "DIoULoss": {}},
    conventions={"torch": {}},
    differences=(REVERSED,),
    cases=[
        case(predictions=UNIT, targets=UNIT, gives=[0.0], params=TINY),
        case(predictions=UNIT, targets=RIGHT, gives=[1 + 1 / 5], params=TINY),
        case(predictions=UNIT, targets=APART, gives=[1 + 4 / 10], params=TINY),
    ],
    pytorch=_code(_START + _HULL + _CENTRES + "return (1 - iou + distance).mean()"),
)
def diou(predictions: Tensor, targets: Tensor, *, format: BoxFormat = "xyxy", eps: Eps = 1e-7) -> Tensor:  # noqa: A002 - its usual name
    """Return 1 - DIoU: IoU minus the squared distance of the centres over the squared diagonal of the hull."""
    overlap, distance = _distance_iou(_corners(predictions, format), _corners(targets, format), eps)
    return 1 - overlap + distance


@loss(
    title=Text("Complete IoU loss", "完全交并比(CIoU)损失"),
    task="detection",
    shapes=SHAPES,
    predictions=CORNERS,
    targets=CORNERS,
    shifts="predictions targets",
    formula=r"1 - \mathrm{IoU} + \frac{\|c_A - c_B\|^2}{d^2 + \epsilon} + \alpha v,"
    r"\ v = \tfrac{4}{\pi^2} (\arctan \tfrac{w_B}{h_B} - \arctan \tfrac{w_A}{h_A})^2,"
    r"\ \alpha = \frac{v}{1 - \mathrm{IoU} + v + \epsilon} \text{ held fixed}",
    source="Zheng et al. 2020, arXiv:1911.08287",
    elicits="box overlap",
    traits={"overlap", "stop gradient"},
    aliases={"ciou_loss": {}, "complete_box_iou_loss": {}, "CIoULoss": {}},
    conventions={"torch": {}},
    differences=(
        REVERSED,
        "alpha is a constant in the gradient, as in the paper and torchvision: the gradient is not the slope.",
        "The paper's gradient of v is taken without its factor 1 / (w^2 + h^2); torchvision and this loss keep it.",
    ),
    cases=[
        case(predictions=UNIT, targets=UNIT, gives=[0.0], params=TINY),
        case(predictions=UNIT, targets=RIGHT, gives=[1 + 1 / 5], params=TINY),
        case(
            predictions=TALL,
            targets=WIDE,
            gives=[1 - 1 / 3 + 2 / 32 + ASPECT**2 / (1 - 1 / 3 + ASPECT)],
            params=TINY,
        ),
    ],
    pytorch=_code(
        _START
        + _HULL
        + _CENTRES
        + """\
angle, true_angle = torch.atan2(size[:, 0], size[:, 1]), torch.atan2(true_size[:, 0], true_size[:, 1])
v = 4 / torch.pi**2 * (true_angle - angle).square()
alpha = (v / (1 - iou + v + {eps})).detach()
return (1 - iou + distance + alpha * v).mean()"""
    ),
)
def ciou(predictions: Tensor, targets: Tensor, *, format: BoxFormat = "xyxy", eps: Eps = 1e-7) -> Tensor:  # noqa: A002 - its usual name
    """Return 1 - CIoU: DIoU minus a weighted difference of the aspect ratios."""
    boxes = _corners(predictions, format), _corners(targets, format)
    overlap, distance = _distance_iou(*boxes, eps)
    angles = [torch.atan2(box[:, 2] - box[:, 0], box[:, 3] - box[:, 1]) for box in boxes]
    v = 4 / math.pi**2 * (angles[1] - angles[0]).square()
    alpha = (v / (1 - overlap + v + eps)).detach()
    return 1 - overlap + distance + alpha * v
