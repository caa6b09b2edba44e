"""Arrow streams: what pyarrow writes is read, what is written pyarrow reads, and what lies is refused."""

import io
import json
import struct
from collections.abc import AsyncIterator, Iterable

import numpy as np
import pyarrow as pa
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from losses.errors import Refusal
from service.uploads.arrow.columns import BYTE, INT, LONG, SHORT
from service.uploads.arrow.flatbuffer import Number, Slots, StructRows, encoded
from service.uploads.arrow.reader import MEDIA, PAIR
from service.uploads.formats.arrow import FORMAT, read_batches
from service.uploads.formats.registry import DecodingLimit
from tests.conftest import Client
from tests.service.faults.catalogue.arrow_ import FAULTS
from tests.service.faults.fault import Fault
from tests.service.files import Files, npy

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


def composed(columns: list[Slots], *batches: Slots, body: bytes = b"", kind: int = 3, big: int = 0) -> bytes:
    """Return a stream whose metadata says anything."""

    def framed(kind: int, header: Slots, body: bytes = b"") -> bytes:
        slots = {0: Number(SHORT, 4), 1: Number(BYTE, kind), 2: header, 3: Number(LONG, len(body))}
        metadata = encoded(slots)
        return b"\xff\xff\xff\xff" + struct.pack("<i", len(metadata)) + metadata + body

    schema = framed(1, {0: Number(SHORT, big), 1: columns})
    return schema + b"".join(framed(kind, batch, body) for batch in batches)


def batch(items: int, nodes: list[tuple[int, int]], buffers: list[tuple[int, int]], **more: object) -> Slots:
    return {
        0: Number(LONG, items),
        1: StructRows(PAIR, [*nodes]),
        2: StructRows(PAIR, [*buffers]),
        **({3: {}} if more else {}),
    }


def column(kind: int = 3, type_: Slots | None = None, **slots: object) -> Slots:
    said = {0: Number(SHORT, 1)} if type_ is None else type_
    return {0: "predictions", 2: Number(BYTE, kind), 3: said, 5: slots.get("children", [])}


EIGHT = struct.pack("<2f", 1, 2)
GOOD = [(2, 0)], [(0, 0), (0, 8)]
FLOAT_LIST = column(16, {0: Number(INT, 2)}, children=[column()])
COMPOSED = [
    ("big-endian", composed([column()], big=1), "big-endian"),
    ("a batch of dictionary", composed([column()], batch(2, *GOOD), body=EIGHT, kind=2), "dictionary"),
    ("a tensor message", composed([column()], batch(2, *GOOD), body=EIGHT, kind=4), "record batches"),
    ("compressed", composed([column()], batch(2, *GOOD, compressed=True), body=EIGHT), "compressed"),
    ("a node too few", composed([column()], batch(2, [], GOOD[1]), body=EIGHT), "damaged"),
    ("a buffer too few", composed([column()], batch(2, GOOD[0], [(0, 0)]), body=EIGHT), "damaged"),
    ("a buffer too many", composed([column()] * 1, batch(2, GOOD[0], [*GOOD[1], (8, 0)]), body=EIGHT), "damaged"),
    ("a node of another length", composed([column()], batch(2, [(3, 0)], GOOD[1]), body=EIGHT), "damaged"),
    ("fewer items than none", composed([column()], batch(-1, *GOOD), body=EIGHT), "damaged"),
    ("a buffer before the body", composed([column()], batch(2, GOOD[0], [(0, 0), (-8, 8)]), body=EIGHT), "damaged"),
    ("a buffer after the body", composed([column()], batch(2, GOOD[0], [(0, 0), (1, 8)]), body=EIGHT), "damaged"),
    ("a length less than none", composed([column()], batch(2, GOOD[0], [(0, 0), (0, -1)]), body=EIGHT), "damaged"),
    ("2^63", composed([column()], batch(2, GOOD[0], [(0, 0), (2**63 - 1, 8)]), body=EIGHT), "damaged"),
    ("a short buffer", composed([column()], batch(2, GOOD[0], [(0, 0), (0, 7)]), body=EIGHT), "take 8 bytes"),
    ("a short bitmap", composed([column()], batch(9, [(9, 0)], [(0, 1), (0, 0)]), body=b"\xff" * 40), "damaged"),
    (
        "one buffer for all",
        composed([FLOAT_LIST], batch(1, [(1, 0), (2, 0)], [(0, 0), (0, 1), (0, 8)]), body=EIGHT),
        "damaged",
    ),
    ("int24", composed([column(2, {0: Number(INT, 24), 1: Number(BYTE, 1)})]), "width"),
    ("float of no width", composed([column(3, {0: Number(SHORT, 9)})]), "width"),
    ("a type of the future", composed([column(120)]), "a type"),
    ("a list of nothing at all", composed([column(16, {0: Number(INT, 2)})]), "damaged"),
    ("a list of -1", composed([column(16, {0: Number(INT, -1)}, children=[column()])]), "at least 1"),
    ("a type left out", composed([{0: "predictions", 2: Number(BYTE, 3)}]), "damaged"),
    ("an old version", b"\xff\xff\xff\xff" + struct.pack("<i", 24) + encoded({1: Number(BYTE, 1)})[:24], "damaged|cut"),
    ("no mark", struct.pack("<i", 64) + b"\0" * 64, "older than Arrow 0.15"),
]


