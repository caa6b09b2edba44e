"""Decodes files in a separate process, which a damaged file may crash; the next file then gets a new one.

Files and columns are exchanged through memory files, so that each is copied once. The process ends a minute after the
last file.
"""

import atexit
import json
import mmap
import os
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from service.uploads.formats.registry import Buffer
from service.uploads.tables.table import arrow

if TYPE_CHECKING:
    import pyarrow as pa

PROGRAM = Path(__file__).with_name("decoder_process.py")
DEADLINE_S = 60.0
DONE = b"\0"
TableKind = Literal["parquet", "feather", "ndjson"]


class Undecodable(ValueError):  # noqa: N818 - as refusals are named
    """The file is damaged, or its decoding took too long or too much memory."""


@dataclass(frozen=True)
class _Child:
    process: subprocess.Popen[bytes]
    connection: socket.socket

    def end(self) -> None:
        """End the process."""
        self.connection.close()
        self.process.kill()
        self.process.wait()


class Decoder:
    """Runs at most one decoding process, started with the first file; files are decoded in turn."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._child: _Child | None = None

    def columns(self, kind: TableKind, file: "MemoryFile", max_bytes: int) -> tuple[list[str], dict[str, int]]:
        """Return the names of the columns of a file, and the decoded bytes of each where the file states them.

        Raises: Undecodable.
        """
        with self._answered(file, {"format": kind, "names": None, "max_bytes": max_bytes}) as view:
            answer = json.loads(view[:])
        return answer["names"], answer["bytes"]

    def read(self, kind: TableKind, file: "MemoryFile", names: Sequence[str], max_bytes: int) -> "pa.Table":
        """Return these columns of a file; of NDJSON, all of them.

        Raises: Undecodable.
        """
        with self._answered(file, {"format": kind, "names": list(names), "max_bytes": max_bytes}) as view:
            return arrow().ipc.open_stream(arrow().BufferReader(arrow().py_buffer(view))).read_all()

    def end(self) -> None:
        """End the process, where there is one."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    @contextmanager
    def _answered(self, file: "MemoryFile", request: dict[str, Any]) -> Iterator[mmap.mmap]:
        """Yield the output of the process."""
        request_file, answer = MemoryFile(json.dumps(request).encode()), MemoryFile(b"")
        with self._lock:
            self._ask([file.descriptor, request_file.descriptor, answer.descriptor])
        yield mmap.mmap(answer.descriptor, 0, access=mmap.ACCESS_COPY)  # tensors may be written to

    def _ask(self, descriptors: list[int]) -> None:
        """Send descriptors to the process and wait for its answer; a process that does not answer is ended."""
        child = self._running()
        try:
            socket.send_fds(child.connection, [b"?"], descriptors)
            outcome = child.connection.recv(1)
        except OSError:  # gone, or not done in time
            outcome = b""
        if not outcome:
            self.end()
        if outcome != DONE:
            raise Undecodable

    def _running(self) -> _Child:
        """Return the process, starting it where there is none."""
        if self._child is not None and self._child.process.poll() is not None:
            self.end()
        if self._child is None:
            ours, theirs = socket.socketpair()
            ours.settimeout(DEADLINE_S)
            with theirs:
                process = subprocess.Popen(  # noqa: S603 - our own file
                    [sys.executable, "-I", str(PROGRAM)],
                    stdin=theirs.fileno(),
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                    env={**os.environ, "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"},
                )
            self._child = _Child(process, ours)
        return self._child


class MemoryFile:
    """An anonymous file in memory, removed when it is closed."""

    def __init__(self, data: Buffer | bytes) -> None:
        self.descriptor = os.memfd_create("lossary")
        weakref.finalize(self, os.close, self.descriptor)
        rest = memoryview(data)
        while rest:
            rest = rest[os.write(self.descriptor, rest) :]


DECODER = Decoder()
atexit.register(DECODER.end)
