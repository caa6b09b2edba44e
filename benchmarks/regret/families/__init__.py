"""Families of the regret benchmark: each file of this folder defines `FAMILY`."""

from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from benchmarks.regret.training import Recipe


@cache
def recipes() -> dict[str, Recipe]:
    """Return every family by the name of its file."""
    names = sorted(entry.name for entry in iter_modules(__path__))
    return {name: import_module(f"{__name__}.{name}").FAMILY for name in names}
