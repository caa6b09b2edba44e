"""What stands around the routes: every request is observed, let in by its key, and admitted by its memory.

All of it is ASGI middleware, so that a route that is added is behind it without a word; what it may answer is added to
every operation of the OpenAPI document here.
"""

from collections.abc import Sequence
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from losses.errors import Refusal
from service.observability.metrics import Metrics
from service.pipeline import auth
from service.pipeline.access_log import Journal, Observed
from service.pipeline.admission import Admission, Budget, memory_budget
from service.pipeline.body_pace import Punctual
from service.pipeline.direct import Direct
from service.pipeline.inline import AtOnce, Endpoints
from service.problems import (
    Forbidden,
    QuotaExceeded,
    RequestTimeout,
    TemporaryReducedCapacity,
    Unauthorized,
    responses,
)
from service.settings import Settings

SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer"},
    "header": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}


def install(
    app: FastAPI,
    settings: Settings,
    metrics: Metrics,
    turns: Budget,
    routes: Sequence[APIRoute],
    short: Endpoints,
) -> AtOnce | None:
    """Put the layers around an application; the last that is added is the outermost.

    Return what answers the `short` requests within the same layers, where that can be. The endpoints of their paths
    take the request alone, so that those it declines are spared FastAPI's routing.
    """
    paths = {path for _, path in short}
    app.add_middleware(Direct, routes=[route for route in routes if route.path in paths])
    memory = memory_budget(settings)
    _show(metrics, memory, turns)
    longest = max(settings.max_body_bytes, settings.max_json_bytes)
    app.add_middleware(Admission, budget=memory, patience_s=settings.queue_seconds, longest=longest)
    app.add_middleware(Punctual, idle_s=settings.idle_seconds, bytes_per_s=settings.min_body_rate)
    keys = auth.keys_of(settings.keys)
    if keys is not None:
        app.add_middleware(auth.Guard, keys=keys)
    journal = Journal(metrics)
    app.add_middleware(Observed, journal=journal, routes=routes)
    _document(app, guarded=keys is not None)
    return None if settings.telemetry else AtOnce(short, journal, memory, keys)


def _show(metrics: Metrics, memory: Budget, turns: Budget) -> None:
    metrics.reservable.set(memory.total)
    reserved, waiting = metrics.reserved, metrics.waiting.labels("memory")
    thread = metrics.waiting.labels("thread")

    def memory_changed() -> None:
        reserved.set(memory.total - memory.free)
        waiting.set(memory.waiting)

    memory.changed = memory_changed
    turns.changed = lambda: thread.set(turns.waiting)


def _document(app: FastAPI, *, guarded: bool) -> None:
    plain = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            document = plain()
            if guarded:
                document["components"]["securitySchemes"] = SCHEMES
            for path, operations in document["paths"].items():
                for operation in operations.values():
                    _complete(operation, guarded=guarded and not auth.is_open(path))
        return app.openapi_schema or {}

    app.openapi = openapi  # type: ignore[method-assign] # as FastAPI's documentation extends it


def _complete(operation: dict[str, Any], *, guarded: bool) -> None:
    kinds: list[type[Refusal]] = [RequestTimeout, TemporaryReducedCapacity] if "requestBody" in operation else []
    if guarded:
        kinds += [Unauthorized, Forbidden, QuotaExceeded]
        operation["security"] = [{name: []} for name in SCHEMES]
    for status, response in responses(*kinds).items():
        shown = {name: value for name, value in response.items() if name != "model"}
        operation["responses"].setdefault(str(status), shown)
