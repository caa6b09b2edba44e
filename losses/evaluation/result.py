"""The result of an evaluation: the value, or the reason why there is none, with its sums and warnings."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

import torch
from torch import Tensor

from losses.contract.encodings import Extremes
from losses.contract.expression import Objective
from losses.evaluation.gradient_shares import Shares
from losses.evaluation.input_warnings import InputWarning
from losses.evaluation.totals import Accumulator

NO_PARTNER = "no item has another to be compared with"
NOTHING_COUNTS = "nothing here counts: what the sum is divided by is 0"
NO_WEIGHT = "every weight is 0, and so is what the sum is divided by"
NO_CLASS_WEIGHT = "the class weight of all that is there is 0, and so is what the sum is divided by"
INFINITE = "the loss is not finite: "
IMPOSSIBLE = "something that happened was given probability 0, or "


@dataclass
class Evaluation:
    """The result of one objective; where `value` is None, `reason` says why."""

    name: str
    dtype: torch.dtype
    value: float | None
    numerator: float | None = None
    denominator: float | None = None
    kept: int = 0
    ignored: int = 0
    standard_error: float | None = None
    values: Tensor | None = None
    per_class: list[float | None] | None = None
    gradient: Shares | None = None
    gradients: dict[str, Tensor] | None = None
    terms: list["Evaluation"] | None = None
    reason: str | None = None
    warnings: list[InputWarning] = field(default_factory=list)
    transfer_ms: float = 0.0  # in which the inputs went to the device

    def described(self) -> dict[str, Any]:
        """Return everything but the arrays, under the names of the wire."""
        return {
            "loss": self.name,
            "value": self.value,
            "numerator": self.numerator,
            "denominator": self.denominator,
            "kept": self.kept,
            "ignored": self.ignored,
            "standard_error": self.standard_error,
            "gradient": self.gradient,
            "per_class": self.per_class,
            "terms": [term.described() for term in self.terms] if self.terms else None,
            "reason": self.reason,
            "warnings": self.warnings,
        }


class EvaluatedInputs(Protocol):
    """What a result refers to of the inputs that were evaluated; see `ChunkedInputs`."""

    @property
    def objective(self) -> Objective:
        """The objective."""

    @property
    def inputs(self) -> Mapping[str, Tensor]:
        """The tensors by role."""

    @property
    def compute_dtype(self) -> torch.dtype:
        """The dtype of the computation."""

    @property
    def seen(self) -> list[dict[str, Extremes]]:
        """The extremes of every input, by term and role."""

    @property
    def weight_unit(self) -> float:
        """What the weights were divided by."""


def result_of_term(accumulator: Accumulator, value: float, evaluated: EvaluatedInputs) -> Evaluation:
    """Return the result of one term with its sums."""
    reason = _reason(accumulator, value, evaluated)
    result = Evaluation(
        name=str(accumulator.term),
        dtype=evaluated.compute_dtype,
        value=None if reason else value,
        kept=accumulator.kept,
        ignored=accumulator.count - accumulator.kept,
        reason=reason,
    )
    if accumulator.finish is None:
        sums = accumulator.numerator * evaluated.weight_unit, accumulator.denominator * evaluated.weight_unit
        result.numerator, result.denominator = finite(sums[0]), finite(sums[1])
        classes = accumulator.by_class
    else:
        items = accumulator.finish(accumulator.totals)
        classes = torch.stack([items.numerator, items.counts], 1) if items.numerator.ndim else None
    if classes is not None:
        result.per_class = [finite(entry) for entry in (classes[:, 0] / classes[:, 1]).tolist()]
    return result


def result_of_sum(evaluated: EvaluatedInputs, terms: list[Evaluation], value: float) -> Evaluation:
    """Return the result of a sum of terms, with those of the terms."""
    reason = next(
        (term.reason for term in terms if term.reason),
        None if math.isfinite(value) else f"{INFINITE}the sum of its terms overflowed",
    )
    return Evaluation(
        name=str(evaluated.objective),
        dtype=evaluated.compute_dtype,
        value=None if reason else value,
        kept=terms[0].kept,
        ignored=terms[0].ignored,
        terms=terms,
        reason=reason,
    )


def finite(value: float) -> float | None:
    """Return the number, or None where it is NaN or infinite, which JSON cannot express."""
    return value if math.isfinite(value) else None


def _reason(accumulator: Accumulator, value: float, evaluated: EvaluatedInputs) -> str | None:
    """Return why a term has no finite value; None where it has one."""
    listed = [
        f"{seen.nonfinite} non-finite numbers in {role}" for role, seen in accumulator.seen.items() if seen.nonfinite
    ]
    if math.isfinite(value) and accumulator.kept and not listed:
        return None
    if listed:
        return ", ".join(listed)
    if not all(evaluated.inputs[role].numel() for role in accumulator.seen):
        return "there are no items"
    if not accumulator.kept:
        return _no_item(accumulator)
    return _no_weight(accumulator) if _denominator(accumulator) == 0 else _not_finite(accumulator, evaluated)


def _no_item(accumulator: Accumulator) -> str:
    """Return why no item counts."""
    term = accumulator.term
    if not accumulator.some_unmasked:
        return "every item is masked"
    if "ignore_index" in term.params:
        return f"every item is {'masked or ' if accumulator.some_masked else ''}ignored: its id is the ignore_index"
    return term.loss.nothing_counts or (NO_PARTNER if term.kind == "batch" else NOTHING_COUNTS)


def _no_weight(accumulator: Accumulator) -> str:
    """Return why the items that count have a total weight of 0."""
    if not accumulator.some_weighted:
        return NO_WEIGHT
    if "class_weights" in accumulator.seen:
        return NO_CLASS_WEIGHT
    return accumulator.term.loss.nothing_counts or NOTHING_COUNTS


def _denominator(accumulator: Accumulator) -> float:
    """Return the sum that the value is divided by."""
    if accumulator.finish is not None:
        return float(accumulator.finish(accumulator.totals).counts.sum())
    return accumulator.denominator


def _not_finite(accumulator: Accumulator, evaluated: EvaluatedInputs) -> str:
    """Return why a value is not finite; a probability of 0 is mentioned only where the inputs had one."""
    term, dtype = accumulator.term, evaluated.compute_dtype
    impossible = any(
        seen.low == -math.inf or (domain.is_of_probabilities and (seen.low <= 0 or seen.high >= 1))
        for role, seen in accumulator.seen.items()
        if role in term.loss.differentiable and (domain := term.domain(role))
    )
    wider = "" if dtype == torch.float64 else " in float32; dtype=float64 has a wider range"
    return f"{INFINITE}{IMPOSSIBLE if impossible else ''}numbers overflowed{wider}"


def gradient_overflowed(dtype: torch.dtype) -> InputWarning:
    """Return the warning that the value is finite but its gradient overflowed the dtype."""
    wider = "" if dtype == torch.float64 else " dtype=float64 has a wider range."
    text = f"The value is finite and its gradient is not: numbers overflowed on the way back.{wider}"
    return InputWarning("gradient-not-finite", text)
