"""Chunks that are sent ahead: here to memory of the CPU; on a device, tests/service/compute/test_gpu.py."""

from collections.abc import Hashable, Mapping

import pytest
import torch
from torch import Tensor

from losses.contract.expression import parse
from losses.evaluation.chunks import ChunkedInputs
from losses.evaluation.evaluate import evaluate, evaluate_chunks
from losses.evaluation.passes import Options


class Copied:
    """Stands where a device would be: what was sent is a copy, and never two chunks ahead."""

    spent_ms = 1.5

    def __init__(self) -> None:
        self.under_way = 0

    def send(self, chunks: Mapping[Hashable, Tensor]) -> dict[Hashable, Tensor]:
        self.under_way += 1
        assert self.under_way == 1
        return {name: chunk.clone() for name, chunk in chunks.items()}

    def receive(self, sent: dict[Hashable, Tensor]) -> dict[Hashable, Tensor]:
        self.under_way -= 1
        return sent


@pytest.mark.parametrize("objective", ["mse + mae", "huber", "dice", "dice + 0.5*bce"])
@pytest.mark.parametrize("more", [(), ("mask",), ("weights",), ("mask", "weights")], ids=str)
def test_they_are_the_chunks_that_would_be_cut(objective: str, more: tuple[str, ...]) -> None:
    draw = torch.Generator().manual_seed(0)
    roles = {role: (torch.rand(1003, 5, generator=draw) > 1 / 2).float() for role in ("predictions", "targets")}
    drawn = {"mask": torch.rand(1003, generator=draw) > 1 / 2, "weights": torch.rand(1003, generator=draw)}
    options = Options(chunk_elements=300, gradient="full")
    wanted = evaluate(parse(objective), roles, options=options, **{name: drawn[name] for name in more})
    chunked_inputs = ChunkedInputs(
        parse(objective),
        roles,
        drawn["weights"] if "weights" in more else None,
        drawn["mask"] if "mask" in more else None,
        chunk_elements=options.chunk_elements,
        graph=True,
        weights_scale_out=True,
        device_copies=Copied(),
    )

    evaluation = evaluate_chunks(chunked_inputs, options)

    assert (evaluation.value, evaluation.standard_error, evaluation.kept) == (
        wanted.value,
        wanted.standard_error,
        wanted.kept,
    )
    assert evaluation.gradients is not None
    assert wanted.gradients is not None
    assert all(torch.equal(evaluation.gradients[role], wanted.gradients[role]) for role in wanted.gradients)
    assert evaluation.transfer_ms == Copied.spent_ms
