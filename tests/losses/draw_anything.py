"""Any loss under any parameters, on inputs of any shape: drawn from what the catalogue declares."""

import math
import sys
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any, get_args

import torch
from pydantic.fields import FieldInfo

from losses.contract.loss import BoundLoss, Loss
from losses.contract.registry import catalogue
from losses.contract.shapes import Axes
from losses.errors import Refusal
from tests.losses.draw import Batch, Subject

SMALLEST, LARGEST = 1e-320, sys.float_info.max
FAR = 2**31  # of whole numbers without an end
MOST_EXTRA_AXES = 3  # where a starred name stands
AT_ITS_DEFAULT = 0.3  # of the parameters, so that one at an end of its range meets others that are not
AT_AN_END = 0.2
Bounds = dict[str, float]


def bounds(info: FieldInfo) -> Bounds:
    """Return what a parameter is declared to lie within: ge, gt, le, lt."""
    return {
        name: getattr(each, name) for each in info.metadata for name in ("ge", "gt", "le", "lt") if hasattr(each, name)
    }


def ends(info: FieldInfo) -> tuple[float, float]:
    """Return the least and the greatest number that a float parameter may be."""
    own = bounds(info)
    low, high = own.get("ge", own.get("gt", -LARGEST)), own.get("le", own.get("lt", LARGEST))
    return (
        math.nextafter(low, math.inf) if "gt" in own else low,
        math.nextafter(high, -math.inf) if "lt" in own else high,
    )


def draw_parameters(loss: Loss, random: Random) -> BoundLoss:
    """Return a loss under parameters from the whole of their ranges, some at their defaults."""
    fields = loss.parameters.model_fields
    drawn = {name: _value(info, random) for name, info in fields.items() if random.random() > AT_ITS_DEFAULT}
    while drawn:
        try:
            return loss.bind(drawn)
        except Refusal:  # a convention says what another says as well
            drawn.pop(random.choice(list(drawn)))
    return loss.bind()


def _value(info: FieldInfo, random: Random) -> Any:  # noqa: ANN401 - whatever the parameter may be
    kinds = [kind for each in get_args(info.annotation) or (info.annotation,) for kind in (get_args(each) or (each,))]
    kind = random.choice(kinds)
    if kind is type(None) or not isinstance(kind, type):
        return None if kind is type(None) else kind  # a word, or a number, of a Literal
    if kind is bool:
        return random.random() < 0.5
    if kind is int:
        own = bounds(info)
        return _whole(
            int(own.get("ge", own.get("gt", -FAR - 1) + 1)), int(own.get("le", own.get("lt", FAR + 1) - 1)), random
        )
    return _number(*ends(info), random)


def _whole(low: int, high: int, random: Random) -> int:
    if random.random() < AT_AN_END:
        return random.choice([low, high])
    size = int(math.exp(random.uniform(0, math.log(high - low + 1))))
    return min(low + size - 1, high) if low >= 0 else max(low, min(high, random.choice([-1, 1]) * size))


def _number(low: float, high: float, random: Random) -> float:
    """Return a number of any size between two ends: usual ones as often as extreme ones."""
    if random.random() < AT_AN_END:
        return random.choice([low, high])
    if random.random() < 0.5:
        within = max(low, -4.0), min(high, 4.0)
        return random.uniform(*within) if within[0] <= within[1] else random.choice([low, high])
    size = math.exp(random.uniform(math.log(SMALLEST), math.log(LARGEST)))
    start = random.choice([end for end in (low, high, 0.0) if math.isfinite(end)])
    number = start + random.choice([-1, 1]) * size
    return number if low <= number <= high else min(max(number, low), high)


@dataclass(frozen=True)
class Shaped(Subject):
    """A subject whose axes have lengths of their own."""

    lengths: dict[str, tuple[int, ...]] = field(default_factory=dict)

    def axes(self, items: int) -> Axes:
        """Return them."""
        return super().axes(items) | self.lengths

    def numbers(self) -> int:
        """Return how many numbers the inputs have together."""
        roles = self.loss.roles if self.optional else self.loss.required
        return sum(math.prod(self.loss.pattern(role).lengths(self.axes(1))) for role in roles)


def draw_shape(term: BoundLoss, numbers: int, random: Random) -> Shaped:
    """Return a subject with at most so many numbers, but one an axis, which may all stand on any one of its axes."""
    optional = random.random() < 0.5 and term.loss.roles != term.loss.required
    names = {name for pattern in term.loss.shapes.roles for name in pattern.names if not name.isdigit()}
    starred = {name.lstrip("*") for name in names if name.startswith("*")}
    bare = sorted({name.lstrip("*") for name in names})
    shares = {name: [random.random() ** 3 for _ in range(_axes(name, names, starred, random))] for name in bare}
    whole = sum(share for own in shares.values() for share in own) or 1.0
    lengths = {name: tuple(max(1, int(numbers ** (share / whole))) for share in own) for name, own in shares.items()}
    shaped = Shaped(term, optional=optional, lengths=lengths)
    while shaped.numbers() > numbers and any(length > 1 for own in lengths.values() for length in own):
        name = max(lengths, key=lambda each: max(lengths[each], default=0))
        lengths = lengths | {
            name: tuple(math.ceil(length / 2) if length == max(lengths[name]) else length for length in lengths[name])
        }
        shaped = replace(shaped, lengths=lengths)
    return shaped


def _axes(name: str, names: Iterable[str], starred: Iterable[str], random: Random) -> int:
    if name not in starred:
        return 1
    leads = any(each.lstrip("*") == name and name.islower() for each in names) and name != "s"
    return random.randint(1 if leads else 0, MOST_EXTRA_AXES)


def draw_batch(numbers: int, random: Random, losses: list[Loss] | None = None) -> Batch:
    """Return inputs of at most so many numbers for a loss of the catalogue, under parameters of its own."""
    term = draw_parameters(random.choice(losses or list(catalogue().values())), random)
    return draw_shape(term, numbers, random).draw(seed=random.randrange(1 << 31))


def constant(batch: Batch) -> Batch:
    """Return the batch with its first entry everywhere, which packs to almost nothing."""
    return batch.map(
        lambda _, tensor: tensor.flatten()[:1].expand(tensor.shape).contiguous() if tensor.numel() else tensor
    )


def to_dtype(batch: Batch, random: Random, dtypes: list[torch.dtype]) -> Batch:
    """Return the batch with each of its floats in one of these dtypes."""
    return batch.map(lambda _, tensor: tensor.to(random.choice(dtypes)) if tensor.is_floating_point() else tensor)
