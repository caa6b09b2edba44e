"""A real server on loopback: `make protocol-clients` runs this in an environment that has the clients alone."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.clients.running import LINES, Say, Y, Z, free_port, running

PYTHON = os.environ.get("LOSSARY_PYTHON", sys.executable)  # of the environment that has the service


@pytest.fixture(scope="session")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where the service answers."""
    number = free_port()
    ready = f"http://127.0.0.1:{number}/readyz"
    settings = {
        "LOSSARY_PORT": str(number),
        "LOSSARY_DEVICE": "cpu",
        "LOSSARY_SHARED_MEMORY": "/dev/shm",  # noqa: S108 - where Triton's client puts it
        "LOSSARY_DATA": str(tmp_path_factory.mktemp("data")),
    }
    with running(PYTHON, "-m", "service", ready=ready, **settings):
        yield number


@pytest.fixture(scope="session")
def url(port: int) -> str:
    """Where the service answers, to clients of HTTP."""
    return f"http://127.0.0.1:{port}"


@pytest.fixture(scope="session")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with z.npy and y.npy, both.npy of the two, and big.json, whose mse is 1."""
    folder = tmp_path_factory.mktemp("files")
    np.save(folder / "z.npy", Z)
    np.save(folder / "y.npy", Y)
    (folder / "both.npy").write_bytes((folder / "z.npy").read_bytes() + (folder / "y.npy").read_bytes())
    numbers, zeros = "1.0," * 200_000 + "1.0", "0," * 200_000 + "0"
    (folder / "big.json").write_text(f'{{"loss":"mse","predictions":[{numbers}],"targets":[{zeros}]}}')
    return folder


@pytest.fixture
def say(request: pytest.FixtureRequest) -> Say:
    """Return what keeps a line for the end of the run."""
    return lambda line: LINES.append(f"{request.node.name}: {line}")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if LINES:
        terminalreporter.section("what the clients printed")
    for line in LINES:
        terminalreporter.write_line(line)
