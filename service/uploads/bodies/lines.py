"""The lines of a body that is answered while it arrives.

Some clients read answers while they send, most send everything before they read. So that client and service never wait
for each other, what arrives while an answer waits to be read is stored: a little in memory, the rest in an unnamed
file.
"""

import asyncio
import os
import tempfile
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from anyio import to_thread

from losses.text import Text
from service.problems import InsufficientStorage, TooLarge

WINDOW = 1 << 16  # bytes that are read ahead while no answer waits, and kept in memory; as much as a connection holds
PIECE = 1 << 16  # bytes that are looked through for lines in one turn of the event loop


class ReadAhead:
    """The bytes of a body, read before they are needed; its creator must close it."""

    def __init__(self, chunks: AsyncIterator[bytes], folder: Path, longest: int) -> None:
        """Start to read.

        Args:
            chunks: The body.
            folder: The folder of the file.
            longest: The most bytes to store while answers wait.
        """
        self._chunks, self._folder, self._longest = chunks, folder, longest
        self._memory: deque[bytes] = deque()
        self._file: BinaryIO | None = None
        self._in_memory, self._read, self._written = 0, 0, 0  # bytes, the last two of the file
        self._changed = asyncio.Event()
        self._answer_waits, self._ended = False, False
        self._task: asyncio.Task[None] | None = None

    def close(self) -> None:
        """Stop reading, and release what was stored."""
        if self._task is not None:
            self._task.cancel()
        if self._file is not None:
            self._file.close()

    @contextmanager
    def answering(self) -> Iterator[None]:
        """Read on regardless of the limit while an answer is sent."""
        self._answer_waits = True
        self._changed.set()
        try:
            yield
        finally:
            self._answer_waits = False

    async def read(self) -> bytes:
        """Return the next bytes, none at the end.

        Raises: what the chunks raise, TooLarge, InsufficientStorage.
        """
        if self._task is None:
            self._task = asyncio.create_task(self._fill())
            self._task.add_done_callback(
                lambda task: task.cancelled() or task.exception()
            )  # raised below, or for nobody
        while not self._kept:
            if self._ended:
                await self._task
                return b""
            await self._change()
        if not self._memory:
            return await self._from_file()
        piece = self._memory.popleft()
        if len(piece) > PIECE:
            self._memory.appendleft(piece[PIECE:])
            piece = piece[:PIECE]
        self._in_memory -= len(piece)
        self._changed.set()
        return piece

    @property
    def _kept(self) -> int:
        """The bytes that are stored."""
        return self._in_memory + self._written - self._read

    async def _change(self) -> None:
        """Wait until bytes were read or stored."""
        self._changed.clear()
        await self._changed.wait()

    async def _fill(self) -> None:
        """Read the body, and store what is not needed yet, in memory or in the file."""
        try:
            async for chunk in self._chunks:
                if self._kept + len(chunk) > self._longest:
                    raise _unread(self._longest)
                if self._in_memory < WINDOW and self._read == self._written:
                    self._memory.append(chunk)
                    self._in_memory += len(chunk)
                else:
                    await self._to_file(chunk)
                self._changed.set()
                while self._kept >= WINDOW and not self._answer_waits:
                    await self._change()
        finally:
            self._ended = True
            self._changed.set()

    async def _to_file(self, chunk: bytes) -> None:
        """Write a chunk to the file, which is created on first use."""
        try:
            if self._file is None:
                self._folder.mkdir(parents=True, exist_ok=True)
                self._file = tempfile.TemporaryFile(dir=self._folder)  # noqa: SIM115 - closed in __exit__
            if self._read == self._written:
                self._read = self._written = 0
            await to_thread.run_sync(_write, self._file, self._written, chunk)
        except OSError:
            raise InsufficientStorage(None, "datasets") from None
        self._written += len(chunk)

    async def _from_file(self) -> bytes:
        """Return the next bytes of the file."""
        file, size = self._file, min(PIECE, self._written - self._read)
        if file is None:
            raise TypeError(file)
        piece = await to_thread.run_sync(os.pread, file.fileno(), size, self._read)
        self._read += len(piece)
        self._changed.set()
        return piece


def _write(file: BinaryIO, place: int, data: bytes) -> None:
    """Write all data at a position of a file."""
    view = memoryview(data)
    while view:
        written = os.pwrite(file.fileno(), view, place)
        place, view = place + written, view[written:]


class TextLine(NamedTuple):
    """One line; `text` is None where it is longer than allowed, and was discarded."""

    number: int  # from 1
    text: bytearray | None


async def lines_of(
    read: Callable[[], Awaitable[bytes]], longest: int, reserve: Callable[[int], object]
) -> AsyncIterator[TextLine]:
    """Yield the non-blank lines in the bytes that `read` returns.

    `reserve` is called with the number of additional bytes when a line needs more memory than any before it.

    Raises: what `read` and `reserve` raise.
    """
    number, text, too_long, reserved = 1, bytearray(), False, PIECE
    while piece := await read():
        start = 0
        while start < len(piece):
            end = piece.find(b"\n", start)
            stop = end if end >= 0 else len(piece)
            if not too_long:
                text += piece[start:stop]
                too_long = len(text) > longest
            if too_long:
                text.clear()
            elif len(text) > reserved:
                reserve(len(text) - reserved)
                reserved = len(text)
            if end >= 0:
                if too_long or text.strip():
                    yield TextLine(number, None if too_long else text)
                number, text, too_long = number + 1, bytearray(), False
            start = stop + 1
    if too_long or text.strip():
        yield TextLine(number, None if too_long else text)


async def together(answers: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Yield answers as soon as they are known, those of one turn of the event loop joined, while further ones are made.

    Sending costs as much as a small answer does. Raises: what `answers` raises, after the answers before it.
    """
    known, changed, taken = bytearray(), asyncio.Event(), asyncio.Event()

    async def make() -> None:
        """Collect answers as they are made, and wait while many of them are not sent yet."""
        try:
            async for answer in answers:
                known.extend(answer)
                changed.set()
                if len(known) >= WINDOW:
                    taken.clear()
                    await taken.wait()
        finally:
            changed.set()

    made = asyncio.create_task(make())
    try:
        while not made.done() or known:
            await changed.wait()
            changed.clear()
            if known:
                sent = bytes(known)
                known.clear()
                taken.set()
                yield sent
        await made
    finally:
        made.cancel()


def _unread(limit: int) -> TooLarge:
    """Return the refusal of a body whose answers are not read in time."""
    way_out = Text(
        "Read the answers while you send, or send fewer lines in one request.",
        "请边发送边读取回答,或减少每个请求的行数。",
    )
    subject = Text("What came before its answers were read", "尚未读取回答而已收到的数据")
    return TooLarge(subject, limit, "max_body_bytes", way_out)
