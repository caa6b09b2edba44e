"""sklearn.metrics, for losses that no other library here has: values only, in float64 whatever they are sent."""

from collections.abc import Callable

import torch
from sklearn import metrics
from torch import Tensor

from benchmarks.conformance import draws
from benchmarks.conformance.table import Explained, Ours, Row


def _of(metric: Callable[..., float], **given: float) -> Callable[..., Tensor]:
    def call(predictions: Tensor, targets: Tensor) -> Tensor:
        value = metric(targets.detach().flatten().numpy(), predictions.detach().flatten().numpy(), **given)
        return torch.tensor(value, dtype=torch.float64)

    return call


def _deviance(ours: Ours, predictions: Tensor, targets: Tensor) -> Tensor:
    """Return what the deviance is: twice the loss less that of a perfect prediction."""
    return 2 * (ours(predictions=predictions, targets=targets) - ours(predictions=targets.log(), targets=targets))


ROWS = [
    *[
        Row(
            ours=f"quantile(quantile={q})",
            name=f"mean_pinball_loss(alpha={q})",
            theirs=_of(metrics.mean_pinball_loss, alpha=q),
            draws=draws.numbers,
            gradient=False,
        )
        for q in (0.5, 0.9)
    ],
    Row(
        ours="gamma_deviance(log_input=false)",
        name="mean_gamma_deviance",
        theirs=_of(metrics.mean_gamma_deviance),
        draws=draws.positives,
        float32="scikit-learn loses what cancels between a ratio and its logarithm",
        gradient=False,
    ),
    Row(
        ours="tweedie(power=1.5)",
        name="mean_tweedie_deviance(power=1.5)",
        theirs=lambda predictions, targets: _of(metrics.mean_tweedie_deviance, power=1.5)(predictions.exp(), targets),
        draws=draws.log_positives,
        gradient=False,
        unit=10.0,
        explained=Explained(reason="a deviance is twice the loss less that of a perfect prediction", by=_deviance),
    ),
    Row(
        ours="msle",
        name="mean_squared_log_error",
        theirs=_of(metrics.mean_squared_log_error),
        draws=draws.positives,
        gradient=False,
    ),
    Row(
        ours="mape",
        name="mean_absolute_percentage_error",
        theirs=_of(metrics.mean_absolute_percentage_error),
        draws=draws.positives,
        gradient=False,
        explained=Explained(reason="scikit-learn does not say it in percent", by=lambda ours, **i: ours(**i) / 100),
    ),
]
