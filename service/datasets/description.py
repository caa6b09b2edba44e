"""The description of a dataset: its columns or arrays, and the roles that their names suggest."""

import json
import mmap
import os
from collections.abc import Mapping, Sequence
from typing import Any

from service.datasets.addresses.table import FORMAT as ADDRESSED
from service.problems import BadRequest
from service.uploads.formats import registry as formats
from service.uploads.formats.registry import Buffer, DecodingLimit, Format, TableFormat
from service.uploads.tables.column_roles import assign


def describe(media: str, path: str, limit: DecodingLimit) -> dict[str, Any]:
    """Return what a file contains: its columns or arrays, with the roles that their names suggest.

    Raises: what decoding raises.
    """
    data = mapped(path)
    if media == ADDRESSED.media:
        return _described(json.loads(bytes(data)))
    entry = formats.formats()[media]
    if not isinstance(entry, TableFormat):
        arrays = formats.written()[media].decode("The dataset", data, limit)
        return {
            "arrays": [
                {"name": name, "dtype": str(tensor.dtype).removeprefix("torch."), "shape": [*tensor.shape]}
                for name, tensor in arrays
            ]
        }
    table = entry.open("The dataset", data, limit)
    names = list(dict.fromkeys(table.names))
    read = table.read(names)
    columns = [
        {"name": name, "type": str(column.type)[:100], "missing": column.null_count}
        for name, column in zip(names, read.columns, strict=True)
    ]
    return {"rows": read.num_rows, "columns": columns, "roles": _roles(table.names) if table.named else {}}


def _described(listing: Mapping[str, Any]) -> dict[str, Any]:
    """Return the description of the files at an address, from their headers."""
    return {
        "uri": listing["address"]["uri"],
        "files": len(listing["files"]),
        "bytes": sum(size for _, size, _ in listing["files"]),
        "rows": listing["rows"],
        "columns": listing["columns"],
        "roles": _roles([column["name"] for column in listing["columns"]]),
    }


def file_format(media: str) -> Format:
    """Return the format of a dataset's file; a list of files at an address has a format of its own."""
    return ADDRESSED if media == ADDRESSED.media else formats.formats()[media]


def _roles(names: Sequence[str]) -> dict[str, list[str]]:
    """Return the columns that each input would be read from by name; empty where no name matches an input."""
    try:
        return dict(assign(names, ()).columns)
    except BadRequest:
        return {}


def mapped(path: str) -> Buffer:
    """Return the bytes of a file as a read-only memory map."""
    with open(path, "rb") as file:  # noqa: PTH123 - a path of ours
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
