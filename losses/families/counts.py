"""Losses for counts and amounts: targets of at least 0 whose variance grows with the mean."""

import math
from typing import Annotated

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import COUNTS, NON_NEGATIVE, POSITIVE, REAL, Domain
from losses.contract.loss import Value, case
from losses.contract.parameters import PastTheEnds
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.mathematics import terms
from losses.mathematics.saturating import excess
from losses.text import Text

_WAY_OUT = Text(
    "The logarithm of a mean is taken with log_input=true, the default.", "均值的对数请使用 log_input=true(默认)。"
)
MEANS = Domain(Text("means of at least 0", "不小于 0 的均值"), low=0, way_out=_WAY_OUT)
POSITIVE_MEANS = Domain(Text("means greater than 0", "大于 0 的均值"), above=0, way_out=_WAY_OUT)
LOG_MEANS = Domain(
    Text("finite numbers, logarithms of means", "有限的数,即均值的对数"), instead={False: MEANS}, switch="log_input"
)
LOG_POSITIVE_MEANS = Domain(
    Text("finite numbers, logarithms of means", "有限的数,即均值的对数"),
    instead={False: POSITIVE_MEANS},
    switch="log_input",
)
DISPERSIONS = Domain(
    Text("dispersions of at least 0", "不小于 0 的离散度"),
    low=0,
    way_out=Text("A shape (or total count) r is a dispersion 1 / r.", "形状参数(或总次数)r 对应离散度 1 / r。"),
)

STIRLING = 16  # from here on five terms of the series are exact in float64
LogInput = Annotated[bool, Field(description="Predictions are logarithms of means; false: means.")]


@loss(
    title=Text("Poisson negative log-likelihood", "泊松负对数似然"),
    task="count",
    shapes="*n, *n -> *n",
    predictions=LOG_MEANS,
    targets=NON_NEGATIVE,
    formula=r"e^z - y z [+ \log y!]",
    source="Nelder & Wedderburn 1972, doi:10.2307/2344614",
    elicits="mean",
    activation="exp",
    traits={"convex", "smooth", "proper"},
    aliases={
        "PoissonNLLLoss": {},
        "poisson_nll_loss": {},
        "PoissonLoss": {},
        "Poisson": {"log_input": False, "eps": 1e-7},
        "poisson": {"log_input": False, "eps": 1e-7},
    },
    conventions={"torch": {}, "keras": {"log_input": False, "eps": 1e-7}},
    differences=(
        "full adds Stirling's approximation of log y! where y > 1, as in torch: 0.04 less than exact at y = 2.",
        "Keras averages over the last axis and does not divide by weights: reduction=mean_over_count does as much.",
    ),
    cases=[
        case(predictions=[0.0, 1.0], targets=[1.0, 2.0], gives=[1.0, 0.7182818284590451]),
        case(predictions=[1.0, 0.0], targets=[1.0, 0.0], gives=[1.0, 0.0], params={"log_input": False, "eps": 0.0}),
        case(predictions=[1.0], targets=[2.0], gives=[1.3700883130635813], params={"full": True}),
    ],
    elsewhere={
        "keras": "keras.losses.Poisson()(targets, predictions)",
    },
    pytorch="return F.poisson_nll_loss(predictions, targets, log_input={log_input}, full={full}, eps={eps})",
)
def poisson_nll(
    predictions: Tensor,
    targets: Tensor,
    *,
    log_input: LogInput = True,
    full: Annotated[bool, Field(description="With log y! of the targets above 1, by Stirling.")] = False,
    eps: Annotated[float, Field(ge=0, description="Added to a mean before its logarithm, if log_input=false.")] = 1e-8,
) -> Tensor:
    """Return the Poisson negative log-likelihood; it elicits the mean, also of targets that are not whole numbers."""
    if log_input:
        value = predictions.exp() - targets * predictions
    else:
        value = predictions - terms.times(targets, terms.log(predictions + eps))
    if not full:
        return value
    y = targets.where(targets > 1, 1)
    return value + (y * y.log() - y + (2 * math.pi * y).log() / 2).where(targets > 1, 0)


