"""The application factory; importing this module builds nothing."""

import sys
from collections.abc import AsyncIterator, Callable, MutableMapping, Sequence
from contextlib import asynccontextmanager
from importlib.util import find_spec
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.telemetry import TelemetryConfig
from uvicorn.config import STARTUP_FAILURE

from losses.contract.registry import catalogue
from losses.errors import Refusal
from losses.version import VERSION
from recommender.rules.export import export_rules
from service.budget import memory_budget
from service.compute import Runtime
from service.datasets.store import Datasets
from service.dependencies import State
from service.jobs.jobs import Jobs
from service.observability import logs
from service.observability.metrics import Metrics
from service.pipeline.access_log import AccessLog
from service.pipeline.auth import Guard, keys_of
from service.pipeline.compression import Compression
from service.pipeline.inline import Inline
from service.pipeline.origins import Origins
from service.pipeline.pages import Pages
from service.pipeline.pipeline import Pipeline, PipelineMiddleware
from service.pipeline.revalidation import Revalidation
from service.pipeline.route_table import RouteTable
from service.pipeline.steps import Step
from service.problems import raise_refusals
from service.routes import routers, shared_memory
from service.routes.pages import docs
from service.settings import Settings, thresholds_of
from service.uploads.shared_memory import regions_of

DESCRIPTION = """
Which loss should I use on this data, and what does any loss say about these predictions?

* **POST /v1/recommend**: a task and what is known of the data in, a loss with its reasons out.
* **POST /v1/profile**: arrays in, what is known of the data out.
* **POST /v1/evaluate**: predictions and targets in, the value of any loss out.
* **POST /v1/advise**: all three on one upload.
* **POST /v1/experiments**: a table in, which loss trains best on it and how sure that is out.

Every operation below has an example that works as it stands: open one and press Execute.
"""


def create_app(
    settings: Settings, extra_steps: Sequence[Step] = (), runtime_of: Callable[[Settings], Runtime] = Runtime
) -> FastAPI:
    """Return a new application.

    Args:
        settings: The settings of this process.
        extra_steps: Steps to run inside the service's own steps.
        runtime_of: Creates the runtime that computes losses.
    """
    thresholds = thresholds_of(settings.rules)
    runtime, metrics = runtime_of(settings), Metrics()
    regions, memory = regions_of(settings), memory_budget(settings)
    metrics.built(VERSION, str(runtime.device))
    metrics.watch(memory, runtime.turns)
    export_rules(thresholds)  # refuses a threshold that does not exist, before anything is served
    keys = keys_of(settings.keys)
    guards = [] if keys is None else [Guard(keys)]
    around = [AccessLog(metrics), Origins(settings.cors_origins), *guards]
    steps = [*around, Pages(), Revalidation(guarded=keys is not None), Compression(), *extra_steps]
    routes = [route for router in routers() for route in router.routes if isinstance(route, APIRoute)]
    table = RouteTable(routes, docs.FILES_OPEN)
    pipeline = Pipeline(steps, table, memory, settings)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        """Resume the jobs, yield the objects that requests find in their state, and close them at the end."""
        catalogue()
        datasets = Datasets(settings)
        jobs = Jobs(settings, datasets)
        jobs.resume()
        yield State(
            datasets=datasets,
            jobs=jobs,
            settings=settings,
            runtime=runtime,
            metrics=metrics,
            readiness=runtime.readiness,
            thresholds=thresholds,
            regions=regions,
            keys=keys,
            inline=None if settings.telemetry else Inline(pipeline),  # traces begin in FastAPI
        )
        jobs.close()
        datasets.close()

    app = FastAPI(
        title="Lossary",
        version=VERSION,
        description=DESCRIPTION,
        lifespan=lifespan,
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=lambda route: route.name,  # operation ids that generated clients have as names
        telemetry=_telemetry(pipeline, on=settings.telemetry),
    )
    raise_refusals(app)
    for router in routers():
        app.include_router(router, include_in_schema=router is not shared_memory.router or regions is not None)
    docs.serve_docs(app, table, guarded=keys is not None, root_path=settings.root_path)
    app.add_middleware(PipelineMiddleware, pipeline=pipeline)
    return app


def _telemetry(pipeline: Pipeline, *, on: bool) -> TelemetryConfig:
    """Return whether FastAPI exports OpenTelemetry traces and metrics, as the OTEL_* variables configure it.

    Raises: ValueError where that is asked for and not installed.
    """
    if on and find_spec("opentelemetry.sdk") is None:
        raise ValueError("LOSSARY_TELEMETRY: OpenTelemetry is not installed; install lossary-service[telemetry].")

    def quiet(scope: MutableMapping[str, Any]) -> bool:
        """Return whether the route of a request is not to be traced."""
        return pipeline.match(scope.get("method", ""), scope.get("path", "")).properties.quiet

    return {"tracing": on, "metrics": on, "logs": False, "auto_configure": on, "exclude": quiet}


def from_environment(runtime_of: Callable[[Settings], Runtime] = Runtime) -> FastAPI:
    """Return the application that the LOSSARY_* variables describe; the server calls this in each worker.

    An invalid setting ends the process with a message of one line.
    """
    try:
        settings = Settings()
        logs.configure(settings)
        return create_app(settings, runtime_of=runtime_of)
    except (ValueError, Refusal) as error:
        print(error, file=sys.stderr)  # noqa: T201 - the last word of a process that never served
        sys.exit(STARTUP_FAILURE)
