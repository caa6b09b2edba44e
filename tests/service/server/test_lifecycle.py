"""A process's life: it starts or says why not, leaves in order, and is replaced when it dies. Cases M01 to M05."""

import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator

import httpx
import pytest

from benchmarks.kill import kill, load, started, workers_of
from tests.service.files import npy_body
from tests.service.processes import PATIENCE_S, ROOT, Server, eventually, serving

BODY = {"loss": "mse", "predictions": [1, 2], "targets": [1.5, 0]}


class Upload:
    """A request on a connection of its own, whose body comes in two halves."""

    def __init__(self, server: Server) -> None:
        self._body = npy_body([1.0, 2.0], [1.5, 0.0])
        self._connection = socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S)
        head = f"POST /v1/evaluate?loss=mse HTTP/1.1\r\nHost: x\r\nContent-Length: {len(self._body)}\r\n"
        self._connection.sendall(head.encode() + b"Content-Type: application/x-npy\r\n\r\n")
        self._connection.sendall(self._body[:100])

    def finish(self) -> str:
        """Send the rest; return the answer."""
        self._connection.sendall(self._body[100:])
        return self.answer()

    def answer(self) -> str:
        """Return all that comes until the connection ends."""
        received = b""
        while piece := self._connection.recv(65536):
            received += piece
        self._connection.close()
        return received.decode()


def refused(server: Server) -> bool:
    try:
        socket.create_connection(("127.0.0.1", server.port), timeout=1).close()
    except OSError:
        return True
    return False


def in_flight(server: Server) -> bool:
    """Say whether the service has begun with a request besides this question."""
    return "lossary_in_flight_requests 2.0" in httpx.get(f"{server.url}/metrics").text


def test_told_to_stop_it_finishes_what_is_under_way_and_takes_nothing_new() -> None:  # M01, M02
    with serving() as server:
        upload = Upload(server)
        assert eventually(lambda: in_flight(server))

        server.process.terminate()
        assert eventually(lambda: refused(server))
        answer = upload.finish()

        assert answer.startswith("HTTP/1.1 200")
        assert '"value":2.125' in answer
        assert server.process.wait(PATIENCE_S) == 0


def test_what_does_not_end_in_time_is_refused_and_not_dropped() -> None:  # M02
    with serving(LOSSARY_GRACE_SECONDS="1") as server:
        upload = Upload(server)
        assert eventually(lambda: in_flight(server))

        server.process.terminate()
        answer = upload.answer()

        assert answer.startswith("HTTP/1.1 503")
        assert "retry-after: 1" in answer.lower()
        assert "urn:lossary:draining" in answer
        assert server.process.wait(PATIENCE_S) == 0


def test_readiness_drops_first_and_everything_is_served_until_the_end() -> None:
    with serving(LOSSARY_DRAIN_SECONDS="3") as server, httpx.Client(base_url=server.url) as client:
        assert "connection" not in client.post("/v1/evaluate", json=BODY).headers

        server.process.terminate()
        assert eventually(lambda: client.get("/readyz").status_code == 503)
        told = client.get("/readyz")
        served = client.post("/v1/evaluate", json=BODY)

        assert told.headers["retry-after"] == "1"
        assert served.json()["results"][0]["value"] == 2.125
        assert served.headers["connection"] == "close"
        assert client.get("/healthz").is_success
        assert server.process.wait(PATIENCE_S) == 0


def start(*flags: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Start a service that is not going to run."""
    return subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-m", "service", *flags],
        cwd=ROOT,
        env={**os.environ, "LOSSARY_LOG_LEVEL": "error", **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def test_a_port_that_is_taken_is_said_in_one_line() -> None:  # M05
    with socket.create_server(("127.0.0.1", 0)) as holder:
        port = holder.getsockname()[1]

        done = start("--port", str(port))

    assert done.returncode == 3
    assert done.stderr == f"LOSSARY_PORT: 127.0.0.1:{port} cannot be had: Address already in use.\n"


def test_a_host_that_does_not_exist_is_said_in_one_line() -> None:
    done = start("--host", "nowhere.invalid", "--port", "0", LOSSARY_OPEN="1")

    assert done.returncode == 3
    assert done.stderr == "LOSSARY_PORT: nowhere.invalid:0 cannot be had: no such address.\n"


def test_a_misspelt_variable_is_said_in_one_line() -> None:  # M04
    done = start(LOSSARY_WORKRS="2")

    assert done.returncode == 1
    assert done.stderr == "LOSSARY_WORKRS: there is no such setting. Did you mean LOSSARY_WORKERS?\n"


def test_a_setting_no_worker_can_honour_is_said_once_and_ends_them_all() -> None:
    done = start("--port", "0", "--workers", "2", LOSSARY_RULES="/nowhere/rules.toml")

    assert done.returncode == 3
    assert done.stderr == "LOSSARY_RULES: the file cannot be read as TOML (FileNotFoundError).\n"


@pytest.fixture(scope="module")
def pair() -> Iterator[Server]:
    with serving("--workers", "2", LOSSARY_GRACE_SECONDS="2") as server:
        assert eventually(lambda: started(server.url) == 2)
        yield server


def test_a_killed_worker_is_replaced_and_only_what_it_had_under_way_fails(pair: Server) -> None:
    report = kill(pair.url, pair.process.pid, kills=2, clients=4)

    assert report.seen.answered > 20
    assert report.seen.wrong == report.unexcused == 0
    assert len(report.seen.failed) <= 2 * 4


def test_sighup_replaces_every_worker_and_no_request_fails(pair: Server) -> None:  # M03
    before, count = workers_of(pair.process.pid), started(pair.url)

    with load(pair.url, 4) as seen:
        pair.process.send_signal(signal.SIGHUP)
        assert eventually(lambda: started(pair.url) == count + 2)
        assert eventually(lambda: len(workers_of(pair.process.pid)) == 2)

    assert not workers_of(pair.process.pid) & before
    assert seen.answered > 20
    assert not seen.failed
    assert not seen.wrong


def test_workers_end_with_their_supervisor_however_it_ends() -> None:
    with serving("--workers", "2") as server:
        workers = workers_of(server.process.pid)
        server.process.kill()

        assert eventually(lambda: not any(os.path.exists(f"/proc/{worker}") for worker in workers))  # noqa: PTH110 - shorter


def test_the_counts_of_all_workers_are_answered_by_each(pair: Server) -> None:
    def evaluated() -> float:
        lines = httpx.get(f"{pair.url}/metrics").text.splitlines()
        return sum(float(line.split()[-1]) for line in lines if line.startswith("lossary_evaluations_total"))

    before = evaluated()
    threads = [threading.Thread(target=lambda: httpx.post(f"{pair.url}/v1/evaluate", json=BODY)) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [evaluated() for _ in range(6)] == [before + 20] * 6
