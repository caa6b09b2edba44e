"""Both rule books in one table: the rules of all modules in `article` and `evidence`."""

import pkgutil
from collections.abc import Iterable
from importlib import import_module

from recommender.rules import article, evidence
from recommender.rules.table import Rule


def find_rows(package: str, path: Iterable[str]) -> tuple[Rule, ...]:
    """Return the `RULES` of every module in a package, in the order of module names."""
    names = sorted(module.name for module in pkgutil.walk_packages(path, prefix=f"{package}."))
    return tuple(row for name in names for row in getattr(import_module(name), "RULES", ()))


ROWS = (*find_rows(article.__name__, article.__path__), *find_rows(evidence.__name__, evidence.__path__))
