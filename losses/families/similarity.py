"""Losses on pairs and triplets of embeddings."""

from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import LABELS, NON_NEGATIVE, REAL, SIGNS
from losses.contract.loss import ArticleNote, Value, case
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.text import Text

Norm = Annotated[float, Field(ge=1, le=100, description="The norm of the distance.")]
Eps = Annotated[
    float, Field(ge=0, description="Added to every coordinate's difference, as torch does: a slope at distance 0.")
]
Normalize = Annotated[bool, Field(description="Embeddings are brought to length 1 first.")]
Margin = Annotated[float, Field(gt=0, description="How far apart different items must be, in units of distance.")]


def _unit(params: dict[str, Value], *names: str) -> str:
    """Return the snippet's line that scales embeddings to length 1, empty where normalize is not set."""
    if not params["normalize"]:
        return ""
    return f"{', '.join(names)} = (F.normalize(each, eps=0) for each in ({', '.join(names)}))\n"


def _triplet_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    parameters = ", ".join(f"{name}={params[name]}" for name in ("margin", "p", "eps", "swap"))
    start = _unit(params, "anchor", "positive", "negative")
    return f"{start}return F.triplet_margin_loss(anchor, positive, negative, {parameters})"


@loss(
    title=Text("Triplet loss", "三元组损失"),
    task="similarity",
    shapes="n D, n D, n D -> n",
    anchor=REAL,
    positive=REAL,
    negative=REAL,
    shifts="anchor positive negative",
    formula=r"\max(0,\ \|a - p\| - \|a - n\| + m)",
    source="Schroff et al. 2015, arXiv:1503.03832; Weinberger & Saul 2009",
    elicits="distance order",
    traits={"margin"},
    aliases={
        "triplet_margin": {},
        "TripletMarginLoss": {},
        "triplet_margin_loss": {},
        "pml.TripletMarginLoss": {"margin": 0.05, "eps": 0.0, "normalize": True},
    },
    conventions={"torch": {}},
    differences=(
        "optax adds eps under the root of the distance and torch to every coordinate, which is what is done here.",
        "optax 0.2.8 takes signed powers of the differences, so its odd norms are wrong: 2 where torch gives 0.",
        (
            "pytorch-metric-learning normalises the embeddings, takes a margin of 0.05 and averages over the triplets "
            "that cost something, which no parameter says: a batch without any was NaN (issue 107)."
        ),
        "FaceNet squares both distances; torch, optax and this one do not.",
    ),
    cases=[
        case(
            anchor=[[0.0, 0.0], [0.0, 0.0]],
            positive=[[3.0, 4.0], [0.0, 1.0]],
            negative=[[0.0, 1.0], [3.0, 4.0]],
            gives=[5.0, 0.0],
            params={"eps": 0.0},
        ),
        case(
            anchor=[[0.0, 0.0]],
            positive=[[3.0, 4.0]],
            negative=[[3.0, 5.0]],
            gives=[5.0],
            params={"eps": 0.0, "swap": True},
        ),
        case(
            anchor=[[2.0, 0.0]],
            positive=[[0.0, 5.0]],
            negative=[[3.0, 0.0]],
            gives=[2**0.5 + 0.2],
            params={"eps": 0.0, "normalize": True, "margin": 0.2},
        ),
    ],
    pytorch=_triplet_code,
    article=ArticleNote(
        section="3.1",
        characteristics=Text(
            en="Pulls items of one class together and pushes other classes away, by at least the margin.",
            zh="用于度量学习,通过拉近同类样本距离、拉远异类样本距离,学习更具区分性的特征。",
        ),
        scenarios=Text(
            en="Face recognition (FaceNet), person re-identification, similarity matching.",
            zh="人脸识别(FaceNet)、行人重识别、相似度匹配等。",
        ),
        note=Text(
            en="The margin has the scale of the embedding: 0.2 is usual on the unit sphere, 1 elsewhere.",
            zh="margin 与嵌入的尺度有关:单位球面上常用 0.2,否则常用 1。",
        ),
    ),
)
def triplet(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    margin: Annotated[
        float, Field(gt=0, description="How much nearer the positive must be, in units of distance.")
    ] = 1.0,
    p: Norm = 2.0,
    eps: Eps = 1e-6,
    swap: Annotated[
        bool, Field(description="The negative may be compared with the positive instead, where that is nearer.")
    ] = False,
    normalize: Normalize = False,
) -> Tensor:
    """Return max(0, d(anchor, positive) - d(anchor, negative) + margin)."""
    if normalize:
        anchor, positive, negative = terms.unit(anchor), terms.unit(positive), terms.unit(negative)
    near = terms.distance(anchor, positive, p, eps)
    far = terms.distance(anchor, negative, p, eps)
    if swap:
        far = far.minimum(terms.distance(positive, negative, p, eps))
    return (near - far + margin).clamp(min=0)


CONTRASTIVE = (
    "Hadsell's paper halves both terms and calls 0 what is the same; TensorFlow Addons does neither, nor does this.",
    "pytorch-metric-learning's ContrastiveLoss does not square and averages over the pairs that cost something.",
    "MONAI's ContrastiveLoss is another loss: nt_xent.",
)


def _pairs(distance: Tensor, same: Tensor, margin: float) -> Tensor:
    """Return the contrastive loss of distances.

    It is their square where `same` is 1, the squared shortfall to `margin` where it is 0. Shapes: (n) each.
    """
    return same * distance.square() + (1 - same) * (margin - distance).clamp(min=0).square()


