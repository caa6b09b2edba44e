"""The counters of several workers, in files of one folder that every worker reads.

prometheus_client writes to sparse files: on a full disk, touching a page without space kills the worker (SIGBUS). Here
space is allocated before a value is written; without space, values are counted in memory and not shared. The counts of
a worker that has died are added to a common file, so that its own files can be removed.
"""

import fcntl
import logging
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client import CollectorRegistry, generate_latest, multiprocess, values
from prometheus_client.mmap_dict import MmapedDict

from service.settings import SHARED_METRICS

log = logging.getLogger("lossary")
FIRST_BYTES = 1 << 16  # of a file, as prometheus_client has it; each time that it is full it is doubled
ENTRY = struct.Struct("i"), struct.Struct("dd")  # the length of a name, and a number with the time of its writing
ADDED = ("counter", "histogram")  # kinds of files whose numbers add up
THE_DEAD = "dead"  # in the names of files, in place of a process


class CountsInRoom(MmapedDict):
    """The values of one file by name; disk space is allocated before a value is written."""

    def __init__(self, filename: str, read_mode: bool = False) -> None:  # noqa: FBT001, FBT002 - as it is called
        self._in_memory: dict[str, tuple[float, float]] = {}
        self._has_file = read_mode or _created(Path(filename))
        self._is_full = False
        if self._has_file:
            super().__init__(filename, read_mode)  # type: ignore[no-untyped-call] # prometheus_client leaves it untyped

    def _takes(self, key: str) -> bool:
        """Return whether a name has a value in the file, or there is space for one."""
        if not self._has_file:
            return False
        if key in self._positions:
            return True
        name, number = ENTRY
        padded = -(-(name.size + len(key.encode()) + 1) // 8) * 8
        if not self._is_full and self._used + padded + number.size > self._capacity:
            self._is_full = not _has_room(self._f.fileno(), 2 * self._capacity)
        return not self._is_full

    def read_value(self, key: str) -> tuple[float, float]:
        """Return a value, 0 at first, and the time when it was written."""
        if key in self._in_memory or not self._takes(key):
            return self._in_memory.setdefault(key, (0.0, 0.0))
        number: tuple[float, float] = super().read_value(key)  # type: ignore[no-untyped-call] # the same
        return number

    def write_value(self, key: str, value: float, timestamp: float) -> None:
        """Set a value."""
        if key in self._in_memory or not self._takes(key):
            self._in_memory[key] = value, timestamp
        else:
            super().write_value(key, value, timestamp)  # type: ignore[no-untyped-call] # the same

    def close(self) -> None:
        """Close the file."""
        if self._has_file:
            super().close()  # type: ignore[no-untyped-call] # the same


def _created(path: Path) -> bool:
    """Return whether the file exists with space for its first values, after creating it where it was missing."""
    with path.open("ab") as file:
        made = _has_room(file.fileno(), FIRST_BYTES)
    if not made:
        path.unlink()
    return made


def _has_room(descriptor: int, size: int) -> bool:
    """Return whether disk space could be allocated for a file."""
    try:
        os.posix_fallocate(descriptor, 0, size)
    except OSError as error:
        log.warning("no room for counts", extra={"facts": {"reason": os.strerror(error.errno or 0), "bytes": size}})
        return False
    return True


def is_shared() -> bool:
    """Return whether several workers share their counts in files."""
    return SHARED_METRICS in os.environ


def ask_for_room() -> None:
    """Make every counter created from here on allocate its disk space first."""
    values.MmapedDict = CountsInRoom  # type: ignore[attr-defined] # its name for the class that it makes


@contextmanager
def _locked(how: int) -> Iterator[Path]:
    """Hold a lock on the folder, shared by readers or exclusive for moving counts between files."""
    folder = Path(os.environ[SHARED_METRICS])
    with (folder / "lock").open("ab") as file:
        fcntl.flock(file, how)  # until it is closed
        yield folder


def page_of_all() -> bytes:
    """Return the metrics of all workers, living and dead, in Prometheus' text format."""
    of_all = CollectorRegistry()
    with _locked(fcntl.LOCK_SH) as folder:
        multiprocess.MultiProcessCollector(of_all, str(folder))  # type: ignore[no-untyped-call] # the same
        return generate_latest(of_all)


def merge_dead_worker(pid: int) -> None:
    """Add the counts of a dead worker to those of all dead workers, and remove its files."""
    with _locked(fcntl.LOCK_EX) as folder:
        multiprocess.mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call] # the same
        for kind in ADDED:
            own = folder / f"{kind}_{pid}.db"
            if own.exists():
                _add(own, folder / f"{kind}_{THE_DEAD}.db")
                own.unlink()


def _add(own: Path, total: Path) -> None:
    """Add the numbers of one file to those of another."""
    if own.stat().st_size == 0:
        return
    numbers = CountsInRoom(str(total))
    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(own)):  # type: ignore[no-untyped-call] # the same
        before, _ = numbers.read_value(key)
        numbers.write_value(key, before + value, 0.0)
    numbers.close()
