"""Long bodies are received straight into their memory, and a connection is as good after one as before."""

import io
import socket
from collections.abc import Iterator

import httpx
import numpy as np
import pytest

from service.uploads.bodies.buffers import PAGES, Pool
from tests.service.files import npy_body
from tests.service.processes import PATIENCE_S, Server, eventually, serving

NPY = {"content-type": "application/x-npy"}
NUMBERS = 500_000


def arrays(numbers: int, seed: int = 0) -> bytes:
    draw = np.random.default_rng(seed)
    return npy_body(*(draw.normal(size=numbers).astype(np.float32) for _ in range(2)))


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LOSSARY_IDLE_SECONDS="1", LOSSARY_MAX_BODY_BYTES=str(64 << 20)) as running:
        yield running


def value(seed: int) -> float:
    first, second = (np.load(stream) for stream in [io.BytesIO(arrays(NUMBERS, seed))] for _ in range(2))
    return float(np.square(first.astype(np.float64) - second).mean())


def test_long_and_short_bodies_take_turns_on_one_connection(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        for seed in range(4):
            long = client.post("/v1/evaluate?loss=mse", content=arrays(NUMBERS, seed), headers=NPY)
            short = client.post("/v1/evaluate?loss=mse", content=arrays(10), headers=NPY)

            assert long.json()["results"][0]["value"] == pytest.approx(value(seed), rel=1e-6)
            assert short.is_success


def test_long_json_comes_through_too(server: Server) -> None:
    numbers = np.arange(200_000) / 4
    body = {"loss": "mse", "predictions": numbers.tolist(), "targets": (numbers + 2).tolist()}

    assert httpx.post(f"{server.url}/v1/evaluate", json=body).json()["results"][0]["value"] == 4.0


def half(server: Server, body: bytes) -> socket.socket:
    """Send the head and half of a body."""
    connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
    head = f"POST /v1/evaluate?loss=mse HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    connection.sendall(head.encode() + b"Content-Type: application/x-npy\r\n\r\n" + body[: len(body) // 2])
    return connection


def test_a_long_body_that_stalls_is_refused(server: Server) -> None:
    connection = half(server, arrays(NUMBERS))

    answer = connection.recv(4096)

    assert answer.startswith(b"HTTP/1.1 408")
    assert b"connection: close" in answer.lower()
    connection.close()


def test_a_client_that_goes_in_the_middle_harms_nobody(server: Server) -> None:
    for _ in range(3):
        half(server, arrays(NUMBERS)).close()

    answer = httpx.post(f"{server.url}/v1/evaluate?loss=mse", content=arrays(NUMBERS), headers=NPY)

    assert answer.is_success
    assert eventually(lambda: "lossary_reserved_bytes 0.0" in httpx.get(f"{server.url}/metrics").text)


def test_requests_in_a_row_are_answered_in_order(server: Server) -> None:
    long, head = arrays(NUMBERS), b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        request = f"POST /v1/evaluate?loss=mse HTTP/1.1\r\nHost: x\r\nContent-Length: {len(long)}\r\n"
        connection.sendall(request.encode() + b"Content-Type: application/x-npy\r\n\r\n" + long + head)
        received = b""
        while received.count(b"HTTP/1.1 200") < 2 or not received.endswith(b"}"):
            received += connection.recv(65536)

    assert received.index(b'"results"') < received.index(b'"ok"')


def test_a_body_that_is_too_long_is_refused_before_it_comes(server: Server) -> None:
    answer = httpx.post(f"{server.url}/v1/evaluate?loss=mse", content=bytes(65 << 20), headers=NPY)

    assert answer.status_code == 413


def test_the_pool_lends_what_it_was_given_back_and_keeps_no_more_than_it_may() -> None:
    pool = Pool(4 * PAGES)
    first, give_back = pool.lend(PAGES + 1)
    first[:4] = b"seen"
    give_back()

    again, give_back = pool.lend(PAGES + 5)
    assert bytes(again[:4]) == b"seen"
    other, give_other = pool.lend(3 * PAGES)
    other[:4] = b"gone"
    give_back()
    give_other()

    assert bytes(pool.lend(3 * PAGES)[0][:4]) == b"gone"
    assert bytes(pool.lend(PAGES + 1)[0][:4]) == bytes(4)
