"""The same job on MLServer: tensors of the Open Inference Protocol in JSON; over HTTP it reads no binary ones."""

import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own habit
from mlserver import MLModel
from mlserver.codecs import NumpyCodec
from mlserver.types import InferenceRequest, InferenceResponse


class Mse(MLModel):
    async def predict(self, payload: InferenceRequest) -> InferenceResponse:
        first, second = [torch.from_numpy(NumpyCodec.decode_input(entry)) for entry in payload.inputs]
        value = np.array([F.mse_loss(first, second).item()])
        return InferenceResponse(model_name=self.name, outputs=[NumpyCodec.encode_output("value", value)])
