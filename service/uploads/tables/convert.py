"""Converts columns to tensors: numbers as they are, texts to class ids; missing values are refused."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
import torch.utils.dlpack
from torch import Tensor

from losses.errors import shown
from losses.text import Text
from service.problems import BadRequest
from service.uploads.tables.table import arrow

if TYPE_CHECKING:
    import pyarrow as pa

LABELLED = (
    "targets",
    "labels",
    "predictions",
)  # roles whose texts are class names; predictions where targets have them
MOST_LABELS = 100_000
MOST_AXES = 8
WIDER = {"uint16": "int32", "uint32": "int64", "uint64": "int64"}  # torch computes with none of these
LARGEST = 2**63


def tensors(
    columns: Mapping[str, Sequence["pa.ChunkedArray"]], names: Mapping[str, Sequence[str]]
) -> tuple[dict[str, Tensor], list[str]]:
    """Return a tensor for each role, and the class names in the order of their ids, where there are any.

    Args:
        columns: The columns of each role; several form one array (n, columns).
        names: The names of these columns in the file.

    Raises: BadRequest for a missing value, text where numbers are needed, lists of unequal length, and other types.
    """
    texts = {role: _is_text(parts[0]) for role, parts in columns.items()}
    labels = (
        _labels({role: columns[role] for role in LABELLED if texts.get(role)}, names) if any(texts.values()) else []
    )
    arrays: dict[str, Tensor] = {}
    for role, parts in columns.items():
        each = [
            _ids(part, labels) if texts[role] and role in LABELLED else _numbers(part, shown(name))
            for part, name in zip(parts, names[role], strict=True)
        ]
        arrays[role] = _together(role, each)
    return arrays, labels


def _together(role: str, parts: list[np.ndarray]) -> Tensor:
    """Return columns as one array (n, columns), or (n) of one."""
    if len(parts) > 1 and any(part.ndim > 1 for part in parts):
        raise BadRequest(
            Text(
                f"{role}: several columns make one array where each holds one number a row.",
                f"{role}:多列合成一个数组时,每列每行应为一个数。",
            ),
            role=role,
        )
    array = parts[0] if len(parts) == 1 else np.stack(parts, axis=1)
    if not array.flags.writeable or not array.flags.c_contiguous:
        array = np.array(array)
    return torch.from_numpy(array)


def _is_text(column: "pa.ChunkedArray") -> bool:
    """Return whether a column holds texts."""
    types = arrow().types
    kind = column.type.value_type if types.is_dictionary(column.type) else column.type
    return bool(types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind))


def _labels(columns: Mapping[str, Sequence["pa.ChunkedArray"]], names: Mapping[str, Sequence[str]]) -> list[str]:
    """Return the class names of these columns in the order of code points, which is the order of their ids."""
    known: set[str] = set()
    for role, parts in columns.items():
        if role == "predictions" and not {"targets", "labels"} & set(columns):
            raise _no_number(parts[0], shown(names[role][0]))
        for part, name in zip(parts, names[role], strict=True):
            distinct = _unified(part).unique()
            if len(distinct) > MOST_LABELS:
                raise BadRequest(
                    Text(
                        f"{shown(name)} has more than {MOST_LABELS} different texts; send numbers.",
                        f"{shown(name)} 有超过 {MOST_LABELS} 种不同的文本;请发送数。",
                    ),
                    role=role,
                )
            _refuse_missing(part, shown(name))
            values = distinct.to_pylist()
            if any(_is_number(value) for value in values):
                raise _no_number(part, shown(name))
            known.update(values)
    return sorted(known)


def _ids(column: "pa.ChunkedArray", labels: list[str]) -> np.ndarray:
    """Return the class ids of a column of texts."""
    pa = arrow()
    kept = _unified(column)
    ids = pa.compute.index_in(kept, value_set=pa.array(labels, kept.type))
    return np.asarray(ids.cast(pa.int64()).to_numpy())


def _unified(column: "pa.ChunkedArray") -> "pa.ChunkedArray":
    """Return a column without dictionary encoding."""
    pa = arrow()
    return column.cast(column.type.value_type) if pa.types.is_dictionary(column.type) else column


def _is_number(text: str) -> bool:
    """Return whether a text is a number, with a point or a comma."""
    try:
        float(text.strip().replace(",", "."))
    except ValueError:
        return False
    return True


def _no_number(column: "pa.ChunkedArray", name: str) -> BadRequest:
    """Return the refusal of a column of texts where numbers are wanted."""
    row = next((place for place, text in enumerate(_unified(column).to_pylist()) if not _is_number(text or "")), 0)
    return BadRequest(
        Text(
            f"{name} has a text in row {row + 1} that is no number. Mend it, or leave it empty and drop the row.",
            f"{name} 的第 {row + 1} 行有不是数的文本。请修正,或留空并去掉该行。",
        ),
        column=name,
        row=row + 1,
    )


def _numbers(column: "pa.ChunkedArray", name: str) -> np.ndarray:
    """Return the numbers of a column, with one axis for each level of nested lists."""
    pa = arrow()
    types = pa.types
    _refuse_missing(column, name)
    array: Any = column.combine_chunks()
    if isinstance(array, pa.ChunkedArray):
        array = pa.concat_arrays(array.chunks) if array.num_chunks else pa.array([], array.type)
    shape = [len(array)]
    while isinstance(array, pa.ExtensionArray) or _is_list(array.type):
        array = array.storage if isinstance(array, pa.ExtensionArray) else _flat(array, shape, name)
        _refuse_missing(array, name)
    if types.is_dictionary(array.type):
        array = array.dictionary_decode()
    if types.is_decimal(array.type):
        array = _from_decimal(array, name)
    if types.is_null(array.type) or not (
        types.is_integer(array.type) or types.is_floating(array.type) or types.is_boolean(array.type)
    ):
        if _is_text(pa.chunked_array([array])):
            raise _no_number(pa.chunked_array([array]), name)
        raise BadRequest(
            Text(
                f"{name} is {str(array.type)[:40]}, which is no number. Convert it, or leave it out.",
                f"{name} 是 {str(array.type)[:40]},不是数。请转换,或去掉它。",
            ),
            column=name,
        )
    numbers = _in_place(array)
    if str(numbers.dtype) in WIDER:
        if numbers.dtype.itemsize == 8 and numbers.size and int(numbers.max()) >= LARGEST:  # noqa: PLR2004 - bytes
            raise BadRequest(
                Text(
                    f"{name} has whole numbers of 2^63 and more; send int64.",
                    f"{name} 有 2^63 及以上的整数;请发送 int64。",
                ),
                column=name,
            )
        numbers = numbers.astype(WIDER[str(numbers.dtype)])
    return np.asarray(numbers.reshape(shape))


def _in_place(array: Any) -> np.ndarray:  # noqa: ANN401 - pyarrow ships no types
    """Return a view of the numbers; booleans, which are bits, are copied."""
    if arrow().types.is_boolean(array.type) or not len(array):
        return np.array(array.to_numpy(zero_copy_only=False))
    return torch.utils.dlpack.from_dlpack(array).numpy()  # unlike those of to_numpy, they may be written to


def _from_decimal(array: Any, name: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return decimals as float64, or as int64 where they have no fraction."""
    pa = arrow()
    try:
        return array.cast(pa.float64() if array.type.scale else pa.int64())
    except pa.ArrowInvalid:
        raise BadRequest(
            Text(
                f"{name} has whole numbers of 2^63 and more; send int64.", f"{name} 有 2^63 及以上的整数;请发送 int64。"
            ),
            column=name,
        ) from None


