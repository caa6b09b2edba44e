"""Copies of chunks to a CUDA device, one chunk ahead of the computation.

They go through pinned memory, on a stream of their own. torch caches pinned memory that was freed, and reuses it once
the copies out of it have ended.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

Sent = tuple[dict[Hashable, Tensor], torch.cuda.Event]


class ChunkCopies(Protocol):
    """Copies chunks ahead of their use: `send` starts a copy, `receive` waits for it.

    One copy is under way at a time.
    """

    def send(self, chunks: Mapping[Hashable, Tensor]) -> Any:  # noqa: ANN401 - what `receive` takes
        """Start to copy chunks; return a handle for `receive`."""

    def receive(self, sent: Any) -> dict[Hashable, Tensor]:  # noqa: ANN401 - what `send` returned
        """Return the copies once they have ended."""

    @property
    def spent_ms(self) -> float:
        """The time of all copies together, in milliseconds."""


@dataclass
class DeviceCopies:
    """Copies to one CUDA device, with the time that they have taken so far."""

    device: torch.device
    _stream: torch.cuda.Stream = field(init=False)
    _spans: list[tuple[torch.cuda.Event, torch.cuda.Event]] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Create the stream of the copies."""
        self._stream = torch.cuda.Stream(self.device)  # type: ignore[no-untyped-call] # torch leaves it untyped

    def send(self, chunks: Mapping[Hashable, Tensor]) -> Sent:
        """Start to copy chunks; tensors that are on a CUDA device already are not copied."""
        begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))  # type: ignore[no-untyped-call] # the same
        with torch.cuda.stream(self._stream):
            begun.record(self._stream)
            sent = {
                name: chunk if chunk.is_cuda else _pinned(chunk).to(self.device, non_blocking=True)
                for name, chunk in chunks.items()
            }
            ended.record(self._stream)
        self._spans.append((begun, ended))
        return sent, ended

    def receive(self, sent: Sent) -> dict[Hashable, Tensor]:
        """Return the copies; the current stream waits until they have ended."""
        chunks, ended = sent
        current = torch.cuda.current_stream(self.device)
        current.wait_event(ended)
        for chunk in chunks.values():
            chunk.record_stream(current)  # else the other stream might use its memory again too early
        return chunks

    @property
    def spent_ms(self) -> float:
        """The time of all copies together, in milliseconds; waits for the last."""
        self._stream.synchronize()
        return float(sum(begun.elapsed_time(ended) for begun, ended in self._spans))


def _pinned(chunk: Tensor) -> Tensor:
    """Return the chunk in pinned memory."""
    return chunk if chunk.is_pinned() else chunk.contiguous().pin_memory()
