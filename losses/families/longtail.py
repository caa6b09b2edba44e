"""Cross-entropies for imbalanced classes, adjusted by class frequencies."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import CLASS_COUNTS, CLASS_LOGITS, IDS, LABELS, LOGITS, PRIORS, REAL
from losses.contract.loss import Items, Value, case
from losses.contract.parameters import FromLogits, IgnoreIndex, PastTheEnds
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.mathematics.probability_maps import (
    bce_logit_adjusted_to_probability,
    class_balanced_to_probability,
    logit_adjusted_to_probability,
)
from losses.text import Text


def _asymmetric_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    start = "p = predictions.sigmoid()" if params["from_logits"] else "p = predictions"
    return f"""\
{start}
q = (p - {params["clip"]}).clamp(min=0)
yes = (1 - p) ** {params["gamma_pos"]} * p.log()
no = q ** {params["gamma_neg"]} * torch.log1p(-q)
return -(targets * yes + (1 - targets) * no).mean()"""


@loss(
    title=Text("Asymmetric loss", "非对称损失"),
    task=("multilabel", "binary"),
    shapes="*n, *n -> *n",
    predictions=LOGITS,
    targets=LABELS,
    formula=r"-y (1 - p)^{\gamma_+} \log p - (1 - y)\, p_m^{\gamma_-} \log(1 - p_m),\ p_m = \max(p - m, 0)",
    source="Ridnik et al. 2021, arXiv:2009.14119",
    elicits="probability, distorted",
    activation="sigmoid",
    traits={"asymmetric", "bounded gradient"},
    aliases={"asl": {}, "AsymmetricLoss": {}, "asymmetric_loss": {}, "AsymmetricLossMultiLabel": {}},
    differences=(
        "The authors' code sums over items and labels; ask for reduction=sum to have its number.",
        (
            "The authors' code by default takes no gradient through the focusing factors; here they have one, as "
            "in timm."
        ),
        "The authors' code takes logarithms of at least 1e-8 and so stops learning where p is less; here it learns on.",
    ),
    cases=[
        case(predictions=[0.0], targets=[1.0], gives=[0.34657359027997264]),
        case(
            predictions=[0.04, 0.55],
            targets=[0.0, 0.0],
            gives=[0.0, 0.04332169878499658],
            params={"from_logits": False},
        ),
        case(
            predictions=[0.0, 1000.0],
            targets=[0.0, 0.0],
            gives=[0.6931471805599453, 1000.0],
            params={"gamma_neg": 0.0, "gamma_pos": 0.0, "clip": 0.0},
        ),
    ],
    pytorch=_asymmetric_code,
)
def asymmetric(
    predictions: Tensor,
    targets: Tensor,
    *,
    gamma_neg: Annotated[float, Field(ge=0, le=100, description="How far easy negatives are turned down.")] = 4.0,
    gamma_pos: Annotated[float, Field(ge=0, le=100, description="How far easy positives are turned down.")] = 1.0,
    clip: Annotated[
        float, Field(ge=0, lt=1, description="Negatives with a probability of at most this much cost nothing.")
    ] = 0.05,
    from_logits: FromLogits = True,
) -> Tensor:
    """Return the asymmetric loss: a focal loss whose negatives have a larger exponent and a probability margin."""
    yes, no = terms.log_probabilities(predictions, from_logits=from_logits)
    positive = terms.power(no, gamma_pos) * terms.times(targets, -yes)
    if clip == 0:
        return positive + terms.power(yes, gamma_neg) * terms.times(1 - targets, -no)
    costs = yes.exp() > clip
    shifted = (yes.exp() - clip).where(costs, 0.5)  # where nothing is paid: away from a logarithm of 0
    negative = terms.power(shifted.log(), gamma_neg) * -torch.log1p(-shifted)
    return positive + (1 - targets) * negative.where(costs, 0)


def _class_balanced_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    start = "predictions" if params["from_logits"] else "predictions.log()"
    ignored = params["ignore_index"]
    extra = "" if ignored == terms.IGNORED else f", ignore_index={ignored}"
    return f"""\
