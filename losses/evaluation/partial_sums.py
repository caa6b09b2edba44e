"""Partial sums as JSON: parts of the items are evaluated separately, and their sums add up to the result of all.

A loss is a map, a sum and a finish (docs/architecture.md). The finish is known to a stream only after its first item,
so the sums carry that item.
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
    """Return the sums of a stream.

    Args:
        stream: The stream, with at least one item.
        first: Its first item: the tensors by role, and those of weights and mask.
    """
    return {
        "items": stream.items,
        "first": {role: _packed(tensor) for role, tensor in first.items()},
        "terms": [_of_term(accumulator) for accumulator in stream.accumulators],
        "spread": None if stream.spread is None else vars(stream.spread),
    }


def joined(parts: Sequence[PartialSums]) -> PartialSums:
    """Return the sums of all parts together; `parts` has at least one."""
    first, *others = parts
    total = first
    for part in others:
        total = {
            "items": total["items"] + part["items"],
            "first": total["first"],
            "terms": [_added(*terms) for terms in zip(total["terms"], part["terms"], strict=True)],
            "spread": None if first["spread"] is None else _spread(total["spread"], part["spread"]),
        }
    return total


def result_of_sums(objective: Objective, options: Options, sums: PartialSums) -> Evaluation:
    """Return the result of an objective from the sums over all items."""
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
    """Return the sums of one term as JSON."""
    return {
        **{name: getattr(accumulator, name) for name in (*ADDED, *EITHER)},
        "seen": {role: vars(seen) for role, seen in accumulator.seen.items()},
        "totals": {axis: _packed(total) for axis, total in accumulator.totals.items()},
        "by_class": None if accumulator.by_class is None else _packed(accumulator.by_class),
    }


def _added(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the sums of one term over two parts together."""
    return {
        **{name: first[name] + second[name] for name in ADDED},
        **{name: first[name] or second[name] for name in EITHER},
        "seen": {
            role: vars(Extremes(**first["seen"][role]) | Extremes(**second["seen"][role])) for role in first["seen"]
        },
        "totals": {axis: _sum(first["totals"][axis], second["totals"][axis]) for axis in first["totals"]},
        "by_class": None if first["by_class"] is None else _sum(first["by_class"], second["by_class"]),
    }


def _spread(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the moments of two parts together."""
    moments = Moments(**first)
    moments.join(Moments(**second))
    return vars(moments)


def _sum(first: dict[str, Any], second: dict[str, Any]) -> dict[str, Any]:
    """Return the sum of two tensors in JSON."""
    return _packed(_unpacked(first) + _unpacked(second))


def _packed(tensor: Tensor) -> dict[str, Any]:
    """Return a tensor as JSON, without loss of precision."""
    return {"dtype": str(tensor.dtype).removeprefix("torch."), "values": tensor.tolist(), "shape": [*tensor.shape]}


def _unpacked(entry: dict[str, Any]) -> Tensor:
    """Return the tensor that `_packed` wrote."""
    return torch.tensor(entry["values"], dtype=getattr(torch, entry["dtype"])).reshape(entry["shape"])
