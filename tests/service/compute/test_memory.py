"""What a loss takes and gives back is kept: the same pages serve again, also in another thread."""

import subprocess
import sys

import pytest

from tests.service.processes import ROOT

CODE = """
import resource, sys, threading
import torch
from service.server.server import settle_memory

if sys.argv[1] == "settled":
    settle_memory()

def work():
    for _ in range(3):
        torch.ones(1 << 18, dtype=torch.float64).square()
    before = resource.getrusage(resource.RUSAGE_THREAD).ru_minflt
    for _ in range(100):
        torch.ones(1 << 18, dtype=torch.float64).square()
    print(resource.getrusage(resource.RUSAGE_THREAD).ru_minflt - before)

thread = threading.Thread(target=work)
thread.start()
thread.join()
"""
PAGES = 2 * 100 * 512  # of 4 KiB in 100 times two blocks of 2 MiB


def faults(how: str, **variables: str) -> int:
    """Return how many fresh pages a thread was given."""
    command = [sys.executable, "-c", CODE, how]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, env=variables or None)  # noqa: S603 - our own
    return int(done.stdout)


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_blocks_that_come_again_and_again_need_no_fresh_pages() -> None:
    assert faults("settled") < PAGES / 20


@pytest.mark.skipif(sys.platform != "linux", reason="glibc's")
def test_variables_that_say_otherwise_are_left_in_force() -> None:
    assert faults("settled", MALLOC_MMAP_THRESHOLD_="131072") > PAGES / 3
