"""Log lines: a constant past-tense event with its facts, as JSON or as text."""

import asyncio
import logging
import os
import select
import sys
import time
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import orjson

from service.settings import Settings

log = logging.getLogger("lossary")
MOST_WAITING = 1 << 20  # bytes of lines that nobody has read
_UNSAID = "thread", "threadName", "process", "processName"
_BLANK = vars(logging.LogRecord(log.name, logging.INFO, "", 0, "", (), None)) | dict.fromkeys(_UNSAID)
_LOADED = time.time()
PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:{}+")


def record_of(level: int, event: str, facts: dict[str, Any]) -> logging.LogRecord:
    """Return a log record with its facts, made faster than by a logger; each request writes one."""
    record, created = object.__new__(logging.LogRecord), time.time()
    vars(record).update(
        _BLANK,
        levelno=level,
        levelname=logging.getLevelName(level),
        msg=event,
        created=created,
        msecs=1e3 * (created % 1),
        relativeCreated=1e3 * (created - _LOADED),
        facts=facts,
    )
    return record


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    """Return the facts of a record that have a value."""
    facts: dict[str, Any] = getattr(record, "facts", {})
    return {name: value for name, value in facts.items() if value is not None}


def _when(record: logging.LogRecord) -> str:
    """Return the time of a record in ISO 8601 with milliseconds."""
    second = int(record.created)
    return f"{_iso(second)}.{int(1e3 * (record.created - second)):03d}+00:00"


@lru_cache(2)
def _iso(second: int) -> str:
    """Return a time in ISO 8601, in whole seconds; cached, since many records share a second."""
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Lines(logging.StreamHandler[TextIO]):
    """Writes all lines of a turn of the event loop in one call, since a write costs as much as formatting three lines.

    A pipe that is not read never blocks the process: lines wait up to a bound, and further lines are counted and
    dropped. Outside an event loop, and when the process ends, lines are written at once.
    """

    _due: asyncio.AbstractEventLoop | None = None  # whose turn ends with a write

    def __init__(self, stream: TextIO) -> None:
        super().__init__(stream)
        self._waiting, self._dropped = bytearray(), 0
        try:
            self._file: int | None = stream.fileno()
        except (OSError, ValueError):  # a stream of a test's own
            self._file = None

    def emit(self, record: logging.LogRecord) -> None:
        """Buffer a line."""
        if self._file is None:
            super().emit(record)
            return
        try:
            line = f"{self.format(record)}\n".encode()
        except Exception:  # noqa: BLE001 - as logging has it: a line that cannot be formatted stops nothing
            self.handleError(record)
            return
        if len(self._waiting) + len(line) > MOST_WAITING:
            self._dropped += 1
        else:
            self._waiting += line
        self.flush()

    def flush(self) -> None:
        """Write the buffered lines at the end of this turn."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
            return
        if self._due is not loop:
            self._due = loop
            loop.call_soon(self._write)

    def _write(self) -> None:
        """Write as many buffered lines as the pipe accepts; the others wait, up to a bound."""
        self._due = None
        if self._file is None:
            super().flush()
            return
        try:
            while self._waiting and select.select([], [self._file], [], 0)[1]:
                # A pipe that can be written to takes as much as this without a wait.
                del self._waiting[: os.write(self._file, self._waiting[: select.PIPE_BUF])]
        except OSError:  # nobody will ever read it
            self._waiting.clear()
        if self._dropped and not self._waiting:
            dropped, self._dropped = self._dropped, 0
            log.warning("lines dropped", extra={"facts": {"lines": dropped}})


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, event, then the facts."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "time": _when(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "event": record.getMessage(),
            **_facts(record),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return orjson.dumps(line, default=str).decode()


class TextFormatter(logging.Formatter):
    """The same facts for a terminal: time, level, event, then name=value; values with special characters as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by the traceback where there is one."""
        facts = "".join(f" {name}={self._value(value)}" for name, value in _facts(record).items())
        line = f"{_when(record)} {record.levelname.lower():7} {record.getMessage()}{facts}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    @staticmethod
    def _value(value: object) -> str:
        """Return a value as text, as JSON where it has special characters."""
        text = str(value)
        return text if text and PLAIN.issuperset(text) else orjson.dumps(value, default=str).decode()


def configure(settings: Settings) -> None:
    """Send every log line of this process, including uvicorn's, to standard output in the configured format."""
    handler = Lines(sys.stdout)
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stdout.isatty())
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    # What no line of ours says need not be found out for each (Python's logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as the HOWTO has it
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
