"""Arrow streams for tests, as pyarrow writes them."""

import io
from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import torch
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from service.uploads.arrow.reader import MEDIA
from service.uploads.formats.arrow import FORMAT
from service.uploads.formats.registry import DecodingLimit

DTYPES = ("i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "f2", "f4", "f8", "?")
MIB = 1 << 20
HEADERS = {"content-type": MEDIA}


def stream(
    batches: Iterable[pa.RecordBatch], schema: pa.Schema, options: pa.ipc.IpcWriteOptions | None = None
) -> bytes:
    """Return record batches as pyarrow writes them."""
    buffer = io.BytesIO()
    with pa.ipc.new_stream(buffer, schema, options=options) as writer:
        for batch in batches:
            writer.write_batch(batch)
    return buffer.getvalue()


def table(rows: int | None = None, **columns: pa.Array) -> bytes:
    """Return columns as a stream, in batches of so many rows."""
    whole = pa.table(columns)
    return stream(whole.to_batches(rows), whole.schema)


def listed(array: np.ndarray) -> pa.Array:
    """Return an array as nested fixed-size lists."""
    column = pa.array(array.reshape(-1))
    for length in reversed(array.shape[1:]):
        column = pa.FixedSizeListArray.from_arrays(column, length)
    return column


def tensors(array: np.ndarray, order: tuple[int, ...] | None = None) -> pa.Array:
    """Return an array of items as the extension type; `order`: as its axes are meant."""
    inner = array.shape[1:]
    kind = pa.fixed_shape_tensor(pa.from_numpy_dtype(array.dtype), inner, permutation=order)
    flat = pa.FixedSizeListArray.from_arrays(pa.array(array.reshape(-1)), int(np.prod(inner)))
    return pa.ExtensionArray.from_storage(kind, flat)


def read(data: bytes, limit: int = MIB) -> dict[str | None, torch.Tensor]:
    return dict(FORMAT.decode("The body", bytearray(data), DecodingLimit(limit)))


def same(got: torch.Tensor, wanted: np.ndarray) -> None:
    assert tuple(got.shape) == wanted.shape
    np.testing.assert_array_equal(got.numpy(), wanted.astype(got.numpy().dtype))


columns_ = st.sampled_from(DTYPES).flatmap(
    lambda dtype: arrays.arrays(
        dtype,
        arrays.array_shapes(min_dims=1, max_dims=4, max_side=5),
        elements=st.integers(0, 2**63 - 1) if dtype == "u8" else None,
    )
)
