"""Arrow streams: what pyarrow writes is read, what is written pyarrow reads, and what lies is refused."""

import json
import struct

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from losses.errors import Refusal
from service.uploads.arrow.reader import MEDIA
from service.uploads.formats.arrow import FORMAT
from service.uploads.formats.registry import DecodingLimit
from tests.service.faults.catalogue.arrow_ import FAULTS
from tests.service.faults.fault import Fault
from tests.service.uploads.arrow_streams import MIB, columns_, listed, read, same, stream, table, tensors


@given(column=columns_, rows=st.integers(1, 6), cuts=st.booleans())
def test_what_pyarrow_writes_is_read(column: np.ndarray, rows: int, cuts: bool) -> None:  # noqa: FBT001 - a case
    mask = np.arange(len(column)) % 3 == 0

    arrays = read(table(rows if cuts else None, predictions=listed(column), mask=pa.array(mask)))

    same(arrays["predictions"], column)
    same(arrays["mask"], mask)


@given(column=arrays.arrays("f4", arrays.array_shapes(min_dims=3, max_dims=4, max_side=4)), data=st.data())
def test_a_tensor_column_keeps_the_order_of_its_axes(column: np.ndarray, data: st.DataObject) -> None:
    order = data.draw(st.permutations(range(column.ndim - 1)))
    rows = data.draw(st.integers(1, 4))

    read_arrays = read(table(rows, predictions=tensors(column, tuple(order))))

    same(read_arrays["predictions"], column.transpose(0, *(1 + axis for axis in order)))


@given(column=columns_.filter(lambda column: column.dtype not in ("u2", "u4", "u8")))
def test_pyarrow_reads_what_is_written(column: np.ndarray) -> None:
    values = torch.from_numpy(column)

    written = FORMAT.encode({"values": values, "gradients.predictions": values}, b'{"items": 1}')

    written_table = pa.ipc.open_stream(written).read_all()
    written_table.validate(full=True)
    assert json.loads(written_table.schema.metadata[b"answer"]) == {"items": 1}
    for name in ("values", "gradients.predictions"):
        got = written_table[name].combine_chunks()
        flat = got.storage if isinstance(got, pa.ExtensionArray) else got
        flat = flat.flatten() if column.ndim > 1 else flat
        np.testing.assert_array_equal(flat.to_numpy(zero_copy_only=False).reshape(column.shape), column)
        if column.ndim > 2 and column.dtype != bool:  # of which pyarrow makes no tensor
            assert got.to_numpy_ndarray().shape == column.shape


def test_bfloat16_is_written_as_float32() -> None:
    written = FORMAT.encode({"values": torch.tensor([0.5, 2.0], dtype=torch.bfloat16)}, b"{}")

    assert pa.ipc.open_stream(written).read_all()["values"].to_pylist() == [0.5, 2.0]


@pytest.mark.parametrize("shapes", [[(2,), (3,)], [()]])
def test_arrays_that_are_no_columns_are_not_written(shapes: list[tuple[int, ...]]) -> None:
    with pytest.raises(Refusal, match=r"\.npz"):
        FORMAT.encode({str(place): torch.zeros(shape) for place, shape in enumerate(shapes)}, b"{}")


def test_one_batch_is_viewed_where_it_lies() -> None:
    body = bytearray(table(predictions=pa.array([1.0, 2.0])))
    start = np.frombuffer(body, np.uint8).ctypes.data

    predictions = dict(FORMAT.decode("The body", body, DecodingLimit(MIB)))["predictions"]

    assert start < predictions.data_ptr() < start + len(body)


@pytest.mark.parametrize("offset", [1, 4])
def test_numbers_that_lie_askew_are_read_too(offset: int) -> None:
    body = memoryview(bytearray(offset) + table(predictions=pa.array([1.0, 2.0])))[offset:]

    assert dict(FORMAT.decode("x", body, DecodingLimit(MIB)))["predictions"].tolist() == [1.0, 2.0]


def test_batches_may_be_empty_and_so_may_the_stream() -> None:
    schema = pa.schema({"predictions": pa.list_(pa.float32(), 3)})
    empty, one = (
        pa.RecordBatch.from_pylist([], schema),
        pa.RecordBatch.from_pylist([{"predictions": [1, 2, 3]}], schema),
    )

    assert read(stream([empty, one, empty, one], schema))["predictions"].shape == (2, 3)
    assert read(stream([empty], schema))["predictions"].shape == (0, 3)
    assert read(stream([], schema))["predictions"].shape == (0, 3)


def test_a_stream_may_end_without_its_mark() -> None:
    assert read(table(predictions=pa.array([1.0]))[:-8])["predictions"].tolist() == [1.0]


def test_a_slice_is_read_as_what_it_shows() -> None:
    column = pa.array([True, False] * 10)[3:11]

    assert read(table(mask=column))["mask"].tolist() == column.to_pylist()


def test_a_bitmap_without_a_null_is_no_null() -> None:
    filled = pa.array([1.0, None, 3.0], pa.float64())
    whole = pa.Array.from_buffers(pa.float64(), 3, [pa.py_buffer(b"\x07"), filled.buffers()[1]], 0)

    assert len(read(table(predictions=whole))["predictions"]) == 3


def test_nulls_are_refused_with_their_number() -> None:
    with pytest.raises(Refusal, match=r"2 nulls.*mask") as caught:
        read(table(predictions=pa.array([None, 1.0] * 2 + [1.0] * 9)))

    assert caught.value.facts["nulls"] == 2


def test_nulls_are_found_where_the_count_denies_them() -> None:
    honest = table(predictions=pa.array([1.0, None, 3.0]))
    lying = honest.replace(struct.pack("<qq", 3, 1), struct.pack("<qq", 3, 0))

    assert lying != honest
    with pytest.raises(Refusal, match="1 nulls"):
        read(lying)


