"""Proper scoring rules of predicted distributions, and losses weighted by a learnt variance."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import REAL, Domain
from losses.contract.loss import Value, case
from losses.contract.registry import loss
from losses.text import Text

VARIANCES = Domain(
    Text("variances of at least 0", "不小于 0 的方差"),
    low=0,
    way_out=Text("A log-variance becomes a variance by exp.", "对数方差经 exp 即为方差。"),
)
DEVIATIONS = Domain(
    Text("standard deviations of at least 0", "不小于 0 的标准差"),
    low=0,
    way_out=Text("A variance becomes one by its root.", "方差开方即为标准差。"),
)
SCALES = Domain(
    Text("scales of at least 0", "不小于 0 的尺度"),
    low=0,
    way_out=Text("A log-scale becomes a scale by exp.", "对数尺度经 exp 即为尺度。"),
)
FAR = 40  # standard deviations: both the density and 1 - |erf| are 0 in float64 from 39 on

LeastVariance = Annotated[float, Field(gt=0, description="The least variance; what is less counts as this.")]
Full = Annotated[bool, Field(description="With the constant that makes it a likelihood.")]


def _gaussian_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    return f"return F.gaussian_nll_loss(predictions, targets, variance, full={params['full']}, eps={params['eps']})"


@loss(
    title=Text("Gaussian negative log-likelihood", "高斯负对数似然"),
    task="regression",
    shapes="*n, *n, *n -> *n",
    predictions=REAL,
    variance=VARIANCES,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\tfrac12 \left( \log v + \frac{(y - \mu)^2}{v} \right) [+ \tfrac12 \log 2\pi],\ v = \max(v, \epsilon)",
    source="Nix & Weigend 1994, doi:10.1109/ICNN.1994.374138",
    elicits="mean and variance",
    activation="none for the mean, softplus or exp for the variance",
    traits={"proper", "smooth"},
    aliases={"GaussianNLLLoss": {}, "gaussian_nll_loss": {}},
    conventions={"torch": {}},
    differences=(
        "It takes a variance: a standard deviation is squared first, a log-variance exponentiated.",
        "torch clamps the variance outside its gradient: below eps its slope is that at eps, here it is 0.",
        "torch also takes one variance for a whole row; here it has the shape of the predictions.",
    ),
    cases=[
        case(predictions=[1.0, 0.0], variance=[1.0, 4.0], targets=[3.0, 0.0], gives=[2.0, 0.6931471805599453]),
        case(predictions=[1.0], variance=[0.0], targets=[1.0], gives=[-6.907755278982137]),
        case(predictions=[1.0], variance=[1.0], targets=[1.0], gives=[0.9189385332046727], params={"full": True}),
    ],
    pytorch=_gaussian_code,
)
def gaussian_nll(
    predictions: Tensor, variance: Tensor, targets: Tensor, *, full: Full = False, eps: LeastVariance = 1e-6
) -> Tensor:
    """Return the Gaussian negative log-likelihood; it elicits the mean and the variance."""
    value = _gaussian(predictions, variance.clamp(min=eps), targets)
    return value + math.log(2 * math.pi) / 2 if full else value


def _gaussian(predictions: Tensor, variance: Tensor, targets: Tensor) -> Tensor:
    """Return the Gaussian negative log-likelihood without its constant."""
    return (variance.log() + (predictions - targets).square() / variance) / 2


@loss(
    title=Text("Gaussian negative log-likelihood, weighted by its variance", "按方差加权的高斯负对数似然"),
    task="regression",
    shapes="*n, *n, *n -> *n",
    predictions=REAL,
    variance=VARIANCES,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\lfloor v^\beta \rfloor\, \tfrac12 \left( \log v + \frac{(y - \mu)^2}{v} \right),\ "
    r"\lfloor \cdot \rfloor \text{ held constant in the gradient}",
    source="Seitzer et al. 2022, arXiv:2203.09168",
    elicits="mean and variance",
    activation="none for the mean, softplus or exp for the variance",
    traits={"smooth", "stop gradient"},
    aliases={"beta_gaussian_nll": {}},
    differences=(
        "The factor is held constant in the gradient, so the gradient is not the slope of the value.",
        "The paper's code sums over the outputs of an item; here each is an item.",
    ),
    cases=[
        case(predictions=[1.0], variance=[4.0], targets=[3.0], gives=[2.386294361119891]),
        case(predictions=[1.0], variance=[4.0], targets=[3.0], gives=[1.1931471805599454], params={"beta": 0.0}),
    ],
    pytorch="""\
