"""The columns of a dataset in the form that experiments take."""

from pathlib import Path
from typing import Any

import numpy as np

from losses.text import Text
from recommender.experiment.features import ColumnValues
from service.datasets.description import file_format, mapped
from service.problems import BadRequest
from service.uploads.formats import registry as formats
from service.uploads.formats.registry import DecodingLimit, TableFormat
from service.uploads.roles import MEANT, plain_name
from service.uploads.tables.column_roles import refuse_repeated

PREDICTIONS = "predictions"
TABLE_AXES = 2  # of (n, p): one column an entry


def columns_of(path: Path, media: str, limit: DecodingLimit) -> dict[str, ColumnValues]:
    """Return the columns of a file as numbers, texts or booleans; an array (n, p) becomes p columns.

    Raises: BadRequest where an array has no name or more axes, or two columns have one name; what decoding raises.
    """
    entry, data = file_format(media), mapped(str(path))
    if isinstance(entry, TableFormat):
        table = entry.open("The dataset", data, limit)
        names = list(table.names)
        refuse_repeated(names)
        read = table.read(names)
        return {name: _plain(column) for name, column in zip(names, read.columns, strict=True)}
    columns: dict[str, ColumnValues] = {}
    for name, tensor in formats.written()[media].decode("The dataset", data, limit):
        if name is None or tensor.ndim not in (1, TABLE_AXES):
            raise BadRequest(
                Text(
                    "An experiment takes named columns: send CSV, Parquet or Feather, or an .npz with arrays (n) "
                    "or (n, p).",
                    "实验需要有名称的列:请发送 CSV、Parquet 或 Feather,或含数组 (n) 或 (n, p) 的 .npz。",
                )
            )
        numbers = tensor.double().numpy()
        if tensor.ndim == 1:
            columns[name] = numbers
        else:
            columns |= {f"{name}.{place}": numbers[:, place] for place in range(numbers.shape[1])}
    return columns


def is_prediction(name: str) -> bool:
    """Return whether a column has one of the names that libraries give to predictions."""
    return MEANT.get(plain_name(name), plain_name(name)) == PREDICTIONS


def _plain(column: Any) -> ColumnValues:  # noqa: ANN401 - pyarrow ships no types
    """Return an Arrow column as numbers with NaN for missing values, or as a list with None.

    Whole numbers without missing values stay whole: float64 cannot tell large ids apart.
    """
    import pyarrow as pa  # noqa: PLC0415 - it takes 0.2 s and 40 MB

    kind = column.type
    if pa.types.is_integer(kind) and not column.null_count:
        return np.asarray(column.to_numpy())
    if pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind):
        cast = column.cast(pa.uint8()) if pa.types.is_boolean(kind) else column
        return np.asarray(cast.cast(pa.float64(), safe=False).to_numpy(zero_copy_only=False))
    if pa.types.is_temporal(kind) and not pa.types.is_duration(kind):
        return [None if value is None else str(value) for value in column.to_pylist()]
    return [None if value is None else value for value in column.to_pylist()]
