# Generated from the OpenAPI document by make docs-tables: do not edit.
"""The answers of the operations with the tag health."""

from __future__ import annotations

from lossary import result


class Limit(result.Result):
    """One limit, with the variable that sets it, if there is one."""

    __slots__ = ()

    name: str
    value: float
    meaning: str
    variable: str | None


class Limits(result.Result):
    """Every limit of this service. Sizes are in bytes."""

    __slots__ = ()

    limits: list[Limit]