@pytest.mark.parametrize(("data", "says"), [row[1:] for row in COMPOSED], ids=[row[0] for row in COMPOSED])
def test_metadata_that_lie_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        read(data)


def test_what_is_composed_is_read_where_it_does_not_lie() -> None:
    assert read(composed([column()], batch(2, *GOOD), body=EIGHT))["predictions"].tolist() == [1, 2]


def test_the_batches_of_a_body_that_is_kept_are_counted() -> None:
    three, four = (memoryview(table(1, predictions=pa.array([0.0] * count))) for count in (3, 4))

    assert len(read_batches("The body", three, most=3)[1]) == 3
    with pytest.raises(Refusal, match="more than 3 record batches"):
        read_batches("The body", four, most=3)


def test_metadata_of_a_batch_may_be_64_kib() -> None:
    many = StructRows(PAIR, [(0, 0)] * 5000)

    with pytest.raises(Refusal, match="record batch are longer"):
        read(composed([column()], {0: Number(LONG, 0), 1: many}))


@pytest.mark.anyio
async def test_an_arrow_body_says_what_json_says_and_its_answer_may_be_arrow(client: Client) -> None:
    asked = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0], "options": {"reduction": "none"}}
    body = table(1, predictions=pa.array([1.0, 2.0]), targets=pa.array([1.5, 0.0]))

    async with client() as http:
        as_json = (await http.post("/v1/evaluate", json=asked)).json()
        answer = await http.post(
            "/v1/evaluate?loss=mse&reduction=none", content=body, headers={**HEADERS, "accept": MEDIA}
        )

    assert answer.headers["content-type"] == MEDIA
    answered = pa.ipc.open_stream(answer.content).read_all()
    assert answered["values"].to_pylist() == as_json["results"][0]["values"]
    assert json.loads(answered.schema.metadata[b"answer"])["results"][0]["kept"] == 2


@pytest.mark.anyio
async def test_a_part_may_be_a_stream(client: Client) -> None:
    column = table(targets=pa.array([1.0, 0.0]))
    files: Files = {"request": (None, '{"loss": "mse"}'), "predictions": npy([0.0, 0.0]), "targets": ("t", column)}

    async with client() as http:
        answer = await http.post("/v1/evaluate", files=files)

    assert answer.json()["results"][0]["value"] == 0.5


