"""Whether numbers lie within a domain, and the refusal of the first that does not."""

import math
from typing import Literal

import torch
from torch import Tensor

from losses.contract.domains import HALF_TOLERANCE, KEEP_OUT, LET_IN, SIMPLEX_TOLERANCE, Domain
from losses.contract.encodings import Extremes, IllegalNumber
from losses.errors import DomainViolation, NonFiniteInput
from losses.text import Text


def first_index(bad: Tensor, offset: int = 0) -> list[int]:
    """Return the index of the first true entry of `bad`; `offset` is added to its first component."""
    place = int(bad.flatten().to(torch.uint8).argmax())
    index: list[int] = []
    for length in reversed(bad.shape):  # torch.unravel_index imports sympy, which takes half a second
        place, within = divmod(place, length)
        index.insert(0, within)
    return [index[0] + offset, *index[1:]] if index else []


def check(
    role: str,
    chunk: Tensor,
    domain: Domain,
    seen: Extremes,
    *,
    sent: Tensor,
    offset: int = 0,
    ignored: int | None = None,
    nonfinite: Literal["refuse", "allow"] | None = None,
) -> None:
    """Refuse a chunk that has numbers outside its domain, and record its extremes in `seen`.

    Args:
        role: The name of the input.
        chunk: The numbers, converted to the dtype in which they are checked.
        domain: The legal numbers.
        seen: The extremes of the input so far; updated.
        sent: The chunk before conversion; its dtype decides how much rounding is tolerated.
        offset: The index of the chunk's first item in the whole input.
        ignored: The ignore_index of the loss, legal wherever it occurs.
        nonfinite: The caller's option, None where there is no choice; under "allow" NaN and infinities are counted.

    Raises: NonFiniteInput, DomainViolation, both with the index of the first number at fault.
    """
    if chunk.numel() == 0:
        return
    low, high = (float(bound) for bound in chunk.aminmax())  # NaN shows in both
    seen.note(low, high)
    if not finite_between(domain, low, high):
        bad = ~(chunk.isfinite() | chunk.isneginf()) if domain.minus_infinity else ~chunk.isfinite()
        _refuse_overflow(role, chunk.dtype, bad & sent.isfinite().to(bad.device), offset)
        if nonfinite != "allow":
            raise NonFiniteInput(role, first_index(bad, offset), LET_IN if nonfinite else KEEP_OUT)
        seen.nonfinite += int(bad.sum())
        return
    if domain.sizes:
        seen.in_order &= bool((chunk[:, 2:] >= chunk[:, :2]).all())
    tolerance = tolerance_of(sent.dtype)
    if _inside(chunk, domain, low, high, tolerance):
        return
    bad = _outside(chunk, domain, low, tolerance)
    if ignored is not None and domain.whole:
        bad &= chunk != ignored
    if bool(bad.any()):
        index = first_index(bad)
        way_out = domain.way_out_of(_illegal_number(chunk, domain, index), ignorable=ignored is not None)
        raise DomainViolation(role, domain.meaning, [index[0] + offset, *index[1:]], way_out)


def _refuse_overflow(role: str, dtype: torch.dtype, overflowed: Tensor, offset: int) -> None:
    """Raise DomainViolation where finite numbers became infinite in the dtype of the computation."""
    if bool(overflowed.any()):
        name = str(dtype).removeprefix("torch.")
        wanted = Text(f"within the range of {name}, in which is computed", f"在计算所用的 {name} 范围内的数")
        raise DomainViolation(
            role, wanted, first_index(overflowed, offset), Text("Ask with dtype=float64.", "请使用 dtype=float64。")
        )


def _illegal_number(chunk: Tensor, domain: Domain, index: list[int]) -> IllegalNumber:
    """Return the number at `index`, which is outside the domain, with what is needed to guess its encoding."""
    row_sum = float(chunk.movedim(1, -1)[(index[0], *index[2:])].sum()) if domain.simplex else None
    return IllegalNumber(float(chunk[tuple(index)]), domain.ends[1], row_sum)


