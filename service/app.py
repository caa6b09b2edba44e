"""The application: one factory, nothing built at import."""

import sys
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from uvicorn.config import STARTUP_FAILURE

from losses.contract.registry import catalogue
from losses.errors import Refusal
from recommender.rules.export import rules_page
from service import problems
from service.compute import Runtime
from service.dependencies import State
from service.observability import logs
from service.observability.metrics import Metrics
from service.pipeline import pipeline
from service.pipeline.access_log import QUIET
from service.routes import advise, curve, docs, evaluate, health, inference, losses, profile, recommend, shared_memory
from service.settings import Settings, thresholds_of
from service.uploads.shared_memory import regions_of

VERSION = "0.1.0"
DESCRIPTION = """
Which loss should I use on this data, and what does any loss say about these predictions?

* **POST /v1/recommend**: a task and what is known of the data in, a loss with its reasons out.
* **POST /v1/profile**: arrays in, what is known of the data out.
* **POST /v1/evaluate**: predictions and targets in, the value of any loss out.
* **POST /v1/advise**: all three on one upload.

Every operation below has an example that works as it stands: open one and press Execute.
"""


def create_app(settings: Settings) -> FastAPI:
    """Return a fresh application under these settings."""
    thresholds = thresholds_of(settings.rules)
    runtime, metrics = Runtime(settings), Metrics()
    regions = regions_of(settings)
    metrics.built(VERSION, str(runtime.device))
    rules_page(thresholds)  # refuses a threshold that does not exist, before anything is served

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        catalogue()
        yield State(
            settings=settings,
            runtime=runtime,
            metrics=metrics,
            readiness=runtime.readiness,
            thresholds=thresholds,
            regions=regions,
            at_once=at_once,
        )

    app = FastAPI(
        title="Lossary",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        telemetry=_telemetry(on=settings.telemetry),
    )
    problems.install(app)
    routers = [module.router for module in (evaluate, recommend, profile, advise, losses, curve, inference, health)]
    for router in routers:
        app.include_router(router)
    app.include_router(shared_memory.router, include_in_schema=regions is not None)
    docs.install(app)
    routes = [
        route for router in (*routers, shared_memory.router) for route in router.routes if isinstance(route, APIRoute)
    ]
    short = {("POST", "/v1/evaluate"): evaluate.at_once}
    at_once = pipeline.install(app, settings, metrics, runtime.turns, routes, short)
    return app


def _telemetry(*, on: bool) -> TelemetryConfig:
    """Return whether FastAPI sends traces and metrics of its own where the OTEL_* variables say, probes left out.

    Raises: ValueError where that is asked for and not installed.
    """
    if on and find_spec("opentelemetry.sdk") is None:
        raise ValueError("LOSSARY_TELEMETRY: OpenTelemetry is not installed; install lossary-service[telemetry].")

    def quiet(scope: MutableMapping[str, Any]) -> bool:
        return scope.get("path") in QUIET

    return {"tracing": on, "metrics": on, "logs": False, "auto_configure": on, "exclude": quiet}


def from_environment() -> FastAPI:
    """Return the application as LOSSARY_* settings describe it; the server calls this in each worker.

    A setting that cannot be honoured ends the process with one line.
    """
    try:
        settings = Settings()
        logs.configure(settings)
        return create_app(settings)
    except (ValueError, Refusal) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the last word of a process that never served
        sys.exit(STARTUP_FAILURE)
