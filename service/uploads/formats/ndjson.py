"""NDJSON: one JSON object per line, whose members are the columns.

Source: https://github.com/ndjson/ndjson-spec. It is read by pyarrow.json in a separate process, since five bytes can
crash it.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

import orjson

from losses.text import Text
from service.problems import BadRequest, TooLarge
from service.uploads.formats.registry import Buffer, DecodingLimit, TableFormat
from service.uploads.json_bodies.text import array, rounded
from service.uploads.tables.decoder import DECODER, MemoryFile
from service.uploads.tables.table import InMemory, Table, arrow, count_of, readable, refuse_wide, reserve
from service.uploads.tables.whole_numbers import is_rounded, rounded_columns

MEDIA = "application/x-ndjson"
ALSO_MEDIA = ("application/ndjson", "application/jsonl", "application/jsonlines")
SUFFIXES = (".ndjson", ".jsonl")
LONGEST_RECORDS = 4 << 20  # bytes of a JSON array of rows, of which Python makes an object each: 60 ms
NUMBER_BYTES = 8  # each behind a comma or at the end of a line, but the first
COMMA, NEWLINE = b",\n"
LONG = re.compile(rb"(?<![\d.eE])\d{16,}(?![\d.eE])")  # whole numbers that float64 may not hold
WAY_OUT = Text(
    'Each line is an object with the same members, such as {"y_true": 1.0, "y_pred": 0.8}.',
    '每行是成员相同的对象,如 {"y_true": 1.0, "y_pred": 0.8}。',
)


def _open(name: str, data: Buffer, limit: DecodingLimit) -> Table:
    """Return the table of a file.

    Raises: BadRequest, TooLarge, TemporaryReducedCapacity.
    """
    expected = (count_of(data, COMMA) + count_of(data, NEWLINE) + 1) * NUMBER_BYTES
    reserve(name, expected, limit)
    with readable(name, "NDJSON", WAY_OUT):
        table = DECODER.read("ndjson", MemoryFile(data), [], limit.max_bytes)
        _ = table.column_names  # which are UTF-8, or no NDJSON
    if table.nbytes > expected:  # texts, and members that are missing in most lines
        reserve(name, table.nbytes, limit, reserved=expected)
    refuse_wide(name, table.num_columns)
    if rounded_columns(table) and any(map(is_rounded, LONG.findall(data))):
        raise rounded()
    return InMemory(table)


def records(text: bytes | bytearray) -> Table:
    """Return the table of a JSON array of objects, as pandas' to_json(orient="records") writes one.

    Raises: BadEnvelope, BadRequest, TooLarge.
    """
    refuse_long(text)
    rows = array(text)
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise BadRequest(
            Text(
                "The body is a JSON array, which must hold the rows of a table, objects with the same "
                "members. Anything else is a JSON object with the inputs and the options as members.",
                "请求体是 JSON 数组,它必须是表的各行,即成员相同的对象。其他内容请发送 JSON 对象,以输入和选项为成员。",
            )
        )
    with readable("The body", Text("JSON records", "JSON 记录"), WAY_OUT):
        try:
            table = arrow().Table.from_pylist(rows)
        except OverflowError:  # a whole number of 2^63 or more, in any column
            raise rounded() from None
    refuse_wide("The body", table.num_columns)
    return InMemory(table)


def refuse_long(text: bytes | bytearray) -> None:
    """Refuse rows of JSON that would take too long to parse.

    Raises: TooLarge.
    """
    if len(text) > LONGEST_RECORDS:
        way_out = Text(
            'Send one object a line (NDJSON, pandas\' to_json(orient="records", lines=True)), or CSV or Parquet.',
            '请每行发送一个对象(NDJSON,即 pandas 的 to_json(orient="records", lines=True)),或发送 CSV、Parquet。',
        )
        raise TooLarge(Text("A JSON array of rows", "JSON 行数组"), LONGEST_RECORDS, None, way_out)


def text_of(rows: Iterable[Mapping[str, Any]]) -> bytes:
    """Return these rows as an NDJSON file."""
    return b"".join([orjson.dumps(row) + b"\n" for row in rows])


def _matches(_: Buffer, filename: str, media: str) -> bool:
    """Return whether a filename or a media type says that a file is NDJSON."""
    return filename.lower().endswith(SUFFIXES) or media.lower() in (MEDIA, *ALSO_MEDIA)


FORMAT = TableFormat(suffix=".ndjson", media=MEDIA, matches=_matches, open=_open, inflates=4)
