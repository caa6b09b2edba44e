"""Margin losses on scores: hinge losses and the logistic loss."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import IDS, LABELS, LABELS_OF_LISTS, LOGITS, ONE_HOT, REAL
from losses.contract.loss import Value, case
from losses.contract.parameters import FromLogits
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.mathematics import terms
from losses.text import Text

SIGNED = "Labels are 0 and 1 here and stand for -1 and 1; a label between them asks for a smaller margin."
CRAMMER_SINGER = "Crammer & Singer 2001, JMLR 2:265"


def _hinge_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    del params
    return "return (1 - (2 * targets - 1) * predictions).clamp(min=0).mean()"


@loss(
    title=Text("Hinge loss", "铰链损失"),
    task=("binary", "multilabel"),
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=LABELS,
    formula=r"\max(0,\ 1 - s z),\ s = 2y - 1",
    source="Cortes & Vapnik 1995, doi:10.1007/BF00994018",
    elicits="decision",
    traits={"convex", "margin", "bounded gradient"},
    aliases={"Hinge": {}, "hinge_loss": {}, "svm": {}},
    conventions={"keras": {}, "optax": {}},
    differences=(
        SIGNED,
        "Keras turns labels of 0 and 1 into -1 and 1 only where the whole batch holds nothing else.",
        "optax takes labels of -1 and 1 only.",
        "torch's HingeEmbeddingLoss is another function: of distances, not of scores.",
    ),
    cases=[
        case(predictions=[0.6, 0.4], targets=[0.0, 1.0], gives=[1.6, 0.6]),
        case(predictions=[1.0, -3.0], targets=[1.0, 0.0], gives=[0.0, 0.0]),
    ],
    elsewhere={
        "keras": "keras.losses.Hinge()(2 * targets - 1, predictions)",
        "optax": "optax.losses.hinge_loss(predictions, 2 * targets - 1).mean()",
    },
    pytorch=_hinge_code,
)
def hinge(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the hinge loss with a margin of 1; it elicits the decision, not a probability."""
    return (1 - terms.signs(targets) * predictions).clamp(min=0)


