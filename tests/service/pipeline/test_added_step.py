"""A step that is added to the pipeline stands around every way that a request may take."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest
from fastapi import APIRouter
from fastapi.routing import APIRoute

from losses.errors import Refusal
from service.app import create_app
from service.pipeline.inline import Inline
from service.pipeline.route_table import RouteTable
from service.pipeline.steps import Exchange, Head, Step
from service.settings import Settings
from service.uploads.bodies.body import Arrived
from tests.service.pipeline.test_ways import GOOD, JSON, PATH, Told


class Stamp(Step):
    """A step that a test adds: it counts requests, refuses some, and stamps every answer."""

    def __init__(self) -> None:
        self.entered = self.left = self.ended = 0

    def enter(self, exchange: Exchange) -> None:
        self.entered += 1
        if any(name == b"x-refuse" for name, _ in exchange.scope["headers"]):
            raise Refusal("The test refuses this.")

    def leave(self, exchange: Exchange, head: Head) -> None:
        self.left += 1
        head.headers.append((b"x-stamp", str(exchange.match.template).encode()))

    def end(self, exchange: Exchange) -> None:
        assert exchange.status
        self.ended += 1


ASKED = {
    "an evaluation": ("POST", PATH, JSON, json.dumps(GOOD).encode()),
    "a refused evaluation": ("POST", PATH, JSON, b"{"),
    "a recommendation": ("POST", "/v1/recommend", JSON, b'{"task": "binary"}'),
    "a profile": ("POST", "/v1/profile", JSON, b'{"targets": [0, 1, 1]}'),
    "a page": ("GET", "/v1/limits", "", b""),
    "what may be kept": ("GET", "/v1/rules", "", b""),
    "a probe": ("GET", "/healthz", "", b""),
    "a file": ("GET", "/docs/assets/favicon.png", "", b""),
    "no path": ("GET", "/nothing", "", b""),
    "no method": ("DELETE", PATH, "", b""),
    "a protocol of others": ("GET", "/v2/models/mse", "", b""),
}


@pytest.mark.anyio
@pytest.mark.parametrize("refuse", [False, True])
@pytest.mark.parametrize("name", ASKED)
async def test_a_step_that_is_added_stands_around_every_way(name: str, *, refuse: bool) -> None:
    method, path, media, body = ASKED[name]
    ways = await every_way(method, path, media, body, refuse=refuse)

    assert len({status for status, _, _ in ways.values()}) == 1
    assert len({json.dumps(told_as(*way)) for way in ways.values()}) == 1, ways
    for _, headers, _ in ways.values():
        assert headers["x-stamp"]
        assert headers["x-request-id"]


def told_as(status: int, headers: dict[str, str], body: bytes) -> tuple[int, dict[str, str], str]:
    """Return what all ways have in common: not ids, and not times."""
    varies = {"x-request-id", "date", "server-timing", "last-modified", "content-length"}
    kept = {key: value for key, value in sorted(headers.items()) if key not in varies}
    if "json" not in headers.get("content-type", ""):
        return status, kept, repr(body)
    members = json.loads(body)
    for key in ("timing_ms", "instance"):
        members.pop(key, None)
    return status, kept, json.dumps(members)


async def every_way(method: str, path: str, media: str, body: bytes, *, refuse: bool) -> dict[str, Told]:
    """Return the answer to one request by the way that it is answered: whole, in chunks, and inline."""
    stamp = Stamp()
    app = create_app(Settings(device="cpu"), [stamp])
    headers = {"content-type": media} if media else {}
    headers |= {"x-refuse": "yes"} if refuse else {}

    async def chunked() -> AsyncIterator[bytes]:
        yield body

    ways: dict[str, Told] = {}
    async with app.router.lifespan_context(app) as state:

        async def call(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
            await app({**scope, "state": dict(state or {})}, receive, send)

        async with httpx.AsyncClient(transport=httpx.ASGITransport(call), base_url="http://x") as http:
            contents: dict[str, Any] = {"as a task": body, "in chunks": chunked()}
            for way, content in contents.items():
                answer = await http.request(method, path, content=content, headers=headers)
                ways[way] = answer.status_code, dict(answer.headers), answer.content
        inline: Inline = (state or {})["inline"]
        raw = [(b"host", b"x"), *((key.encode(), value.encode()) for key, value in headers.items())]
        raw.append((b"content-length", str(len(body)).encode()))
        scope: Any = {"type": "http", "method": method, "path": path, "query_string": b"", "headers": raw}
        scope["state"] = dict(state or {})
        if inline.takes(scope, len(body)):
            done = asyncio.Event()

            def send(head: Head, content: bytes | memoryview) -> None:
                shown = {key.decode(): value.decode() for key, value in head.headers}
                ways["inline"] = head.status, shown, bytes(content)
                done.set()

            inline.serve(scope, Arrived(bytearray(body)), send, lambda _: None)
            await done.wait()
            await asyncio.sleep(0)
    assert stamp.entered == stamp.left == stamp.ended == len(ways)
    return ways


def test_the_service_does_not_start_with_a_route_that_states_no_properties() -> None:
    router = APIRouter()

    @router.get("/v1/experiments/{name}")
    async def experiment(name: str) -> str:
        return name

    routes = [route for route in router.routes if isinstance(route, APIRoute)]

    with pytest.raises(ValueError, match=r"/v1/experiments/\{name\}.*states no properties"):
        RouteTable(routes, {})
