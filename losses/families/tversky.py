"""Overlap losses that weight false positives and false negatives separately, and the Matthews correlation."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import LABELS, LOGITS
from losses.contract.loss import Items, Sums, Value, case
from losses.contract.parameters import FromLogits
from losses.contract.registry import loss
from losses.mathematics import overlap as pipeline
from losses.mathematics.overlap import (
    Activation,
    Background,
    Empty,
    Epsilon,
    Group,
    Overlap,
    Sizes,
    Smooth,
)
from losses.text import Text

SHAPES = "n C *s, n C *s, C -> n C"
PIXELS = "n *s"
ACTIVATION = "sigmoid for one class, softmax for several"
INDEX = r"T = \frac{\sum p y + s}{\sum p y + \alpha \sum p (1 - y) + \beta \sum (1 - p) y + s + \epsilon}"
Alpha = Annotated[float, Field(ge=0, description="What a false positive pixel costs.")]
Beta = Annotated[float, Field(ge=0, description="What a false negative pixel costs.")]
CERTAIN: dict[str, Value] = {"from_logits": False, "smooth": 0.0}  # worked cases on probabilities


def _index(of: Sizes, alpha: float, beta: float, smooth: float, epsilon: float) -> Tensor:
    """Return the Tversky index of each class: 1 for a region predicted exactly, 0 for one missed entirely."""
    wrong = alpha * (of.predicted - of.shared) + beta * (of.true - of.shared)
    return pipeline.ratio(of.shared + smooth, of.shared + wrong + smooth + epsilon)


def _index_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    added = f"{params['smooth']} + {params['epsilon']}" if params["epsilon"] else params["smooth"]
    wrong = f"{params['alpha']} * (predicted - shared) + {params['beta']} * (true - shared)"
    return f"(shared + {params['smooth']}) / (shared + {wrong} + {added})"


@loss(
    title=Text("Tversky loss", "Tversky 损失"),
    task="segmentation",
    shapes=SHAPES,
    elements=PIXELS,
    kind=pipeline.kind,
    nothing_counts=pipeline.NO_FOREGROUND,
    predictions=LOGITS,
    targets=LABELS,
    shifts="predictions",
    formula=rf"1 - T,\ {INDEX}",
    source="Salehi et al. 2017, arXiv:1706.05721; Tversky 1977",
    elicits="overlap",
    activation=ACTIVATION,
    traits={"overlap", "asymmetric"},
    aliases={
        "tversky_loss": {},
        "TverskyLoss": {},
        "Tversky": {"from_logits": False},
        "kornia.TverskyLoss": {"smooth": 0.0, "epsilon": 1e-8},
        "kornia.tversky_loss": {"smooth": 0.0, "epsilon": 1e-8},
    },
    conventions={
        "monai": {},
        "smp": {"group": "batch", "smooth": 0.0, "empty": "zero"},
        "keras": {"group": "all", "smooth": 0.0, "epsilon": 1e-7, "from_logits": False},
        "optax": {"smooth": 1.0},
    },
    differences=(
        "At alpha = beta = 0.5 this is dice with twice the smooth; at 1 and 1 it is jaccard.",
        "Keras up to 3.15.1 takes alpha for false negatives and beta for false positives (keras #23333 mends it).",
        "kornia up to 0.8 gives one number for all alpha and beta of one sum; 0.9 is right.",
        "optax calls this dice_loss, with alpha and beta.",
    ),
    cases=[
        case(
            predictions=[[[1.0, 1.0, 0.0, 0.0]]],
            targets=[[[1.0, 0.0, 1.0, 1.0]]],
            gives=[[1 - 1 / (1 + 0.25 + 2 * 0.75)]],
            params={**CERTAIN, "alpha": 0.25, "beta": 0.75},
        ),
        case(predictions=[[[0.5, 0.5]]], targets=[[[1.0, 0.0]]], gives=[[0.5]], params=CERTAIN),
        case(predictions=[[[0.0, 0.0]]], targets=[[[0.0, 0.0]]], gives=[[0.0]], params=CERTAIN),
    ],
    elsewhere={
        "keras": "keras.losses.Tversky(alpha={beta}, beta={alpha})(targets, predictions)",
        "optax": "optax.losses.dice_loss(jnp.moveaxis(predictions, 1, -1), jnp.moveaxis(targets, 1, -1), "
        "alpha={alpha}, beta={beta}, smooth={smooth}).mean()",
    },
    pytorch=lambda params: pipeline.code(params, f"1 - {_index_code(params)}"),
)
def tversky(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    alpha: Alpha = 0.5,
    beta: Beta = 0.5,
    group: Group = "image",
    smooth: Smooth = 1e-5,
    epsilon: Epsilon = 0.0,
    overlap: Overlap = "product",
    empty: Empty = "score",
    include_background: Background = True,
    activation: Activation = "auto",
    from_logits: FromLogits = True,
    weights: Tensor | None = None,
) -> Items | Sums:
    """Return 1 - the Tversky index, in which false positives weigh `alpha` and false negatives `beta`."""
    p = pipeline.activated(predictions, from_logits=from_logits, activation=activation)

    def score(of: Sizes) -> Tensor:
        """Return the loss of each class from the sizes of its regions."""
        return 1 - _index(of, alpha, beta, smooth, epsilon)

    sums = pipeline.regions(p, targets, weights, overlap=overlap)
    return pipeline.combine(sums, score, class_weights, group=group, empty=empty, include_background=include_background)


@loss(
    title=Text("Focal Tversky loss", "焦点 Tversky 损失"),
    task="segmentation",
    shapes=SHAPES,
    elements=PIXELS,
    kind=pipeline.kind,
    nothing_counts=pipeline.NO_FOREGROUND,
    predictions=LOGITS,
    targets=LABELS,
    shifts="predictions",
    formula=rf"(1 - T)^{{1 / \gamma}},\ {INDEX}",
    source="Abraham & Khan 2019, arXiv:1810.07842",
    elicits="overlap",
    activation=ACTIVATION,
    traits={"overlap", "asymmetric"},
    aliases={"focal_tversky_loss": {}, "FocalTverskyLoss": {}},
    differences=(
        "The paper's alpha prices what is missed; here, as in Salehi et al. and in tversky, beta does.",
        "Many copies take gamma = 0.75 for the exponent itself, which is gamma = 4/3 here.",
        "segmentation_models.pytorch raises the mean over classes to its gamma, not the loss of each class.",
    ),
    cases=[
        case(
            predictions=[[[1.0, 1.0, 0.0, 0.0]]],
            targets=[[[1.0, 0.0, 1.0, 1.0]]],
            gives=[[(1 - 1 / (1 + 0.5 + 2 * 0.25)) ** 0.5]],
            params={**CERTAIN, "alpha": 0.5, "beta": 0.25, "gamma": 2.0},
        ),
        case(predictions=[[[0.5, 0.5]]], targets=[[[1.0, 0.0]]], gives=[[0.5]], params={**CERTAIN, "gamma": 1.0}),
        case(predictions=[[[1.0, 0.0]]], targets=[[[1.0, 0.0]]], gives=[[0.0]], params={"from_logits": False}),
    ],
    pytorch=lambda params: pipeline.code(params, f"(1 - {_index_code(params)}) ** (1 / {params['gamma']})"),
)
def focal_tversky(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    alpha: Alpha = 0.3,
    beta: Beta = 0.7,
    gamma: Annotated[
        float,
        Field(gt=0, le=100, description="Above 1, regions met well keep a slope; 1 is the Tversky loss."),
    ] = 4 / 3,
    group: Group = "image",
    smooth: Smooth = 1e-5,
    epsilon: Epsilon = 0.0,
    overlap: Overlap = "product",
    empty: Empty = "score",
    include_background: Background = True,
    activation: Activation = "auto",
    from_logits: FromLogits = True,
    weights: Tensor | None = None,
) -> Items | Sums:
    """Return (1 - the Tversky index) to the power of 1 / gamma.

    The gradient is set to 0 where the loss is 0, since a root has an infinite derivative there.
    """
    p = pipeline.activated(predictions, from_logits=from_logits, activation=activation)

    def score(of: Sizes) -> Tensor:
        """Return the loss of each class from the sizes of its regions."""
        missing = 1 - _index(of, alpha, beta, smooth, epsilon)
        return (missing.where(missing > 0, 1) ** (1 / gamma)).where(missing > 0, 0)

    sums = pipeline.regions(p, targets, weights, overlap=overlap)
    return pipeline.combine(sums, score, class_weights, group=group, empty=empty, include_background=include_background)


def _mcc_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    over = {"image": "2", "batch": "(0, 2)", "all": "(0, 1, 2)"}[str(params["group"])]
    lines = [
        *pipeline.probabilities(params),
        "p, y = (mask.reshape(*mask.shape[:2], -1) for mask in (p, targets))  # (n, classes, pixels)",
        *pipeline.foreground(params),
        "cells = p * y, (1 - p) * (1 - y), p * (1 - y), (1 - p) * y",
        f"tp, tn, fp, fn = (cell.sum({over}) + {params['smooth']} for cell in cells)",
        "below = ((tp + fp) * (tp + fn) * (tn + fp) * (tn + fn)).sqrt()",
        "return (1 - (tp * tn - fp * fn) / below).mean()",
    ]
    return "\n".join(lines)


@loss(
    title=Text("Matthews correlation loss", "马修斯相关系数损失"),
    task=("segmentation", "binary", "multilabel"),
    shapes=SHAPES,
    elements=PIXELS,
    kind=pipeline.kind,
    predictions=LOGITS,
    targets=LABELS,
    shifts="predictions",
    formula=r"1 - \frac{TP \cdot TN - FP \cdot FN}{\sqrt{(TP + FP)(TP + FN)(TN + FP)(TN + FN)}},"
    r"\ TP = \textstyle\sum p y + s, \ldots",
    source="Abhishek & Hamarneh 2021, arXiv:2010.13454; Matthews 1975",
    elicits="correlation of masks",
    activation=ACTIVATION,
    traits={"overlap"},
    aliases={
        "mcc_loss": {},
        "MCCLoss": {"group": "batch", "from_logits": False},
        "monai.MCCLoss": {},
        "matthews": {},
    },
    conventions={"smp": {"group": "batch", "from_logits": False}},
    differences=("segmentation_models.pytorch takes one class, its activation already applied.",),
    cases=[
        case(predictions=[[[1.0, 0.0]]], targets=[[[1.0, 0.0]]], gives=[[0.0]], params=CERTAIN),
        case(predictions=[[[0.0, 1.0]]], targets=[[[1.0, 0.0]]], gives=[[2.0]], params=CERTAIN),
        case(predictions=[[[0.75, 0.25]]], targets=[[[1.0, 0.0]]], gives=[[0.5]], params=CERTAIN),
        case(predictions=[[[0.5, 0.0]]], targets=[[[0.0, 0.0]]], gives=[[1.0]], params=CERTAIN),
    ],
    pytorch=_mcc_code,
)
def mcc(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    group: Group = "image",
    smooth: Annotated[float, Field(ge=0, description="Added to each of TP, TN, FP and FN, in pixels.")] = 1e-5,
    include_background: Background = True,
    activation: Activation = "auto",
    from_logits: FromLogits = True,
    weights: Tensor | None = None,
) -> Items | Sums:
    """Return 1 - the Matthews correlation of masks, which counts true negatives, too.

    With smooth = 0, a mask of only one kind of pixel, true or predicted, has correlation 0. It is computed in float64:
    the distances of probabilities from 1 are summed, and those are 0 in float32 from a logit of 17 on.
    """
    p = pipeline.activated(predictions.double(), from_logits=from_logits, activation=activation)

    def score(of: Sizes) -> Tensor:
        """Return the loss of each class from the sizes of its regions."""
        tp, fp, fn = of.shared, of.predicted - of.shared, of.true - of.shared
        tn = of.pixels - tp - fp - fn
        cells = torch.stack([cell + smooth for cell in (tp, tn, fp, fn)])
        largest = cells.detach().amax(0)
        tp, tn, fp, fn = (cells / largest.where(largest > 0, 1)).unbind()  # safe from products that leave the range
        sides = torch.stack([tp + fp, tp + fn, tn + fp, tn + fn])
        defined = (sides > 0).all(0)
        below = sides.where(defined, 1).sqrt().prod(0)
        return 1 - ((tp * tn - fp * fn) / below).where(defined, 0)

    sums = pipeline.regions(p, targets, weights)
    return pipeline.combine(
        sums, score, class_weights, group=group, empty="score", include_background=include_background
    )