@loss(
    title=Text("Squared hinge loss", "平方铰链损失"),
    task=("binary", "multilabel"),
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=LABELS,
    formula=r"\max(0,\ 1 - s z)^2,\ s = 2y - 1",
    source="Cortes & Vapnik 1995, doi:10.1007/BF00994018",
    elicits="probability, clipped: (1 + z) / 2",
    traits={"convex", "margin", "smooth"},
    aliases={"SquaredHinge": {}},
    conventions={"keras": {}},
    differences=(
        SIGNED,
        "Keras turns labels of 0 and 1 into -1 and 1 only where the whole batch holds nothing else.",
    ),
    cases=[
        case(predictions=[0.5, 0.5], targets=[0.0, 1.0], gives=[2.25, 0.25]),
        case(predictions=[1.0, -3.0], targets=[1.0, 0.0], gives=[0.0, 0.0]),
    ],
    elsewhere={
        "keras": "keras.losses.SquaredHinge()(2 * targets - 1, predictions)",
    },
    pytorch="return (1 - (2 * targets - 1) * predictions).clamp(min=0).square().mean()",
)
def squared_hinge(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the squared hinge loss; its minimiser is 2p - 1, which gives the probability p."""
    return (1 - terms.signs(targets) * predictions).clamp(min=0).square()


@loss(
    title=Text("Soft margin loss", "软间隔损失"),
    task=("binary", "multilabel"),
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=LABELS,
    formula=r"\log(1 + e^{-s z}),\ s = 2y - 1",
    source="Friedman, Hastie & Tibshirani 2000, doi:10.1214/aos/1016218223",
    elicits="log-odds",
    traits={"convex", "smooth", "proper", "bounded gradient"},
    aliases={"SoftMarginLoss": {}, "soft_margin_loss": {}, "logistic": {}},
    conventions={"torch": {}},
    differences=(
        SIGNED,
        "For labels of 0 and 1 it is the bce of logits; torch's function takes -1 and 1.",
        "torch takes the exponential of the score and gives infinity beyond 88 in float32, 709 in float64.",
    ),
    cases=[
        case(predictions=[0.0, 0.0], targets=[0.0, 1.0], gives=[0.6931471805599453, 0.6931471805599453]),
        case(predictions=[-1000.0, 1000.0], targets=[1.0, 1.0], gives=[1000.0, 0.0]),
    ],
    pytorch="return F.softplus(-(2 * targets - 1) * predictions, threshold=1000).mean()",
)
def soft_margin(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the logistic loss of labels -1 and 1; it elicits the log-odds."""
    return terms.softplus(-terms.signs(targets) * predictions)


@loss(
    title=Text("Soft margin loss over several labels", "多标签软间隔损失"),
    task="multilabel",
    shapes="n C *s, n C *s, C -> n *s",
    predictions=LOGITS,
    targets=LABELS,
    formula=r"\frac{1}{C} \sum_c -w_c \left(y_c \log \sigma(z_c) + (1 - y_c) \log(1 - \sigma(z_c))\right)",
    source="torch.nn.MultiLabelSoftMarginLoss; Good 1952, doi:10.1111/j.2517-6161.1952.tb00104.x",
    elicits="probability",
    activation="sigmoid",
    traits={"convex", "smooth", "proper", "bounded gradient"},
    aliases={"MultiLabelSoftMarginLoss": {}, "multilabel_soft_margin_loss": {}},
    conventions={"torch": {}},
    differences=("Class weights scale the classes and do not enter the denominator, in torch as here.",),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[[1.0, 0.0]], gives=[0.6931471805599453]),
        case(
            predictions=[[0.0, 1000.0]],
            targets=[[1.0, 0.0]],
            class_weights=[2.0, 0.5],
            gives=[0.6931471805599453 + 250],
        ),
    ],
    pytorch=lambda params: (
        "return F.binary_cross_entropy_with_logits(predictions, targets)"
        if params["from_logits"]
        else "return F.binary_cross_entropy(predictions, targets)"
    ),
)
def multilabel_soft_margin(
    predictions: Tensor, targets: Tensor, class_weights: Tensor | None = None, *, from_logits: FromLogits = True
) -> Tensor:
    """Return the mean binary cross-entropy over the labels of each item."""
    yes, no = terms.log_probabilities(predictions, from_logits=from_logits)
    value = terms.binary_cross_entropy(yes, no, targets)
    if class_weights is not None:
        value = terms.times(terms.along_classes(class_weights, predictions), value)
    return value.mean(1)


@loss(
    title=Text("Multi-class margin loss", "多分类间隔损失"),
    task="multiclass",
    shapes="n C *s, n *s, C -> n *s",
    predictions=REAL,
    targets=IDS,
    shifts="predictions",
    formula=r"\frac{w_y}{C} \sum_{c \ne y} \max(0,\ m - z_y + z_c)^p",
    source="Weston & Watkins 1999, ESANN",
    elicits="decision",
    traits={"convex", "margin"},
    aliases={"MultiMarginLoss": {}, "multi_margin_loss": {}},
    conventions={"torch": {}},
    differences=("Class weights scale the items and do not enter the denominator, in torch as here.",),
    cases=[
        case(predictions=[[0.0, 0.0]], targets=[0], gives=[0.5]),
        case(predictions=[[1.0, 3.0, -2.0]], targets=[0], gives=[3.0], params={"p": 2}),
        case(predictions=[[3.0, 1.0, 1.0]], targets=[0], gives=[0.0]),
    ],
    pytorch="return F.multi_margin_loss(predictions.movedim(1, -1).flatten(0, -2), targets.flatten(), "
    "p={p}, margin={margin})",
)
def multi_margin(
    predictions: Tensor,
    targets: Tensor,
    class_weights: Tensor | None = None,
    *,
    margin: Annotated[float, Field(description="How far the score of the class must lead.")] = 1.0,
    p: Annotated[int, Field(ge=1, le=2, description="The power of what is missing to the margin.")] = 1,
) -> Tensor:
    """Return the multiclass hinge loss: the violations of the margin by the other classes, summed and divided by C."""
    true_score = terms.of_label(predictions, targets).unsqueeze(1)
    short = (predictions - true_score + margin).clamp(min=0) ** p
    value = short.scatter(1, targets.unsqueeze(1), 0).mean(1)
    if class_weights is not None:
        value = class_weights[targets] * value
    return value


