"""Losses of the time until an event; for some items the event had not happened when they were last observed."""

import math
from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from losses.contract.domains import LABELS, NON_NEGATIVE, POSITIVE, REAL
from losses.contract.loss import Items, Value, case
from losses.contract.registry import loss
from losses.contract.work import Work
from losses.mathematics import terms
from losses.text import Text

LOG_ROOT_2_PI = math.log(2 * math.pi) / 2
_DENSITIES = {
    "weibull": "density, survival = z - z.exp(), -z.exp()",
    "lognormal": f"density, survival = -(z**2) / 2 - {LOG_ROOT_2_PI!r}, torch.special.log_ndtr(-z)",
    "loglogistic": "density, survival = F.logsigmoid(z) + F.logsigmoid(-z), F.logsigmoid(-z)",
}


@loss(
    title=Text("Cox partial likelihood", "Cox 偏似然"),
    task="survival",
    shapes="n, n, n -> ",
    elements="n",
    kind="batch",
    work=Work(steps="300 n"),
    nothing_counts="no item reached the event",
    predictions=REAL,
    targets=NON_NEGATIVE,
    events=LABELS,
    constant=("targets", "events"),
    shifts="predictions",
    formula=r"\log \sum_{t_j \ge t_i} e^{z_j} - z_i \ \text{for each item with an event}",
    source="Cox 1972, doi:10.1111/j.2517-6161.1972.tb00899.x; ties: Breslow 1974, doi:10.2307/2529620",
    elicits="order of the times",
    activation="none: predictions are log hazards",
    traits={"convex", "smooth", "bounded gradient"},
    aliases={"cox_ph": {}, "CoxPHLoss": {}, "cox_partial_likelihood": {}, "DeepSurv": {}},
    differences=(
        "Ties as Breslow has them, as in statsmodels' and scikit-survival's default; lifelines has Efron's.",
        "pycox divides by the number of events, as reduction=mean does here; lifelines sums.",
    ),
    cases=[
        case(predictions=[0.0, 0.0, 0.0], targets=[1.0, 2.0, 3.0], events=[1, 1, 1], gives=math.log(6) / 3),
        case(predictions=[1.0, 0.0], targets=[1.0, 2.0], events=[1, 0], gives=math.log1p(math.exp(-1))),
        case(predictions=[0.0, 0.0, 0.0], targets=[1.0, 1.0, 2.0], events=[1, 1, 0], gives=math.log(3)),
    ],
    pytorch="""\
at_risk = targets[None, :] >= targets[:, None]
log_risk = predictions[None, :].expand(at_risk.shape).masked_fill(~at_risk, -torch.inf).logsumexp(1)
return (events * (log_risk - predictions)).sum() / events.sum()""",
)
def cox(predictions: Tensor, targets: Tensor, events: Tensor) -> Items:
    """Return the negative log partial likelihood of each event: the item's hazard among those of all items at risk.

    Targets are the times of last observation, `events` whether the event happened then. Hazards are summed from the
    longest time down; items of equal times have the same sum. It is computed in float64, since the gradient of an item
    with almost all of the hazard is a small difference from 1.
    """
    predictions = predictions.double()
    order = targets.argsort(descending=True)
    highest = predictions.detach().amax() if predictions.numel() else predictions.new_zeros(())
    summed = (predictions[order] - highest).logcumsumexp(0)
    ascending = targets[order].flip(0).contiguous()
    at_risk = len(targets) - torch.searchsorted(ascending, targets.contiguous())
    value = summed[at_risk - 1] - (predictions - highest)
    happened = events.to(value.dtype)
    return Items(value * happened, happened)


def _aft_code(params: dict[str, Value]) -> str:
    """Return the body of the PyTorch snippet under these parameters."""
    return f"""\
z = (targets.log() - predictions) / {params["scale"]}
{_DENSITIES[str(params["distribution"])]}
density = density - {math.log(float(params["scale"] or 1))!r} - targets.log()
return -(events * density + (1 - events) * survival).mean()"""


@loss(
    title=Text("Accelerated failure time negative log likelihood", "加速失效时间负对数似然"),
    task="survival",
    shapes="*n, *n, *n -> *n",
    predictions=REAL,
    targets=POSITIVE,
    events=LABELS,
    constant=("targets", "events"),
    formula=r"-\log \frac{f(z)}{\sigma t} \text{ at an event},\ -\log S(z) \text{ before one},\ "
    r"z = \frac{\log t - \hat \mu}{\sigma}",
    source="Kalbfleisch & Prentice 2002, doi:10.1002/9781118032985, chapter 2; Barnwal et al. 2022, arXiv:2006.04920",
    elicits="distribution",
    activation="none: predictions are locations of log time",
    traits={"smooth"},
    aliases={"survival_aft": {}, "AFTLoss": {}, "accelerated_failure_time": {}},
    differences=(
        "XGBoost's normal, logistic and extreme are lognormal, loglogistic and weibull here.",
        "Of censored items those alone that outlived the time they were last seen are known here.",
    ),
    cases=[
        case(predictions=[0.0, 0.0], targets=[1.0, 1.0], events=[1, 0], gives=[1.0, 1.0]),
        case(
            predictions=[0.0, 0.0],
            targets=[1.0, 1.0],
            events=[1, 0],
            gives=[LOG_ROOT_2_PI + math.log(2), math.log(2)],
            params={"distribution": "lognormal", "scale": 2.0},
        ),
        case(
            predictions=[0.0, 0.0],
            targets=[1.0, 1.0],
            events=[1, 0],
            gives=[2 * math.log(2), math.log(2)],
            params={"distribution": "loglogistic"},
        ),
    ],
    pytorch=_aft_code,
)
def aft(
    predictions: Tensor,
    targets: Tensor,
    events: Tensor,
    *,
    distribution: Annotated[
        Literal["weibull", "lognormal", "loglogistic"], Field(description="How times are spread.")
    ] = "weibull",
    scale: Annotated[float, Field(gt=0, description="The spread of log time, sigma.")] = 1.0,
) -> Tensor:
    """Return the negative log-likelihood of times: of the density at an event, of the survival function otherwise."""
    log_time = targets.log()
    z = (log_time - predictions) / scale
    if distribution == "weibull":
        density, survival = z - z.exp(), -z.exp()
    elif distribution == "lognormal":
        density, survival = -z.square() / 2 - LOG_ROOT_2_PI, _log_normal_tail(z)
    else:
        survival = -terms.softplus(z)
        density = survival - terms.softplus(-z)
    return -(events * (density - math.log(scale) - log_time) + (1 - events) * survival)


def _log_normal_tail(z: Tensor) -> Tensor:
    """Return the logarithm of the probability that a standard normal variable exceeds z, computed in float64."""
    tail: Tensor = torch.special.log_ndtr(-z.to(torch.float64))
    return tail.to(z.dtype)
