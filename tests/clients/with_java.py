"""The JDK's HttpClient, which asks for HTTP/2 by `Upgrade: h2c` with every first request."""

import subprocess
from pathlib import Path

import pytest

from tests.clients.running import MSE, Say, program

SOURCE = Path(__file__).with_name("Client.java")
WANTED = {"json": 2.5, "npy": MSE, "chunks": MSE, "1.6 MB": 1.0}


def test_the_jdk(url: str, files: Path, say: Say) -> None:
    done = subprocess.run(  # noqa: S603 - java of the system
        [program("java"), str(SOURCE), url, str(files)], capture_output=True, text=True, check=False, timeout=110
    )
    assert not done.returncode, done.stderr
    lines = [line.split("|") for line in done.stdout.splitlines()]
    for way, status, version, value in lines:
        say(f"{way}: {status} {version} {value}")

    assert len(lines) == 12
    assert {status for _, status, _, _ in lines} == {"200"}
    for way, _, _, value in lines:
        assert float(value) == pytest.approx(WANTED[way.partition(" ")[2]])
