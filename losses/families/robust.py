"""Regression losses with a bounded or redescending gradient, robust against outliers."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import REAL
from losses.contract.loss import Value, case
from losses.contract.parameters import PastTheEnds
from losses.contract.registry import loss
from losses.mathematics import terms
from losses.mathematics.saturating import expm1
from losses.text import Text

ALPHA_ZERO = 1e-20  # below it alpha changes no digit, and 1 / alpha would leave float32


@loss(
    title=Text("Huber loss", "Huber 损失"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\begin{cases} e^2 / 2 & |e| \le \delta \\ \delta (|e| - \delta / 2) & |e| > \delta \end{cases},"
    r"\ e = \hat y - y",
    source="Huber 1964, doi:10.1214/aoms/1177703732",
    elicits="huber functional",
    traits={"convex", "smooth", "robust", "bounded gradient"},
    aliases={"Huber": {}, "HuberLoss": {}, "huber_loss": {}},
    conventions={"torch": {}, "keras": {}, "optax": {}},
    differences=(
        "It is delta times smooth_l1(beta=delta): the two agree at 1 only (pytorch issue 48595).",
        "torch refuses delta=0 as well, where its smooth_l1 takes beta=0 for the absolute error.",
    ),
    cases=[
        case(predictions=[0.0, 3.0], targets=[0.5, 0.0], gives=[0.125, 2.5]),
        case(predictions=[0.0, 3.0], targets=[2.0, 0.0], gives=[2.0, 4.0], params={"delta": 2.0}),
    ],
    elsewhere={
        "keras": "keras.losses.Huber(delta={delta})(targets, predictions)",
        "optax": "optax.losses.huber_loss(predictions, targets, delta={delta}).mean()",
    },
    pytorch="return F.huber_loss(predictions, targets, delta={delta})",
)
def huber(
    predictions: Tensor,
    targets: Tensor,
    *,
    delta: Annotated[
        float,
        Field(gt=0, description="Where the square turns into a line, in the unit of the target."),
        PastTheEnds(
            Text(
                "A delta of 0 leaves nothing of huber; huber / delta becomes mae there.",
                "delta 为 0 时 huber 恒为零;此时 huber / delta 趋于 mae。",
            )
        ),
    ] = 1.0,
) -> Tensor:
    """Return the Huber loss: e^2 / 2 where |e| <= delta, delta (|e| - delta / 2) elsewhere."""
    error = predictions - targets
    near = error.clamp(-delta, delta)
    return near * error.sub(near, alpha=1 / 2)


@loss(
    title=Text("Log-cosh", "对数双曲余弦损失"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\log \cosh (\hat y - y)",
    source="Saleh & Saleh 2022, arXiv:2208.04564",
    elicits="log-cosh centre",
    traits={"convex", "smooth", "robust", "bounded gradient"},
    aliases={"logcosh": {}, "LogCosh": {}, "log_cosh_error": {}, "LogCoshError": {}, "LogCoshLoss": {}},
    conventions={"keras": {}, "optax": {}},
    differences=("log(cosh(e)) written out overflows at |e| = 89 in float32; none of the listed libraries does that.",),
    cases=[
        case(predictions=[1.0, 0.0], targets=[0.0, 0.0], gives=[0.4337808304830271, 0.0]),
        case(predictions=[1000.0, 1e-9], targets=[0.0, 0.0], gives=[999.3068528194400547, 5e-19]),
    ],
    elsewhere={
        "keras": "keras.losses.LogCosh()(targets, predictions)",
        "optax": "optax.losses.log_cosh(predictions, targets).mean()",
    },
    pytorch="""\
