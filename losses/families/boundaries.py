"""Segmentation losses on boundaries and skeletons: Hausdorff distance and clDice."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import LABELS, LOGITS
from losses.contract.loss import Items, Value, case
from losses.contract.parameters import FromLogits
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.mathematics import overlap as pipeline
from losses.mathematics import terms
from losses.mathematics.overlap import Activation, Background
from losses.text import Text

ACTIVATION = "sigmoid for one class, softmax for several"
SURE: dict[str, Value] = {"from_logits": False}  # worked cases on probabilities


def _shifted(tensor: Tensor, by: int, axis: int, fill: float) -> Tensor:
    """Return the tensor shifted by `by` positions along an axis, padded with `fill`."""
    length = tensor.shape[axis]
    kept = tensor.narrow(axis, max(0, -by), length - abs(by))
    padding = torch.full_like(tensor.narrow(axis, 0, abs(by)), fill)
    return torch.cat([padding, kept] if by > 0 else [kept, padding], axis)


def _along(goal: Tensor, axis: int) -> Tensor:
    """Return the squared distance, along one axis, to the nearest true pixel of `goal`.

    Infinite where there is none.
    """
    place = torch.arange(float(goal.shape[axis]), device=goal.device).reshape(-1, *[1] * (goal.ndim - 1 - axis))
    before = torch.where(goal, place, -math.inf).cummax(axis).values
    after = torch.where(goal, place, math.inf).flip(axis).cummin(axis).values.flip(axis)
    return (place - before).minimum(after - place).square()


def _squared_distance(goal: Tensor) -> Tensor:
    """Return the squared Euclidean distance of every pixel to the nearest true pixel of `goal`.

    Infinite where there is none.

    Axes are processed one after another, since their squared distances add. The longest axis comes first, because the
    first takes two passes whatever its length. The loop over the others ends once a single step is longer than every
    distance left, so the time a pixel grows with the largest distance only.

    Shapes: goal and result (n, C, *s).
    """
    if goal.ndim == 2 or not goal.numel():  # noqa: PLR2004 - no axis in space
        return torch.where(goal, 0.0, math.inf)
    longest_axis, *shorter_axes = sorted(range(2, goal.ndim), key=lambda axis: -goal.shape[axis])
    squared = _along(goal, longest_axis)
    for axis in shorter_axes:
        nearest, length = squared.clone(), goal.shape[axis]
        for step in range(1, length):
            if bool((nearest <= step**2).all()):
                break
            for start, source in ((step, 0), (0, step)):
                part = nearest.narrow(axis, start, length - step)
                torch.minimum(part, squared.narrow(axis, source, length - step) + step**2, out=part)
        squared = nearest
    return squared


@torch.no_grad()
def _distance_to_boundary(p: Tensor) -> Tensor:
    """Return the squared distance of every pixel to the nearest one on the other side of p = 1/2.

    0 where there is none.
    """
    inside = p > 1 / 2
    squared = torch.where(inside, _squared_distance(~inside), _squared_distance(inside))
    return squared.where(squared.isfinite(), 0).to(p.dtype)


def _finished(value: Tensor, class_weights: Tensor | None, *, include_background: bool) -> Items:
    """Return the values (n, C) as items weighted by class."""
    counted = torch.ones_like(value)
    if not include_background and value.shape[1] > 1:
        counted = torch.cat([torch.zeros_like(counted[:, :1]), counted[:, 1:]], 1)
    weight = counted if class_weights is None else class_weights.to(value.dtype) * counted
    return Items(value * weight, weight, counted > 0)


def _hausdorff_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    lines = [
        *pipeline.probabilities(params),
        "at = torch.ones(p.shape[2:]).nonzero().to(p)",
        "far = torch.cdist(at, at)",
        "p, y = (mask.reshape(*mask.shape[:2], -1) for mask in (p, targets))  # (n, classes, pixels)",
        *pipeline.foreground(params),
        "",
        "def field(mask):",
        "    inside = mask > 0.5",
        "    nearest = far.where(inside[:, None] != inside, torch.inf).amin(1)",
        "    return nearest.where(nearest.isfinite(), 0)",
        "",
        "fields = [torch.stack([field(mask) for mask in m.flatten(0, 1)]).reshape(m.shape) for m in (p, y)]",
        f"return ((p - y).square() * sum(each ** {params['alpha']} for each in fields)).mean()",
    ]
    return "\n".join(lines)


@loss(
    title=Text("Hausdorff distance loss", "Hausdorff 距离损失"),
    task="segmentation",
    shapes="n C *s, n C *s, C -> n C",
    work=Work(calls="16 rest(s)"),
    elements="n",
    predictions=LOGITS,
    targets=LABELS,
    shifts="predictions",
    formula=r"\frac{1}{|\Omega|} \sum_i (p_i - y_i)^2 (d_p(i)^\alpha + d_y(i)^\alpha),"
    r"\ d \text{ the distance to the boundary}",
    source="Karimi & Salcudean 2019, arXiv:1904.10030",
    elicits="boundary distance",
    activation=ACTIVATION,
    traits={"smooth"},
    aliases={"hausdorff": {}, "HausdorffDTLoss": {"include_background": False}},
    conventions={"monai": {"include_background": False}},
    differences=(
        "MONAI applies no activation unless told sigmoid=True or softmax=True.",
        "MONAI's LogHausdorffDTLoss is log(1 + x) of the reduced value.",
        "Distances are held fixed in the gradient, as in the paper: they are steps of the predictions.",
    ),
    cases=[
        case(predictions=[[[0.75, 0.25, 0.25]]], targets=[[[1, 0, 0]]], gives=[[(2 + 2 + 8) / 48]], params=SURE),
        case(predictions=[[[0.75, 0.75, 0.25]]], targets=[[[1, 0, 0]]], gives=[[(5 + 18 + 5) / 48]], params=SURE),
        case(predictions=[[[0.25, 0.25]]], targets=[[[0, 0]]], gives=[[0.0]], params=SURE),
    ],
    pytorch=_hausdorff_code,
    no_kernel="How many steps its distance transform takes depends on the masks.",
)
def hausdorff_dt(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    alpha: Annotated[
        float, Field(gt=0, le=10, description="The power of the distance, in pixels: how much far errors dominate.")
    ] = 2.0,
    include_background: Background = True,
    activation: Activation = "auto",
    from_logits: FromLogits = True,
) -> Items:
    """Return the squared error of pixels, weighted by their distances to the true and to the predicted boundary.

    An image in which a class has all pixels or none has no boundary; its distance is 0.
    """
    p = pipeline.activated(predictions, from_logits=from_logits, activation=activation)
    fields = sum(_distance_to_boundary(mask) ** (alpha / 2) for mask in (p, targets))
    value = terms.flat((p - targets).square() * fields).mean(2)
    return _finished(value, class_weights, include_background=include_background)


def _eroded(mask: Tensor) -> Tensor:
    """Return the soft erosion: the minimum of each pixel and its neighbours along any single axis."""
    eroded = mask
    for axis in range(2, mask.ndim):
        if mask.shape[axis] > 1:
            for by in (1, -1):
                eroded = eroded.minimum(_shifted(mask, by, axis, math.inf))
    return eroded


def _opened(mask: Tensor) -> Tensor:
    """Return the soft morphological opening: an erosion, then a dilation (maximum) over all neighbours."""
    opened = _eroded(mask)
    for axis in range(2, mask.ndim):
        if mask.shape[axis] > 1:
            opened = opened.maximum(_shifted(opened, 1, axis, -math.inf)).maximum(_shifted(opened, -1, axis, -math.inf))
    return opened


def _skeleton(mask: Tensor, iterations: int) -> Tensor:
    """Return the soft skeleton: what an opening removes from the mask and from each of its successive erosions."""
    skeleton = (mask - _opened(mask)).relu()
    for _ in range(iterations):
        mask = _eroded(mask)
        ridge = (mask - _opened(mask)).relu()
        skeleton = skeleton + ridge * (1 - skeleton)
    return skeleton


def _cldice_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    lines = [
        *pipeline.probabilities(params),
        "y = targets.to(p)",
        *pipeline.foreground(params),
        "axes = range(2, p.ndim)",
        "",
        "def slide(mask, axis, best):",
        "    ends = [mask.narrow(axis, 0, 1), mask, mask.narrow(axis, -1, 1)]",
        "    return best(torch.cat(ends, axis).unfold(axis, 3, 1), -1)",
        "",
        "def erode(mask):",
        "    return torch.stack([mask, *(slide(mask, axis, torch.amin) for axis in axes)]).amin(0)",
        "",
        "def opened(mask):",
        "    mask = erode(mask)",
        "    for axis in axes:",
        "        mask = slide(mask, axis, torch.amax)",
        "    return mask",
        "",
        "def skeleton(mask):",
        "    centre = (mask - opened(mask)).relu()",
        f"    for _ in range({params['iterations']}):",
        "        mask = erode(mask)",
        "        centre = centre + (mask - opened(mask)).relu() * (1 - centre)",
        "    return centre",
        "",
        "def total(mask):",
        f"    return mask.reshape(*mask.shape[:2], -1).sum(2) + {params['smooth']}",
        "",
        "def covered(one, other):",
        "    return total(one * other) / total(one)",
        "",
        "precision, recall = covered(skeleton(p), y), covered(skeleton(y), p)",
        "return (1 - 2 * precision * recall / (precision + recall)).mean()",
    ]
    return "\n".join(lines)


@loss(
    title=Text("clDice loss", "clDice 中心线损失"),
    task="segmentation",
    shapes="n C *s, n C *s, C -> n C",
    work=Work(
        graph="26 iterations n C *s count(s) + 4 iterations n C *s + 30 n C *s count(s)",
        calls="60 iterations count(s)",
    ),
    elements="n",
    predictions=LOGITS,
    targets=LABELS,
    shifts="predictions",
    formula=r"1 - \frac{2 T_p T_s}{T_p + T_s},\ T_p = \frac{\sum S(p) y + s}{\sum S(p) + s},"
    r"\ T_s = \frac{\sum S(y) p + s}{\sum S(y) + s},\ S \text{ the soft skeleton}",
    source="Shit et al. 2021, arXiv:2003.07311",
    elicits="overlap of skeletons",
    activation=ACTIVATION,
    traits={"overlap"},
    aliases={"cl_dice": {}, "soft_cldice": {}, "SoftclDiceLoss": {"from_logits": False}},
    conventions={"monai": {"from_logits": False}},
    differences=(
        "MONAI sums over all classes of an image and adds 1e-4 below the line; here each class has its own.",
        "The paper adds it to dice: dice + cldice with a coefficient for each.",
        "MONAI's masks have two or three spatial axes; here any number.",
    ),
    cases=[
        case(
            predictions=[[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]],
            targets=[[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]],
            gives=[[0.0, 0.0, 0.0]],
            params=SURE,
        ),
        case(
            predictions=[[[[0.0, 0.0, 0.0], [1.0, 1.0, 1.0], [0.0, 0.0, 0.0]]]],
            targets=[[[[0.0, 0.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 0.0]]]],
            gives=[[1 - 2 * 0.75 / (0.75 + 1)]],
            params=SURE,
        ),
        case(predictions=[[[[0.0, 0.0]]]], targets=[[[[0.0, 0.0]]]], gives=[[0.0]], params=SURE),
    ],
    pytorch=_cldice_code,
    no_kernel="Its skeletons are poolings one after another, which take twice as long within a kernel.",
)
def cldice(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    iterations: Annotated[
        int, Field(ge=0, le=100, description="Erosions, at least half the width in pixels of the widest structure.")
    ] = 3,
    smooth: Annotated[float, Field(gt=0, description="Added above and below the line, in pixels of skeleton.")] = 1.0,
    include_background: Background = True,
    activation: Activation = "auto",
    from_logits: FromLogits = True,
) -> Items:
    """Return 1 minus the centreline Dice, which measures how much of each skeleton lies inside the other mask.

    It is computed in float64: the largest of several neighbours receives the gradient, and confident ones tie in
    float32.
    """
    p = pipeline.activated(predictions.double(), from_logits=from_logits, activation=activation)

    def covered(skeleton: Tensor, mask: Tensor) -> Tensor:
        """Return the share of the skeleton that lies inside the mask, shape (n, C)."""
        return (terms.total(terms.flat(skeleton * mask)) + smooth) / (terms.total(terms.flat(skeleton)) + smooth)

    precision, recall = covered(_skeleton(p, iterations), targets), covered(_skeleton(targets, iterations), p)
    value = 1 - 2 * precision * recall / (precision + recall)
    return _finished(value, class_weights, include_background=include_background)