def _stirling_error(inverse: Tensor) -> Tensor:
    """Return log x! minus Stirling's approximation of it, given 1 / x.

    Source: Loader 2000, "Fast and accurate computation of binomial probabilities".
    """
    large = inverse < 1 / STIRLING
    x = inverse.where(~large, 1).reciprocal()
    direct = (x + 1).lgamma() - (x + 0.5) * x.log() + x - math.log(2 * math.pi) / 2
    inverse = inverse.where(large, 0)
    series = torch.zeros_like(inverse)
    for term in (1 / 1188, 1 / 1680, 1 / 1260, 1 / 360, 1 / 12):
        series = term - series * inverse.square()
    return torch.where(large, series * inverse, direct)


def _negative_binomial_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    return f"""\
mean = {"predictions.exp()" if params["log_input"] else "predictions"}
y, r = targets.to(mean.dtype), 1 / dispersion
ways = torch.lgamma(y + 1) + torch.lgamma(r) - torch.lgamma(y + r)
return (ways + r * torch.log1p(mean / r) + y * torch.log1p(r / mean)).mean()"""


@loss(
    title=Text("Negative binomial negative log-likelihood", "负二项负对数似然"),
    task="count",
    shapes="*n, *n, *n -> *n",
    work=Work(graph="9 *n", steps="200 *n"),
    predictions=LOG_MEANS,
    dispersion=DISPERSIONS,
    targets=COUNTS,
    formula=r"-\log \frac{\Gamma(y + r)}{\Gamma(r)\, y!} - r \log \frac{r}{r + \mu} - y \log \frac{\mu}{r + \mu},"
    r"\ r = \frac{1}{\alpha},\ \mu = e^z",
    source="Hilbe 2011, doi:10.1017/CBO9780511973420; Salinas et al. 2017, arXiv:1704.04110",
    elicits="mean and dispersion",
    activation="exp for the mean, softplus for the dispersion",
    traits={"smooth", "proper", "heavy tail"},
    aliases={"nb_nll": {}, "negative_binomial": {}},
    differences=(
        "alpha is a dispersion: the variance is mean + alpha * mean^2, and 0 is Poisson.",
        "torch.distributions.NegativeBinomial writes it as total_count = 1 / alpha, logits = log(alpha * mean).",
    ),
    cases=[
        case(
            predictions=[0.0, 0.0], dispersion=[1.0, 1.0], targets=[0, 3], gives=[0.6931471805599453, 2.772588722239781]
        ),
        case(predictions=[2.0], dispersion=[0.5], targets=[1], gives=[1.3862943611198906], params={"log_input": False}),
    ],
    pytorch=_negative_binomial_code,
)
def negative_binomial_nll(
    predictions: Tensor, dispersion: Tensor, targets: Tensor, *, log_input: LogInput = True
) -> Tensor:
    """Return the negative binomial negative log-likelihood; it elicits the mean and the dispersion.

    For large counts, or a dispersion near 0, the three log-gamma terms agree in nearly all digits. Stirling's formula
    is therefore taken out of each and cancelled algebraically. What is left is r log((r + mean) / (r + y)) and y log((1
    + r / mean) / (1 + r / y)), each computed in the form that cancels least, without dividing by a dispersion near 0. A
    count of 1 needs no gammas; for a mean far below it, they would leave no digits of the dispersion's gradient.
    """
    mean = predictions.exp() if log_input else predictions
    z = predictions if log_input else terms.log(predictions)
    y = targets.to(mean.dtype)
    near = (mean - y).abs() < y / 2
    wide = ~near & (dispersion * y.where(y > 0, mean) > 1)
    a, alpha = dispersion.where(wide, 1), dispersion.where(~wide, 0)
    gap = (mean - y) / (1 + alpha * y)
    spread = torch.where(wide, ((a * mean).log1p() - (a * y).log1p()) / a, gap * terms.log1p_over(alpha * gap))

    positive = y > 0
    y = y.where(positive, 1)
    close = mean.where(near, y)
    ratio = y.log() - z + (alpha * mean).log1p() - (alpha * y).log1p()
    ratio = torch.where(wide, terms.softplus(-a.log() - z) - (1 / (a * y)).log1p(), ratio)
    ratio = torch.where(near, ((y - close) / close / (1 + dispersion * y)).log1p(), ratio)
    ways = ((dispersion * y).log1p() + (2 * math.pi * y).log()) / 2 + _stirling_error(1 / y)
    ways = ways + _stirling_error(dispersion) - _stirling_error(dispersion / (1 + dispersion * y))

    is_one = (targets == 1) & (mean < 1 / 2)
    mean, alpha = mean.where(is_one, 0), dispersion.where(is_one, 0)
    of_one = mean * terms.log1p_over(alpha * mean) + (alpha * mean).log1p() - z.where(is_one, 0)
    return torch.where(is_one, of_one, spread + (y * ratio + ways).where(positive, 0))


