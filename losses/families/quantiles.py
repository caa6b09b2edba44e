"""Asymmetric losses for quantiles, expectiles and intervals."""

from typing import Annotated

from pydantic import Field
from torch import Tensor

from losses.contract.domains import REAL
from losses.contract.loss import case
from losses.contract.registry import loss
from losses.text import Text


@loss(
    title=Text("Quantile loss", "分位数损失"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"\max(\tau e, (\tau - 1) e),\ e = y - \hat y",
    source="Koenker & Bassett 1978, doi:10.2307/1913643",
    elicits="quantile",
    traits={"robust", "convex", "bounded gradient", "asymmetric"},
    aliases={
        "pinball": {},
        "pinball_loss": {},
        "PinballLoss": {},
        "mean_pinball_loss": {},
        "quantile_loss": {},
        "check_loss": {},
    },
    differences=(
        "At 0.5 it is half of mae.",
        "pytorch-forecasting's QuantileLoss is twice as large, so that its median is mae.",
    ),
    cases=[
        case(predictions=[0.0], targets=[2.0], gives=[1.8], params={"quantile": 0.9}),
        case(predictions=[2.0], targets=[0.0], gives=[0.2], params={"quantile": 0.9}),
        case(predictions=[2.0, 0.0], targets=[0.0, 2.0], gives=[0.0, 2.0], params={"quantile": 1.0}),
    ],
    pytorch="""\
error = targets - predictions
return torch.maximum({quantile} * error, ({quantile} - 1) * error).mean()""",
)
def quantile(
    predictions: Tensor,
    targets: Tensor,
    *,
    quantile: Annotated[
        float, Field(ge=0, le=1, description="The quantile to learn; 0 and 1 only keep to one side of the targets.")
    ] = 0.5,
) -> Tensor:
    """Return the pinball loss: a unit too low costs `quantile`, a unit too high 1 - `quantile`.

    It elicits the quantile.
    """
    error = targets - predictions
    return (quantile * error).maximum((quantile - 1) * error)


@loss(
    title=Text("Expectile loss", "期望分位数损失"),
    task="regression",
    shapes="*n, *n -> *n",
    predictions=REAL,
    targets=REAL,
    shifts="predictions targets",
    formula=r"|\tau - 1[e < 0]|\, e^2,\ e = y - \hat y",
    source="Newey & Powell 1987, doi:10.2307/1911031",
    elicits="expectile",
    traits={"convex", "smooth", "asymmetric"},
    aliases={"asymmetric_least_squares": {}, "expectile_loss": {}},
    differences=("At 0.5 it is half of mse.",),
    cases=[
        case(predictions=[0.0, 2.0], targets=[2.0, 0.0], gives=[3.6, 0.4], params={"expectile": 0.9}),
        case(predictions=[1.0, 0.0], targets=[0.0, 0.0], gives=[0.5, 0.0]),
    ],
    pytorch="""\
error = targets - predictions
return (({expectile} - (error < 0).to(error.dtype)).abs() * error**2).mean()""",
)
def expectile(
    predictions: Tensor,
    targets: Tensor,
    *,
    expectile: Annotated[float, Field(gt=0, lt=1, description="The expectile to learn; 0.5 is the mean.")] = 0.5,
) -> Tensor:
    """Return the asymmetric squared error; it elicits the expectile."""
    error = targets - predictions
    return expectile * error.clamp(min=0).square() + (1 - expectile) * error.clamp(max=0).square()


@loss(
    title=Text("Interval score", "区间评分"),
    task="regression",
    shapes="*n, *n, *n -> *n",
    lower=REAL,
    upper=REAL,
    targets=REAL,
    shifts="lower upper targets",
    formula=r"(u - l) + \frac{2}{\alpha} \max(0, l - y) + \frac{2}{\alpha} \max(0, y - u)",
    source="Gneiting & Raftery 2007, doi:10.1198/016214506000001437",
    elicits="quantiles alpha/2 and 1 - alpha/2",
    traits={"proper", "convex", "robust", "bounded gradient"},
    aliases={"winkler": {}, "winkler_score": {}, "mean_interval_score": {}},
    differences=(
        "It is 2 / alpha times the sum of two quantile losses, at alpha / 2 and 1 - alpha / 2.",
        "Bounds that cross are not refused: they cost more than the same bounds in order, and shrink to a point.",
    ),
    cases=[
        case(lower=[0.0, 0.0], upper=[1.0, 1.0], targets=[0.5, 2.0], gives=[1.0, 21.0]),
        case(lower=[1.0], upper=[3.0], targets=[0.0], gives=[6.0], params={"alpha": 0.5}),
    ],
    pytorch="""\
missed = (lower - targets).clamp(min=0) + (targets - upper).clamp(min=0)
return (upper - lower + 2 / {alpha} * missed).mean()""",
)
def interval_score(
    lower: Tensor,
    upper: Tensor,
    targets: Tensor,
    *,
    alpha: Annotated[
        float, Field(gt=0, lt=1, description="How often the interval may miss; 0.1 is an interval of 90 %.")
    ] = 0.1,
) -> Tensor:
    """Return the interval score: the width plus 2 / alpha times the distance of a target outside the interval."""
    missed = (lower - targets).clamp(min=0) + (targets - upper).clamp(min=0)
    return upper - lower + 2 / alpha * missed
