"""A pool of buffers for long bodies: pages that were used before are filled faster than new ones.

A buffer returns to the pool when its request ends, and is kept while the pool stays below a limit.
"""

import mmap
from collections.abc import Callable

PAGES = 1 << 21  # bytes; buffers are as many of these as it takes, so that lengths that are nearly alike share them
KEPT = 1 << 29  # bytes that are kept at most,
BUFFERS = 24  # in so many pieces: eight uploads of which half is held, and two windows of the rest


class Pool:
    """The buffers of one process."""

    def __init__(self, most: int = KEPT) -> None:
        self._most, self._kept = most, 0
        self._free: list[mmap.mmap] = []

    def lend(self, size: int) -> tuple[memoryview, Callable[[], None]]:
        """Return a buffer with undefined content, and a function to call when it is no longer in use."""
        fitting = [buffer for buffer in self._free if size <= len(buffer) <= 2 * size + PAGES]
        if fitting:
            buffer = min(fitting, key=len)
            self._free.remove(buffer)
            self._kept -= len(buffer)
        else:
            buffer = mmap.mmap(-1, -(-size // PAGES) * PAGES)

        def give_back() -> None:
            """Return the buffer to the pool."""
            self._free.append(buffer)
            self._kept += len(buffer)
            while self._kept > self._most or len(self._free) > BUFFERS:
                self._kept -= len(self._free.pop(0))

        return memoryview(buffer)[:size], give_back


POOL = Pool()
