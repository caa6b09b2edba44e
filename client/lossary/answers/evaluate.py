# Generated from the OpenAPI document by make docs-tables: do not edit.
"""The answers of the operations with the tag evaluate."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lossary import result


class EvaluationWarning(result.Result):
    """A warning about inputs that are legal but may not be intended."""

    __slots__ = ()

    code: str
    text: str


class Evaluations(result.Result):
    """The results in the order requested, and where the time was spent."""

    __slots__ = ()

    results: list[Result]
    # ["items"] is a member by its key alone
    dtype: str
    device: str
    timing_ms: Mapping[str, float]
    version: str
    assumed: Mapping[str, Any] | None


class GradientShares(result.Result):
    """How the absolute gradient is distributed over the items, which shows the influence of outliers on training."""

    __slots__ = ()

    absolute_sum: float
    largest: float
    zero_share: float
    top_1_percent_share: float | None
    top_5_percent_share: float | None
    top_10_percent_share: float | None
    by_class: list[float] | None


class Result(result.Result):
    """The result of one objective; `reason` says why where `value` is null."""

    __slots__ = ()

    loss: str
    value: float | None
    numerator: float | None
    denominator: float | None
    kept: int
    ignored: int
    standard_error: float | None
    gradient: GradientShares | None
    per_class: list[float | None] | None
    terms: list[Result] | None
    reason: str | None
    warnings: list[EvaluationWarning]
    # ["values"] is a member by its key alone
    gradients: Any | None
