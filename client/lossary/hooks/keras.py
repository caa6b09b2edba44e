"""A Keras callback.

model.fit(x, y, callbacks=[LossCallback(client, ["mse", "huber"], validation_data=(x_val, y_val))])
"""

from collections.abc import Mapping, Sequence
from typing import Any

import keras
import numpy as np

from lossary.client import Client
from lossary.hooks.report import LossReport


class LossCallback(keras.callbacks.Callback):
    """Adds the losses of the validation data to the logs of each epoch, and so to the history.

    Callbacks that come later may monitor the metrics: EarlyStopping(monitor="lossary/huber", mode="min").

    Attributes:
        validation_data: The inputs and the targets.
        options: The options of POST /v1/evaluate.
    """

    def __init__(
        self,
        client: Client,
        losses: str | Sequence[str],
        *,
        validation_data: tuple[Any, Any],
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__()
        self._report = LossReport(client, losses, options=options)
        self._inputs, self._targets = validation_data

    def on_epoch_end(self, epoch: int, logs: dict[str, Any] | None = None) -> None:  # noqa: ARG002 - Keras gives it
        """Evaluate the model after an epoch, and add the metrics to `logs`."""
        predictions = np.asarray(self.model.predict(self._inputs, verbose=0))
        reported = self._report(predictions, np.asarray(self._targets))
        if logs is not None:
            logs.update(reported)
