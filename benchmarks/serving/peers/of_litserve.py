"""The same job on LitServe: files of a form, or lists. Its first argument is the port."""

import sys
from typing import Any

import litserve
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own habit
from torch import Tensor


class Mse(litserve.LitAPI):
    def setup(self, device: str) -> None:
        pass

    def decode_request(self, request: Any) -> list[Tensor]:  # type: ignore[override] # noqa: ANN401 - a form, or JSON
        given = [request["predictions"], request["targets"]]
        if isinstance(given[0], list):
            return [torch.tensor(numbers) for numbers in given]
        return [torch.from_numpy(np.load(upload.file)) for upload in given]

    def predict(self, pair: list[Tensor]) -> float:
        return F.mse_loss(*pair).item()

    def encode_response(self, output: float) -> dict[str, float]:
        return {"value": output}


# Without an annotation LitServe reads forms and JSON alike.
del Mse.decode_request.__annotations__["request"]

if __name__ == "__main__":
    server = litserve.LitServer(Mse(), accelerator="cpu", workers_per_device=1, timeout=600)
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="warning")
