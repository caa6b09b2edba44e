"""The metrics that every hook reports: values of objectives, and how their gradients are distributed over the items."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from lossary.client import Client
from lossary.errors import ConnectionFailed, ServerFault
from lossary.result import Result

SHARES = ("top_1_percent_share", "top_10_percent_share", "zero_share")


class LossReport:
    """Evaluates objectives on predictions by the service.

    If the service cannot be reached, the report is empty with a warning, since training should continue. A refusal is
    raised, since it means a mistake in the call.

    Attributes:
        losses: One objective, or several.
        options: The options of POST /v1/evaluate, such as {"class_axis": -1}.
    """

    def __init__(
        self, client: Client, losses: str | Sequence[str], *, options: Mapping[str, Any] | None = None
    ) -> None:
        self.client = client
        self.losses = [losses] if isinstance(losses, str) else list(losses)
        self.options = {"gradient": "summary", **(options or {})}

    def __call__(self, predictions: Any, targets: Any) -> dict[str, float]:  # noqa: ANN401 - arrays of any library
        """Return the metrics of predictions, by name; a last axis of length 1 that the targets lack is dropped.

        Raises: Refused.
        """
        if predictions.ndim == targets.ndim + 1 and predictions.shape[-1] == 1:
            predictions = predictions[..., 0]
        try:
            answer = self.client.evaluate(self.losses, predictions=predictions, targets=targets, options=self.options)
        except (ConnectionFailed, ServerFault) as error:
            warnings.warn(f"Lossary reports nothing this time: {error}", stacklevel=3)
            return {}
        return {name: number for result in answer.results for name, number in metrics(result).items()}


def metrics(result: Result) -> dict[str, float]:
    """Return the value of one evaluated objective, and the shares of its gradient, as far as there are any, by name."""
    gradient = result.get("gradient") or {}
    named = {f"lossary/{result.loss}": result.get("value")}
    named |= {f"lossary/{result.loss}.{share}": gradient.get(share) for share in SHARES}
    return {name: float(number) for name, number in named.items() if number is not None}
