# Generated from the OpenAPI document by make docs-tables: do not edit.
"""The answers of the operations with the tag losses."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from lossary import result


class ArticleEntry(result.Result):
    """What the article says of a loss, and where that is imprecise."""

    __slots__ = ()

    section: str
    characteristics: Bilingual
    scenarios: Bilingual
    note: Bilingual | None


class Bilingual(result.Result):
    """A sentence in both languages."""

    __slots__ = ()

    en: str
    zh: str


class Catalogue(result.Result):
    """Every loss."""

    __slots__ = ()

    losses: list[Row]
    total: int
    version: str


class CurveLine(result.Result):
    """The curve of one loss."""

    __slots__ = ()

    loss: str
    value: list[float]
    gradient: list[float]


class Curves(result.Result):
    """Curves of losses along one axis."""

    __slots__ = ()

    axis: str | None
    target: float | None
    x: list[float]
    curves: list[CurveLine]
    left_out: list[LeftOut]
    version: str


class Input(result.Result):
    """One array that the loss takes."""

    __slots__ = ()

    role: str
    axes: str
    domain: str
    optional: bool


class LeftOut(result.Result):
    """A loss that has no curve on this axis, with the reason."""

    __slots__ = ()

    loss: str
    because: str


class Page(result.Result):
    """Everything that is known of a loss."""

    __slots__ = ()

    id: str
    title: str
    tasks: list[str]
    kind: Literal["item", "ratio", "batch"]
    formula: str
    traits: list[str]
    aliases: list[str]
    inputs: list[Input]
    # ["items"] is a member by its key alone
    elements: str
    activation: str
    parameters: Mapping[str, Any]
    alias_parameters: Mapping[str, Mapping[str, Any]]
    elicits: str
    source: str
    article: ArticleEntry | None
    conventions: Mapping[str, Mapping[str, Any]]
    differences: list[str]
    cases: list[WorkedCase]
    snippets: Mapping[str, str]
    version: str


class Row(result.Result):
    """A loss in one line."""

    __slots__ = ()

    id: str
    title: str
    tasks: list[str]
    kind: Literal["item", "ratio", "batch"]
    formula: str
    traits: list[str]
    aliases: list[str]


class WorkedCase(result.Result):
    """Inputs and the resulting value per item, or the value."""

    __slots__ = ()

    params: Mapping[str, Any]
    inputs: Mapping[str, Any]
    gives: Any
