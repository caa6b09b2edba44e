"""Details: measured numbers for people, which no rule reads."""

import math
from collections.abc import Sequence

from pydantic import BaseModel, ConfigDict, Field

Interval = tuple[float, float]
MOST_LISTED = 100  # entries of a list in an answer


class Detail(BaseModel):
    """One measured number, truth value or list, with its method and, where known, its interval."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    value: bool | float | list[float] = Field(description="The point value; a list has one entry a class or quantile.")
    interval: Interval | list[Interval] | None = Field(default=None, description="95 % confidence interval.")
    n: int | None = Field(default=None, ge=0, description="How many items it was measured on.")
    method: str | None = Field(default=None, description="How it was measured.")
    basis: str | None = Field(default=None, description="What it was measured on.")


Details = dict[str, Detail | None]


def detail(
    value: float, n: int, method: str, basis: str = "targets", *, interval: Interval | None = None
) -> Detail | None:
    """Return a detail, or None where the number is not finite, which means that it is undefined for these arrays."""
    if not math.isfinite(value):
        return None
    ends = interval if interval and all(map(math.isfinite, interval)) else None
    return Detail(value=value, interval=ends, n=n, method=method, basis=basis)


def list_detail(
    values: Sequence[float], n: int, method: str, basis: str = "targets", *, intervals: Sequence[Interval] | None = None
) -> Detail:
    """Return a detail of several numbers; beyond `MOST` only the first are kept, and `method` says so."""
    if len(values) > MOST_LISTED:
        method = f"{method}; the first {MOST_LISTED} of {len(values)}"
    ends = None if intervals is None else list(intervals[:MOST_LISTED])
    return Detail(value=list(values[:MOST_LISTED]), interval=ends, n=n, method=method, basis=basis)


def present(details: Details) -> dict[str, Detail]:
    """Return the details that are not None."""
    return {name: value for name, value in details.items() if value is not None}
