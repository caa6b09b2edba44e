"""Focal losses: cross-entropy with a factor that reduces the weight of well-predicted items."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import CLASS_LOGITS, IDS, LABELS, LOGITS
from losses.contract.loss import ArticleNote, Items, Sums, Value, case
from losses.contract.parameters import Clip, FromLogits, IgnoreIndex, PerItem
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.mathematics.probability_maps import focal_softmax_to_probability, focal_to_probability
from losses.text import Text

Gamma = Annotated[float, Field(ge=0, le=100, description="How far easy items are turned down; 0 is cross-entropy.")]
FOCAL = ArticleNote(
    section="2.4",
    characteristics=Text(
        en="Turns down items that are already predicted well, so that hard ones are what is learned.",
        zh="解决类别不平衡问题:通过对高置信度的正确预测(易分类样本)降权,聚焦难分类样本。",
    ),
    scenarios=Text(
        en="Extreme imbalance: small objects against a large background, rare diseases in medical images.",
        zh="类别极度不平衡的任务(如小目标检测、医疗影像中的罕见疾病识别)。",
    ),
    note=Text(
        en="Its output is no probability: it is drawn towards the middle. The map back is known and exact.",
        zh="它的输出不是概率:会向中间收缩;存在精确的还原公式。",
    ),
)


def _focal_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    alpha, gamma = params["alpha"], params["gamma"]
    balance = "" if alpha is None else "alpha * "
    weights = "" if alpha is None else f"alpha = {alpha} * targets + (1 - {alpha}) * (1 - targets)\n"
    name = "binary_cross_entropy_with_logits" if params["from_logits"] else "binary_cross_entropy"
    clip = 0.0 if params["from_logits"] else float(params["clip"] or 0)
    clipped = f"predictions = predictions.clamp({clip}, {1 - clip})\n" if clip else ""
    total = ".mean()" if params["normalize"] == "item" else ".sum() / targets.sum().clamp(min=1)"
    return f"""\
{clipped}ce = F.{name}(predictions, targets, reduction="none")
p = predictions{".sigmoid()" if params["from_logits"] else ""}
wrong = p * (1 - targets) + (1 - p) * targets
{weights}return ({balance}wrong**{gamma} * ce){total}"""


def _focal_softmax_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    ignored = params["ignore_index"]
    extra = "" if ignored == terms.IGNORED else f", ignore_index={ignored}"
    clip = float(params["clip"] or 0)
    clipped = f".clamp({clip}, {1 - clip})" if clip else ""
    start = (
        f'ce = F.cross_entropy(predictions, targets, reduction="none"{extra})'
        if params["from_logits"]
        else f'ce = F.nll_loss(predictions{clipped}.log(), targets, reduction="none"{extra})'
    )
    factor = "" if params["alpha"] == 1 else f"{params['alpha']} * "
    classes = "" if params["normalize"] == "item" else " / predictions.shape[1]"
    return f"""\
{start}
return {factor}((1 - torch.exp(-ce)) ** {params["gamma"]} * ce)[targets != {ignored}].mean(){classes}"""


@loss(
    title=Text("Focal loss, sigmoid", "焦点损失(sigmoid)"),
    task=("binary", "multilabel", "detection"),
    shapes="*n, *n -> *n",
    kind=lambda params: "ratio" if params["normalize"] == "positives" else "item",
    predictions=LOGITS,
    targets=LABELS,
    formula=r"-\alpha_t (1 - p_t)^\gamma \log p_t,\ p_t = yp + (1-y)(1-p),\ \alpha_t = y\alpha + (1-y)(1-\alpha)",
    source="Lin et al. 2017, arXiv:1708.02002",
    elicits="probability, distorted",
    activation="sigmoid",
    probability=focal_to_probability,
    traits={"smooth", "bounded gradient"},
    aliases={
        "sigmoid_focal": {},
        "sigmoid_focal_loss": {},
        "monai.FocalLoss": {},
        "smp.FocalLoss": {},
        "BinaryFocalLossWithLogits": {},
        "binary_focal_loss_with_logits": {},
        "binary_focal": {},
        "binary_focal_crossentropy": {"from_logits": False, "alpha": None},
        "BinaryFocalCrossentropy": {"from_logits": False, "alpha": None},
    },
    conventions={
        "keras": {"from_logits": False, "alpha": None, "clip": 1e-7},
        "monai": {"alpha": None},
        "smp": {"alpha": None},
        "optax": {"alpha": None},
    },
    differences=(
        "alpha is the weight of the positives, as in the paper, torchvision, Keras, MONAI, smp and optax.",
        "LibAUC's alpha is the weight of the negatives.",
        "Keras uses alpha only with apply_class_balancing, and clips probabilities even where they come from logits.",
        "RetinaNet divides the sum by the number of positives: normalize=positives; torchvision's default is no mean.",
        "MONAI with ignore_index divides by the positions alone and is larger by the number of classes (1.6.1).",
        "smp's focal loss of several classes is this one, class against the rest, not focal_softmax (smp #671).",
        "Usual code gives NaN gradients for gamma between 0 and 1 at sure predictions (kornia #918, optax #1267).",
    ),
    cases=[
        case(predictions=[0.0, 0.0], targets=[1.0, 0.0], gives=[0.04332169878499658, 0.12996509635498975]),
        case(
            predictions=[0.0],
            targets=[1.0],
            gives=[0.6931471805599453],
            params={"gamma": 0.0, "alpha": None},
        ),
        case(
            predictions=[0.0, 0.0, 0.0],
            targets=[1.0, 1.0, 0.0],
            gives=3 * 0.25 * 0.6931471805599453 / 2,
            params={"alpha": None, "normalize": "positives"},
        ),
        case(
            predictions=[0.0, 0.0],
            targets=[0.0, 0.0],
            gives=2 * 0.25 * 0.6931471805599453,
            params={"alpha": None, "normalize": "positives"},
        ),
    ],
    elsewhere={
        "keras": (
            "keras.losses.BinaryFocalCrossentropy(gamma={gamma})(targets, predictions)",
            (
                "keras.losses.BinaryFocalCrossentropy(apply_class_balancing=True, alpha={alpha}, gamma={gamma})("
                "targets, predictions)"
            ),
        ),
        "optax": "optax.losses.sigmoid_focal_loss(predictions, targets, alpha={alpha}, gamma={gamma}).mean()",
    },
    pytorch=_focal_code,
    article=FOCAL,
)
def focal(
    predictions: Tensor,
    targets: Tensor,
    *,
    gamma: Gamma = 2.0,
    alpha: Annotated[
        float | None, Field(ge=0, le=1, description="The weight of the positives, 1 - alpha that of the negatives.")
    ] = 0.25,
    normalize: Annotated[
        Literal["item", "positives"],
        Field(description="What the sum is divided by: items, or the positives among them."),
    ] = "item",
    clip: Clip = 0.0,
    from_logits: FromLogits = True,
    weights: Tensor | None = None,
) -> Tensor | Items | Sums:
    """Return the focal loss of each label, alpha_t (1 - p_t)^gamma times cross-entropy.

    Its output is not a probability. The factor is computed in logarithms: 1 - p would round to 0, where its power has
    no gradient. With normalize=positives the sum is divided by the number of positives, or by 1 where there are none.
    """
    yes, no = terms.log_probabilities(predictions, from_logits=from_logits, clip=clip)
    value = terms.binary_cross_entropy(yes, no, targets)
    log_wrong = terms.log_add(yes + (1 - targets).log(), no + targets.log())
    value = terms.power(log_wrong, gamma) * value
    if alpha is not None:
        value = (alpha * targets + (1 - alpha) * (1 - targets)) * value
    if normalize == "item":
        return value if weights is None else Items(terms.times(weights, value), weights)
    weight = torch.ones_like(value) if weights is None else weights
    columns = [terms.times(weight, value), weight * targets, weight]
    rows = [terms.total(column.unsqueeze(-1).flatten(1)) for column in columns]
    return Sums({"n": torch.stack(rows, 1)}, _over_positives)


def _over_positives(totals: dict[str, Tensor]) -> Items:
    """Return the sum divided by the number of positives, at least 1, as one item."""
    cost, positives, counted = totals["n"]
    return Items(cost, positives.clamp(min=1).where(counted > 0, 0))


@loss(
    title=Text("Focal loss, softmax", "焦点损失(softmax)"),
    task="multiclass",
    shapes="n C *s, n *s, C -> n *s",
    predictions=CLASS_LOGITS,
    targets=IDS,
    shifts="predictions",
    formula=r"-w_y (1 - p_y)^\gamma \log p_y,\ p = \operatorname{softmax}(z)",
    source="Lin et al. 2017, arXiv:1708.02002",
    elicits="probability, distorted",
    activation="softmax",
    probability=focal_softmax_to_probability,
    traits={"smooth", "bounded gradient"},
    aliases={
        "softmax_focal": {},
        "kornia.FocalLoss": {"normalize": "element"},
        "kornia.focal_loss": {"normalize": "element"},
        "multiclass_focal": {},
        "categorical_focal_crossentropy": {"from_logits": False, "alpha": 0.25},
        "CategoricalFocalCrossentropy": {"from_logits": False, "alpha": 0.25},
    },
    conventions={
        "keras": {"from_logits": False, "alpha": 0.25, "clip": 1e-7},
        "monai": {"normalize": "element"},
    },
    differences=(
        "Keras multiplies every class by alpha, and clips probabilities even where they come from logits.",
        "MONAI and kornia weigh class 0 by 1 - alpha and all others by alpha (kornia #875): class_weights say that.",
        "fastai takes p from the class-weighted cross-entropy, so that its factor is another one.",
        "smp's focal loss of several classes takes a sigmoid of each: focal (smp #671).",
    ),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[1], gives=[0.17328679513998632]),
        case(
            predictions=[[0.0, 0.0]],
            targets=[1],
            gives=[0.04332169878499658],
            params={"alpha": 0.5, "normalize": "element"},
        ),
        case(predictions=[[0.0, 0.0]], targets=[1], gives=[0.6931471805599453], params={"gamma": 0.0}),
    ],
    elsewhere={
        "keras": "keras.losses.CategoricalFocalCrossentropy(alpha={alpha}, gamma={gamma})("
        "keras.ops.one_hot(targets, predictions.shape[1]), predictions)",
    },
    pytorch=_focal_softmax_code,
    article=FOCAL,
)
def focal_softmax(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    gamma: Gamma = 2.0,
    alpha: Annotated[float, Field(gt=0, description="What every item is multiplied by.")] = 1.0,
    normalize: PerItem = "item",
    ignore_index: IgnoreIndex = terms.IGNORED,
    clip: Clip = 0.0,
    from_logits: FromLogits = True,
) -> Items:
    """Return the focal loss of each item over exclusive classes; class weights are the alpha of the paper.

    As alpha in the paper, class weights scale each item and do not enter the denominator of the mean.
    """
    kept = targets != ignore_index
    log_p = terms.class_log_probabilities(terms.without_ignored(predictions, kept), from_logits=from_logits)
    ids = targets.where(kept, 0)
    ends = 0.0 if from_logits else clip
    log_rest, log_label = terms.log_of_the_rest(log_p, ids), terms.of_label(log_p, ids)
    factor = terms.power(terms.clipped(log_rest, ends), gamma)
    if from_logits:
        log_label = terms.log_less(log_rest, log_label)
    value = alpha * factor * -terms.clipped(log_label, ends)
    if normalize == "element":
        value = value / log_p.shape[1]
    if class_weights is not None:
        value = class_weights[ids] * value
    return Items(value.where(kept, 0), kept.to(value.dtype))
