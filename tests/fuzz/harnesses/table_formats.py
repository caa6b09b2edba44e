"""Formats of tables."""

import io
import json
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from service.uploads.formats.registry import DecodingLimit, TableFormat
from service.uploads.roles import known_roles
from service.uploads.tables.inputs import TableInputs
from tests.fuzz.harnesses.harness import LIMIT, Finding, Harness
from tests.fuzz.mutations import as_they_are


def harness_of_tables(entry: TableFormat) -> Harness:
    def decode(data: bytes) -> None:
        reserved = 0

        def reserve(more: int) -> None:
            nonlocal reserved
            reserved += more

        table = entry.open("The body", bytearray(data), DecodingLimit(LIMIT, reserve))
        names = [name for name in table.names if name]
        inputs = TableInputs()
        inputs.add(
            table, ("predictions",), tuple((role, name) for role, name in zip(known_roles(), names, strict=False))
        )
        arrays, _ = inputs.arrays()
        if sum(tensor.nbytes for tensor in arrays.values()) > max(reserved, len(data)):
            raise Finding("Arrays take more than was reserved for them.")

    return Harness(
        f"format{entry.suffix}", decode, tuple(_tables(entry.suffix)), as_they_are, (b"predictions", b"y_true")
    )


def _tables(suffix: str) -> Iterator[bytes]:
    """Yield files of columns as pyarrow writes them."""
    table = pa.table(
        {
            "y_pred": [1.5, -2.0, 3e300, 0.0],
            "label": ["a", "b", "a", "c"],
            "number": [1, 2, 3, 4],
            "flag": [True, False, True, True],
            "p": pa.array([[0.1, 0.9]] * 4, pa.list_(pa.float32())),
        }
    )
    for compression in ("none", "lz4", "zstd"):
        buffer = io.BytesIO()
        if suffix == ".parquet":
            pyarrow.parquet.write_table(table, buffer, compression=compression)
        elif suffix == ".feather":
            options = pa.ipc.IpcWriteOptions(compression=None if compression == "none" else compression)
            with pa.ipc.new_file(buffer, table.schema, options=options) as writer:
                writer.write_table(table)
        elif suffix == ".csv":
            delimiter = {"none": ",", "lz4": ";", "zstd": "\t"}[compression]
            flat = table.drop_columns(["p"])
            pyarrow.csv.write_csv(flat, buffer, pyarrow.csv.WriteOptions(delimiter=delimiter))
        else:
            buffer.write(b"".join(json.dumps(row).encode() + b"\n" for row in table.to_pylist()))
        yield buffer.getvalue()
