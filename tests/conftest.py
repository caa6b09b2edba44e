"""A fresh application for every test that asks for one; nothing is shared and nothing of ours is mocked.

The service is imported with the first of them: the process that distributes the tests over workers needs no torch.
"""

import gc
import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from fastapi import FastAPI
    from starlette.types import ASGIApp, Receive, Scope, Send

    from service.compute import Runtime
    from service.settings import Settings

settings.register_profile("steady", deadline=None, derandomize=True)  # the same examples on a slow machine as on a fast
settings.load_profile("steady")

DATA = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Have what no test gave a folder of its own keep its datasets in one of this process, not in the user's.

    Nothing is garbage while thousands of tests are collected: looking for it took half of the time.
    """
    gc.disable()
    config.stash[DATA] = tempfile.TemporaryDirectory(prefix="lossary-data-")
    os.environ["LOSSARY_DATA"] = config.stash[DATA].name


def pytest_collection_finish() -> None:
    """Look for garbage again, and not among what stays until the end."""
    gc.freeze()
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove it."""
    config.stash[DATA].cleanup()


Client = Callable[..., AbstractAsyncContextManager[httpx.AsyncClient]]


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def client(tmp_path: Path) -> Client:
    """Return a maker of clients, each with an application under the settings given."""
    from service.app import create_app  # noqa: PLC0415 - as above
    from service.compute import Runtime  # noqa: PLC0415 - as above
    from service.settings import Settings  # noqa: PLC0415 - as above

    @asynccontextmanager
    async def make(
        runtime_of: "Callable[[Settings], Runtime]" = Runtime, **settings: object
    ) -> AsyncIterator[httpx.AsyncClient]:
        own = {"device": "cpu", "data": tmp_path / "data", "experiment_nice": 0}
        chosen = Settings(**{**own, **settings})  # type: ignore[arg-type] # the test names them
        app = create_app(chosen, runtime_of=runtime_of)
        async with app.router.lifespan_context(app) as state:
            transport = httpx.ASGITransport(_with_state(app, dict(state or {})), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://lossary") as http:
                yield http

    return make


def _with_state(app: "FastAPI", state: dict[str, object]) -> "ASGIApp":
    """Return the application with its lifespan's state in every request, as a server puts it there."""

    async def call(scope: "Scope", receive: "Receive", send: "Send") -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return call
