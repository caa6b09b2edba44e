"""A request that asks for an upgrade is one request, and its body is its body (RFC 9110, 7.8)."""

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.service.processes import PATIENCE_S, Server, serving
from tests.service.sockets import EVALUATION, LAST, exchange, post, statuses

UPGRADES = {
    "h2c, as the JDK and curl --http2 ask": (
        b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
    ),
    "websocket": b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n",
    "anything": b"Connection: keep-alive, upgrade\r\nUpgrade: foo\r\n",
    "two connection lines": b"Connection: keep-alive\r\nConnection: Upgrade\r\nUpgrade: foo\r\n",
}
UPGRADE_LINES = [pytest.param(lines, id=name) for name, lines in UPGRADES.items()]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def value(answer: bytes) -> float:
    (first,) = re.findall(rb'"value":([0-9.]+)', answer)
    return float(first)


@pytest.mark.parametrize("lines", UPGRADE_LINES)
@pytest.mark.parametrize("cut", [1, 40, 200, -len(EVALUATION) - 1, -len(EVALUATION), -3, None])
def test_a_body_after_an_upgrade_is_read_wherever_it_is_cut(server: Server, lines: bytes, cut: int | None) -> None:
    request = post(EVALUATION, lines)

    answer = exchange(server, request[:cut], request[cut:] if cut else b"", LAST)

    assert statuses(answer) == [200, 200]
    assert value(answer) == 2.5


@pytest.mark.parametrize("lines", UPGRADE_LINES)
def test_a_request_inside_the_body_of_an_upgrade_gets_no_answer(server: Server, lines: bytes) -> None:
    inner = b"GET /v1/limits HTTP/1.1\r\nHost: smuggled\r\n\r\n"
    request = post(inner, lines + b"Expect: 100-continue\r\n")

    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(request[: -len(inner)])
        answer = connection.recv(65536)  # 100 Continue: the head alone was read, which is the attack
        connection.sendall(inner + LAST)
        while chunk := connection.recv(65536):
            answer += chunk

    assert statuses(answer) == [100, 400, 200]


@pytest.mark.parametrize("lines", UPGRADE_LINES)
def test_chunks_after_an_upgrade_are_the_body(server: Server, lines: bytes) -> None:
    head = b"POST /v1/evaluate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n"
    request = head + lines + b"\r\n%x\r\n" % len(EVALUATION) + EVALUATION + b"\r\n0\r\n\r\n"

    answer = exchange(server, request, LAST)

    assert statuses(answer) == [200, 200]
    assert value(answer) == 2.5


def test_a_long_body_after_an_upgrade_is_read(server: Server) -> None:
    lines = UPGRADES["h2c, as the JDK and curl --http2 ask"]
    body = json.dumps({"loss": "mse", "predictions": [1.0] * 200_000, "targets": [0] * 200_000}).encode()

    answer = exchange(server, post(body, lines), LAST)

    assert statuses(answer) == [200, 200]
    assert value(answer) == 1.0


def test_requests_behind_an_upgrade_are_answered_in_order(server: Server) -> None:
    lines = UPGRADES["anything"]
    other = EVALUATION.replace(b"[1,2]", b"[2,2]")

    answer = exchange(server, post(EVALUATION, lines) + post(other, lines) + post(EVALUATION) + LAST)

    assert statuses(answer) == [200, 200, 200, 200]
    assert [answer.count(b'"value":%s' % each) for each in (b"2.5", b"4.0")] == [2, 1]


def test_a_close_beside_an_upgrade_still_closes(server: Server) -> None:
    answer = exchange(server, post(EVALUATION, b"Connection: Upgrade, close\r\nUpgrade: foo\r\n") + LAST)

    assert statuses(answer) == [200]  # and what comes after it has no answer
    assert b"connection: close" in answer.lower()


def test_both_a_length_and_chunks_are_refused_behind_an_upgrade_too(server: Server) -> None:
    lines = UPGRADES["anything"] + b"Transfer-Encoding: chunked\r\n"

    answer = exchange(server, post(b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", lines))

    assert statuses(answer) == [400]


def test_connect_is_refused(server: Server) -> None:
    answer = exchange(server, b"CONNECT example:80 HTTP/1.1\r\nHost: x\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

    assert statuses(answer) == [501]
