"""What a connection makes of requests that follow one another, stop half way, or are never read."""

import io
import json
import re
import socket
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress

import httpx
import numpy as np
import pytest
import safetensors.numpy

from tests.service.processes import PATIENCE_S, Server, serving, worked_s
from tests.service.sockets import EVALUATION, LAST, PROBE, exchange, post, statuses

HEAD_S = WRITE_S = 1.0


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LOSSARY_HEAD_SECONDS=str(HEAD_S), LOSSARY_WRITE_SECONDS=str(WRITE_S)) as running:
        yield running


def test_thousands_of_requests_in_one_write_are_all_answered(server: Server) -> None:
    answer = exchange(server, post(EVALUATION) * 3000 + LAST)

    assert Counter(statuses(answer)) == {200: 3001}


def test_a_good_request_before_a_malformed_one_gets_its_answer(server: Server) -> None:
    long = json.dumps({"loss": "mse", "predictions": [1.0] * 30_000, "targets": [0] * 30_000}).encode()

    for good in (post(long), post(EVALUATION), post(EVALUATION) * 3):
        answer = exchange(server, good + b"BAD\r\n\r\n")

        assert statuses(answer) == [200] * good.count(b"POST") + [400]


def test_blank_lines_after_an_answer_keep_no_connection_open(server: Server) -> None:
    answer = exchange(server, PROBE, b"\r\n")  # which ends when the connection does

    assert statuses(answer) == [200]


def test_what_follows_a_body_in_chunks_is_no_header() -> None:
    head = (
        b"POST /v1/evaluate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    request = head + b"%x\r\n" % len(EVALUATION) + EVALUATION + b"\r\n0\r\nX-Request-Id: trailer\r\n\r\n"

    with serving() as server:
        answer = exchange(server, request + LAST)

    assert statuses(answer) == [200, 200]
    assert b"trailer" not in answer


def test_long_trailers_are_refused(server: Server) -> None:
    head = b"POST /v1/evaluate HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"

    answer = exchange(server, head + b"0\r\n" + b"X: aaaaaaaaaaaaaaaa\r\n" * 10_000 + b"\r\n")

    assert statuses(answer)[-1] in (415, 431)  # whichever comes first: it has no content type


CONTRADICTIONS = [
    ("two hosts", post(EVALUATION, b"Host: y\r\n"), 400),
    ("two types", post(EVALUATION, b"Content-Type: text/plain\r\n"), 400),
    ("two lengths of JSON", post(EVALUATION, b"Inference-Header-Content-Length: 1\r\n" * 2), 400),
    (
        "a coding before chunked",
        post(EVALUATION, b"").replace(b"Content-Length: 50", b"Transfer-Encoding: gzip, chunked"),
        501,
    ),
    ("HTTP/2.0", post(EVALUATION).replace(b"HTTP/1.1", b"HTTP/2.0"), 505),
    ("HTTP/0.9", b"GET /healthz\r\n\r\n", 505),
    ("two encodings", post(EVALUATION, b"Content-Encoding: identity\r\nContent-Encoding: gzip\r\n"), 415),
]


@pytest.mark.parametrize(
    ("request_", "status"), [row[1:] for row in CONTRADICTIONS], ids=[row[0] for row in CONTRADICTIONS]
)
def test_a_head_that_contradicts_itself_is_refused(server: Server, request_: bytes, status: int) -> None:
    answer = exchange(server, request_)

    assert statuses(answer) == [status]
    assert b"application/problem+json" in answer


def test_a_head_is_refused_in_the_language_that_it_asks_for(server: Server) -> None:
    answer = exchange(server, post(EVALUATION, b"Accept-Language: zh\r\nHost: y\r\n"))

    assert statuses(answer) == [400]
    assert json.loads(answer.partition(b"\r\n\r\n")[2])["title"] == "请求有误"


def test_an_http_1_0_client_that_asks_to_keep_its_connection_keeps_it(server: Server) -> None:
    asked = b"GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"

    answer = exchange(server, asked, asked, b"GET /healthz HTTP/1.0\r\n\r\n")

    assert statuses(answer) == [200, 200, 200]
    assert answer.lower().count(b"connection: keep-alive") == 2


@pytest.mark.parametrize(
    "body", [EVALUATION, json.dumps({"loss": "mse", "predictions": [1.0] * 50_000, "targets": [0] * 50_000}).encode()]
)
def test_a_client_that_has_said_all_it_will_gets_its_answer(server: Server, body: bytes) -> None:
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(post(body))
        connection.shutdown(socket.SHUT_WR)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk

    assert [status for status in statuses(answer) if status != 100] == [200]


def test_answers_that_nobody_reads_are_given_up_and_hold_up_no_one(server: Server) -> None:
    asked = b"GET /v1/losses HTTP/1.1\r\nHost: x\r\n\r\n" * 2000
    connections = []
    for _ in range(20):
        connection = socket.socket()
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.settimeout(0.2)
        connection.connect(("127.0.0.1", server.port))
        with suppress(TimeoutError):
            connection.sendall(asked)
        connections.append(connection)
    probe = httpx.get(f"{server.url}/healthz", timeout=PATIENCE_S)
    for connection in connections:
        connection.settimeout(PATIENCE_S)
        with suppress(ConnectionResetError):
            while connection.recv(1 << 16):
                pass
        connection.close()

    assert probe.status_code == 200


def test_connections_beyond_the_limit_are_told_so() -> None:
    with serving(LOSSARY_MAX_CONNECTIONS="3") as server:
        kept = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(3)]
        answer = exchange(server, PROBE)
        for connection in kept:
            connection.close()

    assert statuses(answer) == [503]
    assert re.search(rb"retry-after: 1", answer, re.IGNORECASE)