def outside(chunk: Tensor, domain: Domain, sent: torch.dtype, ignored: int | None) -> Tensor:
    """Return a mask, of the shape of the chunk, of the numbers that `check` would refuse."""
    bad = ~(chunk.isfinite() | chunk.isneginf()) if domain.minus_infinity else ~chunk.isfinite()
    legal = chunk.masked_fill(bad, 0)
    bad = bad | _outside(legal, domain, float(legal.amin()) if legal.numel() else 0.0, tolerance_of(sent))
    return bad & (chunk != ignored) if ignored is not None and domain.whole else bad


def tolerance_of(sent: torch.dtype) -> float:
    """Return how far the sum of a probability distribution in this dtype may be from 1."""
    return SIMPLEX_TOLERANCE.get(sent, HALF_TOLERANCE if sent.is_floating_point else 0.0)


def _inside(chunk: Tensor, domain: Domain, low: float, high: float, tolerance: float) -> bool:
    """Return whether a quick test proves that all numbers are legal; False means that `_outside` has to decide.

    The test uses sums and extremes, which are faster to compute than a boolean mask.
    """
    if not between_ends(domain, low, high):
        return False
    if not domain.is_shaped or (domain.whole and not chunk.is_floating_point()):
        return True
    return float(departure(chunk, domain)) <= allowed_departure(domain, tolerance)


def finite_between(domain: Domain, low: float, high: float) -> bool:
    """Return whether numbers between `low` and `high` are finite, or -infinity where the domain allows it."""
    return high < math.inf and (low > -math.inf or (domain.minus_infinity and low == -math.inf))


def shows_in_a_sum(domain: Domain) -> bool:
    """Return whether numbers are legal exactly where their sum is finite, and no warning depends on their extremes."""
    return domain.free and not domain.looks_like


def between_ends(domain: Domain, low: float, high: float) -> bool:
    """Return whether numbers from `low` to `high` lie within the ends of the domain."""
    least, most = domain.ends
    return least <= low and high <= most


def departure(chunk: Tensor, domain: Domain) -> Tensor:
    """Return the largest violation of the conditions besides the two ends, as a scalar; at most 0 where there is none.

    The numbers lie between the ends of the domain.
    """
    if domain.simplex:  # in the dtype that was sent; within its rounding `_outside` decides
        return (chunk.sum(1) - 1).abs().amax()
    if domain.signs:
        return 1 - chunk.abs().amin()
    if domain.corners:  # column by column, which a kernel reads in the loop of the formula
        left, top, right, bottom = chunk.unbind(1)
        return -(right - left).minimum(bottom - top).amin()
    if domain.sizes:
        return -chunk[:, 2].minimum(chunk[:, 3]).amin()
    return (chunk - chunk.round()).abs().amax() if chunk.is_floating_point() else chunk.new_zeros(())


def allowed_departure(domain: Domain, tolerance: float) -> float:
    """Return the departure up to which the numbers are certainly legal.

    `tolerance` is that of the sum of a distribution (see `tolerance_of`); half of it leaves room for rounding.
    """
    return tolerance / 2 if domain.simplex else 0.0


def _outside(chunk: Tensor, domain: Domain, low: float, tolerance: float) -> Tensor:
    """Return a mask of the finite numbers of a chunk that are outside the domain; `low` is the smallest of them."""
    if domain.simplex and low >= 0:
        off = (chunk.sum(1, dtype=torch.float64) - 1).abs() > tolerance
        return off.unsqueeze(1) | (chunk > 1)
    if domain.signs:
        return chunk.abs() != 1
    if domain.corners:
        crossed = chunk[:, :2] > chunk[:, 2:]
        return torch.cat([torch.zeros_like(crossed), crossed], 1)
    if domain.sizes:
        return torch.cat([torch.zeros_like(chunk[:, :2], dtype=torch.bool), chunk[:, 2:] < 0], 1)
    least, most = domain.ends
    wide = chunk.to(torch.float64)  # the float64 next to an open end has no float32
    bad = (wide < least) | (wide > most)
    return bad | (chunk != chunk.round()) if domain.whole else bad
