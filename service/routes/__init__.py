"""The endpoints; each states its access rights beside its handler."""

import pkgutil
from importlib import import_module

from fastapi import APIRouter

TAGS = (
    "recommend",
    "profile",
    "evaluate",
    "advise",
    "batch",
    "datasets",
    "evaluations",
    "experiments",
    "losses",
    "open inference protocol",
    "health",
)


def routers() -> list[APIRouter]:
    """Return the `router` of every module below this folder, ordered by tag as on the docs page.

    Routers without one of the `TAGS` come last, in the order of their modules' names.
    """
    names = [module.name for module in pkgutil.walk_packages(__path__, f"{__name__}.")]
    modules = [import_module(name) for name in names]
    # By id, since a package may show the router of one of its modules.
    known = {id(module.router): module.router for module in modules if hasattr(module, "router")}
    return sorted(known.values(), key=_place)


def _place(router: APIRouter) -> int:
    """Return the position of a router's tag."""
    return next((TAGS.index(str(tag)) for tag in router.tags if tag in TAGS), len(TAGS))
