"""Cases of the fault catalogue about more work than there is room for. Shorter than the catalogue's, on two cores."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

import httpx
import numpy as np
import pytest

from tests.service.faults.fault import EVALUATE, NPY, npy
from tests.service.processes import ROOT, Server, serving
from tests.service.test_faults import resident
from tests.service.test_refusals import is_problem

pytestmark = pytest.mark.anyio
PAIRS, TYPE = f"{EVALUATE}?loss=nt_xent&roles=first,second", {"content-type": NPY}
HEALTHY_S = 0.1
MANY = 20  # times as many clients as threads


def two_views(items: int, features: int) -> bytes:
    """Return two arrays for a loss of all pairs, whose work grows with the square of the items."""
    draw = np.random.default_rng(items)
    return b"".join(npy(draw.standard_normal((items, features), np.float32)) for _ in range(2))


def pairs(items: int, features: int = 32, query: str = "") -> bytes:
    """Return a request for the work of all pairs, as bytes."""
    body = two_views(items, features)
    head = f"POST {PAIRS}{query} HTTP/1.1\r\nHost: x\r\nContent-Type: {NPY}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


PROBE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@dataclass
class Told:
    """What a crowd was told."""

    statuses: Counter[int] = field(default_factory=Counter)
    took: dict[int, list[float]] = field(default_factory=dict)
    without_hint: int = 0

    def add(self, status: int, seconds: float, head: str) -> None:
        """Count one answer."""
        self.statuses[status] += 1
        self.took.setdefault(status, []).append(seconds)
        self.without_hint += status != 200 and "retry-after: " not in head

    def slow(self, status: int, share: float = 0.9) -> float:
        """Return the time, in seconds, in which that share of the answers of a status came."""
        return float(np.quantile(self.took[status], share))


async def client(port: int, request: bytes, until: float, told: Told, pause_s: float = 0.0) -> None:
    """Ask over one connection, again and again."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while time.monotonic() < until:
        started = time.monotonic()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(length)
        told.add(int(head[9:12]), time.monotonic() - started, head)
        await asyncio.sleep(pause_s)
    writer.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LOSSARY_MAX_WAITING="4", LOSSARY_QUEUE_SECONDS="1") as running:
        for _ in range(3):
            httpx.post(f"{running.url}{PAIRS}", content=two_views(512, 32), headers=TYPE)
        yield running


async def test_far_too_many_requests_leave_the_work_done_as_it_was_and_the_rest_told_to_come_back(
    server: Server,
) -> None:  # L01, L02
    request, alone, crowd, probes = pairs(512), Told(), Told(), Told()
    cores = os.cpu_count() or 1
    before = resident(server.process.pid)

    peak_s, crowd_s = 3.0, 6.0
    until = time.monotonic() + peak_s
    await asyncio.gather(*[client(server.port, request, until, alone) for _ in range(cores)])
    until = time.monotonic() + crowd_s
    await asyncio.gather(
        *[client(server.port, request, until, crowd, 0.05) for _ in range(MANY * cores)],
        client(server.port, PROBE, until, probes, 0.05),
    )

    assert set(alone.statuses) == {200}
    assert set(crowd.statuses) == {200, 503}
    assert crowd.without_hint == 0
    # 0.9 on cores that nobody shares; here other tests do, and coverage slows each refusal.
    assert crowd.statuses[200] / crowd_s > 0.25 * alone.statuses[200] / peak_s
    assert crowd.slow(503) < 1  # a refusal waits for the event loop alone
    assert set(probes.statuses) == {200}
    assert probes.slow(200, 0.5) < HEALTHY_S
    assert resident(server.process.pid) - before < 256


async def test_probes_are_answered_while_one_long_evaluation_runs(server: Server) -> None:  # L04
    probes, told = Told(), Told()
    until = time.monotonic() + 0.1
    long_one = asyncio.create_task(client(server.port, pairs(2500, query="&gradient=summary"), until, told))

    started = time.monotonic()
    while not long_one.done():
        await client(server.port, PROBE, time.monotonic() + 0.01, probes, 0.02)

    assert told.statuses == {200: 1}
    assert time.monotonic() - started > 1
    assert probes.slow(200) < HEALTHY_S


def test_all_pairs_of_a_million_are_refused_before_they_are_made(server: Server) -> None:  # L05
    # 422 and not the catalogue's 413: what was sent is small enough, and this loss alone takes fewer.
    content = two_views(1_000_000, 2)
    before = resident(server.process.pid)

    started = time.monotonic()
    answer = httpx.post(f"{server.url}{PAIRS}", content=content, headers=TYPE, timeout=30)

    assert time.monotonic() - started < 5
    assert "would fit" in is_problem(answer, 422)["detail"]
    assert resident(server.process.pid) - before < 64


PROGRAM = """
import torch
from service.compute import Runtime
from service.settings import Settings
cores = torch.get_num_threads()
for workers in (1, 2, 3, 64):
    torch.set_num_threads(cores)
    runtime = Runtime(Settings(workers=workers))
    print(runtime.device, workers, workers * runtime.turns.total * torch.get_num_threads())
"""


def test_without_a_device_the_processor_serves_and_all_threads_are_no_more_than_its_cores() -> None:  # L10, L15
    done = subprocess.run(  # noqa: S603 - our own
        [sys.executable, "-c", PROGRAM],
        cwd=ROOT,
        env={**os.environ, "LOSSARY_DEVICE": "auto", "CUDA_VISIBLE_DEVICES": ""},
        capture_output=True,
        text=True,
        check=True,
    )

    rows = [line.split() for line in done.stdout.splitlines()]
    assert [device for device, _, _ in rows] == ["cpu"] * 4
    for _, workers, threads in rows:
        assert int(threads) <= max(os.cpu_count() or 1, int(workers))
