"""What a harness is, and what it holds a decoder to."""

import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor

from losses.errors import Refusal
from tests.fuzz.mutations import as_they_are

LIMIT = 1 << 20  # bytes that a compressed body may become
GROWTH = 8  # the most bytes of a tensor for a byte of its body: a byte of bool or float8 as float64
SLOW_S = 1.0  # of CPU, for a body of a few KiB; the median is under a millisecond
MEMORY = 64 << 20  # bytes by which a body of a few KiB may raise the peak; the first run of a harness loads much
Decoder = Callable[[bytes], object]


class Finding(Exception):  # noqa: N818 - it is what fuzzing looks for
    """A decoder did not keep its word."""


@dataclass(frozen=True)
class Harness:
    """A decoder that is fuzzed: bytes that it reads, to begin with, and how to mend bytes that were broken."""

    name: str
    decode: Decoder
    seeds: tuple[bytes, ...]
    mend: Callable[[bytes, Random], bytes] = as_they_are
    words: tuple[bytes, ...] = ()
    share: int = 10  # of the runs; python_multipart and pydantic take a millisecond where the rest takes 50 us

    def run(self, data: bytes) -> bool:
        """Return whether the bytes were read, and not refused.

        Raises: whatever is neither an answer nor a refusal, and Finding.
        """
        started, peak = time.process_time(), _peak()
        try:
            self.decode(data)
        except Refusal as refusal:
            kept_small(refusal)
            return False
        finally:
            taken = time.process_time() - started
            if taken > SLOW_S:
                raise Finding(f"{len(data)} bytes took {taken:.1f} s.")
            if _peak() - peak > MEMORY:
                raise Finding(f"{len(data)} bytes took {_peak() - peak} bytes of memory.")
        return True


HARNESSES: dict[str, Harness] = {}


def harness(*seeds: bytes, **how: Any) -> Callable[[Decoder], Decoder]:  # noqa: ANN401 - as Harness has them
    """Register a function as the harness of its own name."""

    def register(decode: Decoder) -> Decoder:
        name = decode.__name__
        HARNESSES[name] = Harness(name, decode, seeds, **how)
        return decode

    return register


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def kept_small(refusal: Refusal) -> None:
    if len(refusal.message) > 3000:  # a problem is at most 4 KiB
        raise Finding(f"A refusal of {len(refusal.message)} characters.")


def same(ours: Tensor, theirs: np.ndarray) -> bool:
    """Say whether two readers found the same; ours may hold the numbers in something wider."""
    mine = ours.to(torch.float64) if ours.dtype == torch.bfloat16 else ours
    array = mine.numpy()
    return array.shape == theirs.shape and np.array_equal(array, theirs, equal_nan=theirs.dtype.kind == "f")


def bounded(tensors: dict[str, Tensor], size: int) -> None:
    grown = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if grown > GROWTH * size + LIMIT:
        raise Finding(f"{size} bytes became {grown}.")
