"""Losses made of the losses of several outputs."""

from torch import Tensor

from losses.contract.domains import REAL
from losses.contract.loss import case
from losses.contract.registry import loss
from losses.families.scores import VARIANCES, LeastVariance
from losses.text import Text


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
    """Return each loss over its variance, and the logarithm that keeps the variance from growing; both halved."""
    variance = variance.clamp(min=eps)
    return (losses / variance + variance.log()) / 2
