"""What every hook reports: the values of objectives and how their gradients are shared, as metrics by name."""

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from lossary.client import Client
from lossary.errors import ConnectionFailed, ServerFault
from lossary.result import Result

SHARES = ("top_1_percent_share", "top_10_percent_share", "zero_share")


class LossReport:
    """Asks a service what objectives say of predictions.

    `losses`: one objective, or several. `options`: those of POST /v1/evaluate, such as {"class_axis": -1}. Where the
    service cannot be reached the report is empty and a warning says so, since training should go on; what it refuses
    is raised, since that is a mistake in the call.
    """

    def __init__(
        self, client: Client, losses: str | Sequence[str], *, options: Mapping[str, Any] | None = None
    ) -> None:
        self.client = client
        self.losses = [losses] if isinstance(losses, str) else list(losses)
        self.options = {"gradient": "summary", **(options or {})}

    def __call__(self, predictions: Any, targets: Any) -> dict[str, float]:  # noqa: ANN401 - arrays of any library
        """Return the metrics of these predictions. A last axis of one, which targets lack, is dropped.

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
    """Return the value of one evaluated objective and its gradient's shares, those that there are, by name."""
    gradient = result.get("gradient") or {}
    named = {f"lossary/{result.loss}": result.get("value")}
    named |= {f"lossary/{result.loss}.{share}": gradient.get(share) for share in SHARES}
    return {name: float(number) for name, number in named.items() if number is not None}
