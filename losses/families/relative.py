"""Relative errors, and cosine similarity."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import REAL, Domain
from losses.contract.loss import Value, case
from losses.contract.registry import loss
from losses.text import Text

ABOVE_MINUS_ONE = Domain(
    Text("numbers greater than -1", "大于 -1 的数"),
    above=-1,
    way_out=Text(
        "Amounts that can be negative belong to mae or huber; Keras clips them to 1e-7 first.",
        "可能为负的量请用 mae 或 huber;Keras 会先将其截断到 1e-7。",
    ),
)


@loss(
    title=Text("Mean absolute percentage error", "平均绝对百分比误差"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    formula=r"100 \frac{|\hat y - y|}{\max(|y|, \epsilon)}",
    source="Gneiting 2011, doi:10.1198/jasa.2011.r10138",
    elicits="median weighted by 1/|y|",
    traits={"convex", "robust", "asymmetric"},
    aliases={"mean_absolute_percentage_error": {}, "MeanAbsolutePercentageError": {}},
    conventions={"keras": {}},
    differences=(
        "torchmetrics, scikit-learn and pytorch-forecasting leave out the factor 100.",
        "Their least denominators differ: 1.17e-6, 2.2e-16 and 1e-8 beside Keras's 1e-7; it shows where a target is 0.",
    ),
    cases=[
        case(predictions=[90.0, 0.0], targets=[100.0, -4.0], gives=[10.0, 100.0]),
        case(predictions=[1.0], targets=[0.0], gives=[200.0], params={"eps": 0.5}),
    ],
    elsewhere={
        "keras": "keras.losses.MeanAbsolutePercentageError()(targets, predictions)",
    },
    pytorch="return (100 * (predictions - targets).abs() / targets.abs().clamp(min={eps})).mean()",
)
def mape(
    predictions: Tensor,
    targets: Tensor,
    *,
    eps: Annotated[float, Field(gt=0, description="The least that an error is divided by.")] = 1e-7,
) -> Tensor:
    """Return the absolute percentage error; it favours low predictions, since a prediction of 0 costs at most 100."""
    return 100 * ((predictions - targets).abs() / targets.abs().clamp(min=eps))


@loss(
    title=Text("Symmetric mean absolute percentage error", "对称平均绝对百分比误差"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    formula=r"\frac{2 |\hat y - y|}{\max(|\hat y| + |y|, \epsilon)}",
    source="Makridakis 1993, doi:10.1016/0169-2070(93)90079-3",
    elicits="centre of relative errors",
    traits={"robust", "asymmetric"},
    aliases={"symmetric_mean_absolute_percentage_error": {}, "SymmetricMeanAbsolutePercentageError": {}, "SMAPE": {}},
    differences=(
        "It goes from 0 to 2, as in torchmetrics; forecasting competitions state 100 times as much.",
        "pytorch-forecasting adds 1e-8 to the denominator instead of bounding it.",
    ),
    cases=[
        case(predictions=[1.0, 3.0], targets=[3.0, -1.0], gives=[1.0, 2.0]),
        case(predictions=[0.0], targets=[0.0], gives=[0.0]),
    ],
    pytorch="""\
