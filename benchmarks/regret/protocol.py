"""What is promised, on which strata and by which metrics; the digest of it stands in every result.

Promises and three families stand in protocol.json, the others beside how they are trained, in `families`.
"""

import hashlib
from collections.abc import Iterable
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict

from benchmarks.regret.cells import HERE, Cell, Row
from recommender.profile import Goal

FILE = HERE / "protocol.json"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Metric(_Part):
    """What is scored, and the goal of whoever is scored by it. Relative: compared by ratio, else by difference."""

    name: str
    shown: str
    better: Literal[-1, 1]
    relative: bool
    goal: Goal


class Family(_Part):
    """`constants` were trained in every cell. `groups` are strata that are read together."""

    strata: list[str]
    groups: dict[str, list[str]]
    models: list[str]
    constants: list[str]
    library_default: str
    metrics: list[Metric]
    thresholds: dict[str, list[float]]


class Promises(_Part):
    """What the evidence book is held to, as shares."""

    mean_regret: float
    above_best_constant: float
    gap_closed: float
    catastrophes: float


class Protocol(_Part):
    """The file."""

    families: dict[str, Family]
    promises: Promises


class DeviationError(ValueError):
    """Stored results that the protocol does not describe."""


@cache
def protocol(path: Path = FILE) -> Protocol:
    """Return the protocol in force."""
    listed = Protocol.model_validate_json(path.read_bytes())
    recipes = import_module("benchmarks.regret.families").recipes()
    families = listed.families | {name: recipe.protocol for name, recipe in recipes.items()}
    return Protocol(families=families, promises=listed.promises)


def digest(path: Path = FILE) -> str:
    """Return 12 digits that change with any part of the protocol."""
    return hashlib.sha256(protocol(path).model_dump_json().encode()).hexdigest()[:12]


def check(name: str, rows: Iterable[Row]) -> None:
    """Refuse results whose strata, models or constants are not those of the protocol.

    Raises: DeviationError.
    """
    listed, stored = protocol().families[name], list(rows)
    cells = {row.cell for row in stored}
    trained: dict[Cell, set[str]] = {cell: set() for cell in cells}
    for row in stored:
        trained[row.cell].add(row.candidate)
    everywhere = set.intersection(*trained.values())
    _same(name, "strata", listed.strata, {cell.stratum for cell in cells})
    _same(name, "models", listed.models, {cell.model for cell in cells})
    _same(name, "constants", listed.constants, everywhere)


def _same(family: str, what: str, wanted: Iterable[str], present: set[str]) -> None:
    odd = sorted(set(wanted) ^ present)
    if odd:
        raise DeviationError(f"{family}: {what} of protocol and results differ in {', '.join(odd)}.")
