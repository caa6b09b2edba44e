"""What is refused before there is a request: over a socket, byte by byte."""

import json
import socket
import ssl
import statistics
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from tests.service.processes import Server, serving
from tests.service.sockets import LAST, PROBE, exchange, statuses

HEAD_S = IDLE_S = 1.0
OTHERWISE_S = 10.0  # the shorter of the two where nothing is set


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(
        LOSSARY_HEAD_SECONDS=str(HEAD_S), LOSSARY_IDLE_SECONDS=str(IDLE_S), LOSSARY_MAX_HEAD_BYTES="4096"
    ) as running:
        yield running


BAD_HEADS = [
    ("no HTTP", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    ("a negative length", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n", 400),
    ("two lengths", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd", 400),
    (
        "a length and chunks, with a request inside",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + PROBE,
        400,
    ),
    ("no host", b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    ("bare line feeds", b"GET /healthz HTTP/1.1\nHost: x\n\n", 400),
    ("a long URL", b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    ("one long header", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 100_000 + b"\r\n\r\n", 431),
    ("many headers", b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: a\r\n" * 20_000 + b"\r\n", 431),
    ("a header that never ends", b"GET / HTTP/1.1\r\nHost: x\r\nX: " + b"a" * 5_000_000, 431),
    ("half a head", b"GET / HTTP/1.1\r\nHos", 408),
]


@pytest.mark.parametrize(("request_", "status"), [row[1:] for row in BAD_HEADS], ids=[row[0] for row in BAD_HEADS])
def test_a_bad_head_is_answered_once_by_a_problem_and_closed(server: Server, request_: bytes, status: int) -> None:
    answer = exchange(server, request_)

    assert statuses(answer) == [status]
    head, body = answer.split(b"\r\n\r\n", 1)
    assert b"application/problem+json" in head
    assert b"connection: close" in head
    problem = json.loads(body)
    assert (problem["status"], len(body) <= 4096) == (status, True)
    assert statuses(exchange(server, LAST)) == [200]


def test_a_connection_that_says_nothing_is_closed(server: Server) -> None:
    started = time.monotonic()

    assert exchange(server) == b""
    assert HEAD_S * 0.9 <= time.monotonic() - started < OTHERWISE_S


def test_a_head_that_drips_is_closed_in_time(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.settimeout(HEAD_S / 10)
        connection.sendall(PROBE[:-2] + b"X: ")
        answer = b""
        for _ in range(1000):
            with suppress(TimeoutError):
                answer = connection.recv(4096)
                break
            connection.sendall(b"x")

    assert statuses(answer) == [408]


def test_a_head_in_pieces_and_pipelined_requests_are_answered_in_order(server: Server) -> None:
    lost = PROBE.replace(b"/healthz", b"/nothing")

    assert statuses(exchange(server, PROBE[:10], PROBE[10:] + lost, LAST)) == [200, 404, 200]


def test_a_refusal_leaves_the_connection_open_for_the_next_request(server: Server) -> None:
    with httpx.Client(base_url=server.url) as client:
        for _ in range(3):
            assert client.post("/v1/evaluate", json={"loss": "focl", "predictions": [1], "targets": [1]}).is_error
            assert client.get("/healthz").is_success


HALF_A_BODY = (
    b"POST /v1/evaluate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{}"
)


def test_a_body_that_stalls_is_answered_and_closed(server: Server) -> None:
    started = time.monotonic()

    answer = exchange(server, HALF_A_BODY)

    assert statuses(answer) == [408]
    assert b"connection: close" in answer.lower()
    assert IDLE_S * 0.9 <= time.monotonic() - started < OTHERWISE_S
    assert statuses(exchange(server, LAST)) == [200]


def test_a_client_that_vanishes_midway_leaves_no_traceback(server: Server) -> None:
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(HALF_A_BODY)

    assert statuses(exchange(server, LAST)) == [200]
    assert "Traceback" not in Path(server.log).read_text()


def test_clients_that_drip_do_not_hold_up_others(server: Server) -> None:
    drips = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(200)]
    try:
        for drip in drips:
            drip.sendall(b"GET / HT")
        answers = [httpx.get(f"{server.url}/healthz", timeout=30) for _ in range(20)]
    finally:
        for drip in drips:
            drip.close()

    assert all(answer.is_success for answer in answers)
    assert statistics.median(answer.elapsed.total_seconds() for answer in answers) < HEAD_S  # then the drips end


def test_tls_spoken_to_the_plain_port_leaves_no_traceback(server: Server) -> None:
    context = ssl.create_default_context()
    with socket.create_connection(("127.0.0.1", server.port)) as plain, pytest.raises(ssl.SSLError):
        context.wrap_socket(plain, server_hostname="localhost")

    assert "Traceback" not in Path(server.log).read_text()
