"""Cases of the fault catalogue about more work than there is room for. Shorter than the catalogue's, on two cores."""

import asyncio
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import numpy as np
import pytest

from tests.service.faults.fault import EVALUATE, NPY, npy
from tests.service.problem import is_problem
from tests.service.processes import PATIENCE_S, ROOT, Server, resident, serving, worked_s
from tests.service.sockets import PROBE

pytestmark = pytest.mark.anyio
PAIRS, TYPE = f"{EVALUATE}?loss=nt_xent&roles=first,second", {"content-type": NPY}
MANY = 20  # times as many clients as threads
SERVED = 30  # evaluations
QUEUE_S = 30.0  # for which a request may wait; refused is, at once, what finds the queue full


def two_views(items: int, features: int) -> bytes:
    """Return two arrays for a loss of all pairs, whose work grows with the square of the items."""
    draw = np.random.default_rng(items)
    return b"".join(npy(draw.standard_normal((items, features), np.float32)) for _ in range(2))


def pairs(items: int, features: int = 32, query: str = "") -> bytes:
    """Return a request for the work of all pairs, as bytes."""
    body = two_views(items, features)
    head = f"POST {PAIRS}{query} HTTP/1.1\r\nHost: x\r\nContent-Type: {NPY}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


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

    def usual(self, status: int) -> float:
        """Return the time, in seconds, in which half of the answers of a status came."""
        return float(np.median(self.took[status]))


async def client(port: int, request: bytes, told: Told, more: Callable[[], bool]) -> None:
    """Ask over one connection, again and again, for as long as there is to be more."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    while more():
        started = time.monotonic()
        writer.write(request)
        head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(head.partition("content-length: ")[2].partition("\r\n")[0])
        await reader.readexactly(length)
        told.add(int(head[9:12]), time.monotonic() - started, head)
        await asyncio.sleep(0.02)  # so that the rest of the crowd comes first
    writer.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LOSSARY_MAX_WAITING="4", LOSSARY_QUEUE_SECONDS=str(QUEUE_S)) as running:
        for _ in range(3):
            httpx.post(f"{running.url}{PAIRS}", content=two_views(512, 32), headers=TYPE)
        yield running


async def test_far_too_many_requests_leave_the_work_done_as_it_was_and_the_rest_told_to_come_back(
    server: Server,
) -> None:  # L01, L02
    request, alone, crowd, probes = pairs(512), Told(), Told(), Told()
    pid, cores = server.process.pid, os.cpu_count() or 1
    before_mib = resident(pid)

    began_s = worked_s(pid)
    await asyncio.gather(
        *[client(server.port, request, alone, lambda: alone.statuses[200] < SERVED) for _ in range(cores)]
    )
    alone_s = worked_s(pid) - began_s

    def going_on() -> bool:
        return crowd.statuses[200] < SERVED or crowd.statuses[503] < MANY * cores

    await asyncio.gather(
        *[client(server.port, request, crowd, going_on) for _ in range(MANY * cores)],
        client(server.port, PROBE, probes, going_on),
    )
    crowd_s = worked_s(pid) - began_s - alone_s

    assert set(alone.statuses) == {200}
    assert set(crowd.statuses) == {200, 503}
    assert crowd.without_hint == 0
    # By the time it computed, since other processes share the cores: what is refused costs little beside what is done.
    refused_s = crowd_s - alone_s * crowd.statuses[200] / alone.statuses[200]
    assert refused_s / crowd.statuses[503] < alone_s / alone.statuses[200]
    assert crowd.usual(503) < QUEUE_S / 2  # nobody waited for it in the queue
    assert set(probes.statuses) == {200}
    assert probes.usual(200) < QUEUE_S / 2
    assert resident(pid) - before_mib < 256


async def test_probes_are_answered_while_one_long_evaluation_runs(server: Server) -> None:  # L04
    probes, told = Told(), Told()
    request = pairs(2500, 256, "&gradient=summary")
    long_one = asyncio.create_task(client(server.port, request, told, lambda: not told.statuses))

    await client(server.port, PROBE, probes, lambda: not long_one.done())

    await long_one
    assert told.statuses == {200: 1}
    assert set(probes.statuses) == {200}
    assert max(probes.took[200]) < told.took[200][0] / 2  # none of them waited for its end


def test_all_pairs_of_a_million_are_refused_before_they_are_made(server: Server) -> None:  # L05
    # 422 and not the catalogue's 413: what was sent is small enough, and this loss alone takes fewer.
    content = two_views(1_000_000, 2)
    before_mib, began_s = resident(server.process.pid), worked_s(server.process.pid)

    answer = httpx.post(f"{server.url}{PAIRS}", content=content, headers=TYPE, timeout=PATIENCE_S)

    assert worked_s(server.process.pid) - began_s < 5
    assert "would fit" in is_problem(answer, 422)["detail"]
    assert resident(server.process.pid) - before_mib < 64


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
