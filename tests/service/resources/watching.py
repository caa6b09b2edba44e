"""What a request takes of a running service: its memory at the highest, and how long others wait meanwhile."""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from time import perf_counter
from typing import Any

import httpx

from losses.contract.loss import Loss
from tests.service.processes import PATIENCE_S, Server, eventually
from tests.service.resources.asking import Asked, draw, one_of_each

MIB = 1 << 20
GET = """
import http.client, select, sys, time
connection, waited = http.client.HTTPConnection("127.0.0.1", int(sys.argv[1])), []
while not select.select([sys.stdin], [], [], 0.005)[0]:
    asked = time.perf_counter()
    connection.request("GET", "/healthz")
    connection.getresponse().read()
    waited.append((1e3 * (time.perf_counter() - asked), asked))
waited.sort()
print(waited[len(waited) // 2][0], waited[len(waited) * 99 // 100][0], *waited[-1])
"""  # in a process of its own: threads of this one would wait for one another


@dataclass
class Pulse:
    """How long GET /healthz took, in ms, and when it took longest, on the clock of perf_counter."""

    median: float = 0.0
    p99: float = 0.0
    worst: float = 0.0
    when: float = 0.0


@contextmanager
def pulse(server: Server) -> Iterator[Pulse]:
    """Ask for /healthz every few milliseconds meanwhile."""
    seen = Pulse()
    command = [sys.executable, "-c", GET, str(server.port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as asking:  # noqa: S603 - our own
        yield seen
        text, _ = asking.communicate("end", PATIENCE_S)
    seen.median, seen.p99, seen.worst, seen.when = map(float, text.split())


@dataclass(frozen=True)
class Taken:
    """What one request took."""

    asked: Asked
    status: int
    answer: bytes
    grown: int  # bytes, of the service and of the processes that it started
    reserved: int
    compute_ms: float
    ended: float  # on the clock of perf_counter

    @property
    def arrays(self) -> int:
        """The bytes of the inputs as they were read, and of the answer."""
        return self.asked.decoded_bytes + len(self.answer)

    def __str__(self) -> str:
        grown, reserved, decoded = (size / MIB for size in (self.grown, self.reserved, self.asked.decoded_bytes))
        sizes = f"+{grown:.0f} MiB, {reserved:.0f} reserved, {decoded:.1f} decoded"
        return f"{self.status} {sizes}, {self.compute_ms:.0f} ms: {self.asked.what}"


@contextmanager
def watched(server: Server) -> Iterator["Watched"]:
    """Watch a server, once it has loaded what each format needs."""
    with httpx.Client(base_url=server.url, timeout=PATIENCE_S) as http:
        for asked in one_of_each():
            http.post(asked.path, content=asked.content, headers=asked.headers)
        yield Watched(server, http)


class Watched:
    """A server that is asked one thing after the other."""

    def __init__(self, server: Server, http: httpx.Client) -> None:
        self._server, self._http, self._asked, self._read = server, http, 0, 0

    def take(self, asked: Asked) -> Taken:
        """Ask, and return what it took."""
        self._asked += 1
        self._read = Path(self._server.log).stat().st_size
        own = f"resources-{self._asked}"
        before = {pid: _status(pid, "VmRSS") for pid in self._processes()}
        for pid in before:
            Path(f"/proc/{pid}/clear_refs").write_text("5", encoding="utf-8")  # the highest so far is forgotten
        answer = self._http.post(asked.path, content=asked.content, headers={**asked.headers, "x-request-id": own})
        ended = perf_counter()
        assert eventually(lambda: self._line(own))
        line = self._line(own) or {}
        grown = sum(_status(pid, "VmHWM") - before[pid] for pid in before)
        return Taken(
            asked, answer.status_code, answer.content, grown, line["reserved_bytes"], line["compute_ms"], ended
        )

    def draw(self, random: Random, losses: list[Loss] | None = None) -> Taken:
        """Draw a request, and return what it took."""
        return self.take(draw(random, losses))

    def _processes(self) -> list[int]:
        listed = [self._server.process.pid]
        for pid in listed:
            for task in Path(f"/proc/{pid}/task").iterdir():
                listed += map(int, (task / "children").read_text(encoding="utf-8").split())
        return listed

    def _line(self, request_id: str) -> dict[str, Any] | None:
        """Return what the log says of a request, once it does."""
        with Path(self._server.log).open("rb") as log:
            log.seek(self._read)
            lines = log.read().split(b"\n")[:-1]
        whole = [line for line in lines if f'"{request_id}"'.encode() in line]
        return json.loads(whole[-1]) if whole else None


def _status(pid: int, name: str) -> int:
    """Return a line of a process's status, in bytes: VmRSS is what it holds, VmHWM the most that it held."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    except FileNotFoundError:
        return 0
    return next((1024 * int(line.split()[1]) for line in lines if line.startswith(f"{name}:")), 0)