error = (predictions - targets).abs()
return (error + F.softplus(-2 * error) - torch.log(error.new_tensor(2))).mean()""",
)
def log_cosh(predictions: Tensor, targets: Tensor) -> Tensor:
    """Return log(cosh(e)): about e^2 / 2 for small e, |e| - log 2 for large.

    Two forms of the same function are used: cosh overflows for large errors, and small errors vanish next to log 2.
    """
    error = (predictions - targets).abs()
    small = error < 1
    near = (2 * torch.sinh(error.clamp(max=1) / 2).square()).log1p()
    return torch.where(small, near, error + (-2 * error).exp().log1p() - math.log(2))


def _log1p_square(x: Tensor) -> Tensor:
    """Return log(1 + x^2), without overflow of the square."""
    size = x.abs()
    outer = size.clamp(min=1)
    far = 2 * outer.log() + outer.pow(-2).log1p()
    return torch.where(size > 1, far, size.clamp(max=1).square().log1p())


def _barron_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    alpha, start = params["alpha"], f"x = (predictions - targets) / {params['scale']}\n"
    if not isinstance(alpha, float):
        return f"{start}return -torch.expm1(-(x**2) / 2).mean()"
    if alpha == 2:  # noqa: PLR2004 - a special case of the formula
        return f"{start}return (x**2 / 2).mean()"
    if abs(alpha) < ALPHA_ZERO:
        return f"{start}return torch.log1p(x**2 / 2).mean()"
    b = abs(alpha - 2)
    return f"{start}return ({b / alpha} * ((x**2 / {b} + 1) ** {alpha / 2} - 1)).mean()"


@loss(
    title=Text("General and adaptive robust loss", "通用自适应稳健损失"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\frac{|\alpha - 2|}{\alpha} \left( \left( \frac{x^2}{|\alpha - 2|} + 1 \right)^{\alpha / 2} - 1 \right),"
    r"\ x = \frac{\hat y - y}{c}",
    source="Barron 2019, arXiv:1701.03077",
    elicits="robust centre",
    traits={"smooth", "robust"},
    aliases={
        "general_robust": {},
        "charbonnier": {"alpha": 1.0},
        "CharbonnierLoss": {"alpha": 1.0},
        "charbonnier_loss": {"alpha": 1.0},
        "pseudo_huber": {"alpha": 1.0},
        "cauchy": {"alpha": 0.0},
        "CauchyLoss": {"alpha": 0.0},
        "cauchy_loss": {"alpha": 0.0},
        "lorentzian": {"alpha": 0.0},
        "geman_mcclure": {"alpha": -2.0},
        "GemanMcclureLoss": {"alpha": -2.0},
        "geman_mcclure_loss": {"alpha": -2.0},
        "welsch": {"alpha": "minus_infinity"},
        "WelschLoss": {"alpha": "minus_infinity"},
        "welsch_loss": {"alpha": "minus_infinity"},
        "leclerc": {"alpha": "minus_infinity"},
    },
    differences=(
        "Kornia's four robust losses have scale 1 and no other.",
        "A pseudo-Huber loss written delta^2 (sqrt(1 + (e/delta)^2) - 1) is delta^2 times scale=delta at alpha=1.",
        "Super-resolution code writes Charbonnier as sqrt(e^2 + eps^2): eps times scale=eps at alpha=1, plus eps.",
    ),
    cases=[
        case(predictions=[1.0, 0.0], targets=[0.0, 0.0], gives=[0.41421356237309515, 0.0]),
        case(predictions=[4.0], targets=[0.0], gives=[2.0], params={"alpha": 2.0, "scale": 2.0}),
        case(predictions=[1.0], targets=[0.0], gives=[0.4054651081081644], params={"alpha": 0.0}),
        case(predictions=[1.0, 1e200], targets=[0.0, 0.0], gives=[0.4, 2.0], params={"alpha": -2.0}),
        case(predictions=[1.0], targets=[0.0], gives=[0.3934693402873666], params={"alpha": "minus_infinity"}),
    ],
    pytorch=_barron_code,
)
def barron_general(
    predictions: Tensor,
    targets: Tensor,
    *,
    alpha: Annotated[
        float | Literal["minus_infinity"],
        Field(description="2: square, 1: Charbonnier, 0: Cauchy, -2: Geman-McClure, minus_infinity: Welsch."),
    ] = 1.0,
    scale: Annotated[
        float, Field(gt=0, description="Errors well under it count squared; in the unit of the target.")
    ] = 1.0,
) -> Tensor:
    """Return Barron's general robust loss; for alpha below 1 the gradient tends to 0 for large errors.

    A power minus 1 is computed with expm1, since it cancels as alpha or the error tends to 0.
    """
    x = (predictions - targets) / scale
    if not isinstance(alpha, float):
        return -expm1(-x.square() / 2)
    if alpha == 2:  # noqa: PLR2004 - a special case of the formula
        return x.square() / 2
    if abs(alpha) < ALPHA_ZERO:
        return _log1p_square(x / math.sqrt(2))
    b = abs(alpha - 2)
    u = x / math.sqrt(b)
    exponent = alpha / 2 * _log1p_square(u)
    if b > 1:  # safe from errors that vanish beside the root of b
        near = u.abs() < 1
        squared = x.where(near, 0).square() * terms.log1p_over(u.where(near, 0).square())
        exponent = torch.where(near, alpha / b / 2 * squared, exponent)
    return b / alpha * expm1(exponent)


@loss(
    title=Text("Tukey's biweight", "Tukey 双权损失"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\frac{c^2}{6} \left( 1 - \left( 1 - \min(1, (e / c)^2) \right)^3 \right),\ e = \hat y - y",
    source="Beaton & Tukey 1974, doi:10.1080/00401706.1974.10489171; Belagiannis et al. 2015, arXiv:1505.06606",
    elicits="robust centre",
    traits={"smooth", "robust", "bounded gradient"},
    aliases={"biweight": {}, "bisquare": {}, "tukey": {}},
    differences=(
        "The default suits residuals divided by their scale; Belagiannis et al. divide by 1.4826 times their MAD.",
    ),
    cases=[
        case(predictions=[1.0, 9.0], targets=[0.0, 0.0], gives=[37 / 96, 2 / 3], params={"c": 2.0}),
        case(predictions=[1e200, 0.0], targets=[0.0, 0.0], gives=[4.685**2 / 6, 0.0]),
    ],
    pytorch="""\
