"""An Arrow body that is not kept: whole record batches as they arrive, some at a time."""

from collections.abc import AsyncIterator, Collection
from dataclasses import dataclass

from fastapi import Request
from torch import Tensor

from losses.errors import UnknownInput, near
from service.problems import BadRequest, TooLarge
from service.request_record import current
from service.settings import Settings
from service.uploads.body import header, limited
from service.uploads.formats.arrow import MEDIA, PREFIX, Batch, Reader, message

WINDOW = 1 << 22  # bytes: long enough that a thread hop is nothing beside it, short enough to stay near the caches
BITS = 8  # of a byte, each of which may become a byte
NAME = "The body"


def passes(media: str, request: Request, settings: Settings) -> bool:
    """Say whether a body is evaluated as it arrives: an Arrow stream that is too long to keep, or of unknown length."""
    if media != MEDIA:
        return False
    declared = header(request, b"content-length")
    return not (declared.isdigit() and int(declared) <= settings.max_body_bytes)


@dataclass
class Window:
    """Some record batches. They are read before the next window but one is asked for: their memory is used again."""

    reader: Reader
    batches: list[Batch]

    @property
    def numbers(self) -> int:
        """How many numbers these items have."""
        return sum(batch.items for batch in self.batches) * sum(column.numbers for column in self.reader.columns)

    def roles(self) -> dict[str, Tensor]:
        """Return the arrays of these items by role."""
        return {name: tensor for name, tensor in self.reader.arrays(self.batches) if name}


class Windows:
    """The windows of one body.

    Two buffers take turns: one is filled while the other is worked on.
    """

    def __init__(self, request: Request, settings: Settings, known: Collection[str]) -> None:
        self._request, self._settings, self._known = request, settings, known
        self._usual = min(WINDOW, settings.max_body_bytes, settings.max_decoded_bytes // BITS)
        self._reader: Reader | None = None
        self._batches: list[Batch] = []
        self._buffer, self._other = bytearray(), bytearray()
        self._begin, self._filled = 0, 0  # of what is not yet read as a message
        self._need = PREFIX  # bytes from there, to tell more
        self._ended, self._held = False, 0
        current().passing = True

    async def __aiter__(self) -> AsyncIterator[Window]:
        """Yield windows, at least one; the last may be empty.

        Raises: BadRequest, UnsupportedFormat, UnknownInput, TooLarge, TemporaryReducedCapacity.
        """
        self._fit(self._usual)
        async for chunk in limited(self._request, self._settings.max_stream_bytes, "max_stream_bytes"):
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
            raise BadRequest(f"{NAME}: the Arrow stream is cut short.")
        yield self._window()

    def _split(self) -> None:
        """Read what has arrived whole."""
        view = memoryview(self._buffer)[: self._filled]
        while self._filled - self._begin >= self._need and not self._ended:
            found = message(NAME, view[self._begin :])
            if isinstance(found, int):
                self._need = found
                continue
            self._need = PREFIX
            self._begin += found.end if found else PREFIX
            if found is None:
                self._ended = True
            elif self._reader is None:
                self._reader = Reader.of(NAME, found)
                self._refuse_unknown(self._reader)
            else:
                self._batches.append(self._reader.batch(found))
        if self._ended and self._filled > self._begin:
            raise BadRequest(f"{NAME}: bytes follow after the end of the Arrow stream.")

    def _refuse_unknown(self, reader: Reader) -> None:
        for column in reader.columns:
            if column.name not in self._known:
                raise UnknownInput(self._known, near(column.name, self._known))

    def _window(self) -> Window:
        """Return the batches read so far, and begin to collect anew."""
        reader = self._reader or Reader.of(NAME, None)
        batches, self._batches = self._batches, []
        decoded = reader.decoded(batches)
        if decoded > self._settings.max_decoded_bytes:
            raise _too_long(self._settings.max_decoded_bytes, "max_decoded_bytes")
        self._hold(decoded)
        return Window(reader, batches)

    def _carry(self, buffer: bytearray) -> None:
        """Begin the buffer in use with what has arrived of the next message."""
        tail = buffer[self._begin : self._filled]
        self._fit(max(self._usual, self._need))
        self._buffer[: len(tail)] = tail
        self._begin, self._filled = 0, len(tail)

    def _fit(self, size: int) -> None:
        if size > self._settings.max_body_bytes:
            raise _too_long(self._settings.max_body_bytes, "max_body_bytes")
        if size > len(self._buffer):
            self._hold(size)
            self._buffer = bytearray(size)

    def _hold(self, size: int) -> None:
        """Reserve what the longest window takes; the factor of admission has room for two."""
        if size > self._held:
            current().reserve(size - self._held)
            self._held = size


def _too_long(limit: int, setting: str) -> TooLarge:
    return TooLarge("A record batch, in bytes,", limit, setting, "Write shorter ones: max_chunksize=65536.")