@loss(
    title=Text("Contrastive loss of embeddings", "嵌入的对比损失"),
    task="similarity",
    shapes="n D, n D, n -> n",
    first=REAL,
    second=REAL,
    targets=LABELS,
    shifts="first second",
    formula=r"y d^2 + (1 - y) \max(0,\ m - d)^2,\ d = \|a - b\|",
    source="Hadsell et al. 2006, doi:10.1109/CVPR.2006.100",
    elicits="distance",
    traits={"margin"},
    aliases={"siamese": {}},
    differences=CONTRASTIVE,
    cases=[
        case(
            first=[[0.0, 0.0], [0.0, 0.0]],
            second=[[3.0, 4.0], [3.0, 4.0]],
            targets=[1.0, 0.0],
            gives=[25.0, 1.0],
            params={"margin": 6.0, "eps": 0.0},
        ),
        case(
            first=[[0.0, 0.0], [1.0, 1.0]],
            second=[[0.0, 0.0], [1.0, 1.0]],
            targets=[1.0, 0.0],
            gives=[0.0, 1.0],
            params={"eps": 0.0},
        ),
    ],
    pytorch=lambda params: (
        f"""\
{_unit(params, "first", "second")}d = F.pairwise_distance(first, second, p={params["p"]}, eps={params["eps"]})
return (targets * d**2 + (1 - targets) * F.relu({params["margin"]} - d) ** 2).mean()"""
    ),
)
def contrastive(
    first: Tensor,
    second: Tensor,
    targets: Tensor,
    *,
    margin: Margin = 1.0,
    p: Norm = 2.0,
    eps: Eps = 1e-6,
    normalize: Normalize = False,
) -> Tensor:
    """Return the squared distance of pairs of one class (target 1), the squared shortfall to the margin of others."""
    if normalize:
        first, second = terms.unit(first), terms.unit(second)
    return _pairs(terms.distance(first, second, p, eps), targets, margin)


@loss(
    title=Text("Contrastive loss of distances", "距离的对比损失"),
    task="similarity",
    shapes="*n, *n -> *n",
    predictions=NON_NEGATIVE,
    targets=LABELS,
    formula=r"y d^2 + (1 - y) \max(0,\ m - d)^2",
    source="Hadsell et al. 2006, doi:10.1109/CVPR.2006.100",
    elicits="distance",
    activation="none: predictions are distances",
    traits={"margin", "convex"},
    aliases={"contrastive_loss": {}},
    differences=CONTRASTIVE,
    cases=[
        case(predictions=[0.1, 1.3, 1.1, 0.0], targets=[0.0, 1.0, 0.0, 1.0], gives=[0.81, 1.69, 0.0, 0.0]),
        case(predictions=[0.5, 3.0], targets=[0.0, 0.0], gives=[2.25, 0.0], params={"margin": 2.0}),
    ],
    pytorch="return (targets * predictions**2 + (1 - targets) * F.relu({margin} - predictions) ** 2).mean()",
)
def contrastive_distance(predictions: Tensor, targets: Tensor, *, margin: Margin = 1.0) -> Tensor:
    """Return the contrastive loss of distances that the caller has computed."""
    return _pairs(predictions, targets, margin)


@loss(
    title=Text("Cosine embedding loss", "余弦嵌入损失"),
    task="similarity",
    shapes="n D, n D, n -> n",
    first=REAL,
    second=REAL,
    targets=SIGNS,
    formula=r"1 - \cos(a, b)\ (y = 1),\quad \max(0,\ \cos(a, b) - m)\ (y = -1)",
    source="torch.nn.CosineEmbeddingLoss",
    elicits="angle",
    traits={"margin", "bounded gradient"},
    aliases={"CosineEmbeddingLoss": {}, "cosine_embedding_loss": {}},
    conventions={"torch": {}},
    differences=(
        "torch gives 0 for a label that is neither -1 nor 1; here such a label is refused, 0/1 become 2 * y - 1.",
        "Keras CosineSimilarity is minus the cosine and optax cosine_distance one minus it, both without labels.",
    ),
    cases=[
        case(
            first=[[3.0, 4.0], [3.0, 4.0], [1.0, 0.0]],
            second=[[6.0, 8.0], [4.0, 3.0], [0.0, 2.0]],
            targets=[1.0, -1.0, -1.0],
            gives=[0.0, 0.46, 0.0],
            params={"margin": 0.5, "eps": 0.0},
        ),
        case(first=[[0.0, 0.0]], second=[[1.0, 0.0]], targets=[1.0], gives=[1.0]),
    ],
    pytorch=lambda params: (
        f"""\
a, b = (each / (each.square().sum(1, keepdim=True) + {params["eps"]}).sqrt() for each in (first, second))
cosine = (a * b).sum(1)
return torch.where(targets > 0, 1 - cosine, F.relu(cosine - {params["margin"]})).mean()"""
    ),
)
def cosine_embedding(
    first: Tensor,
    second: Tensor,
    targets: Tensor,
    *,
    margin: Annotated[
        float, Field(ge=-1, le=1, description="The cosine up to which different items cost nothing.")
    ] = 0.0,
    eps: Annotated[float, Field(ge=0, description="Added to every squared length, as torch does.")] = 1e-12,
) -> Tensor:
    """Return 1 - cos of pairs that belong together (target 1), max(0, cos - margin) of others (-1)."""
    cosine = (terms.unit(first, eps) * terms.unit(second, eps)).sum(1)
    return torch.where(targets > 0, 1 - cosine, (cosine - margin).clamp(min=0))
