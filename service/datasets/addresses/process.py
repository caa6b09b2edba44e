"""Processes that read addresses, one question after another; a process that refused or was abandoned is ended.

Starting a process takes 0.3 s, so one is kept waiting.
"""

import atexit
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import IO, Any

from losses.text import Text
from service.problems import AddressNotAllowed, BadRequest

PROGRAM = "service.datasets.addresses.reader"
ROOT = Path(__file__).parents[3]
LISTING_S = 120.0
REFUSED = 3
WHOLE = b"."  # behind an answer
WAITS_S = 60.0  # for a question, as long as the decoder of uploads does; then the process ends by itself
LEFT_S = 5.0  # of that, so that a process which is about to end is not asked


@dataclass(frozen=True)
class _Reader:
    """A process that waits for a question; `reason` is the stream on which it writes a refusal."""

    process: subprocess.Popen[bytes]
    reason: IO[bytes]
    environment: Mapping[str, str]  # that it was started in: credentials, say
    waits_since: float = field(default_factory=time.monotonic)

    @classmethod
    def start(cls) -> "_Reader":
        """Return a newly started process."""
        environment = dict(os.environ)
        reason = tempfile.TemporaryFile()  # noqa: SIM115 - closed by end
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", PROGRAM],
            cwd=ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=reason,
            env={**environment, "ARROW_DEFAULT_MEMORY_POOL": "system", "MALLOC_ARENA_MAX": "2"},
        )
        return cls(process, reason, environment)

    def waits(self) -> bool:
        """Return whether the process can be asked."""
        in_time = time.monotonic() - self.waits_since < WAITS_S - LEFT_S
        return in_time and self.process.poll() is None and self.environment == os.environ

    def ask(self, question: dict[str, Any]) -> IO[bytes]:
        """Send a question, and return the stream of the answer."""
        if self.process.stdin is None or self.process.stdout is None:
            raise TypeError(self)
        with suppress(BrokenPipeError):
            self.process.stdin.write(json.dumps(question).encode() + b"\n")
            self.process.stdin.flush()
        return self.process.stdout

    def refuse_unless_whole(self) -> None:
        """Read the mark that follows a complete answer.

        Raises: BadRequest, AddressNotAllowed where the process refused instead.
        """
        if self.process.stdout is not None and self.process.stdout.read(1) == WHOLE:
            return
        status = self.process.wait(LISTING_S)
        self.reason.seek(0)
        raise _refusal(status, self.reason.read())

    def end(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        for end in (self.process.stdin, self.process.stdout, self.reason):
            if end is not None:
                with suppress(OSError):
                    end.close()


class Readers:
    """At most one waiting process; questions that arrive while it is busy start processes of their own."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: _Reader | None = None

    @property
    def waiting(self) -> int | None:
        """The id of the waiting process; None where there is none."""
        return None if self._waiting is None else self._waiting.process.pid

    @contextmanager
    def asked(self, question: dict[str, Any]) -> Iterator[IO[bytes]]:
        """Yield the stream of an answer, which must be read to its end; otherwise the process is ended.

        Raises: BadRequest, AddressNotAllowed where the process refused.
        """
        reader = self._take()
        try:
            yield reader.ask(question)
            reader.refuse_unless_whole()
        except BaseException:
            reader.end()
            self._keep(None)
            raise
        self._keep(replace(reader, waits_since=time.monotonic()))

    def end(self) -> None:
        """End the process that waits, if there is one."""
        with self._lock:
            if self._waiting is not None:
                self._waiting.end()
            self._waiting = None

    def _take(self) -> _Reader:
        """Return the waiting process, or a new one."""
        with self._lock:
            reader, self._waiting = self._waiting, None
        if reader is not None and not reader.waits():
            reader.end()
            reader = None
        return reader or _Reader.start()

    def _keep(self, reader: _Reader | None) -> None:
        """Let a process, or a new one for None, wait for the next question; end it where another already waits."""
        with self._lock:
            if self._waiting is None:
                self._waiting, reader = reader or _Reader.start(), None
        if reader is not None:
            reader.end()


READERS = Readers()
atexit.register(READERS.end)


def _refusal(status: int, reason: bytes) -> Exception:
    """Return the refusal that a process wrote before it ended."""
    reply = json.loads(reason) if status == REFUSED else {"message": "It is damaged, or unpacks to too much."}
    kind = AddressNotAllowed if reply.get("kind") == "NotAllowed" else _unreadable
    return kind(reply["message"])


def _unreadable(message: str) -> BadRequest:
    """Return the refusal of an address that cannot be read."""
    return BadRequest(Text(f"What uri names cannot be read. {message}", f"uri 所指的内容无法读取。{message}"))
