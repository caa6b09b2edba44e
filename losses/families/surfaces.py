"""Losses from the Lovász extension of the Jaccard index."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import CLASS_LOGITS, MASKS, REAL
from losses.contract.loss import Items, Kind, Value, case
from losses.contract.parameters import FromLogits
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.mathematics import overlap, terms
from losses.mathematics.saturating import softmax
from losses.text import Text

PIXELS = "n *s"
SOURCE = "Berman et al. 2018, arXiv:1705.08790"
SurfaceGroup = Annotated[
    Literal["image", "batch"], Field(description="One set of pixels an image, or one over the batch.")
]


def _kind(params: dict[str, Value]) -> Kind:
    """Return the kind under the parameter `group`: item for image, batch otherwise."""
    return "item" if params["group"] == "image" else "batch"


def _grouped(tensor: Tensor, group: str) -> Tensor:
    """Return (n, C, *s) as (n, C, pixels), or as (1, C, pixels) with the pixels of all images."""
    pixels = terms.flat(tensor)
    return pixels if group == "image" else pixels.movedim(1, 0).flatten(1).unsqueeze(0)


def _extension(errors: Tensor, y: Tensor, w: Tensor) -> Tensor:
    """Return the Lovász extension of the Jaccard loss along the last axis; a pixel of weight w counts w times.

    Errors are sorted, the largest first; each is multiplied by the increase of the Jaccard loss when its pixel joins
    the wrong ones.

    Shapes: errors, y and w (..., pixels), result (...).
    """
    order = errors.detach().argsort(dim=-1, descending=True)
    hit = (w * y).gather(-1, order).to(torch.float64)
    false = (w * (1 - y)).gather(-1, order).to(torch.float64)
    true = hit.sum(-1, keepdim=True)
    union = true + false.cumsum(-1)
    jaccard = 1 - overlap.ratio(true - hit.cumsum(-1), union)
    rise = jaccard.diff(dim=-1, prepend=torch.zeros_like(true))
    return (errors.gather(-1, order) * rise).sum(-1)


_RISE = """\
hit = y.gather(-1, order)
left, union = y.sum(-1, keepdim=True) - hit.cumsum(-1), y.sum(-1, keepdim=True) + (1 - hit).cumsum(-1)
rise = torch.diff(1 - left / union, prepend=torch.zeros_like(union[..., :1]))
"""


def _pixels_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    one_set = ".movedim(1, 0).flatten(1)[None]" if params["group"] == "batch" else ""
    return f"p, y = (mask.reshape(*mask.shape[:2], -1){one_set} for mask in (p, targets.to(p.dtype)))\n"


def _softmax_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    mean = ".mean()" if params["empty"] == "score" else "[y.sum(-1) > 0].mean()"
    if params["empty"] == "skip" and params["group"] == "image":
        mean = ".where(y.sum(-1) > 0, torch.nan).nanmean(1).nanmean()"
    return (
        f"p = predictions{'.softmax(1)' if params['from_logits'] else ''}\n"
        + _pixels_code(params)
        + "errors, order = (y - p).abs().sort(dim=-1, descending=True)\n"
        + _RISE
        + f"return (errors * rise).sum(-1){mean}"
    )


def _hinge_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    return (
        "p = predictions\n"
        + _pixels_code(params)
        + "errors, order = (1 - (2 * y - 1) * p).sort(dim=-1, descending=True)\n"
        + _RISE
        + "return (errors.clamp(min=0) * rise).sum(-1).mean()"
    )


@loss(
    title=Text("Lovász-softmax loss", "Lovász-softmax 损失"),
    task="segmentation",
    shapes="n C *s, n C *s -> n",
    work=Work(steps="250 n C *s"),
    elements=PIXELS,
    kind=_kind,
    nothing_counts=overlap.NO_FOREGROUND,
    predictions=CLASS_LOGITS,
    targets=MASKS,
    shifts="predictions",
    formula=r"\frac{1}{|C|} \sum_{c \in C} \overline{\Delta_{J_c}}(|y_c - p_c|),\ p = \operatorname{softmax}(z),"
    r"\ \overline{\Delta_J}(e) = \textstyle\sum_i e_{\pi_i} (J(\pi_{1..i}) - J(\pi_{1..i-1})),"
    r"\ e_{\pi_i} \ge e_{\pi_{i+1}}",
    source=SOURCE,
    elicits="overlap",
    activation="softmax",
    traits={"overlap"},
    aliases={
        "lovasz": {},
        "LovaszSoftmax": {"from_logits": False},
        "LovaszSoftmaxLoss": {},
        "kornia.LovaszSoftmaxLoss": {"group": "image", "empty": "score"},
        "kornia.lovasz_softmax_loss": {"group": "image", "empty": "score"},
    },
    conventions={"smp": {}},
    differences=(
        "classes='present' is empty=skip, classes='all' empty=score; per_image=True is group=image.",
        "kornia 0.9 takes all classes image by image: group=image, empty=score.",
        "kornia up to 0.8 sorts the labels where the mask of the class belongs, and its numbers are wrong.",
        "Without a present class the authors' code gives 0; here there is no value, and the reason is said.",
    ),
    cases=[
        case(predictions=[[[0.75], [0.25]]], targets=[[[1], [0]]], gives=0.25, params={"from_logits": False}),
        case(
            predictions=[[[0.75], [0.25]]],
            targets=[[[1], [0]]],
            gives=[0.25],
            params={"from_logits": False, "empty": "score", "group": "image"},
        ),
        case(
            predictions=[[[0.75, 0.5], [0.25, 0.5]]],
            targets=[[[1, 0], [0, 1]]],
            gives=[0.5 * (0.5 * 0.5 + 0.25 * 0.5) + 0.5 * 0.5],
            params={"from_logits": False, "group": "image"},
        ),
    ],
    pytorch=_softmax_code,
)
def lovasz_softmax(
    predictions: Tensor,
    targets: Tensor,
    *,
    group: SurfaceGroup = "batch",
    empty: Annotated[
        Literal["skip", "score"],
        Field(description="A class that the target lacks does not count, or costs its largest probability."),
    ] = "skip",
    from_logits: FromLogits = True,
    weights: Tensor | None = None,
) -> Items:
    """Return the Lovász extension of the Jaccard loss of class probabilities, averaged over classes.

    It is computed in float64: the order of errors determines their gradients, and confident pixels tie in float32.
    """
    predictions = predictions.double()
    p = softmax(predictions) if from_logits else predictions
    w = _grouped(overlap.pixel_weights(weights, terms.flat(p)), group)
    p, y = _grouped(p, group), _grouped(targets.to(p.dtype), group)
    value = _extension((y - p).abs(), y, w)
    counted = (w > 0).any(-1).expand_as(value)
    if empty == "skip":
        counted = counted & ((w * y) > 0).any(-1)
    any_counted = counted.any(1)
    return Items(value.where(counted, 0).sum(1) / counted.sum(1).where(any_counted, 1), any_counted.to(value.dtype))


@loss(
    title=Text("Lovász hinge loss", "Lovász 铰链损失"),
    task="segmentation",
    shapes="n C *s, n C *s -> n C",
    work=Work(steps="250 n C *s"),
    elements=PIXELS,
    kind=_kind,
    predictions=REAL,
    targets=MASKS,
    formula=r"\overline{\Delta_J}(\max(0, 1 - (2y - 1) z)),\ \overline{\Delta_J} \text{ as in lovasz\_softmax}",
    source=SOURCE,
    elicits="overlap",
    activation="none, the sign decides",
    traits={"overlap", "convex", "margin"},
    aliases={
        "lovasz_hinge_loss": {},
        "LovaszHingeLoss": {},
        "kornia.LovaszHingeLoss": {"group": "image"},
        "kornia.lovasz_hinge_loss": {"group": "image"},
    },
    conventions={"smp": {}},
    differences=(
        "segmentation_models.pytorch takes all labels of mode='multilabel' as one set; here each has its own.",
        "kornia takes images one by one: group=image.",
    ),
    cases=[
        case(predictions=[[[2.0, -1.0]]], targets=[[[1, 0]]], gives=[[0.0]], params={"group": "image"}),
        case(predictions=[[[0.0, 1.0]]], targets=[[[1, 0]]], gives=[[1.5]], params={"group": "image"}),
        case(predictions=[[[0.5]], [[0.0]]], targets=[[[0]], [[0]]], gives=1.5),
    ],
    pytorch=_hinge_code,
)
def lovasz_hinge(
    predictions: Tensor, targets: Tensor, *, group: SurfaceGroup = "batch", weights: Tensor | None = None
) -> Items:
    """Return the Lovász hinge loss of binary masks, from scores whose sign decides.

    Several classes are several masks.
    """
    w = _grouped(overlap.pixel_weights(weights, terms.flat(predictions)), group)
    z, y = _grouped(predictions, group), _grouped(targets.to(predictions.dtype), group)
    margin = 1 - (2 * y - 1) * z
    counted = (w > 0).any(-1).expand(z.shape[:2]).to(torch.float64)
    return Items(_extension(margin.clamp(min=0), y, w) * counted, counted)
