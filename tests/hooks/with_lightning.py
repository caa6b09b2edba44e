"""The Lightning callback, in real trainings."""

from pathlib import Path
from typing import Any

import lightning.pytorch as pl
import lossary
import pytest
import torch
from lossary.hooks.lightning import LossCallback
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from tests.hooks.conftest import Table


class Linear(pl.LightningModule):
    """A linear model under squared error, which also logs its own validation loss."""

    def __init__(self, *, gives: bool) -> None:
        super().__init__()
        self.layer, self.gives = torch.nn.Linear(10, 1), gives

    def forward(self, inputs: Tensor) -> Tensor:
        predictions: Tensor = self.layer(inputs)[:, 0]
        return predictions

    def training_step(self, batch: list[Tensor], _: int) -> Tensor:
        return torch.nn.functional.mse_loss(self(batch[0]), batch[1])

    def validation_step(self, batch: list[Tensor], _: int) -> dict[str, Tensor] | None:
        predictions = self(batch[0])
        self.log("own_mse", torch.nn.functional.mse_loss(predictions, batch[1]))
        return {"predictions": predictions, "targets": batch[1]} if self.gives else None

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=0.1)


def trained(callback: pl.Callback, table: Table, folder: Path, *, gives: bool) -> dict[str, Any]:
    inputs, targets = (torch.from_numpy(array) for array in table)
    train = DataLoader(TensorDataset(inputs[:300], targets[:300]), batch_size=50)
    validation = DataLoader(TensorDataset(inputs[300:], targets[300:]), batch_size=50)
    pl.seed_everything(0)
    trainer = pl.Trainer(
        max_epochs=2,
        callbacks=[callback],
        accelerator="cpu",
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
    )
    trainer.fit(Linear(gives=gives), train, validation)
    return {name: float(number) for name, number in trainer.callback_metrics.items()}


@pytest.mark.parametrize("gives", [True, False], ids=["outputs of the step", "the model called again"])
def test_an_epoch_logs_what_the_losses_say_of_it(
    client: lossary.Client, diabetes: Table, tmp_path: Path, *, gives: bool
) -> None:
    logged = trained(LossCallback(client, ["mse", "huber"]), diabetes, tmp_path, gives=gives)

    assert logged["lossary/mse"] == pytest.approx(logged["own_mse"], rel=1e-4)  # the module computes it too
    assert logged["lossary/huber"] < logged["lossary/mse"]
    assert 0 < logged["lossary/mse.top_10_percent_share"] < 1


def test_training_goes_on_where_the_service_is_gone(nobody: lossary.Client, diabetes: Table, tmp_path: Path) -> None:
    with pytest.warns(UserWarning, match="reports nothing this time"):
        logged = trained(LossCallback(nobody, "mse"), diabetes, tmp_path, gives=True)

    assert set(logged) == {"own_mse"}
