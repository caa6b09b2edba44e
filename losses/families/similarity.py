"""Distances between embeddings."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from losses import terms
from losses.domains import REAL
from losses.registry import loss
from losses.spec import Said, Text, case


@loss(
    title="Triplet loss",
    task="similarity",
    shapes="n D, n D, n D -> n",
    anchor=REAL,
    positive=REAL,
    negative=REAL,
    formula=r"\max(0,\ \|a - p\| - \|a - n\| + m)",
    source="Schroff et al. 2015, arXiv:1503.03832; Weinberger & Saul 2009",
    elicits="distance order",
    traits={"margin"},
    aliases={"triplet_margin": {}, "TripletMarginLoss": {}, "triplet_margin_loss": {}},
    cases=[
        case(
            anchor=[[0.0, 0.0], [0.0, 0.0]],
            positive=[[3.0, 4.0], [0.0, 1.0]],
            negative=[[0.0, 1.0], [3.0, 4.0]],
            gives=[5.0, 0.0],
            params={"eps": 0.0},
        )
    ],
    pytorch="return F.triplet_margin_loss(anchor, positive, negative, margin={margin}, p={p}, eps={eps})",
    article=Said(
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
    p: Annotated[float, Field(ge=1, le=100, description="The norm of the distance.")] = 2.0,
    eps: Annotated[
        float, Field(ge=0, description="Added to every coordinate's difference, as torch does: a slope at distance 0.")
    ] = 1e-6,
) -> Tensor:
    """Learns embeddings in which the positive is nearer to the anchor than the negative."""
    near = terms.distance(anchor, positive, p, eps)
    far = terms.distance(anchor, negative, p, eps)
    return (near - far + margin).clamp(min=0)
