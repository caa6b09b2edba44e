"""What the file of a dataset holds."""

import mmap
import os
from typing import Any

from service.problems import BadRequest
from service.uploads.formats import registry as formats
from service.uploads.formats.registry import Buffer, DecodingLimit, TableFormat
from service.uploads.tables.column_roles import assign


def describe(media: str, path: str, limit: DecodingLimit) -> dict[str, Any]:
    """Return what a file holds: its columns, or its arrays, with the roles that they would have.

    Raises: what decoding raises.
    """
    entry = formats.formats()[media]
    data = mapped(path)
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
    try:
        roles = {role: chosen for role, chosen in assign(table.names, ()).columns.items() if table.named}
    except BadRequest:  # no name says what it is: roles= does, where the dataset is used
        roles = {}
    return {"rows": read.num_rows, "columns": columns, "roles": roles}


def mapped(path: str) -> Buffer:
    """Return the bytes of a file, read as they are looked at and never written back."""
    with open(path, "rb") as file:  # noqa: PTH123 - a path of ours
        if not os.fstat(file.fileno()).st_size:
            return memoryview(b"")
        return memoryview(mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY))
