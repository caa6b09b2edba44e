"""What the service takes and answers: endpoints, refusals, formats, fixed limits; and its settings."""

from collections.abc import Callable
from typing import Any

from fastapi.routing import APIRoute
from pydantic_core import PydanticUndefined

from docs.blocks.tables import cell, code, table
from losses.errors import refusal_kinds
from service.pipeline.properties import properties_of
from service.problems import http_status, type_of
from service.routes import routers
from service.routes.health import FIXED
from service.server.heads import HeadRefusal
from service.settings import Settings
from service.uploads.formats.registry import ArrayFormat, Format, formats

_UNITS = {1 << 40: "TiB", 1 << 30: "GiB", 1 << 20: "MiB", 1 << 10: "KiB"}
_WHO = {"open": "everyone", "any key": "any key"}


def endpoints() -> str:
    """Return every route with what it is for and which key it takes."""
    routes = [route for router in routers() for route in router.routes if isinstance(route, APIRoute)]
    rows = []
    for route in routes:
        stated = properties_of(route.endpoint)
        methods = ", ".join(sorted(set(route.methods or ()) - {"HEAD"}))
        path = f"{methods} {route.path}"
        if "/versions/{version}" not in route.path:  # each model has one version, which may be named
            rows.append(
                (code(path), cell(route.summary or _first_line(route)), _who(stated.access if stated else "open"))
            )
    return table(["request", "what it does", "who may ask"], rows)


def _first_line(route: APIRoute) -> str:
    return (route.endpoint.__doc__ or "").partition("\n")[0]


def _who(access: str) -> str:
    return _WHO.get(access, f"key with `{access}`")


def refusals() -> str:
    """Return every refusal with its status, its type and its title."""
    kinds = sorted(refusal_kinds(), key=lambda kind: (http_status(kind), type_of(kind)))
    named = [kind for kind in dict.fromkeys(kinds) if kind is not HeadRefusal]  # whose type is named for its status
    rows = [(str(http_status(kind)), code(type_of(kind)), cell(kind.title.en)) for kind in named]
    rows.append(("500", code("urn:lossary:internal"), "Internal error: always our fault"))
    return table(["status", "type", "title"], rows)


def media_types() -> str:
    """Return the formats that arrays travel in."""
    rows = [(code(entry.suffix), code(entry.media), _read(entry)) for entry in formats().values()]
    return table(["file", "media type of a body, and of an answer in arrays", "read"], rows)


def _read(entry: Format) -> str:
    if isinstance(entry, ArrayFormat):
        return "as it arrives, where it is long" if entry.stream else "as a whole"
    return "the columns that are wanted; no answer is written in it"


def settings() -> str:
    """Return every setting with its default and its meaning."""
    rows = [
        (code(f"LOSSARY_{name.upper()}"), _default(name, field), cell(field.description or ""))
        for name, field in Settings.model_fields.items()
    ]
    return table(["variable", "default", "meaning"], rows)


def _default(name: str, field: Any) -> str:  # noqa: ANN401 - pydantic's FieldInfo
    value = field.default
    if value is PydanticUndefined:
        return "computed"
    if name.endswith("_bytes"):
        unit = next(unit for unit in _UNITS if value % unit == 0)
        return f"{value // unit} {_UNITS[unit]}"
    if isinstance(value, bool):
        return code(int(value))
    if value in (None, ()):
        return "none"
    return code(f"{value:g}" if isinstance(value, float) else value)


def fixed_limits() -> str:
    """Return the limits that no setting changes."""
    return table(["limit", "value", "meaning"], [(code(x.name), f"{x.value:g}", cell(x.meaning)) for x in FIXED], [1])


BLOCKS: dict[str, Callable[..., str]] = {
    "endpoints": endpoints,
    "refusals": refusals,
    "formats": media_types,
    "settings": settings,
    "fixed-limits": fixed_limits,
}
