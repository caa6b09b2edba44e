"""The application: one factory, nothing built at import."""

import logging
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from losses.errors import Refusal
from losses.registry import catalogue
from recommender.page import rules_page
from service import errors
from service.routes import curve, docs, evaluate, health, losses, profile, recommend
from service.runtime import Runtime
from service.settings import Settings, thresholds_of
from service.state import State

DESCRIPTION = """
Which loss should I use on this data, and what does any loss say about these predictions?

* **POST /v1/recommend**: a task and what is known of the data in, a loss with its reasons out.
* **POST /v1/profile**: arrays in, what is known of the data out.
* **POST /v1/evaluate**: predictions and targets in, the value of any loss out.

Every operation below has an example that works as it stands: open one and press Execute.
"""


def create_app(settings: Settings) -> FastAPI:
    """Return a fresh application under these settings."""
    thresholds = thresholds_of(settings.rules)
    runtime = Runtime(settings.device)
    rules_page(thresholds)  # refuses a threshold that does not exist, before anything is served

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[State]:
        catalogue()
        logging.getLogger("uvicorn.access").addFilter(health.asked_by_a_person)
        yield State(settings=settings, runtime=runtime, thresholds=thresholds)

    app = FastAPI(
        title="Lossary",
        version="0.1.0",
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    errors.install(app)
    for module in (recommend, profile, evaluate, losses, curve, health):
        app.include_router(module.router)
    docs.install(app)
    return app


def from_environment() -> FastAPI:
    """Return the application as LOSSARY_* settings describe it; the server calls this in each worker.

    A setting that cannot be honoured ends the process with one line.
    """
    try:
        return create_app(Settings())
    except (ValueError, Refusal) as error:
        sys.exit(str(error))
