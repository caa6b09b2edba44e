"""A Lightning callback.

Trainer(callbacks=[LossCallback(client, ["mse", "huber"])])
"""

from collections.abc import Mapping, Sequence
from typing import Any

import lightning.pytorch as pl
import torch
from torch import Tensor

from lossary.client import Client
from lossary.hooks.report import LossReport


class LossCallback(pl.Callback):
    """Logs losses of the predictions of each validation epoch.

    If `validation_step` returns a mapping with `predictions` and `targets`, these are used; otherwise the model is
    called on the first part of each batch, and the second part is the targets. `options` are those of POST
    /v1/evaluate. With several devices, each evaluates its own part, and the means of the metrics are logged.
    """

    def __init__(
        self, client: Client, losses: str | Sequence[str], *, options: Mapping[str, Any] | None = None
    ) -> None:
        self._report = LossReport(client, losses, options=options)
        self._predictions: list[Tensor] = []
        self._targets: list[Tensor] = []

    def on_validation_epoch_start(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:  # noqa: ARG002 - Lightning gives both
        """Discard the predictions of the previous epoch."""
        self._predictions, self._targets = [], []

    def on_validation_batch_end(
        self,
        trainer: pl.Trainer,  # noqa: ARG002 - Lightning gives it
        pl_module: pl.LightningModule,
        outputs: Any,  # noqa: ANN401 - as the module returns them
        batch: Any,  # noqa: ANN401 - as the loader gives it
        batch_idx: int,  # noqa: ARG002 - Lightning gives it
        dataloader_idx: int = 0,  # noqa: ARG002 - Lightning gives it
    ) -> None:
        """Store the predictions and the targets of a batch."""
        if isinstance(outputs, Mapping) and {"predictions", "targets"} <= set(outputs):
            predictions, targets = outputs["predictions"], outputs["targets"]
        else:
            inputs, targets = batch[0], batch[1]
            predictions = pl_module(inputs)
        self._predictions.append(predictions.detach().cpu())
        self._targets.append(targets.detach().cpu())

    def on_validation_epoch_end(self, trainer: pl.Trainer, pl_module: pl.LightningModule) -> None:
        """Log the losses of the epoch, except for the sanity check before training."""
        if trainer.sanity_checking:
            return
        reported = self._report(torch.cat(self._predictions), torch.cat(self._targets))
        pl_module.log_dict(reported, sync_dist=trainer.world_size > 1)
