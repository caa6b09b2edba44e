"""Whichever way a request is answered (inline, as a task, as ASGI alone), the answer is the same, header by header."""

import gzip
import json
import re
import socket
import time
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from fastapi import Request, Response

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
