"""The `compute_metrics` of Hugging Face's Trainer.

Trainer(..., compute_metrics=compute_metrics(client, "sparse_categorical_ce"))
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from transformers import EvalPrediction

from lossary.client import Client
from lossary.hooks.report import LossReport


def compute_metrics(
    client: Client, losses: str | Sequence[str], *, options: Mapping[str, Any] | None = None
) -> Callable[[EvalPrediction], dict[str, float]]:
    """Return a function that the Trainer calls after each evaluation; it logs the metrics with the prefix eval_.

    Logits have their classes on the last axis, as in transformers, and labels of -100 do not count. If a model returns
    several arrays, the first is the logits. `options` are those of POST /v1/evaluate.
    """
    report = LossReport(client, losses, options={"class_axis": -1, **(options or {})})

    def computed(evaluated: EvalPrediction) -> dict[str, float]:
        """Return the metrics of the predictions."""
        first = evaluated.predictions
        logits = np.asarray(first[0] if isinstance(first, tuple) else first)
        return report(logits, np.asarray(evaluated.label_ids))

    return computed
