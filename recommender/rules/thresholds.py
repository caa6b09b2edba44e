"""The thresholds in force: the defaults of the rules, overridden by name."""

from collections.abc import Mapping
from functools import lru_cache

from losses.near import near
from losses.text import Text
from recommender.errors import BadThreshold, UnknownThreshold
from recommender.profile import RANGES, Range
from recommender.rules import ROWS
from recommender.rules.table import Threshold

THRESHOLDS: dict[str, tuple[Threshold, str]] = {
    condition.bound.name: (condition.bound, condition.fact)
    for row in ROWS
    for condition in (*row.when, *row.unless)
    if isinstance(condition.bound, Threshold)
}


def bounds_in_force(overrides: Mapping[str, float] | None = None) -> dict[str, float]:
    """Return the value of every threshold, by name.

    Raises: UnknownThreshold with the nearest name; BadThreshold outside the range of its fact, or past another
    threshold.
    """
    return dict(_checked(tuple(sorted((overrides or {}).items()))))


@lru_cache(maxsize=256)
def _checked(overrides: tuple[tuple[str, float], ...]) -> Mapping[str, float]:
    """Return the thresholds in force, after checking every override."""
    by_name = dict(overrides)
    for name in by_name:
        if name not in THRESHOLDS:
            raise UnknownThreshold(name, THRESHOLDS, near(name, THRESHOLDS))
    bounds = {name: by_name.get(name, threshold.default) for name, (threshold, _) in THRESHOLDS.items()}
    for name, (_, fact) in THRESHOLDS.items():
        _check(name, bounds[name], RANGES[fact])
    for name, (threshold, _) in THRESHOLDS.items():
        lower = threshold.not_below
        if lower and bounds[name] < bounds[lower.name]:
            bound = f"{bounds[name]:g}"
            raise BadThreshold(lower.name, Text(f"at most {name}, which is {bound}", f"不超过 {name},即 {bound}"))
    return {name: float(value) for name, value in bounds.items()}


def _check(name: str, value: float, allowed: Range) -> None:
    """Refuse a value outside the range of its fact.

    Raises: BadThreshold.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or not allowed.holds(value):
        raise BadThreshold(name, allowed.wanted)
