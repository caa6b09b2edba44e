"""Log lines: a constant past-tense event and its facts, as JSON or as text."""

import asyncio
import logging
import sys
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, TextIO

import orjson

from service.settings import Settings

PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/:{}+")


def _facts(record: logging.LogRecord) -> dict[str, Any]:
    facts: dict[str, Any] = getattr(record, "facts", {})
    return {name: value for name, value in facts.items() if value is not None}


def _when(record: logging.LogRecord) -> str:
    second = int(record.created)
    return f"{_iso(second)}.{int(1e3 * (record.created - second)):03d}+00:00"


@lru_cache(2)
def _iso(second: int) -> str:
    return datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Lines(logging.StreamHandler[TextIO]):
    """Writes what one turn of the event loop says in one go: each write would cost as much as three lines.

    Outside of a loop, and when the process ends, nothing waits.
    """

    _due: asyncio.AbstractEventLoop | None = None  # whose turn ends with a write

    def flush(self) -> None:
        """Write what was said, at the end of this turn."""
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            self._write()
            return
        if self._due is not loop:
            self._due = loop
            loop.call_soon(self._write)

    def _write(self) -> None:
        self._due = None
        super().flush()


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
    """The same for a terminal: time, level, event, then name=value; whatever is not plain is quoted as JSON."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, and below it the traceback where there is one."""
        facts = "".join(f" {name}={self._value(value)}" for name, value in _facts(record).items())
        line = f"{_when(record)} {record.levelname.lower():7} {record.getMessage()}{facts}"
        return f"{line}\n{self.formatException(record.exc_info)}" if record.exc_info else line

    @staticmethod
    def _value(value: object) -> str:
        text = str(value)
        return text if text and PLAIN.issuperset(text) else orjson.dumps(value, default=str).decode()


def configure(settings: Settings) -> None:
    """Send every log line of this process, uvicorn's too, to standard output in the format of the settings."""
    handler = Lines(sys.stdout)
    as_text = settings.log_format == "text" or (settings.log_format == "auto" and sys.stdout.isatty())
    handler.setFormatter(TextFormatter() if as_text else JsonFormatter())
    # What no line of ours says need not be found out for each (Python's logging HOWTO, "Optimization").
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # noqa: SLF001 - as the HOWTO has it
    logging.basicConfig(level=settings.log_level.upper(), handlers=[handler], force=True)
