"""A logger for runs of MLflow.

with mlflow.start_run():
logger = LossLogger(client, ["mse", "huber"])
logger.log(predictions, targets, step=epoch)
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import mlflow

from lossary.client import Client
from lossary.hooks.report import LossReport

_UNNAMED = re.compile(r"[^/\w.\- ]+")  # what no metric of MLflow may have in its name, on any system


class LossLogger:
    """Logs losses of predictions as metrics of the active run; `options` are those of POST /v1/evaluate.

    MLflow does not allow brackets and equals signs in names: lossary/huber(delta=2) is logged as lossary/huber_delta_2.
    """

    def __init__(
        self, client: Client, losses: str | Sequence[str], *, options: Mapping[str, Any] | None = None
    ) -> None:
        self._report = LossReport(client, losses, options=options)

    def log(self, predictions: Any, targets: Any, *, step: int | None = None) -> dict[str, float]:  # noqa: ANN401 - arrays of any library
        """Log the metrics of these predictions, and return them.

        Raises: Refused.
        """
        reported = self._report(predictions, targets)
        named = {_named(name): number for name, number in reported.items()}
        mlflow.log_metrics(named, step=step)
        return named


def _named(metric: str) -> str:
    """Return the name of a metric with the characters that MLflow allows."""
    return _UNNAMED.sub("_", metric.replace(")", ""))