UNREAD = [
    ("utf8", pa.array(["a"]), "utf8"),
    ("variable lists", pa.array([[1.0]]), "list"),
    ("a struct", pa.array([{"a": 1}]), "struct"),
    ("decimals", pa.array([1]).cast(pa.decimal128(20)), "decimal"),
    ("times", pa.array([1], pa.timestamp("s")), "timestamp"),
    ("null", pa.nulls(1), "null"),
    ("dictionary", pa.array([1.0]).dictionary_encode(), "dictionary_decode"),
    ("lists of text", pa.array([["a"]], pa.list_(pa.string(), 1)), "utf8"),
    ("eight lists", listed(np.zeros((1,) * 9)), "axes"),
    ("lists of nothing", pa.array([[]], pa.list_(pa.float32(), 0)), "at least 1"),
    ("an extension", pa.ExtensionArray.from_storage(pa.uuid(), pa.array([b"0" * 16], pa.binary(16))), "binary"),
    ("opaque floats", pa.ExtensionArray.from_storage(pa.opaque(pa.float64(), "x", "y"), pa.array([1.0])), "storage"),
    ("2^63", pa.array([2**63], pa.uint64()), "2\\^63"),
    ("2^63 in many batches", pa.chunked_array([[1], [2**63]], pa.uint64()), "2\\^63"),
]


@pytest.mark.parametrize(("column", "says"), [row[1:] for row in UNREAD], ids=[row[0] for row in UNREAD])
def test_a_column_that_is_no_plain_numbers_is_refused(column: pa.Array, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        read(table(predictions=column))


@pytest.mark.parametrize("codec", ["lz4", "zstd"])
def test_compressed_buffers_are_refused_before_they_are_unpacked(codec: str) -> None:
    whole = pa.table({"predictions": np.zeros(1 << 20)})
    data = stream(whole.to_batches(), whole.schema, pa.ipc.IpcWriteOptions(compression=codec))

    with pytest.raises(Refusal, match="compression=None"):
        read(data)


def test_what_bits_become_is_limited() -> None:
    data = table(mask=pa.array(np.ones(1000, bool)))

    assert read(data, 1000)["mask"].sum() == 1000
    with pytest.raises(Refusal, match="999"):
        read(data, 999)


@pytest.mark.parametrize(
    "shape", ["[2, 2]", "[-4]", "[4.0]", "[0, 4]", "null", "[1,1,1,1,1,1,1,4]", '"4"', "[true, 4]"]
)
def test_a_tensor_whose_shape_lies_is_refused(shape: str) -> None:
    with pytest.raises(Refusal, match="product"):
        read(extended(f'{{"shape": {shape}}}' if shape != "[2, 2]" else "[]"))


@pytest.mark.parametrize("order", ["[0]", "[0, 0]", "[1, 2]", "[0, 1, 2]", "[-1, 0]", "7"])
def test_a_tensor_whose_permutation_lies_is_refused(order: str) -> None:
    with pytest.raises(Refusal, match="permutation"):
        read(extended(f'{{"shape": [2, 2], "permutation": {order}}}'))


def extended(metadata: str) -> bytes:
    """Return a stream whose column says this of its shape."""
    said = {"ARROW:extension:name": "arrow.fixed_shape_tensor", "ARROW:extension:metadata": metadata}
    schema = pa.schema([pa.field("predictions", pa.list_(pa.float32(), 4), metadata=said)])
    column = pa.array([[1, 2, 3, 4]], pa.list_(pa.float32(), 4))
    return stream([pa.RecordBatch.from_arrays([column], schema=schema)], schema)


def test_names_are_plain_and_stand_once() -> None:
    schema = pa.schema([("predictions", pa.float32())] * 2)
    with pytest.raises(Refusal, match="same name"):
        read(stream([], schema))
    with pytest.raises(Refusal, match="named like"):
        read(stream([], pa.schema({"<b>": pa.float32()})))
    with pytest.raises(Refusal, match="damaged"):
        read(stream([], pa.schema({f"x{place}": pa.float32() for place in range(65)})))


VALID = table(1, predictions=listed(np.arange(8.0, dtype="f4").reshape(2, 4)), mask=pa.array([True, False]))


@pytest.mark.parametrize("end", range(1, len(VALID) - 8, 7))
def test_a_stream_that_is_cut_is_refused(end: int) -> None:
    try:
        arrays = read(VALID[:end])
    except Refusal:
        return
    assert len(arrays["predictions"]) < 2  # cut between two messages, which is an end


@given(data=st.data())
def test_damage_is_refused_or_harmless(data: st.DataObject) -> None:
    body = bytearray(VALID)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(body) - 4))
        body[place : place + 4] = data.draw(
            st.sampled_from([b"\0\0\0\0", b"\xff\xff\xff\xff", b"\xff\xff\xff\x7f", b"\0\0\0\x80"])
            | st.binary(min_size=4, max_size=4)
        )
    try:
        arrays = read(bytes(body))
    except Refusal:
        return
    assert sum(tensor.numel() for tensor in arrays.values()) <= 8 * len(body)


@given(tail=st.binary(max_size=200))
def test_noise_is_refused(tail: bytes) -> None:
    with pytest.raises(Refusal):
        read(b"\xff\xff\xff\xff" + len(tail).to_bytes(4, "little") + tail + b"\0" * 3)


@pytest.mark.parametrize("fault", [entry for entry in FAULTS if entry.headers["content-type"] == MEDIA], ids=str)
def test_a_fault_of_the_catalogue_is_refused_by_the_reader(fault: Fault) -> None:
    with pytest.raises(Refusal, match=fault.says or None):
        read(fault.body)
