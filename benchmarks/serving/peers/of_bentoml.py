"""The same job on BentoML: files of a form, or lists."""

from pathlib import Path

import bentoml
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own habit


@bentoml.service(workers=1, traffic={"timeout": 600})
class Mse:
    @bentoml.api
    def of_lists(self, predictions: list[float], targets: list[float]) -> dict[str, float]:
        return {"value": F.mse_loss(torch.tensor(predictions), torch.tensor(targets)).item()}

    @bentoml.api
    def of_files(self, predictions: Path, targets: Path) -> dict[str, float]:
        first, second = [torch.from_numpy(np.load(file)) for file in (predictions, targets)]
        return {"value": F.mse_loss(first, second).item()}
