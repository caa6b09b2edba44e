"""Read residuals in blocks, so that no temporary is as large as the arrays."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from losses.contract.deadline import checkpoint
from losses.contract.domain_checks import first_index
from losses.errors import NonFiniteInput, ShapeMismatch
from losses.text import Text

Array = NDArray[np.float64]

BLOCK = 1 << 16  # numbers: half a megabyte in float64, which stays in the second cache
SAMPLE = 1 << 18  # numbers drawn to say where an order statistic lies: to 0.5 % of the ranks, at five sigma
_SEED = 0  # the same arrays give the same profile
LEAVE_OUT = "Leave out what is not finite."


class Block(NamedTuple):
    """Some rows of targets and predictions in float64, with their residuals.

    Without predictions, the targets themselves.
    """

    targets: Array
    predictions: Array | None
    errors: Array


def float64(values: Tensor) -> Array:
    """Return a block in float64, in which sums are exact enough."""
    numbers: Array = values.detach().to("cpu", torch.float64).numpy()
    return numbers


@dataclass
class ResidualStream:
    """Targets (n, m), and predictions with the same axes, read in blocks of rows.

    Attributes:
        shift: Numbers are divided by two to this power, so that squares of huge numbers stay finite.
        passes: How many passes were read.
        sample_size: How many numbers are drawn where all would be too many to sort.
    """

    targets: Tensor
    predictions: Tensor | None = None
    block: int = BLOCK
    shift: int = 0
    passes: int = 0
    sample_size: int = SAMPLE
    _kept: Block | None = field(default=None, init=False, repr=False)  # of arrays that are one block

    def __post_init__(self) -> None:
        """Bring targets and predictions to the axes (n, m)."""
        if self.predictions is not None and self.predictions.shape != self.targets.shape:
            wanted = ", ".join(map(str, self.targets.shape))
            raise ShapeMismatch(
                "predictions",
                wanted,
                self.predictions.shape,
                Text("Those are the axes of the targets.", "这是 targets 的轴。"),
            )
        self.items = self.targets.shape[0]
        self.targets = self.targets.reshape(self.items, -1)
        self.width = self.targets.shape[1]
        self.predictions = None if self.predictions is None else self.predictions.reshape(self.items, -1)

    @property
    def basis(self) -> str:
        """The quantity that facts are measured on: residuals or targets."""
        return "targets" if self.predictions is None else "residuals"

    def rescale(self, shift: int) -> None:
        """Divide the numbers of all later blocks by two to the power of `shift`."""
        self.shift, self._kept = shift, None

    def columns(self, start: int, stop: int) -> "ResidualStream":
        """Return a stream of the outputs from `start` to `stop`."""
        predictions = None if self.predictions is None else self.predictions[:, start:stop]
        return ResidualStream(
            self.targets[:, start:stop], predictions, self.block, self.shift, sample_size=self.sample_size
        )

    def blocks(self) -> Iterator[Block]:
        """Yield all rows once, in blocks.

        Raises: NonFiniteInput, with the index of the first.
        """
        rows = max(1, self.block // self.width)
        if self.items <= rows:
            yield self.whole()
            return
        self.passes += 1
        for start in range(0, self.items, rows):
            yield self._read(slice(start, start + rows), start)

    def whole(self) -> Block:
        """Return all rows as one block; for streams of at most `sample_size` numbers.

        Raises: NonFiniteInput, with the index of the first.
        """
        self.passes += 1
        if self._kept is None:
            block = self._read(slice(None), 0)
            if block.errors.size > self.block:
                return block
            self._kept = block
        return self._kept

    def sample(self, numbers: int | None = None) -> Block:
        """Return rows with about `numbers` numbers, drawn with replacement; all rows where there are no more."""
        rows = max(1, (numbers or self.sample_size) // self.width)
        if self.items <= rows:
            return self.whole()
        drawn = torch.randint(self.items, (rows,), generator=torch.Generator().manual_seed(_SEED)).sort().values
        return self._read(drawn.to(self.targets.device), None)

    def _read(self, where: slice | Tensor, offset: int | None) -> Block:
        """Return some rows as a block in float64, scaled."""
        checkpoint()
        targets = float64(self.targets[where])
        predictions = None if self.predictions is None else float64(self.predictions[where])
        errors = targets if predictions is None else targets - predictions
        if not np.isfinite(errors.sum()) and not np.isfinite(errors).all():
            self._refuse(targets, predictions, errors, offset)
        if self.shift:
            errors = np.ldexp(errors, -self.shift)
        return Block(targets, predictions, errors)

    def _refuse(self, targets: Array, predictions: Array | None, errors: Array, offset: int | None) -> None:
        """Refuse numbers that are not finite.

        Not for a sample (no `offset`), whose indices are not those of the array.
        """
        if offset is None:
            return
        for role, values in (("targets", targets), ("predictions", predictions), ("targets - predictions", errors)):
            if values is not None and not np.isfinite(values).all():
                index = first_index(torch.from_numpy(~np.isfinite(values)), offset)
                raise NonFiniteInput(role, index if self.width > 1 else index[:1], LEAVE_OUT)


def pieces(values: Tensor, numbers: int = BLOCK) -> Iterator[Tensor]:
    """Yield parts of an array along axis 0 with at most `numbers` numbers each, but at least one item."""
    rows = max(1, numbers // max(1, values[:1].numel()))
    for start in range(0, values.shape[0], rows):
        checkpoint()
        yield values[start : start + rows]
