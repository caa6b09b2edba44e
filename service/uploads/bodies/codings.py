"""Content-Encoding: decompresses bodies in pieces as they arrive (RFC 9110, 8.4.1).

No step produces more than a piece, so that a reader can stop at a limit: a small body that decompresses to too much is
refused as soon as it exceeds the limit. A zstd window may have 8 MiB (RFC 9659), which bounds the memory that a body
needs before its first byte.
"""

import sys
import zlib
from collections.abc import Callable
from functools import partial
from typing import Any, Protocol

from losses.text import Text, paragraph
from service.problems import BadEnvelope
from service.request_record import Record
from service.scheduling import INLINE_BYTES, beside_the_loop
from service.uploads.bodies.body import BodySource

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

WINDOW_BITS = 23  # of zstd: 8 MiB
WINDOW_BYTES = 1 << WINDOW_BITS  # the most that any of them keeps of what it has unpacked
WINDOW = Text("Its window may have 8 MiB, as zstd -19 writes it.", "其窗口最大 8 MiB,如 zstd -19 所写。")
SHORT_PIECE = 1 << 16  # bytes, unpacked in 0.2 ms
LONG_PIECE = 1 << 20  # bytes, beside which a thread hop is little
MOST_MEMBERS = 1 << 16  # of gzip, or frames of zstd: each takes a new decompressor, however few its bytes are
GZIP, ZLIB, DEFLATE = 16 + zlib.MAX_WBITS, zlib.MAX_WBITS, -zlib.MAX_WBITS  # in gzip's format, in zlib's, bare
ZLIB_HEAD = 2  # bytes


class Decompressor(Protocol):
    """The decompressor of one member of a stream."""

    def decompress(self, data: bytes, max_length: int) -> bytes:
        """Return at most `max_length` bytes, none where more input is needed."""

    @property
    def eof(self) -> bool:
        """Whether the end of the member was reached."""

    @property
    def unused_data(self) -> bytes:
        """The input that follows the end of the member."""


class _Zlib:
    """zlib's decompressor, with the unconsumed input kept inside."""

    def __init__(self, window_bits: int) -> None:
        self._inner = zlib.decompressobj(window_bits)

    def decompress(self, data: bytes, max_length: int) -> bytes:
        return self._inner.decompress(self._inner.unconsumed_tail + data, max_length)

    @property
    def eof(self) -> bool:
        return self._inner.eof

    @property
    def unused_data(self) -> bytes:
        return self._inner.unused_data


def _deflate(data: bytes) -> Decompressor:
    """Return a decompressor for deflate in zlib's format (RFC 9110), or raw, as some clients send it."""
    head = int.from_bytes(data[:ZLIB_HEAD])
    return _Zlib(ZLIB if data[0] & 0xF == zlib.DEFLATED and not head % 31 else DEFLATE)


def _zstd(_: bytes) -> Decompressor:
    """Return a decompressor for zstd with a limited window."""
    unpacks: Any = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: WINDOW_BITS})
    return unpacks  # type: ignore[no-any-return] # max_length may be named


CODINGS: dict[str, Callable[[bytes], Decompressor]] = {
    "gzip": lambda _: _Zlib(GZIP),
    "deflate": _deflate,
    "zstd": _zstd,
}
ALIASES = {"x-gzip": "gzip"}  # RFC 9110, 8.4.1.3


def coding_of(value: str) -> str | None:
    """Return the coding that a Content-Encoding names; None where there is none, or it is not supported."""
    name = value.strip().lower()
    name = ALIASES.get(name, name)
    return name if name in CODINGS else None


class Unpacker:
    """Decompresses one body."""

    def __init__(self, coding: str) -> None:
        self._coding, self._begin = coding, CODINGS[coding]
        self._member: Decompressor | None = None
        self._unread, self._members = b"", 0

    def feed(self, data: bytes) -> None:
        """Add compressed input."""
        self._unread += data

    def piece(self, most: int) -> bytes:
        """Return the next decompressed bytes, at most this many; none where more input is needed.

        Raises: BadEnvelope.
        """
        try:
            while self._member is not None or self._begun():
                piece = self._unpacked(most)
                if piece or self._member is not None:
                    return piece
        except (zlib.error, zstd.ZstdError, EOFError):
            raise self._damaged() from None
        return b""

    def finish(self) -> None:
        """Mark the end of the input.

        Raises: BadEnvelope where the data is incomplete.
        """
        if self._member is not None or self._unread:
            raise self._damaged()

    def _begun(self) -> bool:
        """Start the next member; return whether there is one."""
        if len(self._unread) < (ZLIB_HEAD if self._coding == "deflate" else 1):
            return False
        self._members += 1
        if self._members > (1 if self._coding == "deflate" else MOST_MEMBERS):
            raise self._damaged()
        self._member = self._begin(self._unread)
        return True

    def _unpacked(self, most: int) -> bytes:
        """Return at most `most` decompressed bytes of the current member."""
        if self._member is None:
            raise TypeError(self._coding)
        data, self._unread = self._unread, b""
        piece = self._member.decompress(data, most)
        if self._member.eof:
            self._unread, self._member = self._member.unused_data, None
        return piece

    def _damaged(self) -> BadEnvelope:
        """Return the refusal of a damaged body."""
        damaged = Text(
            f"The body is no {self._coding}, though Content-Encoding says so, or it is damaged.",
            f"请求体不是 Content-Encoding 所说的 {self._coding},或已损坏。",
        )
        return BadEnvelope(paragraph(damaged, WINDOW if self._coding == "zstd" else ""))


class UnpackedSource:
    """A body source that is decompressed as it arrives."""

    readinto = None
    unpacking_bytes = WINDOW_BYTES

    def __init__(self, packed: BodySource, coding: str, record: Record) -> None:
        self._packed, self._unpacker, self._record = packed, Unpacker(coding), record
        self.has_left = packed.has_left
        self._size, self._more = 0, True

    def arrived(self) -> None:
        """Return None: the decompressed body is not known before it is read."""

    async def receive(self) -> tuple[bytes, bool]:
        """Return the next bytes, and whether there may be more.

        Raises: BadEnvelope, RequestTimeout, ClientDisconnect.
        """
        while True:
            most = SHORT_PIECE if self._size < INLINE_BYTES else LONG_PIECE
            piece = await beside_the_loop(partial(self._unpacker.piece, most), self._size)
            if piece:
                self._size += len(piece)
                return piece, True
            if not self._more:
                self._unpacker.finish()
                return b"", False
            chunk, self._more = await self._packed.receive()
            self._record.bytes_in += len(chunk)
            self._unpacker.feed(chunk)