size = (predictions.abs() + targets.abs()).clamp(min={eps})
return (2 * (predictions - targets).abs() / size).mean()""",
)
def smape(
    predictions: Tensor,
    targets: Tensor,
    *,
    eps: Annotated[float, Field(gt=0, description="The least that an error is divided by.")] = 1.17e-6,
) -> Tensor:
    """Return the symmetric absolute percentage error; half the target costs more than twice the target."""
    p, y = predictions.abs(), targets.abs()
    size, less = p + y, p.minimum(y)
    ratio = (predictions - targets).abs() / size.clamp(min=eps)
    opposite = (predictions.sign() * targets.sign() < 0) | (targets == 0)
    uneven = (2 * less < p.maximum(y)) & (predictions != 0)  # 1 less a small part: safe from slopes that cancel
    part = (2 * less / size.clamp(min=eps)).where(uneven & ~opposite, 0)
    return 2 * torch.where((size > eps) & (opposite | uneven), 1 - part, ratio)


@loss(
    title=Text("Mean squared logarithmic error", "均方对数误差"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=ABOVE_MINUS_ONE,
    targets=ABOVE_MINUS_ONE,
    formula=r"(\log(1 + \hat y) - \log(1 + y))^2",
    source="Keras 1.0, 2016; Kaggle's RMSLE",
    elicits="mean of log(1 + y)",
    traits={"smooth", "asymmetric", "heavy tail"},
    aliases={"mean_squared_logarithmic_error": {}, "MeanSquaredLogarithmicError": {}, "mean_squared_log_error": {}},
    conventions={"keras": {}},
    differences=(
        "Keras raises both sides to 1e-7 first, so what is negative counts as 0; here -1 and less is refused.",
    ),
    cases=[
        case(predictions=[1.0, 0.0], targets=[0.0, 0.0], gives=[0.4804530139182014, 0.0]),
        case(predictions=[-0.5], targets=[1.0], gives=[1.9218120556728056]),
    ],
    elsewhere={
        "keras": "keras.losses.MeanSquaredLogarithmicError()(targets, predictions)",
    },
    pytorch="return F.mse_loss(predictions.log1p(), targets.log1p())",
)
def msle(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return the squared error of log(1 + x); too low by a factor costs more than too high by the same factor."""
    return (predictions.log1p() - targets.log1p()).square()


def _unit(vectors: Tensor, eps: float) -> Tensor:
    """Return vectors scaled to length 1 along axis 1; those shorter than eps are divided by eps.

    The largest coordinate is factored out, so that squares stay within the range of the dtype.
    """
    largest = vectors.detach().abs().amax(1, keepdim=True)
    scale = largest.where(largest > eps, eps)
    scaled = vectors / scale
    length: Tensor = torch.linalg.vector_norm(scaled, dim=1, keepdim=True)
    return scaled / length.maximum(eps / scale)


def _cosine_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    cosine = f"F.cosine_similarity(predictions, targets, dim=1, eps={params['eps']}).mean()"
    return f"return -{cosine}" if params["form"] == "negative" else f"return 1 - {cosine}"


@loss(
    title=Text("Cosine similarity", "余弦相似度"),
    task=("similarity", "regression"),
    shapes="n D *s, n D *s -> n *s",
    predictions=REAL,
    targets=REAL,
    formula=r"1 - \frac{\hat y \cdot y}{\max(\|\hat y\|, \epsilon) \max(\|y\|, \epsilon)}\ \text{(distance)},\quad"
    r" \text{less 1 (negative)}",
    source="Salton, Wong & Yang 1975, doi:10.1145/361219.361220",
    elicits="mean direction",
    traits={"smooth", "bounded gradient"},
    aliases={"cosine_distance": {}, "CosineSimilarity": {"form": "negative", "eps": 1e-7}},
    conventions={"keras": {"form": "negative", "eps": 1e-7}, "optax": {}},
    differences=(
        "Keras and optax take the last axis, here it is axis 1; with two axes that is the same.",
        "optax has epsilon=0 by default, so a vector of zeros gives NaN; its epsilon bounds the squared length.",
        "torch's nn.CosineSimilarity is the similarity itself: minimised as it stands, it pushes vectors apart.",
    ),
    cases=[
        case(predictions=[[3.0, 0.0], [1.0, 1.0]], targets=[[1.0, 0.0], [-2.0, -2.0]], gives=[0.0, 2.0]),
        case(
            predictions=[[0.0, 0.0], [1e300, 0.0]],
            targets=[[1.0, 0.0], [3.0, 4.0]],
            gives=[0.0, -0.6],
            params={"form": "negative"},
        ),
    ],
    elsewhere={
        "keras": "keras.losses.CosineSimilarity()(targets, predictions)",
        "optax": "optax.losses.cosine_distance(predictions, targets).mean()",
    },
    pytorch=_cosine_code,
)
def cosine_similarity(
    predictions: Tensor,
    targets: Tensor,
    *,
    form: Annotated[
        Literal["distance", "negative"], Field(description="1 - cosine, 0 at best, or -cosine, -1 at best.")
    ] = "distance",
    eps: Annotated[float, Field(gt=0, description="The least that a vector is divided by.")] = 1e-8,
) -> Tensor:
    """Return 1 - cos(predictions, targets), or -cos, along axis 1; lengths do not matter."""
    cosine = (_unit(predictions, eps) * _unit(targets, eps)).sum(1)
    return -cosine if form == "negative" else 1 - cosine