@loss(
    title=Text("Categorical hinge loss", "多分类铰链损失"),
    task="multiclass",
    shapes="n C *s, n C *s -> n *s",
    predictions=REAL,
    targets=ONE_HOT,
    shifts="predictions",
    formula=r"\max_c (z_c + 1 - y_c) - \sum_c y_c z_c",
    source=CRAMMER_SINGER,
    elicits="decision",
    traits={"convex", "margin", "bounded gradient"},
    aliases={"CategoricalHinge": {}, "multiclass_hinge": {}, "multiclass_hinge_loss": {}, "crammer_singer": {}},
    conventions={"optax": {}},
    differences=(
        "optax's multiclass_hinge_loss takes class ids, which mean the same.",
        (
            "Keras takes the largest (1 - y) z, to which the label's own class adds a 0: where every other score is "
            "negative its number is larger than this one."
        ),
    ),
    cases=[
        case(predictions=[[0.6, 0.4]], targets=[[0.0, 1.0]], gives=[1.2]),
        case(predictions=[[3.0, 1.0, -9.0]], targets=[[1.0, 0.0, 0.0]], gives=[0.0]),
    ],
    elsewhere={
        "optax": "optax.losses.multiclass_hinge_loss(predictions, targets.argmax(1)).mean()",
    },
    pytorch="return ((predictions + 1 - targets).amax(1) - (predictions * targets).sum(1)).mean()",
)
def categorical_hinge(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the Crammer-Singer hinge loss: the score of the true class against the best other score, with margin 1."""
    scores = terms.centred(predictions)
    true_score = (scores * targets).sum(1, keepdim=True)
    return (scores - true_score + (1 - targets)).amax(1)  # one difference: safe from large scores that cancel


@loss(
    title=Text("Margin loss over several labels", "多标签间隔损失"),
    task="multilabel",
    shapes="n C, n C -> n",
    work=Work(steps="600 n C"),
    predictions=REAL,
    targets=LABELS_OF_LISTS,
    shifts="predictions",
    formula=r"\frac{1}{C} \sum_{i,j} y_i (1 - y_j) \max(0,\ 1 - z_i + z_j)",
    source="torch.nn.MultiLabelMarginLoss; Elisseeff & Weston 2001, NeurIPS",
    elicits="decision",
    traits={"convex", "margin"},
    aliases={"MultiLabelMarginLoss": {}, "multilabel_margin_loss": {}},
    conventions={"torch": {}},
    differences=("torch lists the ids of the labels and ends the list with -1; here they are 0 and 1, one a class.",),
    cases=[
        case(predictions=[[0.1, 0.2, 0.4, 0.8]], targets=[[1.0, 0.0, 0.0, 1.0]], gives=[0.85]),
        case(predictions=[[5.0, 2.0]], targets=[[1.0, 1.0]], gives=[0.0]),
    ],
    pytorch="""\
short = (1 - predictions[:, :, None] + predictions[:, None]).clamp(min=0)
return (targets[:, :, None] * (1 - targets[:, None]) * short).sum((1, 2)).mean() / targets.shape[1]""",
)
def multilabel_margin(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the multi-label hinge loss: the score of each label against that of each other class, with margin 1.

    The other classes are sorted, so that memory grows with the number of classes and not with its square.
    """
    centred = terms.centred(predictions)
    others, order = centred.sort(1)
    absent = (1 - targets).gather(1, order)
    first = torch.searchsorted(others.detach(), centred.detach() - 1, right=True)
    count, score = (_sum_from(x, first) for x in (absent, absent * others))
    return (targets * ((1 - centred) * count + score)).mean(1)


def _sum_from(values: Tensor, first: Tensor) -> Tensor:
    """Return the sum of the entries of a row from each position on.

    Shapes: values (n, C), first (n, C) positions from 0 to C, result (n, C).
    """
    tails = values.flip(1).cumsum(1).flip(1)
    return torch.nn.functional.pad(tails, (0, 1)).gather(1, first)
