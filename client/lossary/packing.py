"""Turns arrays, data frames and files into a request body, in the fastest format that needs no further package.

numpy, torch, pandas and polars are used where the caller has them, and never imported here.
"""

import io
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

JSON = "application/json"
MEDIA = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".feather": "application/vnd.apache.arrow.file",
    ".arrow": "application/vnd.apache.arrow.file",
    ".arrows": "application/vnd.apache.arrow.stream",
    ".ndjson": "application/x-ndjson",
    ".jsonl": "application/x-ndjson",
    ".npy": "application/x-npy",
    ".npz": "application/x-npz",
    ".safetensors": "application/x-safetensors",
}


class Payload(NamedTuple):
    """A body: its bytes, its media type, and fields that are sent as query parameters."""

    content: bytes
    media: str
    params: dict[str, str | list[str]]


def packed(data: Any, roles: Mapping[str, str] | None, fields: Mapping[str, Any], arrays: Mapping[str, Any]) -> Payload:  # noqa: ANN401 - a frame or a path
    """Return the body of a request with `arrays` by role, or with `data`: a path, bytes of a CSV file, or a data frame.

    `roles` says which columns or arrays of `data` are which inputs.

    Raises: TypeError, ValueError.
    """
    given = {role: array for role, array in arrays.items() if array is not None}
    if data is not None and given:
        raise TypeError(f"Give data or arrays ({', '.join(given)}), not both.")
    stated = {name: value for name, value in fields.items() if value is not None}
    if data is None:
        return _of_arrays(given, stated)
    content, media = file_of(data)
    params = {name: _text(value) for name, value in stated.items()}
    if roles:
        params["roles"] = ",".join(f"{role}:{name}" for role, name in roles.items())
    return Payload(content, media, params)


def file_of(data: Any) -> tuple[bytes, str]:  # noqa: ANN401 - a frame or a path
    """Return the bytes and the media type of a file; a data frame becomes Parquet, or else CSV.

    Raises: ValueError for an unknown suffix, TypeError for any other type.
    """
    if isinstance(data, str | os.PathLike):
        path = Path(data)
        if path.suffix.lower() not in MEDIA:
            raise ValueError(f"{path.name}: the format is told by the suffix, one of {', '.join(MEDIA)}.")
        return path.read_bytes(), MEDIA[path.suffix.lower()]
    if isinstance(data, bytes | bytearray):
        return bytes(data), MEDIA[".csv"]
    if hasattr(data, "write_parquet"):  # polars
        buffer = io.BytesIO()
        data.write_parquet(buffer)
        return buffer.getvalue(), MEDIA[".parquet"]
    if hasattr(data, "to_parquet"):  # pandas; where it has no engine for Parquet, CSV will do
        try:
            return data.to_parquet(index=False), MEDIA[".parquet"]
        except ImportError:
            return data.to_csv(index=False).encode(), MEDIA[".csv"]
    raise TypeError(f"data is a path, bytes of a CSV, or a data frame of pandas or polars; got {type(data).__name__}.")


def _of_arrays(arrays: Mapping[str, Any], fields: Mapping[str, Any]) -> Payload:
    """Return arrays as .npy where each is an array or a tensor, otherwise as JSON."""
    numpy = {role: _numpy(array) for role, array in arrays.items()}
    if not numpy or any(array is None for array in numpy.values()):
        plain = {role: array.tolist() if hasattr(array, "tolist") else array for role, array in arrays.items()}
        text = json.dumps({**fields, **plain}, allow_nan=False, separators=(",", ":"))
        return Payload(text.encode(), JSON, {})
    buffer = io.BytesIO()
    for array in numpy.values():
        _write_npy(buffer, array)
    params = {name: _text(value) for name, value in fields.items()}
    return Payload(buffer.getvalue(), MEDIA[".npy"], {**params, "roles": ",".join(numpy)})


def _numpy(array: Any) -> Any:  # noqa: ANN401 - numpy may not be there
    """Return a value as a numpy array; None where it cannot be viewed as one."""
    if hasattr(array, "detach"):  # torch
        tensor = array.detach().cpu()
        return (tensor.float() if "bfloat16" in str(tensor.dtype) else tensor).numpy()
    if hasattr(array, "to_numpy"):  # columns of pandas and polars
        return array.to_numpy()
    return array if hasattr(array, "__array_interface__") else None


def _write_npy(buffer: io.BytesIO, array: Any) -> None:  # noqa: ANN401 - numpy may not be there
    """Write an array in the .npy format."""
    import numpy as np  # noqa: PLC0415 - whoever has an array has it

    np.lib.format.write_array(buffer, np.ascontiguousarray(array), allow_pickle=False)


def _text(value: Any) -> str | list[str]:  # noqa: ANN401 - any JSON
    """Return a field as the text of a query parameter; a list of texts repeats the parameter."""
    if isinstance(value, list) and all(isinstance(entry, str) for entry in value):
        return value
    return value if isinstance(value, str) else json.dumps(value, allow_nan=False)
