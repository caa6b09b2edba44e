"""Losses of angles: margins between an embedding and the centres of classes, and targets on a circle."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import IDS, REAL, Domain
from losses.contract.loss import Value, case
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.text import Text

SMALLEST_SQUARE = 1e-12  # of a sine: below, the slope of the root would leave the range
COSINES = Domain(
    Text("cosines from -1 to 1", "-1 到 1 的余弦值"),
    low=-1,
    high=1,
    way_out=Text(
        "Bring embeddings and the centres of the classes to length 1 before their product.",
        "请先把嵌入和类别中心归一化为长度 1,再求乘积。",
    ),
)
Scale = Annotated[float, Field(gt=0, le=1000, description="What turns cosines into logits.")]
OF_CENTRES = "cosine of the embedding and the centre of each class"
LOGITS_OF_LIBRARIES = (
    "pytorch-metric-learning and insightface hold the centres of the classes as weights of the loss; here predictions "
    "are the cosines with them."
)


def _arcface_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    margin = float(params["margin"] or 0)
    return f"""\
c = predictions.gather(1, targets[:, None])
moved = c * {math.cos(margin)!r} - (1 - c**2).clamp(min={SMALLEST_SQUARE}).sqrt() * {math.sin(margin)!r}
moved = moved.where(c > {-math.cos(margin)!r}, c - {margin * math.sin(margin)!r})
return F.cross_entropy({params["scale"]} * predictions.scatter(1, targets[:, None], moved), targets)"""


@loss(
    title=Text("ArcFace", "ArcFace 加性角度间隔损失"),
    task="similarity",
    shapes="n C, n -> n",
    predictions=COSINES,
    targets=IDS,
    formula=r"-\log \operatorname{softmax}(s\, \tilde c)_y,\ \tilde c_y = \cos(\arccos c_y + m),\ "
    r"\tilde c_k = c_k \text{ elsewhere}",
    source="Deng et al. 2019, arXiv:1801.07698",
    elicits="decision",
    activation=OF_CENTRES,
    traits={"margin", "bounded gradient"},
    aliases={"ArcFaceLoss": {}, "arcface_loss": {}, "additive_angular_margin": {}},
    differences=(
        LOGITS_OF_LIBRARIES,
        "pytorch-metric-learning's margin is in degrees, 28.6.",
        "Where angle and margin pass 180 degrees the cosine less m sin m goes on falling, as in both libraries.",
    ),
    cases=[
        case(
            predictions=[[0.0, 0.0]],
            targets=[0],
            gives=[math.log1p(math.exp(math.sin(0.5)))],
            params={"scale": 1.0},
        ),
        case(
            predictions=[[0.5, math.cos(math.pi / 3 + 0.25)]],
            targets=[0],
            gives=[math.log(2)],
            params={"margin": 0.25},
        ),
        case(
            predictions=[[-1.0, -1.0 - 0.5 * math.sin(0.5) + 0.5]],
            targets=[0],
            gives=[math.log1p(math.exp(0.5))],
            params={"scale": 1.0},
        ),
    ],
    pytorch=_arcface_code,
)
def arcface(
    predictions: Tensor,
    targets: Tensor,
    *,
    margin: Annotated[
        float, Field(gt=0, lt=math.pi / 2, description="How much nearer its own centre an item must be, in radians.")
    ] = 0.5,
    scale: Scale = 64.0,
) -> Tensor:
    """Return the cross-entropy of scaled cosines, after `margin` (radians) is added to the angle of the true class.

    The sine is bounded away from 0, where the derivative of the square root is infinite.

    Shapes: predictions (n, C) cosines, targets (n) class ids, result (n).
    """
    cosine = predictions.gather(1, targets.unsqueeze(1))
    sine = (1 - cosine.square()).clamp(min=SMALLEST_SQUARE).sqrt()
    widened = cosine * math.cos(margin) - sine * math.sin(margin)
    moved = widened.where(cosine > -math.cos(margin), cosine - margin * math.sin(margin))
    return _cross_entropy(scale * predictions.scatter(1, targets.unsqueeze(1), moved), targets)


@loss(
    title=Text("CosFace", "CosFace 加性余弦间隔损失"),
    task="similarity",
    shapes="n C, n -> n",
    predictions=COSINES,
    targets=IDS,
    formula=r"-\log \operatorname{softmax}(s (c - m\, e_y))_y",
    source="Wang et al. 2018, arXiv:1801.09414",
    elicits="decision",
    activation=OF_CENTRES,
    traits={"margin", "convex", "smooth", "bounded gradient"},
    aliases={"CosFaceLoss": {}, "cosface_loss": {}, "AMSoftmax": {}, "large_margin_cosine": {}},
    differences=(LOGITS_OF_LIBRARIES, "The same shift for every class that ldam has in proportion to its rarity."),
    cases=[
        case(predictions=[[0.5, 0.15]], targets=[0], gives=[math.log(2)]),
        case(
            predictions=[[0.0, 0.0]],
            targets=[1],
            gives=[math.log1p(math.exp(0.25))],
            params={"margin": 0.25, "scale": 1.0},
        ),
    ],
    pytorch="""\
