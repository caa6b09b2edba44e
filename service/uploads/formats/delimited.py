"""CSV and its variants: delimiter, header, decimal comma, byte order mark and compression are detected.

Source: RFC 4180; what pandas, polars, R's write.csv and write.csv2, DuckDB, Excel and JavaScript write.
"""

import csv
import io
import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from losses.text import Text
from service.problems import BadRequest, TooLarge
from service.uploads.formats.registry import Buffer, DecodingLimit, TableFormat
from service.uploads.names import in_chinese
from service.uploads.tables.table import Table, arrow, count_of, readable, refuse_wide, reserve
from service.uploads.tables.whole_numbers import refuse_rounded

if TYPE_CHECKING:
    import pyarrow as pa

GZIP = b"\x1f\x8b"
GUNZIP = 16 + zlib.MAX_WBITS  # of zlib: with gzip's header
UTF8_MARK = b"\xef\xbb\xbf"
UTF16_MARKS = (b"\xff\xfe", b"\xfe\xff")  # Excel's "Unicode text"
SEPARATOR = b"sep="  # Excel's first line, which says the delimiter
DELIMITERS = (",", ";", "\t", "|")
SUFFIXES = (".csv", ".tsv", ".csv.gz", ".tsv.gz", ".txt")
MEDIA = "text/csv"
ALSO_MEDIA = ("application/csv", "text/tab-separated-values", "application/vnd.ms-excel")  # the last by Windows
SAMPLE_ROWS, SAMPLE_BYTES = 100, 1 << 18
NUMBER_BYTES = 8
NEWLINE, QUOTE = ord("\n"), ord('"')
PIECE, LARGEST_PIECE = 1 << 20, 1 << 24  # bytes
FRACTION = r"[+-]?\d*{}\d+([eE][+-]?\d+)?"
COMMA, POINT = re.compile(FRACTION.format(",")), re.compile(FRACTION.format(r"\."))
MISSING = ["", "NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "-nan", "None", "none"]
WAY_OUT = Text(
    "Every row needs as many fields as the header, with quotes around a field that has the delimiter in it.",
    "每行的字段数应与表头相同;含分隔符的字段要加引号。",
)


@dataclass(frozen=True)
class _Delimited:
    """One file, as UTF-8 text that begins with its first row."""

    name: str
    text: memoryview
    limit: DecodingLimit
    stated: str = ""  # the delimiter, where Excel's first line says it
    assumed: dict[str, str] = field(default_factory=dict)

    @cached_property
    def named(self) -> bool:
        """Whether the first row names the columns: it does where one of its fields is not a number."""
        return not all(_is_number(entry) for entry in self._sample[0])

    @cached_property
    def names(self) -> list[str]:
        """The columns; "1", "2", ... where there is no header."""
        first = self._sample[0]
        refuse_wide(self.name, len(first))
        return [entry.strip() for entry in first] if self.named else [str(place) for place in range(1, len(first) + 1)]

    def read(self, names: Sequence[str]) -> "pa.Table":
        """Return these columns; for repeated names, the first of each.

        Raises: BadRequest, TooLarge, TemporaryReducedCapacity.
        """
        reserve(self.name, (count_of(self.text, NEWLINE) + 1) * len(names) * NUMBER_BYTES, self.limit)
        if self._decimal == ",":
            self.assumed["decimal"] = ","
        places = [self.names.index(name) for name in names]
        with readable(self.name, "CSV", WAY_OUT):
            try:
                table = self._parsed(places, min(len(self.text) + 1, LARGEST_PIECE))
            except arrow().ArrowInvalid:  # the first piece settled a type that a later one does not have
                table = self._parsed(places, len(self.text) + 1)
            table = refuse_rounded(
                table, lambda rounded: self._parsed([places[i] for i in rounded], LARGEST_PIECE, text=True)
            )
        return table.rename_columns(list(names))

    def _parsed(self, places: Sequence[int], piece: int, *, text: bool = False) -> "pa.Table":
        """Return the columns at these positions, as texts or with detected types."""
        pa = arrow()
        import pyarrow.csv as reader  # noqa: PLC0415 - imported with the first table

        columns = [f"{place}" for place in range(len(self.names))]
        chosen = [columns[place] for place in places]
        quoted = count_of(self.text, QUOTE) > 0
        return reader.read_csv(
            pa.BufferReader(pa.py_buffer(self.text)),
            reader.ReadOptions(
                column_names=columns,
                skip_rows_after_names=int(self.named),
                block_size=piece,
                use_threads=len(self.text) > PIECE,
            ),
            reader.ParseOptions(delimiter=self.delimiter, newlines_in_values=quoted),
            reader.ConvertOptions(
                include_columns=chosen,
                decimal_point=self._decimal,
                null_values=MISSING,
                column_types=dict.fromkeys(chosen, pa.string()) if text else None,
            ),
        )

    @cached_property
    def delimiter(self) -> str:
        """The most frequent of the usual delimiters in the first line, outside of quotes."""
        line = re.sub(r'"[^"]*"', "", self._beginning).split("\n", 1)[0]
        return self.stated or max(DELIMITERS, key=line.count)  # the comma where none does

    @cached_property
    def _decimal(self) -> str:
        """The decimal separator: a point, or a comma as in much of Europe.

        Raises: BadRequest where both do.
        """
        fields = [entry.strip() for row in self._sample[self.named :] for entry in row]
        if self.delimiter == "," or not any(COMMA.fullmatch(entry) for entry in fields):
            return "."
        if any(POINT.fullmatch(entry) for entry in fields):
            raise BadRequest(
                Text(
                    f"{self.name} has fractions after a point and after a comma; write them one way.",
                    f"{in_chinese(self.name)} 的小数点既有点又有逗号;请统一写法。",
                )
            )
        return ","

    @cached_property
    def _beginning(self) -> str:
        """The first characters of the text."""
        return bytes(self.text[:SAMPLE_BYTES]).decode("utf8", "replace").replace("\r\n", "\n").replace("\r", "\n")

    @cached_property
    def _sample(self) -> list[list[str]]:
        """The first rows, at least one; the last of them may be cut short."""
        rows: list[list[str]] = []
        try:
            for row in csv.reader(io.StringIO(self._beginning, newline=""), delimiter=self.delimiter):
                rows += [row] if row else []
                if len(rows) > SAMPLE_ROWS:
                    break
        except csv.Error:
            raise BadRequest(
                Text(
                    f"{self.name} cannot be read as CSV. {WAY_OUT.en}",
                    f"{in_chinese(self.name)} 无法作为 CSV 读取。{WAY_OUT.zh}",
                )
            ) from None
        if not rows:
            raise BadRequest(
                Text(f"{self.name} is a CSV file without a row.", f"{in_chinese(self.name)} 是没有行的 CSV 文件。")
            )
        return rows


def _is_number(text: str) -> bool:
    """Return whether a text is a number, with a point or a comma."""
    try:
        float(text.strip().replace(",", "."))
    except ValueError:
        return False
    return True


def _open(name: str, data: Buffer, limit: DecodingLimit) -> Table:
    """Return the table of a file, decompressed and converted to UTF-8.

    Raises: BadRequest, TooLarge, TemporaryReducedCapacity.
    """
    text, assumed = memoryview(data), {}
    if text[:2] == GZIP:
        text = memoryview(_unzipped(name, text, limit))
    if text[:2] in UTF16_MARKS:
        text = _in_utf8(name, text, "utf-16")
    elif text[:3] == UTF8_MARK:
        text = text[3:]
    elif not _is_utf8(text[:SAMPLE_BYTES]):
        text, assumed = _in_utf8(name, text, "cp1252"), {"encoding": "cp1252"}
    beginning = bytes(text[:SAMPLE_BYTES])
    text = text[len(beginning) - len(beginning.lstrip(b"\r\n")) :]
    stated = ""
    if bytes(text[:4]).lower() == SEPARATOR and bytes(text[4:5]).decode("latin-1") in DELIMITERS:
        line, _, _ = bytes(text[:SAMPLE_BYTES]).partition(b"\n")
        stated, text = line[4:5].decode(), text[len(line) + 1 :]
    return _Delimited(name, text, limit, stated, assumed)


def _is_utf8(sample: memoryview) -> bool:
    """Return whether a sample of bytes, which may end within a character, is UTF-8."""
    try:
        bytes(sample).decode()
    except UnicodeDecodeError as error:
        return error.start > len(sample) - 4  # bytes of a letter that the sample cuts
    return True


def _in_utf8(name: str, text: memoryview, encoding: str) -> memoryview:
    """Return text of an encoding such as UTF-16, converted to UTF-8.

    Raises: BadRequest where the bytes are not of that encoding.
    """
    try:
        return memoryview(bytes(text).decode(encoding).encode())
    except UnicodeDecodeError:
        raise BadRequest(
            Text(
                f"{name} is text in an unknown encoding; save it as CSV in UTF-8.",
                f"{in_chinese(name)} 是编码未知的文本;请保存为 UTF-8 的 CSV。",
            )
        ) from None


def _unzipped(name: str, data: memoryview, limit: DecodingLimit) -> bytearray:
    """Return the decompressed bytes of gzip data; memory is reserved as they grow.

    Raises: BadRequest for damaged data, TooLarge beyond the bytes that may be decoded, TemporaryReducedCapacity where
    that much memory cannot be reserved now.
    """
    text, rest = bytearray(), bytes(data)
    damaged = BadRequest(
        Text(f"{name}: the gzip data are damaged, or cut short.", f"{in_chinese(name)}:gzip 数据已损坏或不完整。")
    )
    try:
        while rest:
            unzip = zlib.decompressobj(GUNZIP)
            while not unzip.eof:
                piece = unzip.decompress(rest, PIECE)
                if not piece and not unzip.eof:  # it ends before its end
                    raise damaged
                if len(text) + len(piece) > limit.max_bytes:
                    subject = Text(f"{name}, unzipped,", f"{in_chinese(name)} 解压后的大小")
                    raise TooLarge(
                        subject, limit.max_bytes, "max_decoded_bytes", Text("Send fewer rows.", "请减少行。")
                    )
                limit.reserve(len(piece))
                text += piece
                rest = unzip.unconsumed_tail
            rest = unzip.unused_data.lstrip(b"\0")
    except zlib.error:
        raise damaged from None
    return text


def _matches(_: Buffer, filename: str, media: str) -> bool:
    """Return whether a filename or a media type says that a file is in this format."""
    return filename.lower().endswith(SUFFIXES) or media.lower() in (MEDIA, *ALSO_MEDIA)


FORMAT = TableFormat(suffix=".csv", media=MEDIA, matches=_matches, open=_open, inflates=4)