weights = {1 - float(params["beta"] or 0)} / (1 - {params["beta"]}**class_counts)
return F.cross_entropy({start}, targets, weight=weights{extra})"""


@loss(
    title=Text("Class-balanced cross-entropy", "类别平衡交叉熵"),
    task="multiclass",
    shapes="n C *s, n *s, C -> n *s",
    predictions=CLASS_LOGITS,
    targets=IDS,
    class_counts=CLASS_COUNTS,
    constant=("targets", "class_counts"),
    shifts="predictions",
    formula=r"-w_y \log p_y,\ w_c \propto \frac{1 - \beta}{1 - \beta^{n_c}},\ \sum_c w_c = C",
    source="Cui et al. 2019, arXiv:1901.05555",
    elicits="probability under balanced classes",
    activation="softmax",
    probability=class_balanced_to_probability,
    traits={"convex", "smooth", "bounded gradient"},
    aliases={"cb_loss": {}, "ClassBalancedLoss": {}, "class_balanced_loss": {}, "effective_number": {}},
    differences=(
        (
            "reduction=mean divides by the sum of the weights, as torch does; code that divides by the number of items "
            "gives reduction=mean_over_count."
        ),
        "The paper also puts these weights on the sigmoid and on focal loss; focal_softmax has class_weights for them.",
    ),
    cases=[
        case(
            predictions=[[0.0, 0.0]],
            targets=[0],
            class_counts=[1.0, 2.0],
            gives=[0.6931471805599453 * 2 * 1 / (1 + 1 / 1.5)],
            params={"beta": 0.5},
        ),
        case(
            predictions=[[0.0, 0.0]],
            targets=[1],
            class_counts=[1.0, 1e9],
            gives=[0.6931471805599453],
            params={"beta": 0.0},
        ),
    ],
    pytorch=_class_balanced_code,
)
def class_balanced(
    predictions: Tensor,
    targets: Tensor,
    class_counts: Tensor,
    *,
    beta: Annotated[
        float,
        Field(ge=0, lt=1, description="How late more items stop saying more; 0: at once, 1: never."),
        PastTheEnds(
            Text(
                "A beta of 1 is sparse_categorical_ce with class_weights of 1 / class_counts.",
                "beta 为 1 即 class_weights 取 1 / class_counts 的 sparse_categorical_ce。",
            )
        ),
    ] = 0.9999,
    ignore_index: IgnoreIndex = terms.IGNORED,
    from_logits: FromLogits = True,
) -> Items:
    """Return cross-entropy weighted by the inverse effective number of items of the class.

    The counts are those of the training set. Powers are computed as 1 - exp(n log beta), which loses no digits for beta
    near 1.
    """
    counts = class_counts.to(torch.float64)
    seen = -torch.expm1(counts * (beta * torch.ones_like(counts)).log())
    weights = (seen.numel() / (1 / seen).sum() / seen).to(predictions.dtype)
    value, kept, ids = _cross_entropy(predictions, targets, ignore_index, from_logits=from_logits)
    weight = weights[ids].where(kept, 0)
    return Items(terms.times(weight, value), weight, kept)


def _logit_adjusted_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    start = "predictions" if params["from_logits"] else "predictions.log()"
    ignored = params["ignore_index"]
    extra = "" if ignored == terms.IGNORED else f", ignore_index={ignored}"
    return f"""\
