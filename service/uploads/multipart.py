"""multipart/form-data, parsed as it arrives; every part stays in memory, under the limits of the upload."""

from collections.abc import Mapping
from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from service.problems import BadEnvelope, BadRequest
from service.uploads.formats.registry import Format, format_of

MOST_PARTS = 32  # every role of every loss, the weights, the mask and the request


@dataclass(frozen=True)
class Part:
    """One part: its bytes, and what its own headers say of them."""

    data: bytearray
    filename: str = ""
    media: str = ""

    @property
    def format(self) -> Format | None:
        """The format of a file; None where it is none that is read here."""
        return format_of(self.data, self.filename, self.media)


class Parts:
    """Collects the parts of one body under their names."""

    def __init__(self, content_type: str) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise BadEnvelope("multipart/form-data needs its boundary in Content-Type.")
        self.parts: dict[str, Part] = {}
        self._headers: dict[bytes, bytes] = {}
        self._name = self._value = b""
        self._current = bytearray()
        self._ended = False
        try:
            self._parser = MultipartParser(
                boundary,
                {
                    "on_part_begin": self._headers.clear,
                    "on_header_field": self._field,
                    "on_header_value": self._text,
                    "on_header_end": self._header,
                    "on_headers_finished": self._begin,
                    "on_part_data": self._data,
                    "on_end": self._end,
                },
            )
        except FormParserError:
            raise BadEnvelope("The multipart boundary is longer than it may be.") from None

    def write(self, chunk: bytes) -> None:
        """Take in the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise BadEnvelope("The multipart body is malformed.") from None

    def finish(self) -> Mapping[str, Part]:
        """Return the parts.

        Raises: BadEnvelope where the closing boundary never came.
        """
        if not self._ended:
            raise BadEnvelope("The multipart body ends before its closing boundary.")
        return self.parts

    def _field(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _text(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header(self) -> None:
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _begin(self) -> None:
        disposition = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        key = disposition.get(b"name", b"").decode("utf-8", "replace")
        filename = disposition.get(b"filename", b"").decode("utf-8", "replace")
        media = parse_options_header(self._headers.get(b"content-type", b""))[0].decode("latin-1")
        if key in self.parts:
            raise BadRequest("A part stands in the body twice; each role is sent once.")
        if len(self.parts) == MOST_PARTS:
            raise BadEnvelope(f"The body has more than {MOST_PARTS} parts.")
        self._current = bytearray()
        self.parts[key] = Part(self._current, filename, media)

    def _data(self, data: bytes, start: int, end: int) -> None:
        self._current += memoryview(data)[start:end]

    def _end(self) -> None:
        self._ended = True
