"""Whichever way a request is answered (inline, as a task, as ASGI alone), the answer is the same, header by header."""

import asyncio
import gzip
import json
import re
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from losses.errors import Refusal
from service.app import create_app
from service.budget import Budget
from service.observability.metrics import Metrics
from service.pipeline.access_log import AccessLog
from service.pipeline.inline import LONGEST, Inline
from service.pipeline.pipeline import Pipeline
from service.pipeline.properties import properties
from service.pipeline.route_table import RouteTable
from service.pipeline.steps import Exchange, Head, Step
from service.request_record import current
from service.scheduling import in_task, take_turn
from service.settings import Settings
from service.uploads.body import Arrived
from tests.service.files import npy_body
from tests.service.packing import PACKERS
from tests.service.pipeline.test_auth import line
from tests.service.processes import PATIENCE_S, Server, eventually, serving

Told = tuple[int, dict[str, str], bytes]
JSON, NPY = "application/json", "application/x-npy"
PATH = "/v1/evaluate"
GOOD: dict[str, Any] = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}


def request(body: bytes, media: str, path: str = PATH, *more: str) -> tuple[bytes, bytes]:
    """Return a request as it goes over the wire, its head and its body apart."""
    lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Type: {media}", f"Content-Length: {len(body)}", *more]
    return "\r\n".join([*lines, "", ""]).encode(), body


DRAW = np.random.default_rng(1)
PAIR = [DRAW.normal(size=1000).astype(np.float32) for _ in range(2)]
MANY = [DRAW.integers(0, 2, 25_000, dtype=np.int8) for _ in range(2)]  # computed on a thread
LONG = {"loss": "mse", "predictions": [0.1] * 3000, "targets": [0] * 3000, "options": {"gradient": "full"}}
REQUESTS = {
    "JSON": request(json.dumps(GOOD).encode(), JSON),
    "gradients": request(json.dumps({**GOOD, "options": {"gradient": "full"}}).encode(), JSON),
    "a long answer, packed": request(json.dumps(LONG).encode(), JSON, PATH, "Accept-Encoding: gzip"),
    "a sum": request(json.dumps({**GOOD, "loss": ["mse + 2*mae", "huber"]}).encode(), JSON),
    "npy": request(npy_body(*PAIR), NPY, f"{PATH}?loss=mse"),
    "npy, more numbers than are computed at once": request(npy_body(*MANY), NPY, f"{PATH}?loss=mse"),
    "npy for npy": request(npy_body(*PAIR), NPY, f"{PATH}?loss=mse&reduction=none", "Accept: application/x-npy"),
    "a loss that is none": request(json.dumps({**GOOD, "loss": "msee"}).encode(), JSON),
    "lengths that differ": request(json.dumps({**GOOD, "targets": [1.0]}).encode(), JSON),
    "no JSON": request(b'{"loss": ', JSON),
    "no such media type": request(b"x", "text/plain"),
    "packed": request(PACKERS["gzip"](json.dumps(GOOD).encode()), JSON, PATH, "Content-Encoding: gzip"),
    "packed arrays": request(PACKERS["zstd"](npy_body(*PAIR)), NPY, f"{PATH}?loss=mse", "Content-Encoding: zstd"),
    "not packed, though it says so": request(b"x", JSON, PATH, "Content-Encoding: gzip"),
    "packed as nobody reads it": request(b"x", JSON, PATH, "Content-Encoding: br"),
    "no npy": request(b"\x93NUMPY", NPY, f"{PATH}?loss=mse"),
    "multipart": request(b"--b--\r\n", "multipart/form-data; boundary=b"),
}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LOSSARY_LOG_FORMAT="json") as running:
        yield running