shift = {margin} * F.one_hot(targets, predictions.shape[1]).to(predictions)
return F.cross_entropy({scale} * (predictions - shift), targets)""",
)
def cosface(
    predictions: Tensor,
    targets: Tensor,
    *,
    margin: Annotated[
        float, Field(gt=0, lt=2, description="How much more like its own centre an item must be, in cosines.")
    ] = 0.35,
    scale: Scale = 64.0,
) -> Tensor:
    """Return the cross-entropy of scaled cosines, after `margin` is subtracted from that of the true class.

    Shapes: predictions (n, C) cosines, targets (n) class ids, result (n).
    """
    cosine = predictions.gather(1, targets.unsqueeze(1)) - margin
    return _cross_entropy(scale * predictions.scatter(1, targets.unsqueeze(1), cosine), targets)


def _cross_entropy(logits: Tensor, ids: Tensor) -> Tensor:
    """Return the cross-entropy of logits (n, C) with class ids (n), shape (n)."""
    return -terms.of_label(terms.class_log_probabilities(logits, from_logits=True), ids)


def _log_normaliser(concentration: float) -> float:
    """Return log(2 pi I0(k)) - k for the concentration k; it does not overflow for large k."""
    bessel = torch.special.i0e(torch.tensor(concentration, dtype=torch.float64))
    return math.log(2 * math.pi) + float(bessel.log())


def _von_mises_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    k = float(params["concentration"] or 0)
    return f"return ({k!r} * (1 - torch.cos(predictions - targets))).mean() + {_log_normaliser(k)!r}"


@loss(
    title=Text("Von Mises negative log likelihood", "冯·米塞斯负对数似然"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"-\kappa \cos(y - \hat y) + \log(2 \pi I_0(\kappa))",
    source="Mardia & Jupp 1999, doi:10.1002/9780470316979, section 3.5.4",
    elicits="mean direction",
    traits={"bounded gradient", "smooth"},
    aliases={"von_mises_nll": {}, "VonMisesLoss": {}, "cosine_of_angles": {}},
    differences=("At a concentration of 1 it is 1 - cos of the error and a constant, the usual loss of angles.",),
    cases=[
        case(
            predictions=[0.0, math.pi],
            targets=[2 * math.pi, 0.0],
            gives=[math.log(2 * math.pi * 1.2660658777520084) - 1, math.log(2 * math.pi * 1.2660658777520084) + 1],
        ),
    ],
    pytorch=_von_mises_code,
)
def von_mises(
    predictions: Tensor,
    targets: Tensor,
    *,
    concentration: Annotated[
        float, Field(gt=0, le=1e6, description="How closely angles lie about their mean: about 1 over their variance.")
    ] = 1.0,
) -> Tensor:
    """Return the negative log-likelihood of angles in radians; errors by whole turns cost nothing.

    1 - cos is computed as twice a squared sine, since it would cancel for small errors. The difference of the angles is
    taken in float64, since float32 lacks digits near whole turns.
    """
    half = torch.sin((predictions.double() - targets.double()) / 2).to(predictions.dtype)
    return 2 * concentration * half.square() + _log_normaliser(concentration)
