"""Every fault of the catalogue against a running service: the answer, and what must hold after each."""

import json
import os
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.faults.catalogue import arrow_, files, json_, meaning, multipart_
from tests.service.faults.fault import EVALUATE, MARKER, OK, Fault
from tests.service.processes import ROOT, Server, open_files, resident, serving, threads, worked_s

FAULTS = [*json_.FAULTS, *multipart_.FAULTS, *files.FAULTS, *arrow_.FAULTS, *meaning.FAULTS]
LONGEST_PROBLEM = 4096  # bytes
MEMORY_BACK_MIB = 64
HEALTH_S = 2.0  # of the best of three, since other processes share the cores


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LOSSARY_MAX_BODY_BYTES=str(128 << 20)) as running:
        httpx.post(f"{running.url}{EVALUATE}", json=OK)
        yield running


def asked(client: httpx.Client) -> float:
    """Return how long the probe of life takes, in seconds."""
    started = time.monotonic()
    assert client.get("/healthz").is_success
    return time.monotonic() - started


def refused(client: httpx.Client) -> float:
    """Return how many requests were refused so far."""
    lines = client.get("/metrics").text.splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith("lossary_rejected_total"))


@pytest.fixture(scope="module")
def documented(server: Server) -> dict[str, dict[str, dict[str, object]]]:
    paths: dict[str, dict[str, dict[str, object]]] = httpx.get(f"{server.url}/openapi.json").json()["paths"]
    return paths


@pytest.mark.parametrize("fault", FAULTS, ids=map(str, FAULTS))
def test_a_fault_is_answered_truly_and_nothing_is_harmed(
    server: Server, documented: dict[str, dict[str, dict[str, object]]], fault: Fault
) -> None:
    pid = server.process.pid
    with httpx.Client(base_url=server.url, timeout=20) as client:
        good = client.post(EVALUATE, json=OK).json()["results"]
        table = client.post(f"{EVALUATE}?loss=mse", content=b"1,2", headers={"content-type": "text/csv"})
        assert table.status_code == 200  # the first imports pyarrow, 60 MB
        before, refusals = (resident(pid), open_files(pid)), refused(client)

        worked = worked_s(pid)
        answer = client.request(fault.method, fault.path, headers=fault.headers, content=fault.body)
        worked = worked_s(pid) - worked
        assert min(asked(client) for _ in range(3)) < HEALTH_S
        again = client.post(EVALUATE, json=OK).json()["results"]
        assert refused(client) == refusals + 1

    assert answer.status_code == fault.status, answer.text[:500]
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) <= LONGEST_PROBLEM
    problem = json.loads(answer.content)
    if fault.kind:
        assert problem["type"] == f"urn:lossary:{fault.kind}"
    assert fault.says in problem["detail"] or fault.says in json.dumps(problem)
    operation = documented.get(fault.path.partition("?")[0], {}).get(fault.method.lower())
    if operation:
        assert str(fault.status) in operation["responses"]  # type: ignore[operator] # a mapping
    assert worked < 5  # of its own time, since other tests share the cores
    assert server.process.poll() is None
    assert again == good
    assert open_files(pid) <= before[1]
    assert resident(pid) - before[0] < MEMORY_BACK_MIB
    assert not (ROOT / MARKER).exists()


def test_after_all_of_them_no_thread_is_left_over_and_no_traceback_was_logged(server: Server) -> None:
    cores = os.cpu_count() or 1

    assert threads(server.process.pid) <= 4 * cores + 16
    assert "Traceback" not in Path(server.log).read_text()
