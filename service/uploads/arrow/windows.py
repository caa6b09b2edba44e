"""Evaluates an Arrow body while it arrives: complete record batches, a window at a time, in two buffers."""

from collections.abc import AsyncIterator, Hashable
from dataclasses import dataclass

from torch import Tensor

from losses.text import Text
from service.problems import BadRequest, TooLarge
from service.settings import Settings
from service.uploads.arrow.reader import PREFIX, Reader, RecordBatch, message
from service.uploads.bodies.body import Body
from service.uploads.names import in_chinese
from service.uploads.roles import known_roles, refuse_unknown

BITS = 8  # of a byte, each of which may become a byte
NAME = "The body"


@dataclass
class BatchWindow:
    """Some record batches, valid until the window after the next one is requested."""

    reader: Reader
    batches: list[RecordBatch]

    @property
    def numbers(self) -> int:
        """The count of numbers in these items."""
        return sum(batch.items for batch in self.batches) * sum(column.numbers for column in self.reader.columns)

    @property
    def arrays(self) -> Hashable:
        """The columns, each with its name, its dtype and the shape of an item."""
        return tuple(self.reader.columns)

    def roles(self) -> dict[str, Tensor]:
        """Return the arrays of these items by role."""
        return {name: tensor for name, tensor in self.reader.arrays(self.batches) if name}


def needed(body: Body, settings: Settings) -> bool:
    """Return whether a body must be streamed, because it is too long to store or its length is unknown."""
    return body.sent_length is None or body.sent_length > settings.max_body_bytes


def worthwhile(body: Body) -> bool:
    """Return whether a body should be streamed although it is short: a compressed body may become long."""
    return body.packed


async def batch_windows(body: Body, _: tuple[str, ...], settings: Settings) -> AsyncIterator[BatchWindow]:
    """Return the windows of a body that was not read yet."""
    return aiter(_Windows(body, settings))


class _Windows:
    """The windows of one body, in two buffers: one is filled while the other is processed."""

    def __init__(self, body: Body, settings: Settings) -> None:
        self._body, self._settings = body, settings
        self._usual = min(settings.window_bytes, settings.max_body_bytes, settings.max_decoded_bytes // BITS)
        self._reader: Reader | None = None
        self._batches: list[RecordBatch] = []
        self._buffer, self._other = bytearray(), bytearray()
        self._begin, self._filled = 0, 0  # of what is not yet read as a message
        self._need = PREFIX  # bytes from there, to tell more
        self._ended, self._reserved = False, 0

    async def __aiter__(self) -> AsyncIterator[BatchWindow]:
        """Yield windows, at least one; the last may be empty.

        Raises: BadRequest, UnsupportedFormat, UnknownInput, TooLarge, TemporaryReducedCapacity.
        """
        self._fit(self._usual)
        async for chunk in self._body.chunks(self._settings.max_stream_bytes, "max_stream_bytes", kept=False):
            rest = memoryview(chunk)
            while rest:
                taken = min(len(rest), len(self._buffer) - self._filled)
                self._buffer[self._filled : self._filled + taken] = rest[:taken]
                self._filled, rest = self._filled + taken, rest[taken:]
                self._split()
                if self._filled == len(self._buffer):
                    if self._batches:
                        yield self._window()
                        self._buffer, self._other = self._other, self._buffer
                        self._carry(self._other)
                    else:
                        self._carry(self._buffer)
        if not self._ended and self._filled > self._begin:
            raise BadRequest(Text(f"{NAME}: the Arrow stream is cut short.", f"{in_chinese(NAME)}:Arrow 流不完整。"))
        yield self._window()

    def _split(self) -> None:
        """Parse the messages that have arrived completely."""
        view = memoryview(self._buffer)[: self._filled]
        while self._filled - self._begin >= self._need and not self._ended:
            arrived = message(NAME, view[self._begin :])
            if isinstance(arrived, int):
                self._need = arrived
                continue
            self._need = PREFIX
            self._begin += arrived.end if arrived else PREFIX
            if arrived is None:
                self._ended = True
            elif self._reader is None:
                self._reader = Reader.of(NAME, arrived)
                refuse_unknown((column.name for column in self._reader.columns), known_roles())
            else:
                self._batches.append(self._reader.batch(arrived))
        if self._ended and self._filled > self._begin:
            raise BadRequest(
                Text(
                    f"{NAME}: bytes follow after the end of the Arrow stream.",
                    f"{in_chinese(NAME)}:Arrow 流结束之后还有字节。",
                )
            )

    def _window(self) -> BatchWindow:
        """Return the batches read so far, and start a new window."""
        reader = self._reader or Reader.of(NAME, None)
        batches, self._batches = self._batches, []
        decoded = reader.decoded(batches)
        if decoded > self._settings.max_decoded_bytes:
            raise _too_long(self._settings.max_decoded_bytes, "max_decoded_bytes")
        self._reserve(decoded)
        return BatchWindow(reader, batches)

    def _carry(self, buffer: bytearray) -> None:
        """Start the next buffer with the part of a message that has arrived already."""
        tail = buffer[self._begin : self._filled]
        self._fit(max(self._usual, self._need))
        self._buffer[: len(tail)] = tail
        self._begin, self._filled = 0, len(tail)

    def _fit(self, size: int) -> None:
        """Enlarge the buffer to `size` bytes, reserving memory.

        Raises: TooLarge, TemporaryReducedCapacity.
        """
        if size > self._settings.max_body_bytes:
            raise _too_long(self._settings.max_body_bytes, "max_body_bytes")
        if size > len(self._buffer):
            self._reserve(size)
            self._buffer = bytearray(size)

    def _reserve(self, size: int) -> None:
        """Reserve the memory of the longest window; the reservation's factor covers both buffers."""
        if size > self._reserved:
            self._body.reserve(size - self._reserved)
            self._reserved = size


def _too_long(limit: int, setting: str) -> TooLarge:
    """Return the refusal of a record batch over a limit."""
    subject = Text("A record batch, in bytes,", "一个记录批(字节)")
    way_out = Text("Write shorter ones: max_chunksize=65536.", "请写出更短的记录批:max_chunksize=65536。")
    return TooLarge(subject, limit, setting, way_out)