shift = {params["tau"]} * priors.log().reshape(-1, *[1] * (predictions.ndim - 2))
return F.cross_entropy({start} + shift, targets{extra})"""


@loss(
    title=Text("Logit-adjusted cross-entropy", "logit 调整交叉熵"),
    task="multiclass",
    shapes="n C *s, n *s, C -> n *s",
    predictions=CLASS_LOGITS,
    targets=IDS,
    priors=PRIORS,
    constant=("targets", "priors"),
    shifts="predictions",
    formula=r"-\log p_y,\ p = \operatorname{softmax}(z + \tau \log \pi)",
    source="Menon et al. 2021, arXiv:2007.07314; Ren et al. 2020, arXiv:2007.10740",
    elicits="probability under balanced classes",
    activation="softmax",
    probability=logit_adjusted_to_probability,
    traits={"convex", "smooth", "bounded gradient"},
    aliases={"balanced_softmax": {}, "logit_adjustment": {}, "LogitAdjustedLoss": {}, "BalancedSoftmax": {}},
    differences=("The adjustment belongs to training: predictions are read off the logits as they are.",),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[1], priors=[0.75, 0.25], gives=[1.3862943611198906]),
        case(predictions=[[0.0, 0.0]], targets=[1], priors=[30.0, 10.0], gives=[1.3862943611198906]),
        case(
            predictions=[[0.0, 0.0]], targets=[1], priors=[0.75, 0.25], gives=[0.6931471805599453], params={"tau": 0.0}
        ),
    ],
    elsewhere={
        "optax": "optax.losses.softmax_cross_entropy_with_integer_labels(jnp.moveaxis(predictions, 1, -1) "
        "+ {tau} * jnp.log(priors), targets).mean()",
    },
    pytorch=_logit_adjusted_code,
)
def logit_adjusted(
    predictions: Tensor,
    targets: Tensor,
    priors: Tensor,
    *,
    tau: Annotated[float, Field(ge=0, le=100, description="How strongly the priors count; 0 is cross-entropy.")] = 1.0,
    ignore_index: IgnoreIndex = terms.IGNORED,
    from_logits: FromLogits = True,
) -> Items:
    """Return cross-entropy of logits plus tau log prior; the logits are then those for balanced classes.

    The priors are those of the training set; class counts serve as well, since only ratios matter.
    """
    scores = predictions if from_logits else terms.log(predictions)
    adjusted = terms.centred(scores) + tau * terms.along_classes(priors.log(), predictions)
    value, kept, _ = _cross_entropy(adjusted, targets, ignore_index, from_logits=True)
    return Items(value, kept.to(value.dtype))


def _bce_logit_adjusted_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    shift = float(params["tau"] or 0) * (
        math.log(float(params["prior"] or 0)) - math.log1p(-float(params["prior"] or 0))
    )
    scores = "predictions" if params["from_logits"] else "predictions.logit()"
    return f"return F.binary_cross_entropy_with_logits({scores} + {shift!r}, targets)"


@loss(
    title=Text("Logit-adjusted binary cross-entropy", "logit 调整二分类交叉熵"),
    task=("binary", "multilabel"),
    shapes="*n, *n -> *n",
    predictions=LOGITS,
    targets=LABELS,
    formula=r"-y \log p - (1 - y) \log(1 - p),\ p = \sigma\left(z + \tau \log \frac{\pi}{1 - \pi}\right)",
    source="Menon et al. 2021, arXiv:2007.07314, for two classes",
    elicits="probability under balanced classes",
    activation="sigmoid",
    probability=bce_logit_adjusted_to_probability,
    traits={"convex", "smooth", "bounded gradient"},
    aliases={"balanced_sigmoid": {}, "binary_logit_adjusted": {}},
    differences=("The adjustment belongs to training: predictions are read off the logits as they are.",),
    cases=[
        case(predictions=[0.0], targets=[1.0], gives=[1.3862943611198906], params={"prior": 0.25}),
        case(predictions=[0.0], targets=[0.0], gives=[0.2876820724517809], params={"prior": 0.25}),
        case(predictions=[0.0], targets=[1.0], gives=[0.6931471805599453], params={"prior": 0.25, "tau": 0.0}),
        case(
            predictions=[0.5], targets=[1.0], gives=[1.3862943611198906], params={"prior": 0.25, "from_logits": False}
        ),
    ],
    elsewhere={
        "keras": "keras.losses.BinaryCrossentropy(from_logits=True)("
        "targets, predictions + {tau} * keras.ops.log({prior} / (1 - {prior})))",
        "optax": "optax.losses.sigmoid_binary_cross_entropy("
        "predictions + {tau} * jnp.log({prior} / (1 - {prior})), targets).mean()",
    },
    pytorch=_bce_logit_adjusted_code,
)
def bce_logit_adjusted(
    predictions: Tensor,
    targets: Tensor,
    *,
    prior: Annotated[float, Field(gt=0, lt=1, description="The share of positives in the training set.")] = 0.1,
    tau: Annotated[float, Field(ge=0, le=100, description="How strongly the prior counts; 0 is cross-entropy.")] = 1.0,
    from_logits: FromLogits = True,
) -> Tensor:
    """Return binary cross-entropy of logit + tau log(prior / (1 - prior)).

    The logit is then that for balanced classes.
    """
    scores = predictions if from_logits else terms.log(predictions) - terms.log(1 - predictions)
    yes, no = terms.log_probabilities(scores + tau * (math.log(prior) - math.log1p(-prior)), from_logits=True)
    return terms.binary_cross_entropy(yes, no, targets)


@loss(
    title=Text("Label-distribution-aware margin loss", "标签分布感知间隔损失(LDAM)"),
    task="multiclass",
    shapes="n C *s, n *s, C -> n *s",
    predictions=REAL,
    targets=IDS,
    class_counts=CLASS_COUNTS,
    constant=("targets", "class_counts"),
    shifts="predictions",
    formula=r"-\log \operatorname{softmax}(s (z - \Delta_y e_y))_y,\ "
    r"\Delta_c = m \left(\min_k n_k / n_c\right)^{1/4}",
    source="Cao et al. 2019, arXiv:1906.07413",
    elicits="decision",
    activation="cosine of feature and class weights",
    traits={"convex", "smooth", "margin", "bounded gradient"},
    aliases={"LDAMLoss": {}, "ldam_loss": {}},
    differences=(
        "The paper turns on class-balanced weights late in training; that schedule is the trainer's, not the loss's.",
    ),
    cases=[
        case(
            predictions=[[0.5, 0.0]],
            targets=[0],
            class_counts=[1.0, 16.0],
            gives=[0.6931471805599453],
        ),
        case(
            predictions=[[0.0, 0.25]],
            targets=[1],
            class_counts=[1.0, 16.0],
            gives=[0.6931471805599453],
            params={"scale": 1.0},
        ),
    ],
    pytorch="""\
