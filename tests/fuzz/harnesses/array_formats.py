"""Formats of arrays: every one that service/uploads/formats has, held to an independent reader where there is one."""

import io
import math
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
import torch
from torch import Tensor

from losses.errors import Refusal
from service.uploads.formats.registry import ArrayFormat, DecodingLimit, Format
from tests.fuzz.harnesses.harness import LIMIT, Finding, Harness, bounded, same
from tests.fuzz.mutations import MENDERS, as_they_are

PYARROW: Any = import_module("pyarrow") if find_spec("pyarrow") else None  # in .venv-fuzz alone; its wheel is 55 MB
Read = dict[str, np.ndarray]


# Formats: every one that service/uploads/formats has, held to an independent reader where there is one.


def _numpy(data: bytes) -> Read:
    """Return what numpy reads: one file, or several one after the other."""
    stream = io.BytesIO(data)
    arrays: Read = {}
    while stream.tell() < len(data):
        arrays[str(len(arrays))] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays


def _numpy_archive(data: bytes) -> Read:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _pyarrow(data: bytes) -> Read:
    table = PYARROW.ipc.open_stream(PYARROW.BufferReader(data)).read_all()
    table.validate(full=True)
    return {name: _column(table.column(place)) for place, name in enumerate(table.column_names)}


def _column(chunks: Any) -> np.ndarray:  # noqa: ANN401 - pyarrow has no types
    kind = chunks.type
    if isinstance(kind, PYARROW.FixedShapeTensorType):
        parts = [chunk.to_numpy_ndarray() for chunk in chunks.chunks if len(chunk)]
        axes = kind.shape if kind.permutation is None else [kind.shape[axis] for axis in kind.permutation]
        return np.concatenate(parts) if parts else np.empty((0, *axes))
    array, shape = chunks.combine_chunks(), [len(chunks)]
    while PYARROW.types.is_fixed_size_list(kind):
        shape.append(kind.list_size)
        array, kind = array.flatten(), kind.value_type
    return np.asarray(array.to_numpy(zero_copy_only=False)).reshape(shape)


READERS: dict[str, Callable[[bytes], Read]] = {
    ".npy": _numpy,
    ".npz": _numpy_archive,
    ".safetensors": safetensors.numpy.load,
    **({".arrows": _pyarrow} if PYARROW else {}),
}
STRICT = {".npy", ".npz", ".safetensors"}  # pyarrow verifies offsets and padding that nothing here follows


def harness_of_arrays(entry: ArrayFormat) -> Harness:
    reader = READERS.get(entry.suffix)

    def decode(data: bytes) -> None:
        arrays = list(entry.decode("The body", bytearray(data), DecodingLimit(LIMIT)))
        named = {str(place) if name is None else name: tensor for place, (name, tensor) in enumerate(arrays)}
        if len(named) < len(arrays):
            raise Finding("Two arrays of one name.")
        bounded(named, len(data))
        _comes_back(entry, named)
        if reader is None:
            return
        try:
            theirs = reader(data)
        except Exception as error:
            if entry.suffix not in STRICT or _lacking(error):
                return
            raise Finding(f"Read here, and refused by the independent reader: {type(error).__name__}.") from error
        if named.keys() != theirs.keys() or not all(same(named[name], theirs[name]) for name in named):
            raise Finding("The independent reader found something else.")

    seeds = tuple(_written(entry))
    return Harness(f"format{entry.suffix}", decode, seeds, MENDERS.get(entry.suffix, as_they_are), _words(entry))


def _comes_back(entry: ArrayFormat, named: Mapping[str, Tensor]) -> None:
    """Hold what was read to what becomes of it when it is written and read again."""
    if not named:  # no answer has none
        return
    try:
        again = list(entry.decode("The body", bytearray(entry.encode(named, b"{}")), DecodingLimit(LIMIT)))
    except Refusal:  # an array too many for a .npy, or the answer among the inputs
        return
    read_again = {str(place) if name is None else name: tensor for place, (name, tensor) in enumerate(again)}
    if read_again.keys() != named.keys() or not all(_equal(read_again[name], named[name]) for name in named):
        raise Finding("Arrays are written as others.")


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.float().allclose(other.float(), 0, 0, equal_nan=True)


def _lacking(error: Exception) -> bool:
    """Say whether the other reader lacks a dtype that ours has: numpy has no bfloat16 and no float8."""
    return isinstance(error, KeyError | TypeError | AttributeError) or "bfloat16" in str(error)


def _archive(arrays: Mapping[str, Tensor], _: bytes) -> bytes:
    buffer = io.BytesIO()
    named: dict[str, Any] = {name: tensor.numpy() for name, tensor in arrays.items()}
    np.savez_compressed(buffer, **named)
    return buffer.getvalue()


WRITERS = {".npz": _archive}  # ours adds the answer, which is no input


def _written(entry: ArrayFormat) -> Iterator[bytes]:
    """Yield bodies as the format itself writes them."""
    write = WRITERS.get(entry.suffix, entry.encode)
    for dtype in (torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool, torch.float16):
        for shape in ((2, 3), (4,), (0, 2), (1, 1, 2)):
            array = torch.arange(math.prod(shape)).reshape(shape).to(dtype)
            try:
                yield write({"predictions": array}, b"{}")
                yield write({"predictions": array, "targets": array}, b"{}")
            except Refusal:  # a .npy holds one, and a format may write fewer dtypes than it reads
                continue


def _words(entry: Format) -> tuple[bytes, ...]:
    return (entry.suffix.encode(), b"predictions", b"targets", b"weights", b"mask")