@loss(
    title=Text("Tweedie loss", "Tweedie 损失"),
    task=("regression", "count"),
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=NON_NEGATIVE,
    formula=r"-\frac{y\, e^{(1 - p) z}}{1 - p} + \frac{e^{(2 - p) z}}{2 - p}",
    source="Tweedie 1984; Jorgensen 1987, doi:10.1111/j.2517-6161.1987.tb01685.x",
    elicits="mean",
    activation="exp",
    traits={"convex", "smooth", "heavy tail"},
    aliases={"TweedieLoss": {}, "tweedie_loss": {}},
    differences=(
        "The deviance that scikit-learn and torchmetrics report is twice this, plus a term of the target alone.",
        "pytorch-forecasting and the gradient boosters take the logarithm of the mean too, at power 1.5.",
    ),
    cases=[
        case(predictions=[0.0, 0.0], targets=[1.0, 0.0], gives=[4.0, 2.0]),
        case(predictions=[-1000.0], targets=[0.0], gives=[0.0]),
    ],
    pytorch="""\
paid = targets * torch.exp((1 - {power}) * predictions) / (1 - {power})
return (torch.exp((2 - {power}) * predictions) / (2 - {power}) - paid).mean()""",
)
def tweedie(
    predictions: Tensor,
    targets: Tensor,
    *,
    power: Annotated[
        float,
        Field(gt=1, lt=2, description="The variance grows as mean**power: near 1 Poisson, near 2 gamma."),
        PastTheEnds(
            Text(
                "A power of 1 is poisson_nll, a power of 2 gamma_deviance.",
                "power 为 1 即 poisson_nll,为 2 即 gamma_deviance。",
            )
        ),
    ] = 1.5,
) -> Tensor:
    """Return half the Tweedie deviance without the terms that depend on y alone.

    It elicits the mean of often-zero amounts.

    The first part is skipped for a target of 0, where it could be 0 * infinity.
    """
    paid = predictions.where(targets > 0, 0).mul(1 - power).exp()
    return targets * paid / (power - 1) + predictions.mul(2 - power).exp() / (2 - power)


@loss(
    title=Text("Gamma deviance", "伽马偏差"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=LOG_POSITIVE_MEANS,
    targets=POSITIVE,
    formula=r"2 \left( \log \frac{\mu}{y} + \frac{y}{\mu} - 1 \right),\ \mu = e^z",
    source="Nelder & Wedderburn 1972, doi:10.2307/2344614",
    elicits="mean",
    activation="exp",
    traits={"smooth", "heavy tail", "asymmetric"},
    aliases={"mean_gamma_deviance": {"log_input": False}},
    differences=(
        "scikit-learn's mean_gamma_deviance and torchmetrics' TweedieDevianceScore at power 2 take means.",
        "Its half, less a term of the target alone, is the negative log-likelihood at shape 1.",
    ),
    cases=[
        case(predictions=[0.0, 0.0], targets=[1.0, 2.0], gives=[0.0, 0.6137056388801094]),
        case(predictions=[2.0], targets=[1.0], gives=[0.3862943611198906], params={"log_input": False}),
    ],
    pytorch=lambda params: (
        f"""\
ratio = targets / {"predictions.exp()" if params["log_input"] else "predictions"}
return (2 * (ratio - 1 - ratio.log())).mean()"""
    ),
)
def gamma_deviance(predictions: Tensor, targets: Tensor, *, log_input: LogInput = True) -> Tensor:
    """Return the gamma deviance, a function of the ratio of prediction and target.

    It elicits the mean of targets above 0.
    """
    log_ratio = targets.log() - (predictions if log_input else predictions.log())
    return 2 * excess(-log_ratio)