def _is_list(kind: "pa.DataType") -> bool:
    """Return whether an Arrow type is a list."""
    types = arrow().types
    return bool(types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind))


def _flat(array: Any, shape: list[int], name: str) -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return the entries of nested lists concatenated, and append their length to `shape`."""
    flat = array.flatten()
    length, rest = divmod(len(flat), len(array)) if len(array) else (0, 0)
    lengths = arrow().compute.list_value_length(array)
    if rest or len(shape) >= MOST_AXES or (len(array) and arrow().compute.unique(lengths).to_pylist() != [length]):
        raise BadRequest(
            Text(
                f"{name} holds lists of unequal length, or nested too deep; one length a column.",
                f"{name} 的列表长度不一,或嵌套过深;每列长度应相同。",
            ),
            column=name,
        )
    shape.append(length)
    return flat


def _refuse_missing(column: Any, name: str) -> None:  # noqa: ANN401 - pyarrow ships no types
    """Refuse a column with a missing value, by the row of the first."""
    if not column.null_count:
        return
    missing = column.is_null()
    row = int(missing.index(value=True).as_py()) + 1
    raise BadRequest(
        Text(
            f"{name} has {column.null_count} missing values, the first in row {row}. Drop those rows, or "
            "fill them with any number and send a column named mask, false where a row does not count.",
            f"{name} 有 {column.null_count} 个缺失值,首个在第 {row} 行。请去掉这些行,"
            "或用任意数填充,并发送名为 mask 的列,不计入的行为 false。",
        ),
        column=name,
        missing=int(column.null_count),
        row=row,
    )
