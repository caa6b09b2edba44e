"""Recognises a full disk, whether a file, SQLite or PostgreSQL reports it."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Literal

from service.problems import InsufficientStorage

FULL = (errno.ENOSPC, errno.EDQUOT)
SQLITE_FULL = 13  # sqlite.org/rescode.html
POSTGRESQL_FULL = "53100"  # disk_full, postgresql.org/docs/15/errcodes-appendix.html


def is_full(error: BaseException) -> bool:
    """Return whether an error means that the disk is full."""
    cause = getattr(error, "orig", None)  # SQLAlchemy's errors hold the driver's
    return (
        (isinstance(error, OSError) and error.errno in FULL)
        or getattr(cause, "sqlite_errorcode", None) == SQLITE_FULL
        or getattr(cause, "sqlstate", None) == POSTGRESQL_FULL
    )


@contextmanager
def full_disk_refused(kind: Literal["datasets", "experiments"]) -> Iterator[None]:
    """Raise InsufficientStorage in place of an error that means a full disk."""
    try:
        yield
    except Exception as error:
        if is_full(error):
            raise InsufficientStorage(None, kind) from None
        raise
