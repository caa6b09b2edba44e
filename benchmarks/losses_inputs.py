"""Inputs of any loss of the catalogue for timing: as many numbers as are wanted, well inside its domains."""

import math

import torch
from torch import Tensor

from losses.contract.domains import Domain
from losses.contract.loss import BoundLoss, Loss
from losses.contract.shapes import Axes

LENGTHS = {"C": 8, "D": 64, "K": 8, "L": 32, "T": 128, "S": 16}
PIXELS = (32, 32)


def inputs_of(term: BoundLoss, numbers: int) -> dict[str, Tensor]:
    """Return the required inputs of a loss; the largest, or the largest temporary, has about so many numbers."""
    loss, rng = term.loss, torch.Generator().manual_seed(0)
    lengths = axes(loss, numbers)
    return {role: drawn(term.domain(role), loss.pattern(role).lengths(lengths), lengths, rng) for role in loss.required}


def axes(loss: Loss, numbers: int) -> Axes:
    """Return a length for every axis, so that the largest input or temporary has about so many numbers."""
    patterns = [loss.pattern(role) for role in loss.roles]
    corners = {
        pattern.names[1] for role, pattern in zip(loss.roles, patterns, strict=True) if loss.domains[role].corners
    }
    item_axes = {pattern.item_axis for pattern in patterns if pattern.item_axis}
    lengths: Axes = dict.fromkeys(item_axes, (1,))
    for name in {name for pattern in patterns for name in pattern.names} - {
        *item_axes,
        *(f"*{item_axis}" for item_axis in item_axes),
    }:
        bare = name.lstrip("*")
        lengths[bare] = PIXELS if name.startswith("*") else (4 if name in corners else LENGTHS[bare],)
    largest = max(math.prod(pattern.lengths(lengths)) for pattern in patterns)
    length = max(1, numbers // largest)
    if loss.work.holds:
        power = sum(name in item_axes for name in loss.work.holds.split())
        length = (
            min(length, round((numbers / loss.work.peak_numbers(lengths, loss.bind().params)[0]) ** (1 / power)))
            if power
            else length
        )
    return lengths | dict.fromkeys(item_axes, (length,))


def drawn(domain: Domain, shape: tuple[int, ...], lengths: Axes, rng: torch.Generator) -> Tensor:
    """Return numbers well inside a domain."""
    if domain.whole:
        axis = domain.below or domain.up_to
        count = lengths[axis][0] if axis else 2 if domain.high == 1 else 5
        return torch.randint(count, shape, generator=rng)
    normal = torch.randn(shape, generator=rng)
    if domain.signs:
        return normal.sign()
    if domain.simplex:
        return normal.softmax(1)
    if domain.corners:
        return torch.cat([normal[:, :2], normal[:, :2] + 0.2 + normal[:, 2:].abs()], 1)
    low = domain.above if domain.low is None else domain.low
    high = domain.under if domain.high is None else domain.high
    if low is None or high is None:
        return normal if low is None else low + 0.3 + 2 * torch.rand(shape, generator=rng)
    return low + (0.02 + 0.96 * torch.rand(shape, generator=rng)) * (high - low)
