"""A fresh application for every test that asks for one; nothing is shared and nothing of ours is mocked."""

import os
import tempfile
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from hypothesis import settings
from starlette.types import ASGIApp, Receive, Scope, Send

from service.app import create_app
from service.compute import Runtime
from service.settings import Settings

settings.register_profile("steady", deadline=None, derandomize=True)  # the same examples on a slow machine as on a fast
settings.load_profile("steady")

DATA = pytest.StashKey[tempfile.TemporaryDirectory[str]]()


def pytest_configure(config: pytest.Config) -> None:
    """Have what no test gave a folder of its own keep its datasets in one of this process, not in the user's."""
    config.stash[DATA] = tempfile.TemporaryDirectory(prefix="lossary-data-")
    os.environ["LOSSARY_DATA"] = config.stash[DATA].name


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

    @asynccontextmanager
    async def make(
        runtime_of: Callable[[Settings], Runtime] = Runtime, **settings: object
    ) -> AsyncIterator[httpx.AsyncClient]:
        chosen = Settings(**{"device": "cpu", "data": tmp_path / "data", **settings})  # type: ignore[arg-type] # the test names them
        app = create_app(chosen, runtime_of=runtime_of)
        async with app.router.lifespan_context(app) as state:
            transport = httpx.ASGITransport(_with_state(app, dict(state or {})), raise_app_exceptions=False)
            async with httpx.AsyncClient(transport=transport, base_url="http://lossary") as http:
                yield http

    return make


def _with_state(app: FastAPI, state: dict[str, object]) -> ASGIApp:
    """Return the application with its lifespan's state in every request, as a server puts it there."""

    async def call(scope: Scope, receive: Receive, send: Send) -> None:
        await app({**scope, "state": dict(state)}, receive, send)

    return call
