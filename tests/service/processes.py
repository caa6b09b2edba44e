"""The service as a process of its own, on a free port of loopback."""

import os
import random
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import pytest

from tests.service.forking import Forked, template

ROOT = Path(__file__).parents[2]
PATIENCE_S = 110  # for what comes at once on a machine that has nothing else to do
PROGRAM = ("-m", "service")
OWN_PROCESS = "-s", *PROGRAM  # the same, started anew rather than forked from a process that has imported everything
PORTS = range(12_000, 30_000)  # below those that the system gives to clients


@dataclass(frozen=True)
class Server:
    """A running service."""

    process: subprocess.Popen[bytes] | Forked
    port: int
    log: str

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    draw = random.SystemRandom()  # no other test process, seeded alike, draws the same
    while True:
        port = draw.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


@contextmanager
def serving(*flags: str, program: Sequence[str] = PROGRAM, **variables: str) -> Iterator[Server]:
    """Run the service under these variables until it is no longer needed; `program` is what Python runs.

    Its datasets and experiments have a folder of their own, unless LOSSARY_DATA is among the variables. Experiments
    have the priority of requests: beside tests that keep every core busy they would have a tenth of one, and end late.
    """
    port = free_port()
    with tempfile.NamedTemporaryFile(suffix=".log") as log, tempfile.TemporaryDirectory(prefix="lossary-") as data:
        own = {"LOSSARY_DEVICE": "cpu", "LOSSARY_PORT": str(port), "LOSSARY_DATA": data, "LOSSARY_EXPERIMENT_NICE": "0"}
        own |= variables
        server = Server(_started([*program, *flags], own, log), port, log.name)
        try:
            awaited(server)
            yield server
        finally:
            server.process.terminate()
            server.process.wait(PATIENCE_S)


def _started(command: list[str], variables: dict[str, str], log: IO[bytes]) -> subprocess.Popen[bytes] | Forked:
    """Start the service: forked where settings alone tell it from the next, unless coverage has to be measured."""
    environment = {**os.environ, **variables}
    plain = command == [*PROGRAM] and all(name.startswith("LOSSARY_") for name in variables)
    if plain and "COVERAGE_PROCESS_CONFIG" not in environment and "COVERAGE_PROCESS_START" not in environment:
        return template().start(environment, log.name)
    return subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, *command], cwd=ROOT, env=environment, stdout=log, stderr=subprocess.STDOUT
    )


def awaited(server: Server) -> None:
    """Return once it serves, or fail with its log."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline and server.process.poll() is None:
        try:
            if httpx.get(f"{server.url}/readyz").is_success:
                return
        except httpx.TransportError:
            time.sleep(0.02)
    pytest.fail(f"the service did not come up: {Path(server.log).read_text()[-2000:]}")


def eventually(true: Callable[[], object]) -> bool:
    """Return whether it became true in time."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        if true():
            return True
        time.sleep(0.02)
    return False


def resident(pid: int) -> float:
    """Return what a process holds, in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGESIZE") / (1 << 20)


def worked_s(pid: int) -> float:
    """Return how long a process has kept cores busy, in seconds."""
    user, system = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / os.sysconf("SC_CLK_TCK")


def threads(pid: int) -> int:
    """Return how many threads a process has."""
    return len(list(Path(f"/proc/{pid}/task").iterdir()))


def open_files(pid: int) -> set[str]:
    """Return what is open, sockets left out."""
    paths = set()
    for link in Path(f"/proc/{pid}/fd").iterdir():
        try:
            paths.add(str(link.readlink()))
        except FileNotFoundError:
            continue
    return {name for name in paths if not name.startswith("socket:")}
