"""A real server on loopback and its document; and the table of generators and operations at the end of the run."""

import os
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients.running import free_port, running
from tests.generators.generators import WORKS

PYTHON = os.environ.get("LOSSARY_PYTHON", sys.executable)  # of the environment that has the service


@pytest.fixture(scope="session")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where the service answers."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    data = str(tmp_path_factory.mktemp("data"))
    with running(
        PYTHON,
        "-m",
        "service",
        ready=f"{address}/readyz",
        LOSSARY_PORT=str(port),
        LOSSARY_DEVICE="cpu",
        LOSSARY_DATA=data,
    ):
        yield address


@pytest.fixture(scope="session")
def document(url: str, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The OpenAPI document of the running service."""
    file = tmp_path_factory.mktemp("document") / "openapi.json"
    with urllib.request.urlopen(f"{url}/openapi.json", timeout=30) as answer:  # noqa: S310 - loopback
        file.write_bytes(answer.read())
    return file


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    operations = list(dict.fromkeys(operation for worked in WORKS.values() for operation in worked))
    if not operations:
        return
    terminalreporter.section("generated clients")
    terminalreporter.write_line(f"{'':24}" + " ".join(f"{operation:>14}" for operation in operations))
    for generator, worked in WORKS.items():
        cells = ("works" if worked.get(operation) else "fails" for operation in operations)
        terminalreporter.write_line(f"{generator:24}" + " ".join(f"{cell:>14}" for cell in cells))
