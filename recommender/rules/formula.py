"""What a formula is: a function of facts that gives a parameter, with its text, inputs, bounds and source."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from math import floor, log10
from typing import Protocol

from losses.text import Text
from recommender.notices import WarningText
from recommender.profile import Goal

SIGNIFICANT_DIGITS = 3  # a fact measured on hundreds of items carries no more


class NumericFacts(Protocol):
    """Facts by name, as a formula reads them: a profile, or a question where it reads the goal too."""

    def number(self, fact: str) -> float | None:
        """Return what is known of a fact."""


@dataclass(frozen=True)
class Computed:
    """A parameter's value, and where it comes from."""

    value: float
    formula: str
    source: str
    known: bool  # whether it follows from facts
    warnings: tuple[WarningText, ...]


@dataclass(frozen=True, eq=False)
class Formula:
    """A function of facts, named by its arguments; where one is missing, `otherwise` stands in.

    An argument named as a part of the goal is read from there.
    """

    name: str
    text: str
    inputs: tuple[str, ...]
    low: float
    high: float
    source: str
    compute: Callable[..., float]
    otherwise: "Formula | None" = None
    warning: WarningText | None = None

    def __call__(self, facts: NumericFacts) -> Computed:
        """Return the parameter inside its bounds; computed from facts, to three digits where those lie inside too."""
        given = tuple([facts.number(name) for name in self.inputs])
        if self.otherwise and None in given:
            return self.otherwise(facts)
        return _computed(self, given)

    @property
    def reads(self) -> frozenset[str]:
        """Every fact it may read, stand-ins included."""
        return frozenset(self.inputs) | (self.otherwise.reads if self.otherwise else frozenset())

    def clipped(self, kept: float) -> WarningText:
        """Return the warning that the parameter was kept within its bounds."""
        return WarningText(
            "parameter-clipped",
            Text(
                en=f"{self.text} lies outside {self.low:g} to {self.high:g} here; {kept:g} was taken.",
                zh=f"此处 {self.text} 超出 {self.low:g} 至 {self.high:g},已取 {kept:g}。",
            ),
        )


@lru_cache(maxsize=1024)  # one question asks for the same a few times
def _computed(formula: Formula, given: tuple[float | None, ...]) -> Computed:
    exact = formula.compute(*given)
    kept = min(max(exact, formula.low), formula.high)
    warnings = [formula.warning] if formula.warning else []
    if kept != exact:
        warnings.append(formula.clipped(kept))
    rounded = significant(kept, SIGNIFICANT_DIGITS) if given else kept
    value = rounded if formula.low <= rounded <= formula.high else kept  # 0.9996 would become 1
    return Computed(value, formula.text, formula.source, bool(given), tuple(warnings))


def significant(value: float, digits: int) -> float:
    """Return the number with that many significant digits."""
    return round(value, digits - 1 - floor(log10(abs(value)))) if value else 0.0


def formula(
    text: str,
    *,
    bounds: tuple[float, float],
    source: str,
    otherwise: Formula | None = None,
    warning: WarningText | None = None,
) -> Callable[[Callable[..., float]], Formula]:
    """Make a function of facts a formula; its arguments name the facts."""

    def make(compute: Callable[..., float]) -> Formula:
        names = inspect.signature(compute).parameters
        inputs = tuple(f"goal.{name}" if name in Goal.model_fields else name for name in names)
        return Formula(compute.__name__, text, inputs, *bounds, source, compute, otherwise, warning)

    return make
