"""Programs on loopback, what they are asked about, and what every client printed, for the closing lines."""

import os
import random
import shutil
import socket
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60
PORTS = range(30_000, 32_000)  # below those that the system gives to clients
Z, Y = np.array([2.0, -1.0, 0.5], np.float32), np.array([1.0, 0.0, 1.0], np.float32)
MSE = float(((Z - Y) ** 2).mean())
LINES: list[str] = []
Say = Callable[[str], None]


def free_port() -> int:
    """Return a port of loopback that nobody listens on."""
    draw = random.SystemRandom()
    while True:
        port = draw.choice(PORTS)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port


def answers(url: str) -> bool:
    """Say whether something is there."""
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:  # noqa: S310 - loopback
            return bool(answer.status)
    except OSError:  # URLError is one
        return False


@contextmanager
def running(*command: str, ready: str, **variables: str) -> Iterator[None]:
    """Run a program until it is no longer needed, from when it answers at `ready`."""
    process = subprocess.Popen(command, cwd=ROOT, env={**os.environ, **variables}, stdout=subprocess.DEVNULL)  # noqa: S603 - ours
    try:
        end = time.monotonic() + PATIENCE_S
        while not answers(ready):
            if process.poll() is not None or time.monotonic() > end:
                pytest.fail(f"{command[0]} did not come up")
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(PATIENCE_S)


def program(name: str) -> str:
    """Return the path of a program, or skip where it is not installed."""
    path = shutil.which(name) or shutil.which(name, path="/usr/sbin")
    if path is None:
        pytest.skip(f"{name} is not installed")
    return path
