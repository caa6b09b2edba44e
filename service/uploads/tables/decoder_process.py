"""The process that decodes Parquet, Feather and NDJSON files, which a damaged file may crash.

It is run by `decoder`, with one end of a socket as its standard input. It imports pyarrow and nothing of this project,
so that it starts in 0.2 s. A byte arrives with three descriptors: the file, the request as JSON, and the output; a byte
is sent back, DONE or DAMAGED.
"""

import json
import mmap
import os
import resource
import socket
from typing import Any

import pyarrow as pa
import pyarrow.json
import pyarrow.parquet

IDLE_S = 60.0  # after which it ends, and gives its memory back
NUMBER_BYTES = 8
PIECE = 1 << 20  # bytes of NDJSON that are read at once
BESIDE_BYTES = 2 << 30  # of address space, for the interpreter and its libraries
DONE, DAMAGED = b"\0", b"\1"


def main() -> None:
    """Answer requests until none arrives for a minute, or the other end is closed."""
    with socket.socket(fileno=os.dup(0)) as connection:
        connection.settimeout(IDLE_S)
        while True:
            try:
                byte, descriptors, _, _ = socket.recv_fds(connection, 1, 3)
            except TimeoutError:
                return
            if not byte:
                return
            try:
                _answer(*descriptors)
                outcome = DONE
            except (pa.ArrowException, OSError, ValueError, MemoryError, KeyError):
                outcome = DAMAGED
            finally:
                for descriptor in descriptors:
                    os.close(descriptor)
            connection.sendall(outcome)


def _answer(file: int, request: int, answer: int) -> None:
    """Write the columns of a file and their decoded sizes, or the requested columns."""
    instructions = json.loads(os.pread(request, os.fstat(request).st_size, 0))
    resource.setrlimit(resource.RLIMIT_AS, (4 * instructions["max_bytes"] + BESIDE_BYTES, resource.RLIM_INFINITY))
    source = pa.BufferReader(pa.py_buffer(mmap.mmap(file, 0, prot=mmap.PROT_READ)))
    written = {"parquet": _parquet, "feather": _feather, "ndjson": _ndjson}[instructions["format"]](
        source, instructions["names"]
    )
    with os.fdopen(os.dup(answer), "wb") as out:
        if isinstance(written, pa.Table):
            written.validate(full=True)
            with pa.ipc.new_stream(out, written.schema) as writer:
                writer.write_table(written)
        else:
            out.write(json.dumps(written).encode())


def _parquet(source: pa.BufferReader, names: list[str] | None) -> Any:  # noqa: ANN401 - a table or its columns
    """Return the columns of a Parquet file and their decoded sizes, or the requested columns."""
    schema = pyarrow.parquet.ParquetFile(source).schema_arrow
    texts = [each.name for each in schema if pa.types.is_string(each.type) or pa.types.is_large_string(each.type)]
    source.seek(0)
    file = pyarrow.parquet.ParquetFile(source, read_dictionary=texts)  # a text that repeats is decoded once
    if names is None:
        return {"names": schema.names, "bytes": _sizes(file.metadata)}
    return file.read(columns=names, use_threads=False).select(names)


def _sizes(metadata: Any) -> dict[str, int]:  # noqa: ANN401 - pyarrow ships no types
    """Return the decoded bytes of each column: 8 bytes a number, and its decompressed pages."""
    sizes: dict[str, int] = {}
    for group in map(metadata.row_group, range(metadata.num_row_groups)):
        for column in map(group.column, range(metadata.num_columns)):
            name = column.path_in_schema.split(".", 1)[0]
            numbers = max(column.num_values, group.num_rows)
            sizes[name] = sizes.get(name, 0) + numbers * NUMBER_BYTES + column.total_uncompressed_size
    return sizes


def _feather(source: pa.BufferReader, names: list[str] | None) -> Any:  # noqa: ANN401 - a table or its columns
    """Return the columns of a Feather file, or the requested columns."""
    schema = pa.ipc.open_file(source).schema
    if names is None:
        return {"names": schema.names, "bytes": {}}
    source.seek(0)
    options = pa.ipc.IpcReadOptions(included_fields=[schema.get_field_index(name) for name in names])
    return pa.ipc.open_file(source, options=options).read_all().select(names)


def _ndjson(source: pa.BufferReader, _: list[str] | None) -> Any:  # noqa: ANN401 - as the others
    """Return all columns of an NDJSON file."""
    size = source.size()
    try:
        return _rows(source, min(size + 1, PIECE))
    except pa.ArrowInvalid:  # a line longer than a piece, or a type that a later piece does not have
        source.seek(0)
        return _rows(source, size + 1)


def _rows(source: pa.BufferReader, piece: int) -> pa.Table:
    """Return the rows of an NDJSON file, read in blocks of `piece` bytes."""
    return pyarrow.json.read_json(source, pyarrow.json.ReadOptions(block_size=piece, use_threads=False))


if __name__ == "__main__":
    main()
