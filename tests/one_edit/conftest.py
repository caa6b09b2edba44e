"""A fresh copy for every test, and one process that runs them all."""

import sys
from collections.abc import Iterator
from pathlib import Path
from subprocess import PIPE, Popen

import pytest

from tests.one_edit.copies import Copy, copy_to, unmeasured

FORKS = Path(__file__).parent / "forks.py"


@pytest.fixture(scope="session")
def forks() -> Iterator["Popen[str]"]:
    """Start the process that copies are asked in."""
    command = [sys.executable, "-P", str(FORKS)]
    with Popen(command, stdin=PIPE, stdout=PIPE, text=True, env=unmeasured()) as process:  # noqa: S603 - our own file
        yield process
        assert process.stdin
        process.stdin.close()


@pytest.fixture
def copy(tmp_path: Path, forks: "Popen[str]") -> Copy:
    copy_to(tmp_path)
    return Copy(tmp_path, forks)
