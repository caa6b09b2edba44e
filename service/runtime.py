"""The device: where tensors are placed and losses are computed, off the event loop once they are large."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import TypeVar

import torch
from anyio import CapacityLimiter, to_thread

from losses.errors import BadOption
from losses.evaluate import Options, evaluate
from losses.expression import Objective
from losses.report import Evaluation
from service.tensors.upload import Upload

Answer = TypeVar("Answer")
INLINE_NUMBERS = 20_000  # computed in under a millisecond, which a thread hop would double
CUDA_CHUNK_ELEMENTS = 1 << 24  # 64 MB in float32: launches cost nothing beside the copy


class Runtime:
    """One device and its threads."""

    def __init__(self, device: str) -> None:
        self.device = self._placed(device)
        self._limiter = CapacityLimiter(1 if self.device.type == "cuda" else max(1, torch.get_num_threads()))
        torch.set_num_threads(1)  # requests run side by side; one that is alone gains little from more

    @staticmethod
    def _placed(device: str) -> torch.device:
        if device == "auto":
            return torch.device("cuda:0" if torch.cuda.is_available() else "cpu")
        if device.startswith("cuda") and not torch.cuda.is_available():
            raise ValueError(f"LOSSARY_DEVICE is {device}, and no CUDA device is here; use auto or cpu.")
        return torch.device(device)

    async def evaluate(self, objectives: list[Objective], upload: Upload, options: Options) -> list[Evaluation]:
        """Return what each objective says of one upload, in order; `upload.timing_ms` gets the compute time."""
        weights, mask = upload.take("weights"), upload.take("mask")
        wanted = {role for objective in objectives for role in objective.roles}
        for role in upload.roles:
            if role not in wanted:
                raise BadOption(role, f"{role} is an input of none of the losses asked for; leave it out.")
        chunk = CUDA_CHUNK_ELEMENTS if self.device.type == "cuda" else options.chunk_elements
        here = replace(options, device=self.device, chunk_elements=chunk)

        def compute() -> list[Evaluation]:
            return [
                evaluate(objective, upload.roles, weights=weights, mask=mask, options=here) for objective in objectives
            ]

        started = time.perf_counter()
        results = await self.run(compute, sum(tensor.numel() for tensor in upload.roles.values()) * len(objectives))
        upload.timing_ms |= {"transfer": 0.0, "compute": 1e3 * (time.perf_counter() - started)}
        return results

    async def run(self, work: Callable[[], Answer], size: int) -> Answer:
        """Return what `work` returns; off the event loop where it goes through many numbers."""
        return work() if size <= INLINE_NUMBERS else await to_thread.run_sync(work, limiter=self._limiter)