x = ((predictions - targets) / {c}).clamp(-1, 1)
return ({c}**2 / 6 * (1 - (1 - x**2) ** 3)).mean()""",
)
def tukey_biweight(
    predictions: Tensor,
    targets: Tensor,
    *,
    c: Annotated[
        float,
        Field(gt=0, description="The error from which on all cost the same; 4.685 scales lose 5 % on a Gaussian."),
    ] = 4.685,
) -> Tensor:
    """Return Tukey's biweight loss, constant beyond |e| = c, where the gradient is 0.

    For errors below c / 2 the expression 1 - (1 - r)^3 is expanded, so that small r do not vanish next to 1. Beyond, 1
    - r is factored, so that the gradient does not cancel near c. Squares of c alone, which could overflow, are avoided.
    """
    error = (predictions - targets).clamp(-c, c)
    small = error.abs() < c / 2
    near, far = error.where(small, 0), (error / c).where(~small, 1).abs()
    r = (near / c).square()
    beyond = c * (c * (1 - ((1 - far) * (1 + far)) ** 3)) / 6
    return torch.where(small, near.square() / 6 * (3 - 3 * r + r.square()), beyond)


@loss(
    title=Text("Wing loss", "Wing 翼形损失"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\begin{cases} w \log(1 + |e| / \epsilon) & |e| < w \\ |e| - w + w \log(1 + w / \epsilon) & |e| \ge w"
    r" \end{cases},\ e = \hat y - y",
    source="Feng et al. 2018, arXiv:1711.06753",
    elicits="robust centre",
    traits={"robust", "bounded gradient"},
    aliases={"wing_loss": {}, "WingLoss": {}},
    conventions={"smp": {"width": 5.0, "curvature": 0.5}},
    differences=("In segmentation_models.pytorch it is a function of a private module, no class.",),
    cases=[
        case(predictions=[2.0, 0.0], targets=[0.0, 0.0], gives=[6.931471805599453, 0.0]),
        case(predictions=[-20.0], targets=[0.0], gives=[27.917594692280550]),
        case(predictions=[0.5], targets=[0.0], gives=[3.4657359027997265], params={"convention": "smp"}),
    ],
    pytorch="""\
error = (predictions - targets).abs()
near = {width} * torch.log1p(error / {curvature})
offset = {width} * torch.log1p(error.new_tensor({width} / {curvature})) - {width}
return torch.where(error < {width}, near, error + offset).mean()""",
)
def wing(
    predictions: Tensor,
    targets: Tensor,
    *,
    width: Annotated[
        float, Field(gt=0, description="Errors below it count by their logarithm; pixels, usually.")
    ] = 10.0,
    curvature: Annotated[float, Field(gt=0, description="The smaller, the steeper the loss is near 0.")] = 2.0,
) -> Tensor:
    """Return the wing loss: logarithmic below `width`, which keeps the gradient of small errors large.

    Linear beyond.
    """
    error = (predictions - targets).abs()
    near = error.clamp(max=width)
    return width * (near / curvature).log1p() + (error - near)
