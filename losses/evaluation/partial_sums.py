"""The sums of a part of the items as JSON, and the result of all parts: what is evaluated here and there is one number.

A stream that was fed one part gives its sums; sums of parts add up wherever they were computed, since a loss is a map,
a sum and a finish. What the finish is, a stream knows once it has seen an item, so that the sums carry one.
"""

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from losses.contract.encodings import Extremes
from losses.contract.expression import Objective
from losses.evaluation.moments import Moments
from losses.evaluation.passes import Options
from losses.evaluation.result import Evaluation
from losses.evaluation.stream import Stream
from losses.evaluation.totals import Accumulator

PartialSums = dict[str, Any]
ADDED = ("kept", "count", "numerator", "denominator")
EITHER = ("weighted", "some_masked", "some_unmasked", "some_weighted")


def sums_of(stream: Stream, first: dict[str, Tensor]) -> PartialSums:
    """Return the sums of what a stream has seen. `first`: its first item by role, weights and mask too."""
    return {
        "items": stream.items,
        "first": {role: _packed(tensor) for role, tensor in first.items()},
        "terms": [_of_term(accumulator) for accumulator in stream.accumulators],
        "spread": None if stream.spread is None else vars(stream.spread),
    }


def joined(parts: Sequence[PartialSums]) -> PartialSums:
    """Return the sums of all parts; at least one."""
    first, *rest = parts
    total = first
    for part in rest:
        total = {
            "items": total["items"] + part["items"],
            "first": total["first"],
            "terms": [_added(*terms) for terms in zip(total["terms"], part["terms"], strict=True)],
            "spread": None if first["spread"] is None else _spread(total["spread"], part["spread"]),
        }
    return total


def result_of_sums(objective: Objective, options: Options, sums: PartialSums) -> Evaluation:
    """Return what an objective says of all items that the sums are of."""
    stream = Stream(objective, options)
    first = {role: _unpacked(entry) for role, entry in sums["first"].items()}
    weights, mask = first.pop("weights", None), first.pop("mask", None)
    stream.add(first, weights, mask)
    for accumulator, term in zip(stream.accumulators, sums["terms"], strict=True):
        for name in (*ADDED, *EITHER):
            setattr(accumulator, name, term[name])
        accumulator.seen = {role: Extremes(**seen) for role, seen in term["seen"].items()}
        accumulator.totals = {axis: _unpacked(total) for axis, total in term["totals"].items()}
        accumulator.by_class = None if term["by_class"] is None else _unpacked(term["by_class"])
    stream.items = sums["items"]
    if stream.spread is not None:
        stream.spread = Moments(**sums["spread"])
    return stream.finish()


def _of_term(accumulator: Accumulator) -> dict[str, Any]:
    return {
        **{name: getattr(accumulator, name) for name in (*ADDED, *EITHER)},
        "seen": {role: vars(seen) for role, seen in accumulator.seen.items()},
        "totals": {axis: _packed(total) for axis, total in accumulator.totals.items()},
        "by_class": None if accumulator.by_class is None else _packed(accumulator.by_class),
    }


def _added(some: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return {
        **{name: some[name] + more[name] for name in ADDED},
        **{name: some[name] or more[name] for name in EITHER},
        "seen": {role: vars(Extremes(**some["seen"][role]) | Extremes(**more["seen"][role])) for role in some["seen"]},
        "totals": {axis: _sum(some["totals"][axis], more["totals"][axis]) for axis in some["totals"]},
        "by_class": None if some["by_class"] is None else _sum(some["by_class"], more["by_class"]),
    }


def _spread(some: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    moments = Moments(**some)
    moments.join(Moments(**more))
    return vars(moments)


def _sum(some: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    return _packed(_unpacked(some) + _unpacked(more))


def _packed(tensor: Tensor) -> dict[str, Any]:
    """Return a tensor as JSON, to the last bit."""
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "values": tensor.tolist(), "shape": [*tensor.shape]}


def _unpacked(entry: dict[str, Any]) -> Tensor:
    return torch.tensor(entry["values"], dtype=getattr(torch, entry["dtype"])).reshape(entry["shape"])
