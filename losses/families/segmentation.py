"""Overlap losses for segmentation: Dice, Jaccard and generalized Dice."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import LABELS, LOGITS
from losses.contract.loss import ArticleNote, Call, Items, Sums, Value, case
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
SMP: dict[str, Value] = {
    "group": "batch",
    "smooth": 0.0,
    "empty": "zero",
}  # its eps of 1e-7 matters below that many pixels alone
KERAS: dict[str, Value] = {"group": "all", "smooth": 0.0, "epsilon": 1e-7, "from_logits": False}
CERTAIN: dict[str, Value] = {"from_logits": False, "smooth": 0.0}  # worked cases on probabilities
WEIGHTS_IN_MONAI = (
    "MONAI multiplies by class weights and divides by the number of classes: reduction=mean_over_count says that."
)
MONAI_ON_LOGITS = "MONAI applies no activation unless told sigmoid=True or softmax=True."
OPTAX = "optax.losses.dice_loss(jnp.moveaxis(predictions, 1, -1), jnp.moveaxis(targets, 1, -1), "


def _dice_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    smooth, epsilon = params["smooth"], params["epsilon"]
    return pipeline.code(
        params, f"1 - (2 * shared + {smooth}) / (predicted + true + {smooth}{f' + {epsilon}' if epsilon else ''})"
    )


@loss(
    title=Text("Dice loss", "Dice 损失"),
    task="segmentation",
    shapes=SHAPES,
    elements=PIXELS,
    kind=pipeline.kind,
    nothing_counts=pipeline.NO_FOREGROUND,
    predictions=LOGITS,
    targets=LABELS,
    shifts="predictions",
    formula=r"1 - \frac{2 \sum p y + s}{\sum p + \sum y + s + \epsilon}",
    source="Milletari et al. 2016, arXiv:1606.04797; Dice 1945",
    elicits="overlap",
    activation=ACTIVATION,
    traits={"overlap"},
    aliases={
        "soft_dice": {},
        "dice_loss": {},
        "DiceLoss": {},
        "MaskedDiceLoss": {},
        "binary_dice_loss": {},
        "monai.Dice": {},
        "kornia.DiceLoss": {"smooth": 0.0, "epsilon": 1e-8},
        "kornia.dice_loss": {"smooth": 0.0, "epsilon": 1e-8},
        "Dice": {"from_logits": False},
        "vnet_dice": {"overlap": "squares"},
        "soft_f1": {"group": "batch", "activation": "sigmoid"},
    },
    conventions={"monai": {}, "smp": SMP, "keras": KERAS, "optax": {"smooth": 2.0}},
    differences=(
        "MONAI's jaccard=True is the loss jaccard, its DiceCELoss the expression dice + categorical_ce.",
        MONAI_ON_LOGITS,
        WEIGHTS_IN_MONAI,
        "optax adds its smooth of 1 to the Tversky form, which is 2 here.",
        "Keras 3.15 takes one quotient over batch, pixels and channels, and gives 1 where both masks are empty.",
        "segmentation_models.pytorch gives 0 for an empty mask whatever is predicted, MONAI nearly 1 for any pixel.",
        "kornia 0.9 sums over the classes of one image by default (average='micro'), which no preset here says.",
        "nnU-Net returns minus the coefficient, from -1 to 0.",
        "MONAI and segmentation_models.pytorch give NaN in float16 once a sum passes 65504 pixels (smp #463).",
    ),
    cases=[
        case(predictions=[[[1.0, 0.0]]], targets=[[[1.0, 0.0]]], gives=[[0.0]], params={"from_logits": False}),
        case(predictions=[[[0.5, 0.5]]], targets=[[[1.0, 0.0]]], gives=[[0.5]], params=CERTAIN),
        case(
            predictions=[[[0.5, 0.5]]],
            targets=[[[1.0, 0.0]]],
            gives=[[1 - 1 / 1.5]],
            params={**CERTAIN, "overlap": "squares"},
        ),
        case(
            predictions=[[[0.5, 0.25]]],
            targets=[[[0.5, 0.25]]],
            gives=[[0.0]],
            params={**CERTAIN, "overlap": "minimum"},
        ),
        case(
            predictions=[[[1.0, 1.0]], [[0.0, 0.0]]],
            targets=[[[1.0, 0.0]], [[0.0, 0.0]]],
            gives=1 - 2 / 3,
            params={**CERTAIN, "group": "batch"},
        ),
        case(
            predictions=[[[1.0, 0.0], [0.5, 0.5]]],
            targets=[[[1.0, 0.0], [0.0, 0.0]]],
            gives=[[0.0, 0.0]],
            params={**CERTAIN, "empty": "skip"},
        ),
    ],
    elsewhere={
        "keras": "keras.losses.Dice()(targets, predictions)",
        "optax": (
            f"{OPTAX}smooth={{smooth}} / 2).mean()",
            Call(f"{OPTAX}smooth={{smooth}} / 2, axis=tuple(range(predictions.ndim - 1))).mean()", {"group": "batch"}),
        ),
    },
    pytorch=_dice_code,
    article=ArticleNote(
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
    """Return 1 - Dice of each class; Dice is twice the intersection over the sum of both sizes.

    With smooth = 0, an empty mask that is predicted empty costs 0.
    """
    p = pipeline.activated(predictions, from_logits=from_logits, activation=activation)

    def score(of: Sizes) -> Tensor:
        """Return the loss of each class from the sizes of its regions."""
        return 1 - pipeline.ratio(2 * of.shared + smooth, of.predicted + of.true + smooth + epsilon)

    sums = pipeline.regions(p, targets, weights, overlap=overlap)
    return pipeline.combine(sums, score, class_weights, group=group, empty=empty, include_background=include_background)


def _jaccard_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    smooth, epsilon = params["smooth"], params["epsilon"]
    extra = f" + {epsilon}" if epsilon else ""
    return pipeline.code(params, f"1 - (shared + {smooth}) / (predicted + true - shared + {smooth}{extra})")


@loss(
    title=Text("Jaccard loss (soft IoU)", "Jaccard 损失(软交并比)"),
    task="segmentation",
    shapes=SHAPES,
    elements=PIXELS,
    kind=pipeline.kind,
    nothing_counts=pipeline.NO_FOREGROUND,
    predictions=LOGITS,
    targets=LABELS,
    shifts="predictions",
    formula=r"1 - \frac{\sum p y + s}{\sum p + \sum y - \sum p y + s + \epsilon}",
    source="Rahman & Wang 2016, doi:10.1007/978-3-319-50835-1_22; Jaccard 1912",
    elicits="overlap",
    activation=ACTIVATION,
    traits={"overlap"},
    aliases={"soft_iou": {}, "soft_jaccard": {}, "jaccard_loss": {}, "JaccardLoss": {}},
    conventions={"monai": {"smooth": 5e-6}, "smp": SMP},
    differences=(
        "MONAI adds its smooth of 1e-5 to twice the overlap and twice the union, which is 5e-6 here.",
        MONAI_ON_LOGITS,
        WEIGHTS_IN_MONAI,
    ),
    cases=[
        case(predictions=[[[1.0, 1.0]]], targets=[[[1.0, 0.0]]], gives=[[0.5]], params=CERTAIN),
        case(predictions=[[[0.5, 0.5]]], targets=[[[1.0, 0.0]]], gives=[[1 - 0.5 / 1.5]], params=CERTAIN),
        case(predictions=[[[0.0, 0.0]]], targets=[[[0.0, 0.0]]], gives=[[0.0]], params=CERTAIN),
    ],
    pytorch=_jaccard_code,
)
def jaccard(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
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
    """Return 1 - J of each class, intersection over union; it orders masks as Dice D does, D = 2J / (1 + J)."""
    p = pipeline.activated(predictions, from_logits=from_logits, activation=activation)

    def score(of: Sizes) -> Tensor:
        """Return the loss of each class from the sizes of its regions."""
        return 1 - pipeline.ratio(of.shared + smooth, of.predicted + of.true - of.shared + smooth + epsilon)

    sums = pipeline.regions(p, targets, weights, overlap=overlap)
    return pipeline.combine(sums, score, class_weights, group=group, empty=empty, include_background=include_background)


def _generalized_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    over = "(0, 2)" if params["group"] == "batch" else "2"
    power = {"square": 2, "simple": 1, "uniform": 0}[str(params["weighting"])]
    mean = {"score": "value", "zero": "(value * some)", "skip": "value[some]"}[str(params["empty"])]
    smooth, below = params["smooth"], float(params["smooth"] or 0) + float(params["epsilon"] or 0)
    shared = "torch.minimum(p, y)" if params["overlap"] == "minimum" else "p * y"
    sizes = "p.square(), y.square()" if params["overlap"] == "squares" else "p, y"
    lines = [
        *pipeline.probabilities(params),
        "p, y = (mask.reshape(*mask.shape[:2], -1) for mask in (p, targets))  # (n, classes, pixels)",
        *pipeline.foreground(params),
        f"shared, predicted, true = (mask.sum({over}) for mask in ({shared}, {sizes}))",
        f"weight = 1 / true**{power}",
        "weight = weight.masked_fill(true == 0, 0)",
        "weight = weight.where(true > 0, weight.amax(-1, keepdim=True))",
        f"above, below = 2 * (weight * shared).sum(-1) + {smooth}, (weight * (predicted + true)).sum(-1) + {below}",
        "value, some = 1 - above / below, (true > 0).any(-1)",
        f"return {mean}.mean()",
    ]
    return "\n".join(lines)


@loss(
    title=Text("Generalised Dice loss", "广义 Dice 损失"),
    task="segmentation",
    shapes="n C *s, n C *s -> n",
    elements=PIXELS,
    kind=pipeline.kind,
    nothing_counts=pipeline.NO_FOREGROUND,
    predictions=LOGITS,
    targets=LABELS,
    shifts="predictions",
    formula=r"1 - \frac{2 \sum_c w_c \sum p y + s}{\sum_c w_c (\sum p + \sum y) + s + \epsilon},"
    r"\ w_c = (\textstyle\sum y)^{-2}",
    source="Sudre et al. 2017, arXiv:1707.03237",
    elicits="overlap",
    activation=ACTIVATION,
    traits={"overlap"},
    aliases={"gdl": {}, "GeneralizedDiceLoss": {}, "generalized_dice_loss": {}},
    conventions={"monai": {"smooth": 1e-5, "empty": "zero"}},
    differences=(
        "MONAI adds 1e-5 to the weighted sums, where N pixels weigh 1 / N, so that it outweighs 10^5 pixels.",
        "optax's multiclass_generalized_dice_loss is a weighted mean of the Dice of each class, not this quotient.",
        MONAI_ON_LOGITS,
    ),
    cases=[
        case(
            predictions=[[[0.5, 0.5, 0.5], [0.5, 0.5, 0.5]]],
            targets=[[[1.0, 0.0, 0.0], [0.0, 1.0, 1.0]]],
            gives=[1 - 2 * (0.5 + 1 / 4) / (2.5 + 3.5 / 4)],
            params={"from_logits": False},
        ),
        case(
            predictions=[[[1.0, 0.0], [0.5, 0.0]]],
            targets=[[[1.0, 1.0], [0.0, 0.0]]],
            gives=[1 - 2 * (1 / 4) / (3 / 4 + 0.5 / 4)],
            params={"from_logits": False},
        ),
        case(predictions=[[[0.0, 0.0]]], targets=[[[0.0, 0.0]]], gives=[0.0], params={"from_logits": False}),
    ],
    pytorch=_generalized_code,
)
def generalized_dice(
    predictions: Tensor,
    targets: Tensor,
    *,
    group: Annotated[
        Literal["image", "batch"], Field(description="One quotient an image, or one over the batch.")
    ] = "image",
    weighting: Annotated[
        Literal["square", "simple", "uniform"],
        Field(description="What a class weighs: 1 over its squared size, 1 over its size, or 1."),
    ] = "square",
    smooth: Annotated[float, Field(ge=0, description="Added above and below the line, to the weighted sums.")] = 0.0,
    epsilon: Annotated[float, Field(ge=0, description="Added below the line alone, to the weighted sums.")] = 0.0,
    overlap: Overlap = "product",
    empty: Annotated[
        Literal["score", "zero", "skip"],
        Field(description="Where no class has a pixel: all weigh 1, or the image costs 0 and counts, or not."),
    ] = "score",
    include_background: Background = True,
    activation: Activation = "auto",
    from_logits: FromLogits = True,
    weights: Tensor | None = None,
) -> Items | Sums:
    """Return 1 - the generalized Dice score: one quotient over all classes, weighted by 1 / size^2, 1 / size or 1.

    A class without pixels gets the weight of the smallest class that has some.
    """
    p = pipeline.activated(predictions, from_logits=from_logits, activation=activation)
    regions = pipeline.regions(p, targets, weights, overlap=overlap)
    power = {"square": 2, "simple": 1, "uniform": 0}[weighting]

    def finish(totals: dict[str, Tensor]) -> Items:
        """Return the generalized Dice loss from the totals of the regions."""
        sums = totals["n"]
        first = 0 if include_background or sums.shape[-1] == 1 else 1
        shared, predicted, true, pixels = sums[..., first:].unbind(-2)
        # weights relative to the largest: safe from 1 / size ** 2 leaving the range of float64
        least = true.where(true > 0, torch.inf).amin(-1, keepdim=True)
        empties = least.squeeze(-1).isinf()
        least = least.where(least.isfinite(), 1)
        weight = (least / true.where(true > 0, least)) ** power
        above = 2 * (weight * shared).sum(-1)
        below = (weight * (predicted + true)).sum(-1)
        unit = least.squeeze(-1) ** power
        value = 1 - pipeline.ratio(above + smooth * unit, below + (smooth + epsilon) * unit)
        counted = pixels[..., 0] > 0
        if empty == "skip":
            counted = counted & ~empties
        kept = counted if empty == "score" else counted & ~empties
        return Items(value.where(kept, 0), counted.to(value.dtype))

    return finish({"n": regions}) if group == "image" else Sums({"n": regions}, finish)
