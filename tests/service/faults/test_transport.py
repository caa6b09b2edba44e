"""Cases of the fault catalogue that take a socket: chunks, expectations, many routes, a disk without room."""

import resource
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from tests.service.faults.fault import EVALUATE, JSON, OK, multipart, named, npy, safetensors
from tests.service.processes import PATIENCE_S, Server, open_files, resident, serving, worked_s
from tests.service.sockets import LAST, PROBE, exchange, statuses

IDLE_S, LIMIT = 1.0, 4 << 20
OTHERWISE_S = 15.0  # where nothing is set
JSON_HEAD = b"POST /v1/evaluate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
CHUNKED = JSON_HEAD + b"Connection: close\r\n" + b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(
        LOSSARY_IDLE_SECONDS=str(IDLE_S),
        LOSSARY_HEAD_SECONDS="1",
        LOSSARY_MAX_JSON_BYTES=str(LIMIT),
        LOSSARY_LOG_FORMAT="json",
    ) as running:
        httpx.post(f"{running.url}{EVALUATE}", json=OK)
        yield running


@pytest.mark.parametrize(
    "body",
    [b"ZZ\r\n{}\r\n0\r\n\r\n", b"2\r\n{}XX0\r\n\r\n", b"-2\r\n{}\r\n0\r\n\r\n", b"1" * 40 + b"\r\n"],
    ids=["a size in letters", "data that goes on past its size", "a size below zero", "a size past 2^64"],
)
def test_chunks_that_lie_are_refused_once_and_the_connection_is_closed(server: Server, body: bytes) -> None:  # A05
    answer = exchange(server, CHUNKED + body + PROBE)

    assert statuses(answer) == [400]
    assert statuses(exchange(server, LAST)) == [200]


def test_who_asks_before_sending_too_much_is_refused_before_a_byte(server: Server) -> None:  # A14
    head = JSON_HEAD + b"Expect: 100-continue\r\nContent-Length: 1000000000\r\n\r\n"

    answer = exchange(server, head)

    assert statuses(answer) == [413]
    assert b"max_json_bytes" in answer


def test_who_asks_and_then_says_nothing_is_not_waited_for(server: Server) -> None:  # A15
    started = time.monotonic()

    answer = exchange(server, JSON_HEAD + b"Expect: 100-continue\r\nContent-Length: 100\r\n\r\n")

    assert statuses(answer) == [100, 408]
    assert IDLE_S * 0.9 <= time.monotonic() - started < OTHERWISE_S