def test_a_hundred_thousand_members_are_refused_at_once(server: Server) -> None:
    body = (
        "{" + "".join(f'"k{i:x}":1,' for i in range(100_000)) + '"loss":"mse","predictions":[1],"targets":[0]}'
    ).encode()
    before = worked_s(server.process.pid)

    answer = httpx.post(f"{server.url}/v1/evaluate", content=body, headers={"content-type": "application/json"})

    assert answer.status_code == 422
    assert "members" in answer.json()["detail"]
    assert worked_s(server.process.pid) - before < 2


NUMBER = np.float64(2)


@pytest.mark.parametrize("media", ["application/x-npy", "application/x-npz", "application/x-safetensors", "v2"])
def test_an_array_without_axes_is_refused_in_every_format(server: Server, media: str) -> None:
    if media == "v2":
        inputs = [{"name": name, "shape": [], "datatype": "FP64", "data": [1.0]} for name in ("predictions", "targets")]
        answer = httpx.post(f"{server.url}/v2/models/mse/infer", json={"inputs": inputs})
    else:
        body = io.BytesIO()
        if media.endswith("npy"):
            np.save(body, NUMBER)
            np.save(body, NUMBER)
        elif media.endswith("npz"):
            np.savez(body, predictions=NUMBER, targets=NUMBER)
        else:
            body.write(safetensors.numpy.save({"predictions": np.array(2.0), "targets": np.array(2.0)}))
        url = f"{server.url}/v1/evaluate?loss=mse"
        answer = httpx.post(url, content=body.getvalue(), headers={"content-type": media})

    assert answer.status_code == 422
    assert answer.json()["type"] == "urn:lossary:shape-mismatch"


def test_a_role_named_twice_is_refused_shortly(server: Server) -> None:
    roles = ",".join(["predictions"] * 300)

    answer = httpx.post(
        f"{server.url}/v1/evaluate?loss=mse&roles={roles}", content=b"", headers={"content-type": "application/x-npy"}
    )

    assert answer.status_code == 422
    assert len(answer.content) <= 4096


def test_the_numbers_of_all_objectives_count_against_the_bound_of_an_answer(server: Server) -> None:
    asked = {"predictions": [0.5] * 6000, "targets": [0.0] * 6000, "options": {"gradient": "full"}}

    one = httpx.post(f"{server.url}/v1/evaluate", json={"loss": "mse", **asked}, timeout=30)
    many = httpx.post(
        f"{server.url}/v1/evaluate", json={"loss": [f"{k}*mse" for k in range(1, 21)], **asked}, timeout=30
    )

    assert one.status_code == 200
    assert many.status_code == 413
    assert many.json()["limit_name"] == "max_answer_numbers"


def test_the_memory_of_an_answer_is_reserved_until_it_is_read() -> None:
    array = np.zeros(100_000, np.float32)
    body = io.BytesIO()
    np.save(body, array)
    np.save(body, array)
    losses = "&".join(f"loss={k}*mse" for k in range(1, 33))
    head = f"POST /v1/evaluate?{losses}&gradient=full HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-npy\r\n"
    head += f"Accept: application/x-npz\r\nContent-Length: {len(body.getvalue())}\r\n\r\n"

    with serving() as server, socket.socket() as reader:
        reader.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reader.connect(("127.0.0.1", server.port))
        reader.sendall(head.encode() + body.getvalue())
        first = reader.recv(1000)  # it is computed, and waits to be read
        page = httpx.get(f"{server.url}/metrics", timeout=10).text

    (reserved,) = re.findall(r"^lossary_reserved_bytes (\S+)", page, re.MULTILINE)
    assert first.startswith(b"HTTP/1.1 200")
    assert float(reserved) > 32 * array.nbytes
