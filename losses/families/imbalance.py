"""Cross-entropies that look away from what is already easy."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from losses import terms
from losses.domains import CLASS_LOGITS, IDS, LABELS, LOGITS
from losses.registry import loss
from losses.spec import Items, Said, Text, Value, case

Gamma = Annotated[float, Field(ge=0, le=100, description="How far easy items are turned down; 0 is cross-entropy.")]
FOCAL = Said(
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
    alpha, gamma = params["alpha"], params["gamma"]
    balance = "" if alpha is None else "alpha * "
    weights = "" if alpha is None else f"alpha = {alpha} * targets + (1 - {alpha}) * (1 - targets)\n"
    name = "binary_cross_entropy_with_logits" if params["from_logits"] else "binary_cross_entropy"
    return f"""\
ce = F.{name}(predictions, targets, reduction="none")
p = predictions{".sigmoid()" if params["from_logits"] else ""}
wrong = p * (1 - targets) + (1 - p) * targets
{weights}return ({balance}wrong**{gamma} * ce).mean()"""


def _focal_softmax_code(params: dict[str, Value]) -> str:
    ignored = params["ignore_index"]
    extra = "" if ignored == terms.IGNORED else f", ignore_index={ignored}"
    start = (
        f'ce = F.cross_entropy(predictions, targets, reduction="none"{extra})'
        if params["from_logits"]
        else f'ce = F.nll_loss(predictions.log(), targets, reduction="none"{extra})'
    )
    return f"""\
{start}
return ((1 - torch.exp(-ce)) ** {params["gamma"]} * ce)[targets != {ignored}].mean()"""


@loss(
    title="Focal loss, sigmoid",
    task=("binary", "multilabel", "detection"),
    shapes="*n, *n -> *n",
    predictions=LOGITS,
    targets=LABELS,
    formula=r"-\alpha_t (1 - p_t)^\gamma \log p_t,\ p_t = yp + (1-y)(1-p),\ \alpha_t = y\alpha + (1-y)(1-\alpha)",
    source="Lin et al. 2017, arXiv:1708.02002",
    elicits="probability, distorted",
    activation="sigmoid",
    traits={"smooth", "bounded gradient"},
    aliases={
        "sigmoid_focal": {},
        "sigmoid_focal_loss": {},
        "binary_focal": {},
        "BinaryFocalCrossentropy": {"from_logits": False, "alpha": None},
    },
    cases=[
        case(predictions=[0.0, 0.0], targets=[1.0, 0.0], gives=[0.04332169878499658, 0.12996509635498975]),
        case(
            predictions=[0.0],
            targets=[1.0],
            gives=[0.6931471805599453],
            params={"gamma": 0.0, "alpha": None},
        ),
    ],
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
    from_logits: Annotated[bool, Field(description="Predictions are logits; false: probabilities.")] = True,
) -> Tensor:
    """Learns a decision between two classes from the items that are still wrong.

    The factor is taken in logarithms: safe from 1 - p rounding to 0, whose root has no slope there.
    """
    yes, no = terms.log_probabilities(predictions, from_logits=from_logits)
    value = terms.binary_cross_entropy(yes, no, targets)
    log_wrong = terms.log_add(yes + (1 - targets).log(), no + targets.log())
    value = terms.power(log_wrong, gamma) * value
    return value if alpha is None else (alpha * targets + (1 - alpha) * (1 - targets)) * value


@loss(
    title="Focal loss, softmax",
    task="multiclass",
    shapes="n C *s, n *s, C -> n *s",
    predictions=CLASS_LOGITS,
    targets=IDS,
    formula=r"-w_y (1 - p_y)^\gamma \log p_y,\ p = \operatorname{softmax}(z)",
    source="Lin et al. 2017, arXiv:1708.02002",
    elicits="probability, distorted",
    activation="softmax",
    traits={"smooth", "bounded gradient"},
    aliases={"softmax_focal": {}, "multiclass_focal": {}},
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[1], gives=[0.17328679513998632]),
        case(predictions=[[0.0, 0.0]], targets=[1], gives=[0.6931471805599453], params={"gamma": 0.0}),
    ],
    pytorch=_focal_softmax_code,
    article=FOCAL,
)
def focal_softmax(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    gamma: Gamma = 2.0,
    ignore_index: Annotated[
        int, Field(ge=-(2**31), lt=2**31, description="Items with this id do not count.")
    ] = terms.IGNORED,
    from_logits: Annotated[bool, Field(description="Predictions are logits; false: probabilities.")] = True,
) -> Items:
    """Learns a decision between classes from the items that are still wrong; class weights are its alpha.

    The class weights scale each item and do not enter the denominator, as alpha does not in the paper.
    """
    kept = targets != ignore_index
    log_p = terms.class_log_probabilities(terms.silenced(predictions, kept), from_logits=from_logits)
    ids = targets.where(kept, 0)
    of_label = log_p.gather(1, ids.unsqueeze(1)).squeeze(1)
    factor = terms.power(terms.log_of_the_rest(log_p, ids), gamma)
    value = factor * -of_label
    if class_weights is not None:
        value = class_weights[ids] * value
    return Items(value.where(kept, 0), kept.to(value.dtype))