variance = variance.clamp(min={eps})
value = F.gaussian_nll_loss(predictions, targets, variance, eps={eps}, reduction="none")
return (variance.detach() ** {beta} * value).mean()""",
)
def beta_nll(
    predictions: Tensor,
    variance: Tensor,
    targets: Tensor,
    *,
    beta: Annotated[float, Field(ge=0, le=1, description="0 is gaussian_nll; at 1 the mean learns as from mse.")] = 0.5,
    eps: LeastVariance = 1e-6,
) -> Tensor:
    """Return the Gaussian negative log-likelihood times variance^beta, a factor through which no gradient flows."""
    variance = variance.clamp(min=eps)
    return variance.detach() ** beta * _gaussian(predictions, variance, targets)


@loss(
    title=Text("Laplace negative log-likelihood", "拉普拉斯负对数似然"),
    task="regression",
    shapes="*n, *n, *n -> *n",
    predictions=REAL,
    scale=SCALES,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\log 2b + \frac{|y - \mu|}{b},\ b = \max(b, \epsilon)",
    source="Laplace 1774",
    elicits="median and mean absolute deviation",
    activation="none for the median, softplus or exp for the scale",
    traits={"proper", "robust"},
    aliases={"LaplaceNLLLoss": {}, "laplace_nll_loss": {}},
    differences=("torch has no such loss; it is -torch.distributions.Laplace(predictions, scale).log_prob(targets).",),
    cases=[
        case(predictions=[1.0, 0.0], scale=[2.0, 0.5], targets=[3.0, 0.0], gives=[2.386294361119891, 0.0]),
        case(predictions=[0.0], scale=[0.0], targets=[0.0], gives=[-6.214608098422191], params={"eps": 1e-3}),
    ],
    pytorch="""\
scale = scale.clamp(min={eps})
return (torch.log(2 * scale) + (predictions - targets).abs() / scale).mean()""",
)
def laplace_nll(
    predictions: Tensor,
    scale: Tensor,
    targets: Tensor,
    *,
    eps: Annotated[float, Field(gt=0, description="The least scale; what is less counts as this.")] = 1e-6,
) -> Tensor:
    """Return the Laplace negative log-likelihood; it elicits the median and the mean absolute deviation."""
    scale = scale.clamp(min=eps)
    return scale.log() + math.log(2) + (predictions - targets).abs() / scale


@loss(
    title=Text("Continuous ranked probability score, Gaussian", "高斯分布的连续排序概率评分"),
    task="regression",
    shapes="*n, *n, *n -> *n",
    predictions=REAL,
    scale=DEVIATIONS,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\sigma \left( w (2 \Phi(w) - 1) + 2 \varphi(w) - \pi^{-1/2} \right),\ w = \frac{y - \mu}{\sigma}",
    source="Gneiting & Raftery 2007, doi:10.1198/016214506000001437",
    elicits="distribution",
    activation="none for the mean, softplus for the scale",
    traits={"proper", "robust", "smooth", "bounded gradient"},
    aliases={"gaussian_crps": {}, "crps_normal": {}},
    differences=(
        "It has the unit of the target and is the absolute error where the scale is 0.",
        "torchmetrics estimates the same score from an ensemble of forecasts, without the Gaussian.",
    ),
    cases=[
        case(predictions=[0.0, 0.0], scale=[1.0, 0.0], targets=[0.0, 3.0], gives=[0.23369497725510913, 3.0]),
        case(predictions=[0.0], scale=[1e-3], targets=[1e6], gives=[999999.9994358104]),
    ],
    pytorch="""\
w = (targets - predictions) / scale
density = torch.exp(-(w**2) / 2) / (2 * torch.pi) ** 0.5
return (scale * (w * torch.erf(w / 2**0.5) + 2 * density - torch.pi**-0.5)).mean()""",
)
def crps_gaussian(predictions: Tensor, scale: Tensor, targets: Tensor) -> Tensor:
    """Return the continuous ranked probability score of a Gaussian; it grows linearly with the error.

    Far from the mean the score equals |e| - scale / sqrt(pi) in floating point, which needs no division by a scale that
    may be 0. An error of 0 uses the other form, whose derivative by the scale is the same for every scale.
    """
    error = targets - predictions
    far = error.abs() > FAR * scale
    w = error.where(~far, 0) / scale.where(~far & (scale > 0), 1)
    spread = torch.exp(-w.square() / 2) * math.sqrt(2 / math.pi)
    near = scale * (w * torch.erf(w / math.sqrt(2)) + spread)
    return torch.where(far, error.abs(), near) - scale / math.sqrt(math.pi)


@loss(
    title=Text("Losses of several outputs, weighted by uncertainty", "多输出损失的不确定性加权"),
    task="multitask",
    shapes="*n, *n -> *n",
    losses=REAL,
    variance=VARIANCES,
    formula=r"\tfrac12 \left( \frac{L}{v} + \log v \right),\ v = \max(v, \epsilon)",
    source="Kendall, Gal & Cipolla 2018, arXiv:1705.07115",
    elicits="size of each loss",
    activation="softplus or exp for the variance, one a loss",
    traits={"smooth"},
    aliases={"uncertainty_weighting": {}, "homoscedastic_uncertainty": {}, "multi_task_loss": {}},
    differences=(
        "Many copies learn s = log v and leave out the half: exp(-s) L + s, twice this.",
        "The paper divides the loss of a classification by v, not by 2 v: send twice that loss.",
    ),
    cases=[
        case(losses=[2.0, 0.5], variance=[1.0, 4.0], gives=[1.0, 0.7556471805599453]),
        case(losses=[0.0], variance=[0.0], gives=[-6.907755278982137]),
    ],
    pytorch="""\
variance = variance.clamp(min={eps})
return ((losses / variance + variance.log()) / 2).mean()""",
)
def uncertainty_weighted(losses: Tensor, variance: Tensor, *, eps: LeastVariance = 1e-6) -> Tensor:
    """Return each loss divided by its variance, plus the logarithm of the variance, which keeps it from growing.

    Both halved.
    """
    variance = variance.clamp(min=eps)
    return (losses / variance + variance.log()) / 2