def test_chunks_past_the_limit_are_refused_at_the_limit(server: Server) -> None:  # A16
    chunk = b"10000\r\n" + b" " * 65536 + b"\r\n"
    before = read_bytes(server)

    answer = exchange(server, CHUNKED, *[chunk] * (LIMIT // 65536 + 1))

    assert statuses(answer) == [413]
    assert read_bytes(server) - before <= LIMIT + (1 << 20)


def test_a_body_that_goes_on_after_its_refusal_is_not_waited_for(server: Server) -> None:  # A16
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        connection.sendall(JSON_HEAD + b"Content-Length: 1000000000\r\n\r\n")
        answer = connection.recv(65536)
        while b"}" not in answer:
            answer += connection.recv(65536)
        connection.sendall(b"x")

        assert statuses(answer) == [413]
        assert connection.recv(65536) == b""  # closed


def read_bytes(server: Server) -> float:
    """Return how many bytes of bodies the service has taken in."""
    lines = httpx.get(f"{server.url}/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("lossary_request_body_bytes_sum"))


def chunks_of_a_byte(chunks: int) -> bytes:
    return CHUNKED + b"1\r\n \r\n" * chunks + b"0\r\n\r\n"


def test_a_million_chunks_of_a_byte_cost_neither_memory_nor_long(server: Server) -> None:  # A17
    def cost_s(chunks: int) -> float:
        spent = worked_s(server.process.pid)
        assert statuses(exchange(server, chunks_of_a_byte(chunks))) == [400]
        return worked_s(server.process.pid) - spent

    first = cost_s(1_000_000)
    before = resident(server.process.pid)

    many = min(first, cost_s(1_000_000), cost_s(1_000_000))
    fewer = max(cost_s(200_000) for _ in range(3))

    assert many < 3 * 5 * max(fewer, 0.1)  # in proportion to the chunks, whatever one costs on this machine
    assert resident(server.process.pid) - before < 16


def test_pipelined_requests_are_answered_in_order(server: Server) -> None:  # A20
    kinds = [b"/healthz", b"/v1/rules", b"/readyz"]
    sent = b"".join(PROBE.replace(b"/healthz", kind) for kind in kinds)

    answer = exchange(server, sent + LAST)

    assert statuses(answer) == [200] * 4
    assert answer.index(b'"ok"') < answer.index(b'"rules_hash"') < answer.index(b'"ready"')


def test_every_method_that_a_path_lacks_is_refused_with_those_it_has(server: Server) -> None:  # A22
    with httpx.Client(base_url=server.url) as client:
        paths = client.get("/openapi.json").json()["paths"]
        for path, operations in paths.items():
            concrete = path.replace("{loss_id}", "mse").replace("{", "").replace("}", "")
            answered = set(map(str.upper, operations))
            for method in {"TRACE", "DELETE", "PUT", "PATCH"} - answered | (
                {"HEAD"} - answered if "GET" not in answered else set()
            ):
                answer = client.request(method, concrete)

                assert answer.status_code == 405, (method, path)
                assert answered <= set(answer.headers["allow"].split(", "))
            asked = client.options(concrete)
            assert (asked.status_code, asked.content) == (204, b"")
            assert answered <= set(asked.headers["allow"].split(", "))


def test_head_is_answered_wherever_get_is_without_a_body(server: Server) -> None:
    with httpx.Client(base_url=server.url, headers={"accept-encoding": "identity"}) as client:
        for path in ("/healthz", "/readyz", "/v1/losses", "/v1/losses/mse", "/v1/rules", "/openapi.json", "/docs"):
            head, get = client.head(path), client.get(path)

            assert (head.status_code, head.content) == (200, b"")
            assert head.headers["content-length"] == str(len(get.content))


def test_a_slash_at_the_end_is_no_dead_end(server: Server) -> None:
    good = {"loss": "mse", "predictions": [1.0], "targets": [0.0]}

    assert httpx.get(f"{server.url}/v1/losses/").status_code == 200
    assert httpx.post(f"{server.url}/v1/evaluate/", json=good).json()["results"][0]["value"] == 1.0


def test_an_unknown_path_is_told_the_nearest(server: Server) -> None:
    problem = httpx.get(f"{server.url}/v1/loses").json()

    assert problem["did_you_mean"] == "/v1/losses"


@pytest.mark.parametrize("accept", ["application/xml", "text/html;q=0.9", "image/png, */*;q=0", "nonsense"])
def test_json_is_the_answer_whatever_else_is_asked_for(server: Server, accept: str) -> None:  # B18
    # By RFC 9110, 12.5.1, a server may disregard Accept; a client that reads only the status is not turned away.
    answer = httpx.post(f"{server.url}{EVALUATE}", json=OK, headers={"accept": accept})

    assert answer.status_code == 200
    assert answer.headers["content-type"] == JSON


FILENAMES = ["../../etc/passwd", "/tmp/lossary-was-here", "a" * 3000, "nul\0", "%00%0a", "", "CON", "误差.npy"]  # noqa: S108 - sent, not opened


@pytest.mark.parametrize("name", FILENAMES, ids=[name[:20] for name in FILENAMES])
def test_a_files_name_means_nothing(server: Server, name: str) -> None:  # C08
    parts = [(named("request"), b'{"loss": "mse"}')]
    parts += [
        (named(role, name), npy(values)) for role, values in (("predictions", [1.0, 2.0]), ("targets", [1.5, 0.0]))
    ]
    before = open_files(server.process.pid)

    answer = httpx.post(
        f"{server.url}{EVALUATE}",
        content=multipart(*parts),
        headers={"content-type": "multipart/form-data; boundary=b"},
    )

    assert answer.json()["results"][0]["value"] == 2.125
    assert open_files(server.process.pid) <= before
    assert not Path("/tmp/lossary-was-here").exists()  # noqa: S108 - what must not be


@pytest.mark.parametrize("name", ["a\r\nb", "a" * 5000], ids=["a line break", "5,000 letters"])
def test_a_files_name_that_breaks_the_headers_of_its_part_is_refused(server: Server, name: str) -> None:  # C08
    # The catalogue has 200 for both. A line break ends the header; and what a part says of itself has a bound, as C09.
    content = multipart((named("request", name), b'{"loss": "mse"}'))

    answer = httpx.post(
        f"{server.url}{EVALUATE}", content=content, headers={"content-type": "multipart/form-data; boundary=b"}
    )

    assert answer.status_code == 400


def test_each_part_may_have_a_format_of_its_own(server: Server) -> None:  # C14
    header = {"targets": {"dtype": "F64", "shape": [2], "data_offsets": [0, 16]}}
    files = {
        "request": (None, '{"loss": "mse"}'),
        "predictions": ("p.npy", npy([1.0, 2.0])),
        "targets": ("t.safetensors", safetensors(header, np.array([1.5, 0.0]).tobytes())),
    }

    answer = httpx.post(f"{server.url}{EVALUATE}", files=files)  # type: ignore[arg-type] # a mapping of parts

    assert answer.json()["results"][0]["value"] == 2.125


def test_an_upload_needs_no_room_on_a_disk() -> None:  # C16
    # The catalogue has 507 for a full spool; nothing is spooled here, so there is nothing to be full.
    values = np.arange(2_000_000, dtype=np.float64)
    parts = [(named("request"), b'{"loss": "mse"}')]
    parts += [(named(role, f"{role}.npy"), npy(values)) for role in ("predictions", "targets")]
    with serving(TMPDIR="/nowhere") as server:
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (0, 0))  # from now on it can write to no file

        large = httpx.post(
            f"{server.url}{EVALUATE}",
            content=multipart(*parts),
            headers={"content-type": "multipart/form-data; boundary=b"},
            timeout=60,
        )
        small = httpx.post(f"{server.url}{EVALUATE}", json=OK)

    assert large.json()["results"][0]["value"] == 0
    assert small.json()["results"][0]["value"] == 2.125
