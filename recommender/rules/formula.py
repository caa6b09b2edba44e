"""A formula: a function of facts that computes a parameter, with its text, inputs, bounds and source."""

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
    """Numeric facts by name, as formulas read them: a profile, or a question, which also has the goal."""

    def number(self, fact: str) -> float | None:
        """Return the value of a fact; None where it is unknown."""


@dataclass(frozen=True)
class Computed:
    """A parameter's value and its origin.

    Attributes:
        value: The value, within the bounds of the formula.
        formula: The formula as text.
        source: The publication that the formula comes from.
        known: Whether it was computed from facts; otherwise it is a default.
        warnings: What to know about the value.
    """

    value: float
    formula: str
    source: str
    known: bool  # whether it follows from facts
    warnings: tuple[WarningText, ...]


@dataclass(frozen=True, eq=False)
class Formula:
    """A function of facts, which its arguments name; `otherwise` is used where one of them is unknown.

    An argument named like a part of the goal reads the goal.
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
        """Return the parameter within its bounds, rounded to three significant digits where that stays within them."""
        values = tuple([facts.number(name) for name in self.inputs])
        if self.otherwise and None in values:
            return self.otherwise(facts)
        return _computed(self, values)

    @property
    def reads(self) -> frozenset[str]:
        """The facts that the formula may read, including those of `otherwise`."""
        return frozenset(self.inputs) | (self.otherwise.reads if self.otherwise else frozenset())

    def clipped(self, limit: float) -> WarningText:
        """Return the warning that the parameter was limited to its bounds; `limit` is the limit."""
        return WarningText(
            "parameter-clipped",
            Text(
                en=f"{self.text} lies outside {self.low:g} to {self.high:g} here; {limit:g} was taken.",
                zh=f"此处 {self.text} 超出 {self.low:g} 至 {self.high:g},已取 {limit:g}。",
            ),
        )


@lru_cache(maxsize=1024)  # one question asks for the same a few times
def _computed(formula: Formula, values: tuple[float | None, ...]) -> Computed:
    """Return the parameter for these values of the facts."""
    exact = formula.compute(*values)
    limited = min(max(exact, formula.low), formula.high)
    warnings = [formula.warning] if formula.warning else []
    if limited != exact:
        warnings.append(formula.clipped(limited))
    rounded = significant(limited, SIGNIFICANT_DIGITS) if values else limited
    value = rounded if formula.low <= rounded <= formula.high else limited  # 0.9996 would become 1
    return Computed(value, formula.text, formula.source, bool(values), tuple(warnings))


def significant(value: float, digits: int) -> float:
    """Return a number rounded to `digits` significant digits."""
    return round(value, digits - 1 - floor(log10(abs(value)))) if value else 0.0


def formula(
    text: str,
    *,
    bounds: tuple[float, float],
    source: str,
    otherwise: Formula | None = None,
    warning: WarningText | None = None,
) -> Callable[[Callable[..., float]], Formula]:
    """Return a decorator that makes a function of facts a formula.

    Args:
        text: The formula as text.
        bounds: The least and the greatest value of the parameter.
        source: The publication that it comes from.
        otherwise: The formula to use where a fact is unknown.
        warning: A warning to add where the formula was used.
    """

    def make(compute: Callable[..., float]) -> Formula:
        """Return the function as a formula."""
        names = inspect.signature(compute).parameters
        inputs = tuple(f"goal.{name}" if name in Goal.model_fields else name for name in names)
        return Formula(compute.__name__, text, inputs, *bounds, source, compute, otherwise, warning)

    return make