def answers(server: Server, *pieces: bytes, count: int = 1, pause_s: float = 0.0) -> list[Told]:
    """Send pieces, and return as many answers: status, headers, body."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause_s)
        came = b""
        received: list[Told] = []
        while len(received) < count:
            head, mark, rest = came.partition(b"\r\n\r\n")
            length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
            if mark and length and len(rest) >= int(length[1]):
                lines = head.decode().split("\r\n")
                headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines[1:])}
                received.append((int(lines[0].split()[1]), headers, rest[: int(length[1])]))
                came = rest[int(length[1]) :]
            else:
                chunk = connection.recv(65536)
                assert chunk, came
                came += chunk
        return received


def logged(server: Server, name: str) -> list[dict[str, Any]]:
    """Return the lines of requests whose id begins so."""
    lines = [json.loads(line) for line in Path(server.log).read_text().splitlines() if line.startswith("{")]
    return [line for line in lines if line.get("request_id", "").startswith(name)]


def told(answer: Told) -> tuple[int, set[str], object]:
    """Return what two ways have in common: not ids, and not times."""
    status, headers, body = answer
    assert headers["x-request-id"]
    if "json" not in headers["content-type"]:
        return status, set(headers), body
    members = json.loads(gzip.decompress(body) if headers.get("content-encoding") == "gzip" else body)
    for varies in ("timing_ms", "instance"):
        members.pop(varies, None)
    return status, set(headers), members


@pytest.mark.parametrize("name", REQUESTS)
def test_a_request_in_one_piece_gets_the_answer_that_one_in_two_gets(server: Server, name: str) -> None:
    head, body = REQUESTS[name]
    later = 3 * 0.05  # than is waited for its body: it goes the long way

    (inline,) = answers(server, head + body)
    (soon,) = answers(server, head, body)
    (in_time,) = answers(server, head, body, pause_s=later)

    assert told(inline) == told(soon) == told(in_time)


def test_requests_one_after_the_other_in_one_piece_are_answered_in_order(server: Server) -> None:
    values = [1.0, 2.0, 3.0, 4.0]
    sent = [b"".join(request(json.dumps({**GOOD, "targets": [value, value]}).encode(), JSON)) for value in values]
    wanted = [((1 - value) ** 2 + (2 - value) ** 2) / 2 for value in values]

    received = answers(server, b"".join(sent), count=len(values))

    assert [json.loads(body)["results"][0]["value"] for _, _, body in received] == wanted


def test_many_at_once_each_get_their_own(server: Server) -> None:
    sockets = [socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) for _ in range(32)]
    for place, connection in enumerate(sockets):
        body = json.dumps({**GOOD, "targets": [float(place)] * 2}).encode()
        connection.sendall(b"".join(request(body, JSON, PATH, f"X-Request-Id: own-{place}", "Connection: close")))
    for place, connection in enumerate(sockets):
        answer = b""
        while chunk := connection.recv(65536):  # until it is closed, as was asked
            answer += chunk
        connection.close()
        assert f"x-request-id: own-{place}\r\n".encode() in answer
        assert b"connection: close\r\n" in answer
        value = json.loads(answer.partition(b"\r\n\r\n")[2])["results"][0]["value"]
        assert value == ((1 - place) ** 2 + (2 - place) ** 2) / 2

    deadline = time.monotonic() + 10
    while len(lines := logged(server, "own-")) < 32 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert sorted(line["request_id"] for line in lines) == sorted(f"own-{place}" for place in range(32))
    assert {(line["status"], line["items"], tuple(line["losses"])) for line in lines} == {(200, 2, ("mse",))}


@pytest.mark.parametrize("sent", [0, 10])
def test_a_client_that_leaves_before_its_body_is_logged_and_harms_nobody(server: Server, sent: int) -> None:
    head, body = request(json.dumps(GOOD).encode(), JSON, PATH, f"X-Request-Id: left-{sent}")
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(head + body[:sent])
    (after,) = answers(server, *REQUESTS["JSON"])

    assert after[0] == 200
    assert eventually(lambda: logged(server, f"left-{sent}"))
    assert [line["status"] for line in logged(server, f"left-{sent}")] == [499]


def test_it_is_counted_as_any_other(server: Server) -> None:
    def counted() -> float:
        page = httpx.get(f"{server.url}/metrics").text
        match = re.search(rf'lossary_http_requests_total{{method="POST",route="{PATH}",status="200"}} (\S+)', page)
        return float(match[1]) if match else 0.0

    before = counted()
    answers(server, *REQUESTS["npy"])
    answers(server, b"".join(REQUESTS["npy"]))

    assert counted() - before == 2


@pytest.fixture
def guarded(tmp_path: Path) -> Iterator[Server]:
    file = tmp_path / "keys.toml"
    file.write_text(line("training", "lossary_first") + line("bursts", "lossary_bursts", "rate = 3"))
    with serving(LOSSARY_KEYS=str(file), LOSSARY_LOG_FORMAT="json") as running:
        yield running


def test_keys_are_asked_for_and_rates_are_counted_once(guarded: Server) -> None:
    def keyed(name: str, secret: str) -> tuple[int, str | None]:
        """Return the status, and what is left of the rate."""
        head, body = REQUESTS[name]
        key = b"X-API-Key: " + secret.encode() + b"\r\n\r\n"
        ((status, headers, _),) = answers(guarded, head[:-2] + key + body)
        return status, headers.get("ratelimit")

    assert keyed("JSON", "lossary_none") == (401, None)
    assert keyed("JSON", "lossary_first") == (200, None)
    assert keyed("JSON", "lossary_bursts") == (200, '"default";r=2;t=20')
    # a task in the end; its rate is counted once
    assert keyed("npy, more numbers than are computed at once", "lossary_bursts") == (200, '"default";r=1;t=40')
    assert keyed("no JSON", "lossary_bursts") == (400, '"default";r=0;t=60')
    assert keyed("JSON", "lossary_bursts")[0] == 429
    lines = [json.loads(text) for text in Path(guarded.log).read_text().splitlines() if '"answered"' in text]
    evaluated = [entry.get("key") for entry in lines if entry["route"] == PATH]
    assert evaluated == ["training", "bursts", "bursts"]


Handler = Callable[[Request], Awaitable[Response]]


def answering(seen: list[str], fault: Exception | None = None) -> Handler:
    """Return a handler that says its body back, in three steps; `b` breaks in the second, and `t` waits as a task."""

    @properties("open", inline=True)
    async def handler(request: Request) -> Response:
        name = bytes(await request.scope["lossary.body"].read(9, None)).decode()
        for step in range(3):
            seen.append(f"{name}{step}")
            assert current().id == name
            if name == "b" and step == 1 and fault:
                raise fault
            if name == "t":
                await in_task()
                await asyncio.sleep(0)
            await take_turn()
        return Response(name)

    return handler


def pipeline_of(handler: Handler, free: int = 1 << 20, root_path: str = "") -> Pipeline:
    router = APIRouter()
    router.post(PATH)(handler)
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    settings = Settings(device="cpu", queue_seconds=0.05, root_path=root_path)
    return Pipeline([AccessLog(Metrics())], RouteTable(routes, {}), Budget(free, 9, 0.05), settings)


def served(names: str, handler: Handler, free: int = 1 << 20, broken: str = "") -> tuple[dict[str, int], int]:
    """Serve one request a letter, all at once; return the status each got, and how many became tasks."""
    inline = Inline(pipeline_of(handler, free))
    sent: dict[str, int] = {}
    tasks: list[asyncio.Task[None]] = []

    def send(name: str, head: Head, _: bytes | memoryview) -> None:
        if name in broken:
            raise OSError
        sent[name] = head.status

    async def main() -> None:
        for name in names:
            headers = [(b"content-length", b"1"), (b"x-request-id", name.encode())]
            scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
            assert inline.takes(scope, 1)
            inline.serve(scope, Arrived(bytearray(name.encode())), partial(send, name), tasks.append)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(main())
    return sent, len(tasks)


def test_those_that_came_together_take_each_step_together() -> None:
    seen: list[str] = []

    sent, tasks = served("acd", answering(seen))

    assert seen == ["a0", "c0", "d0", "a1", "c1", "d1", "a2", "c2", "d2"]
    assert (sent, tasks) == ({"a": 200, "c": 200, "d": 200}, 0)


def test_one_that_waits_goes_on_as_a_task_and_holds_up_no_other() -> None:
    seen: list[str] = []

    sent, tasks = served("tac", answering(seen))

    assert seen.index("c2") < seen.index("t1")
    assert (sent, tasks) == ({"a": 200, "c": 200, "t": 200}, 1)


@pytest.mark.parametrize(("fault", "status"), [(RuntimeError("ours"), 500), (Refusal("theirs"), 422)])
def test_a_fault_of_one_is_no_fault_of_the_others(fault: Exception, status: int) -> None:
    sent, _ = served("abc", answering([], fault))

    assert sent == {"a": 200, "b": status, "c": 200}


def test_an_answer_that_cannot_be_sent_holds_up_no_other() -> None:
    sent, _ = served("abc", answering([]), broken="b")

    assert sent == {"a": 200, "c": 200}


def test_what_has_no_room_waits_for_it_as_a_task() -> None:
    sent, tasks = served("ac", answering([]), free=13)

    assert tasks == 1
    assert sent == {"a": 200, "c": 200}


def test_only_small_bodies_of_routes_that_run_inline_are_taken() -> None:
    inline = Inline(pipeline_of(answering([])))
    scope = {"method": "POST", "path": PATH}

    assert inline.takes(scope, LONGEST)
    for refused, length in [(scope, 0), (scope, LONGEST + 1), ({**scope, "method": "GET"}, 1)]:
        assert not inline.takes(refused, length)
    assert not inline.takes({**scope, "path": "/v1/recommend"}, 1)


def test_the_prefix_of_a_proxy_changes_nothing_of_that() -> None:
    inline = Inline(pipeline_of(answering([]), root_path="/lossary"))

    for path in (PATH, f"/lossary{PATH}"):
        assert inline.takes({"method": "POST", "path": path}, LONGEST)
    assert not inline.takes({"method": "POST", "path": f"/other{PATH}"}, LONGEST)


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


def test_a_small_evaluation_is_answered_inline_too() -> None:
    method, path, media, body = ASKED["an evaluation"]

    ways = asyncio.run(every_way(method, path, media, body, refuse=False))

    assert set(ways) == {"as a task", "in chunks", "inline"}


def test_the_service_does_not_start_with_a_route_that_states_no_properties() -> None:
    router = APIRouter()

    @router.get("/v1/experiments/{name}")
    async def experiment(name: str) -> str:
        return name

    routes = [route for route in router.routes if isinstance(route, APIRoute)]

    with pytest.raises(ValueError, match=r"/v1/experiments/\{name\}.*states no properties"):
        RouteTable(routes, {})
