"""Parses multipart/form-data as it arrives; every part stays in memory, under the limits of the upload."""

from dataclasses import dataclass

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from losses.errors import shown
from losses.text import Text
from service.problems import BadEnvelope, BadRequest, TooLarge
from service.uploads.formats.registry import Format, format_of
from service.uploads.query import Texts
from service.uploads.roles import FEATURES, known_roles

MOST_PARTS = 64  # the most objectives, each a field; more than the roles of every loss together
REQUEST = "request"  # the part that is JSON
TABLE = "table"  # the part that is a file whose columns are the inputs
LONGEST_FIELD = 1 << 16  # bytes of a field; 64 objectives of 1,000 characters
NO_BOUNDARY = Text(
    "multipart/form-data needs its boundary in Content-Type.",
    "multipart/form-data 需要在 Content-Type 中写明 boundary。",
)
LONG_BOUNDARY = Text("The multipart boundary is longer than it may be.", "multipart 的 boundary 过长。")
MALFORMED = Text("The multipart body is malformed.", "multipart 请求体格式有误。")
CUT_SHORT = Text("The multipart body ends before its closing boundary.", "multipart 请求体在结束边界之前中断。")
MANY_PARTS = Text(f"The body has more than {MOST_PARTS} parts.", f"请求体的部分超过 {MOST_PARTS} 个。")


@dataclass(frozen=True)
class Part:
    """One part: its bytes, and its headers."""

    data: bytearray
    filename: str = ""
    media: str = ""

    @property
    def format(self) -> Format | None:
        """The format of a file; None where it is not supported."""
        return format_of(self.data, self.filename, self.media)


class Parts:
    """Collects the parts of one body by name: files, and fields, which have neither a filename nor a role."""

    def __init__(self, content_type: str) -> None:
        boundary = parse_options_header(content_type)[1].get(b"boundary")
        if not boundary:
            raise BadEnvelope(NO_BOUNDARY)
        self._files: dict[str, Part] = {}
        self._fields: list[tuple[str, bytearray]] = []
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
            raise BadEnvelope(LONG_BOUNDARY) from None

    def write(self, chunk: bytes) -> None:
        """Parse the next bytes of the body."""
        try:
            self._parser.write(chunk)
        except FormParserError:
            raise BadEnvelope(MALFORMED) from None

    def finish(self) -> tuple[dict[str, Part], Texts]:
        """Return the files, and the fields.

        Raises: BadEnvelope where the closing boundary never came, TooLarge, BadRequest where a field is no text.
        """
        if not self._ended:
            raise BadEnvelope(CUT_SHORT)
        return self._files, tuple((name, _text_of(name, data)) for name, data in self._fields)

    def _field(self, data: bytes, start: int, end: int) -> None:
        """Append to the name of a header."""
        self._name += data[start:end]

    def _text(self, data: bytes, start: int, end: int) -> None:
        """Append to the value of a header."""
        self._value += data[start:end]

    def _header(self) -> None:
        """Store a header."""
        self._headers[self._name.lower()] = self._value
        self._name = self._value = b""

    def _begin(self) -> None:
        """Start a part, after checking its headers."""
        disposition = parse_options_header(self._headers.get(b"content-disposition", b""))[1]
        key = disposition.get(b"name", b"").decode("utf-8", "replace")
        filename = disposition.get(b"filename", b"").decode("utf-8", "replace")
        media = parse_options_header(self._headers.get(b"content-type", b""))[0].decode("latin-1")
        if len(self._files) + len(self._fields) == MOST_PARTS:
            raise BadEnvelope(MANY_PARTS)
        self._current = bytearray()
        if b"filename" not in disposition and (key == FEATURES or key not in (REQUEST, TABLE, *known_roles())):
            self._fields.append((key, self._current))
            return
        if key in self._files:
            raise BadRequest(
                Text(
                    f"The part {shown(key)} stands in the body twice; each role is sent once.",
                    f"部分 {shown(key)} 在请求体中出现两次;每个输入只发送一次。",
                )
            )
        self._files[key] = Part(self._current, filename, media)

    def _data(self, data: bytes, start: int, end: int) -> None:
        """Append to the content of a part."""
        self._current += memoryview(data)[start:end]

    def _end(self) -> None:
        """Record that the closing boundary was found."""
        self._ended = True


def _text_of(name: str, data: bytearray) -> str:
    """Return a field of a multipart form as text.

    Raises: TooLarge beyond LONGEST_FIELD bytes, BadRequest where it is not UTF-8.
    """
    if len(data) > LONGEST_FIELD:
        subject = Text(f"The field {shown(name)}", f"字段 {shown(name)} ")
        way_out = Text("Send arrays as files, with a filename.", "请以带文件名的文件发送数组。")
        raise TooLarge(subject, LONGEST_FIELD, None, way_out)
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise BadRequest(
            Text(
                f"The field {shown(name)} is no UTF-8 text; send a file with a filename.",
                f"字段 {shown(name)} 不是 UTF-8 文本;请以带文件名的文件发送。",
            )
        ) from None
