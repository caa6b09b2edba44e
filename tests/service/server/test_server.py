"""The server as a process: started as the README says, asked over a socket."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from tests.service.processes import PATIENCE_S, ROOT, eventually, serving


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with serving() as running:
        yield running.url


def test_several_losses_over_a_socket(server: str) -> None:
    body = {"loss": ["mse", "mae"], "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}

    answer = httpx.post(f"{server}/v1/evaluate", json=body)

    assert [result["value"] for result in answer.json()["results"]] == [2.125, 1.25]
    assert "compute;dur=" in answer.headers["server-timing"]


@pytest.mark.parametrize(
    ("variables", "says"),
    [
        ({"LOSSARY_PORT": "text"}, "LOSSARY_PORT"),
        ({"LOSSARY_DEVICE": "tpu"}, "LOSSARY_DEVICE"),
        ({"LOSSARY_DEVICE": "cuda", "CUDA_VISIBLE_DEVICES": ""}, "use auto or cpu"),
        ({"LOSSARY_RULES": "/nowhere/rules.toml"}, "LOSSARY_RULES"),
    ],
)
def test_a_bad_setting_is_said_in_one_line(variables: dict[str, str], says: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={**os.environ, "LOSSARY_PORT": "0", "LOSSARY_LOG_LEVEL": "error", **variables},
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert done.returncode != 0
    assert says in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1


def test_the_supervisor_of_several_workers_imports_no_torch() -> None:
    script = "import sys, service.__main__; sys.exit('torch' in sys.modules)"

    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=False)  # noqa: S603 - our own program

    assert done.returncode == 0


CROWD = 40  # connections that ask again and again


def test_who_connects_behind_a_busy_crowd_waits_for_a_few_turns_of_it() -> None:
    asked = b"GET /v1/losses HTTP/1.1\r\nHost: x\r\n\r\n" * 200
    probe = b"GET /v1/limits HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    with serving() as running, ExitStack() as opened:
        os.kill(running.process.pid, signal.SIGSTOP)  # so that all of it waits when the server looks
        address = "127.0.0.1", running.port
        crowd = [opened.enter_context(socket.create_connection(address, PATIENCE_S)) for _ in range(CROWD)]
        for connection in crowd:
            connection.sendall(asked)
        late = opened.enter_context(socket.create_connection(address, PATIENCE_S))
        late.sendall(probe)
        os.kill(running.process.pid, signal.SIGCONT)
        answer = late.recv(1 << 16)
        assert eventually(lambda: "/v1/limits" in Path(running.log).read_text())
        written = Path(running.log).read_text().rpartition("\n")[0]  # the last line may be half written
        routes = [json.loads(line).get("route") for line in written.splitlines()]

    assert answer.startswith(b"HTTP/1.1 200")
    before = routes[: routes.index("/v1/limits")].count("/v1/losses")
    assert before < 8 * CROWD  # one connection a turn of the loop would let some 20 for each of the crowd go first