async def chunked(body: bytes, size: int) -> AsyncIterator[bytes]:
    """Yield a body in chunks, without a length."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


N = 3000
rng = np.random.default_rng(0)
ITEMS = {
    "predictions": listed(rng.normal(size=(N, 4)).astype("f4")),
    "targets": pa.array(rng.integers(0, 4, N)),
    "mask": pa.array(rng.random(N) < 0.8),
    "weights": pa.array(rng.random(N)),
}
IMAGES = {
    "predictions": tensors(rng.normal(size=(N, 1, 4, 4)).astype("f4")),
    "targets": tensors(rng.integers(0, 2, (N, 1, 4, 4)).astype("f4")),
}
SCALARS = {"predictions": pa.array(rng.normal(size=N)), "targets": pa.array(rng.normal(size=N))}
STREAMED = [
    (SCALARS, "loss=mse&loss=mae+%2B+0.5*smooth_l1"),
    (SCALARS, "loss=mse&reduction=sum&dtype=float64"),
    (ITEMS, "loss=sparse_categorical_ce&per_class=true"),
    (IMAGES, "loss=dice&loss=dice(group='batch')&loss=dice(group='batch')+%2B+bce"),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("columns", "asked"), STREAMED)
@pytest.mark.parametrize("rows", [1, 7, 700, None])
@pytest.mark.parametrize("window", [1 << 12, 1 << 22])
async def test_a_stream_that_is_not_kept_says_what_a_body_says(
    client: Client, columns: dict[str, pa.Array], asked: str, rows: int, window: int
) -> None:
    body = table(rows, **columns)

    async with client(window_bytes=window) as http:
        kept = (await http.post(f"/v1/evaluate?{asked}", content=body, headers=HEADERS)).json()
        passed = (await http.post(f"/v1/evaluate?{asked}", content=chunked(body, 1000), headers=HEADERS)).json()

    assert passed["items"] == kept["items"] == N
    for one, other in zip(passed["results"], kept["results"], strict=True):
        names = ["value", "numerator", "denominator", "kept", "ignored", "per_class"]
        if "group" in one["loss"]:
            assert [warned["code"] for warned in one["warnings"]] == ["no-standard-error"]
        else:
            names.append("standard_error")
        for name in names:
            assert one[name] is other[name] or one[name] == pytest.approx(other[name], rel=1e-6), name


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ("loss=mse&gradient=summary", "Content-Length"),
        ("loss=mse&reduction=none", "Content-Length"),
        ("loss=dice(group='batch')&standard_error=true", "Content-Length"),
        ("loss=supcon", "Content-Length"),
        ("loss=bce&pos=1", ""),
    ],
)
async def test_what_takes_a_second_pass_is_refused_before_the_body_is_read(
    client: Client, asked: str, says: str
) -> None:
    async def never() -> AsyncIterator[bytes]:
        pytest.fail("the body was read")
        yield b""

    async with client() as http:
        answer = await http.post(f"/v1/evaluate?{asked}", content=never(), headers=HEADERS)

    assert answer.status_code == 422
    assert says in answer.json()["detail"]


@pytest.mark.anyio
async def test_a_refusal_counts_items_from_the_first_of_the_stream(
    client: Client,
) -> None:
    predictions, targets = np.zeros(5000), np.zeros(5000)
    predictions[4321] = np.nan
    body = table(100, predictions=pa.array(predictions, from_pandas=False), targets=pa.array(targets))

    async with client(window_bytes=1 << 12) as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=chunked(body, 999), headers=HEADERS)

    assert (answer.status_code, answer.json()["index"]) == (422, [4321])


SMALL = table(1, predictions=pa.array([1.0, 2.0]), targets=pa.array([0.0, 0.0]))
BROKEN = [
    ("nothing", b"", 422, "schema"),
    ("cut short", SMALL[:-20], 422, "cut short"),
    ("bytes at the end", SMALL + b"\0", 422, "follow"),
    ("two streams", SMALL + SMALL, 422, "follow"),
    ("no stream", b"PAR1" * 10, 415, "application/vnd.apache.parquet"),
    ("an unknown column", table(predictions=pa.array([1.0]), target=pa.array([1.0])), 422, "Did you mean targets"),
    ("an input that is none of the loss's", table(predictions=pa.array([1.0]), anchor=pa.array([1.0])), 422, "anchor"),
    ("an input that is missing", table(predictions=pa.array([1.0])), 422, "targets"),
    (
        "a long batch",
        table(predictions=pa.array(np.zeros(9000)), targets=pa.array(np.zeros(9000))),
        413,
        "max_chunksize",
    ),
    ("long bits", table(mask=pa.array(np.ones(80_000, bool))), 413, "max_chunksize"),
    (
        "a long stream",
        table(100, predictions=pa.array(np.zeros(99_000)), targets=pa.array(np.zeros(99_000))),
        413,
        "max_stream_bytes",
    ),
]


@pytest.mark.anyio
@pytest.mark.parametrize(("body", "status", "says"), [row[1:] for row in BROKEN], ids=[row[0] for row in BROKEN])
async def test_a_broken_stream_is_refused(client: Client, body: bytes, status: int, says: str) -> None:
    async with client(window_bytes=1 << 14, max_body_bytes=1 << 16, max_stream_bytes=1 << 19) as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=chunked(body, 777), headers=HEADERS)
        again = await http.post("/v1/evaluate?loss=mse", content=chunked(SMALL, 777), headers=HEADERS)

    assert answer.status_code == status
    assert says in json.dumps(answer.json())
    assert again.json()["results"][0]["value"] == 2.5


@pytest.mark.anyio
async def test_a_stream_of_no_items_has_no_value(client: Client) -> None:
    body = table(predictions=pa.array([], pa.float64()), targets=pa.array([], pa.float64()))

    async with client() as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=chunked(body, 100), headers=HEADERS)

    assert answer.json()["results"][0]["reason"] == "there are no items"


@pytest.mark.anyio
async def test_a_body_that_is_too_long_to_keep_is_evaluated_as_it_arrives(client: Client) -> None:
    body = table(1000, **SCALARS)

    async with client(max_body_bytes=len(body) - 1) as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=body, headers=HEADERS)

    assert answer.json()["items"] == N


@pytest.mark.anyio
async def test_what_has_no_entry_an_item_is_no_column(client: Client) -> None:
    body = table(**ITEMS, class_weights=pa.array(np.ones(N)))

    async with client() as http:
        url = "/v1/evaluate?loss=sparse_categorical_ce"
        answer = await http.post(url, content=chunked(body, 10_000), headers=HEADERS)

    assert answer.status_code == 422
    assert answer.json()["option"] == "class_weights"


@pytest.mark.anyio
async def test_a_stream_reserves_its_window_and_leaves_the_rest_to_others(
    client: Client,
) -> None:
    body, meanwhile = table(100, **SCALARS), []

    async with client(window_bytes=1 << 12, max_reserved_bytes=1 << 17, queue_seconds=0.01) as http:

        async def interrupted() -> AsyncIterator[bytes]:
            async for chunk in chunked(body, 1 << 12):
                yield chunk
            meanwhile.append(await http.post("/v1/evaluate?loss=mse", content=SMALL, headers=HEADERS))

        answer = await http.post("/v1/evaluate?loss=mse", content=interrupted(), headers=HEADERS)

    assert 13 * len(body) > 1 << 17
    assert [entry.status_code for entry in (answer, *meanwhile)] == [200, 200]
