"""The service as a process of its own, on a free port of loopback."""

import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


@dataclass(frozen=True)
class Server:
    """A running service."""

    process: subprocess.Popen[bytes]
    port: int
    log: str

    @property
    def url(self) -> str:
        """Where it answers."""
        return f"http://127.0.0.1:{self.port}"


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def serving(*flags: str, **variables: str) -> Iterator[Server]:
    """Run the service under these variables until it is no longer needed."""
    port = free_port()
    with tempfile.NamedTemporaryFile(suffix=".log") as log:
        process = subprocess.Popen(  # noqa: S603 - our own
            [sys.executable, "-m", "service", "--port", str(port), *flags],
            cwd=ROOT,
            env={**os.environ, "LOSSARY_DEVICE": "cpu", **variables},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        server = Server(process, port, log.name)
        try:
            awaited(server)
            yield server
        finally:
            process.terminate()
            process.wait(30)


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