margins = {max_margin} * (class_counts.min() / class_counts) ** 0.25
kept = targets != {ignore_index}
label = F.one_hot(targets.where(kept, 0), predictions.shape[1]).movedim(-1, 1)
shift = label * margins.reshape(-1, *[1] * (predictions.ndim - 2))
return F.cross_entropy({scale} * (predictions - shift), targets, ignore_index={ignore_index})""",
)
def ldam(
    predictions: Tensor,
    targets: Tensor,
    class_counts: Tensor,
    *,
    max_margin: Annotated[float, Field(gt=0, le=2, description="The margin of the rarest class.")] = 0.5,
    scale: Annotated[float, Field(gt=0, le=1000, description="What turns cosines into logits.")] = 30.0,
    ignore_index: IgnoreIndex = terms.IGNORED,
) -> Items:
    """Return cross-entropy of scaled cosines with a margin in proportion to the class count to the power of -1/4."""
    margins = max_margin * (class_counts.min() / class_counts) ** 0.25
    ids = targets.where(targets != ignore_index, 0).unsqueeze(1)
    shifted = terms.centred(predictions) - torch.zeros_like(predictions).scatter(1, ids, margins[ids])
    value, kept, _ = _cross_entropy(scale * shifted, targets, ignore_index, from_logits=True)
    return Items(value, kept.to(value.dtype))


def _cross_entropy(
    predictions: Tensor, targets: Tensor, ignored: int, *, from_logits: bool
) -> tuple[Tensor, Tensor, Tensor]:
    """Return three tensors: the cross-entropy of every item, 0 where ignored; the mask of kept items.

    And their class ids.
    """
    kept = targets != ignored
    log_p = terms.class_log_probabilities(terms.without_ignored(predictions, kept), from_logits=from_logits)
    ids = targets.where(kept, 0)
    return -terms.of_label(log_p, ids).where(kept, 0), kept, ids
