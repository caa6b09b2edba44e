"""Counts of several workers: they outlive those who counted, in files that do not add up for ever."""

import errno
import os
import signal
from pathlib import Path

import httpx
import pytest
from prometheus_client.mmap_dict import MmapedDict

from service.observability.shared_counts import FIRST_BYTES, CountsInRoom, merge_dead_worker, page_of_all
from tests.service.processes import eventually, serving

GOOD = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
NAMES = [f'["requests", "requests_total", {{"route": "/{number}"}}, "Requests."]' for number in range(2000)]
# As a disk with no room for the files of the counts; SIGXFSZ is ignored by Python.
FULL = """
import resource, runpy, sys
resource.setrlimit(resource.RLIMIT_FSIZE, (48 << 10, 48 << 10))
sys.argv = ["service", "--workers", "2"]
runpy.run_module("service", run_name="__main__")
"""


def counted(page: str, start: str) -> float:
    """Return the sum of the numbers of all lines that start so."""
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(start))


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PROMETHEUS_MULTIPROC_DIR", str(tmp_path))
    return tmp_path


def test_the_counts_of_the_dead_are_kept_in_one_file(folder: Path) -> None:
    sizes = []
    for pid in range(1, 6):
        counts = CountsInRoom(str(folder / f"counter_{pid}.db"))
        counts.write_value(NAMES[0], 10.0 * pid, 0.0)
        counts.write_value(NAMES[pid], 1.0, 0.0)
        counts.close()
        merge_dead_worker(pid)
        sizes.append(sum(file.stat().st_size for file in folder.iterdir()))

    assert {file.name for file in folder.iterdir()} == {"counter_dead.db", "lock"}
    assert sizes == [FIRST_BYTES] * 5
    page = page_of_all().decode()
    assert counted(page, 'requests_total{route="/0"}') == 150
    assert counted(page, "requests_total{") == 155


def test_counts_grow_with_room_asked_for(folder: Path) -> None:
    file = folder / "counter_1.db"
    counts = CountsInRoom(str(file))
    for number, name in enumerate(NAMES):
        counts.write_value(name, float(number), 0.0)
    counts.close()

    values = {name: value for name, value, _, _ in MmapedDict.read_all_values_from_file(str(file))}  # type: ignore[no-untyped-call] # prometheus_client leaves it untyped
    assert values == {name: float(number) for number, name in enumerate(NAMES)}
    assert file.stat().st_blocks * 512 >= file.stat().st_size > FIRST_BYTES


def test_what_there_is_no_room_for_is_counted_and_not_shown(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "counter_1.db"
    counts = CountsInRoom(str(file))
    counts.write_value(NAMES[0], 1.0, 0.0)

    def full(_descriptor: int, _offset: int, _length: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    for name in NAMES:
        counts.write_value(name, counts.read_value(name)[0] + 2, 0.0)

    assert {counts.read_value(name)[0] for name in NAMES[1:]} == {2.0}
    assert counts.read_value(NAMES[0])[0] == 3.0
    assert file.stat().st_size == FIRST_BYTES
    without = CountsInRoom(str(folder / "counter_2.db"))
    without.write_value(NAMES[0], 5.0, 0.0)
    assert without.read_value(NAMES[0]) == (5.0, 0.0)
    for each in (counts, without):
        each.close()
    assert counted(page_of_all().decode(), 'requests_total{route="/0"}') == 3


@pytest.mark.timeout(240)
def test_a_worker_that_is_replaced_leaves_its_counts_and_no_files(tmp_path: Path) -> None:
    with serving("--workers", "2", PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as server:
        for _ in range(20):
            httpx.post(f"{server.url}/v1/evaluate", json=GOOD)
        asked = 'lossary_http_requests_total{method="POST",route="/v1/evaluate"'
        before = counted(httpx.get(f"{server.url}/metrics").text, asked)
        first = sorted(file.stem.partition("_")[2] for file in tmp_path.glob("*/counter_*.db"))
        os.kill(int(first[0]), signal.SIGKILL)
        replaced = eventually(
            lambda: len({file.stem.partition("_")[2] for file in tmp_path.glob("*/counter_*.db")} - set(first)) == 2
        )
        after = counted(httpx.get(f"{server.url}/metrics").text, asked)
        files = {file.name for file in tmp_path.glob("*/*.db")}

    assert replaced
    assert before == after == 20
    assert not any(name.endswith(f"_{first[0]}.db") for name in files)
    assert {name for name in files if "dead" in name} == {"counter_dead.db", "histogram_dead.db"}


@pytest.mark.timeout(240)
def test_workers_serve_where_their_counts_have_no_room(tmp_path: Path) -> None:
    with serving(program=("-c", FULL), PROMETHEUS_MULTIPROC_DIR=str(tmp_path)) as server:
        answers = [httpx.post(f"{server.url}/v1/evaluate", json=GOOD) for _ in range(4)]
        page = httpx.get(f"{server.url}/metrics")
        log = Path(server.log).read_text()

    assert [answer.status_code for answer in answers] == [200] * 4
    assert page.status_code == 200
    assert "no room for counts" in log
    assert "worker lost" not in log
