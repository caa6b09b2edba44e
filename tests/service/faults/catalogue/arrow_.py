"""Arrow streams that lie, and tables in formats that are not read; and the other end of the scale, a list that is."""

import io
import struct

import numpy as np
import pyarrow as pa

from service.uploads.arrow.reader import MEDIA
from tests.service.faults.fault import as_file

FILE, PARQUET, ORC, CSV = (
    "application/vnd.apache.arrow.file",
    "application/vnd.apache.parquet",
    "application/x-orc",
    "text/csv",
)


def stream(columns: dict[str, pa.Array], compression: str | None = None) -> bytes:
    """Return columns as one record batch of a stream."""
    table, buffer = pa.table(columns), io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema, options=pa.ipc.IpcWriteOptions(compression=compression)) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def changed(data: bytes, old: bytes, new: bytes) -> bytes:
    """Return a stream that says something else in the last place where it says `old`."""
    before, separator, after = data.rpartition(old)
    assert separator
    return before + new + after


def pickled() -> bytes:
    """Return a column whose extension once was a pickle that pyarrow opened (CVE-2023-47248)."""
    said = {"ARROW:extension:name": "arrow.py_extension_type", "ARROW:extension:metadata": "cos\nsystem\n(S'id'\ntR."}
    schema = pa.schema([pa.field("predictions", pa.float64(), metadata=said), pa.field("targets", pa.float64())])
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, schema) as writer:
        writer.write_table(pa.table([[1.0], [1.0]], schema=schema))
    return buffer.getvalue()


def file() -> bytes:
    """Return a table as an Arrow file, which is Feather 2."""
    table, buffer = pa.table({"predictions": [1.0]}), io.BytesIO()
    with pa.ipc.new_file(buffer, table.schema) as writer:
        writer.write_table(table)
    return buffer.getvalue()


ONE = pa.array([1.0])
WORDS = stream({"predictions": pa.array(["abc"]), "targets": ONE})
ZEROS = pa.array(np.zeros(12_500_000))
BOMB = stream({"predictions": ZEROS, "targets": ZEROS}, "zstd")  # 200 MB in 6 KB
GOOD = stream({"predictions": pa.array([1.0, 2.0, 3.0]), "targets": pa.array([1.0, 2.0, 4.0])})
NODE = struct.pack("<4q", 3, 0, 3, 0)  # 3 items and no nulls, twice

FAULTS = (
    as_file(
        "F01",
        "utf8 whose offsets lead outside",
        changed(WORDS, struct.pack("<2i", 0, 3), struct.pack("<2i", 0, 2**31 - 1)),
        422,
        media=MEDIA,
        says="utf8",
    ),
    as_file(
        "F02",
        "lists whose offsets lie",
        stream({"predictions": pa.array([[1.0]]), "targets": ONE}),
        422,
        media=MEDIA,
        says="list",
    ),
    as_file("F03", "a compressed buffer of 1 TiB", BOMB[:-64] + b"\xff" * 64, 422, media=MEDIA, says="compress"),
    as_file(
        "F04",
        "a bomb",
        BOMB,
        422,
        media=MEDIA,
        says="compression=None",
        instead="compressed buffers are never unpacked, whatever they would become",
    ),
    as_file(
        "F05",
        "Parquet",
        b"PAR1" + b"\0" * 64 + b"PAR1",
        422,
        media=PARQUET,
        says="damaged",
        instead="its footer is none",
    ),
    as_file("F06", "a stream that is cut short", GOOD[:-11], 422, media=MEDIA, says="cut short"),
    as_file("F06", "one with bytes at its end", GOOD + b"\0", 422, media=MEDIA, says="follow"),
    as_file("F07", "an extension that is a pickle", pickled(), 422, media=MEDIA, says="extension"),
    as_file(
        "F08",
        "nulls",
        stream({"predictions": pa.array([1.0, None]), "targets": pa.array([1.0, 2.0])}),
        422,
        media=MEDIA,
        says="mask",
    ),
    *(
        as_file(
            "F09", f"a column of {name}", stream({"predictions": column, "targets": ONE}), 422, media=MEDIA, says=name
        )
        for name, column in {
            "struct": pa.array([{"a": 1.0}]),
            "decimal": pa.array([1]).cast(pa.decimal128(20)),
            "timestamp": pa.array([1], pa.timestamp("ns")),
        }.items()
    ),
    as_file("F13", "Feather 1", b"FEA1" + b"\0" * 64 + b"FEA1", 415, media=MEDIA, says="new_stream"),
    as_file("F13", "Feather 2", file(), 415, media=MEDIA, says="new_stream"),
    as_file("F13", "Feather 2, called so", file(), 422, media=FILE, says="needs targets", instead="Feather is read"),
    as_file("F13", "ORC", b"ORC", 415, media=ORC),
    as_file("F13", "CSV of one column", b"1\n2\n", 422, media=CSV, says="1 columns", instead="CSV is read"),
    as_file(
        "F14", "2^40 items in 24 bytes", changed(GOOD, NODE, struct.pack("<4q", 2**40, 0, 2**40, 0)), 422, media=MEDIA
    ),
    as_file("F14", "items fewer than none", changed(GOOD, NODE, struct.pack("<4q", -1, 0, -1, 0)), 422, media=MEDIA),
    as_file(
        "F14", "metadata of 2 GiB", b"\xff\xff\xff\xff\xff\xff\xff\x7f" + b"\0" * 64, 422, media=MEDIA, says="longer"
    ),
    as_file("F14", "no schema", GOOD[GOOD.index(b"\xff\xff\xff\xff", 8) :], 422, media=MEDIA, says="schema"),
    as_file(
        "F14",
        "the schema twice",
        GOOD[: GOOD.index(b"\xff\xff\xff\xff", 8)] + GOOD,
        422,
        media=MEDIA,
        says="record batches",
    ),
)
