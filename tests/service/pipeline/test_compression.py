"""Long texts come in fewer bytes where that is asked for, and say the same."""

import asyncio
import gzip
import json
import threading
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from service.budget import Budget
from service.pipeline.compression import SHORTEST
from service.pipeline.pipeline import Pipeline
from service.pipeline.route_table import RouteTable
from service.pipeline.steps import Head
from service.settings import Settings
from service.uploads.bodies.body import Arrived
from tests.conftest import Client
from tests.service.processes import Server, eventually, serving
from tests.service.sockets import exchange

LONG = {
    "loss": "mse",
    "predictions": [0.1 * place for place in range(3000)],
    "targets": [0.0] * 3000,
    "options": {"reduction": "none"},
}


@pytest.mark.anyio
@pytest.mark.parametrize("path", ["/v1/losses", "/v1/rules", "/openapi.json", "/v1/losses/mse", "/healthz"])
async def test_what_comes_packed_is_what_comes_as_it_is(client: Client, path: str) -> None:
    async with client() as http:
        plain = await http.get(path, headers={"accept-encoding": "identity"})
        packed = await http.get(path, headers={"accept-encoding": "gzip"})

    long = len(plain.content) >= SHORTEST
    assert packed.headers.get("content-encoding") == ("gzip" if long else None)
    assert "content-encoding" not in plain.headers
    assert all(("Accept-Encoding" in answer.headers.get("vary", "")) == long for answer in (plain, packed))
    assert packed.content == plain.content
    if long:
        assert int(packed.headers["content-length"]) < len(plain.content) / 3


@pytest.mark.anyio
async def test_the_tag_of_packed_bytes_is_a_weak_one_that_is_known_again(client: Client) -> None:
    async with client() as http:
        plain = await http.get("/v1/rules", headers={"accept-encoding": "identity"})
        packed = await http.get("/v1/rules", headers={"accept-encoding": "gzip"})
        named = {"accept-encoding": "gzip", "if-none-match": packed.headers["etag"]}
        again = await http.get("/v1/rules", headers=named)

    assert packed.headers["etag"] == f"W/{plain.headers['etag']}"
    assert (again.status_code, again.content) == (304, b"")
    assert "content-encoding" not in again.headers


ASKED = {
    "gzip": True,
    "x-gzip": True,
    "br, gzip;q=0.5": True,
    "*": True,
    "*;q=0.1, identity;q=0": True,
    "gzip;q=0": False,
    "gzip;q=0, *": False,
    "identity, gzip;q=0.5": False,
    "br, zstd": False,
    "": False,
}


@pytest.mark.anyio
@pytest.mark.parametrize("asked", ASKED)
async def test_the_weights_of_accept_encoding_decide(client: Client, asked: str) -> None:
    async with client() as http:
        answer = await http.get("/v1/rules", headers={"accept-encoding": asked})

    assert ("content-encoding" in answer.headers) == ASKED[asked]
    assert answer.json()["rules_hash"]


@pytest.mark.anyio
async def test_arrays_are_sent_as_they_are(client: Client) -> None:
    headers = {"accept-encoding": "gzip", "accept": "application/x-npy"}

    async with client() as http:
        answer = await http.post("/v1/evaluate", json=LONG, headers=headers)

    assert answer.headers["content-type"] == "application/x-npy"
    assert len(answer.content) > SHORTEST
    assert "content-encoding" not in answer.headers


def test_a_long_answer_is_packed_beside_the_event_loop() -> None:
    threads: list[int] = []

    def packed(content: bytes | memoryview) -> bytes:
        threads.append(threading.get_ident())
        return bytes(content[:9])

    async def left(size: int) -> Head:
        settings = Settings(device="cpu")
        pipeline = Pipeline([], RouteTable([], {}), Budget(1, 1, 1.0), settings)
        scope = {"method": "GET", "path": "/", "headers": []}
        head = Head(200, [(b"content-length", b"-")], bytes(size), packed)
        await pipeline.leave(pipeline.exchange(scope, Arrived(bytearray())), head)
        return head

    heads = [asyncio.run(left(size)) for size in (100, 1 << 20)]

    assert [head.headers for head in heads] == [[(b"content-length", b"9")]] * 2
    assert threads[0] == threading.get_ident() != threads[1]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LOSSARY_LOG_FORMAT="json") as running:
        yield running


def test_over_a_socket_it_is_whole_and_logged_as_long_as_it_was_sent(server: Server) -> None:
    request = b"GET /v1/rules HTTP/1.1\r\nHost: x\r\nAccept-Encoding: gzip\r\nConnection: close\r\n\r\n"

    head, _, body = exchange(server, request).partition(b"\r\n\r\n")

    assert f"content-length: {len(body)}\r\n".encode() in head + b"\r\n"
    assert gzip.decompress(body) == httpx.get(f"{server.url}/v1/rules", headers={"accept-encoding": "identity"}).content
    assert eventually(lambda: f'"bytes_out":{len(body)}' in Path(server.log).read_text())


def test_head_says_what_get_would(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"accept-encoding": "gzip"}) as http:
        got, head = http.get("/v1/rules"), http.head("/v1/rules")

    varies = {"date", "x-request-id"}
    assert head.content == b""
    assert {name: value for name, value in head.headers.items() if name not in varies} == {
        name: value for name, value in got.headers.items() if name not in varies
    }


def test_a_long_evaluation_says_the_same_in_fewer_bytes(server: Server) -> None:
    plain = httpx.post(f"{server.url}/v1/evaluate", json=LONG, headers={"accept-encoding": "identity"})
    packed = httpx.post(f"{server.url}/v1/evaluate", json=LONG, headers={"accept-encoding": "gzip"})

    assert packed.headers["content-encoding"] == "gzip"
    assert json.loads(packed.content)["results"] == json.loads(plain.content)["results"]
