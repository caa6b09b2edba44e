"""The endpoints; each states beside its handler who may ask it."""

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
    """Return the `router` of every module of this folder, in the order in which the docs page shows their tags.

    Routers with a tag that is not in `TAGS`, or with none, come last, by the names of their modules.
    """
    modules = [import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)]
    return sorted((module.router for module in modules if hasattr(module, "router")), key=_place)


def _place(router: APIRouter) -> int:
    return next((TAGS.index(str(tag)) for tag in router.tags if tag in TAGS), len(TAGS))
