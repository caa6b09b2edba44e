"""A body that was compressed for the way says what it says as it is, and never becomes more than is allowed."""

import asyncio
import gzip
import io
import json
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest
import safetensors.numpy
import tritonclient.http as triton
from hypothesis import given
from hypothesis import strategies as st

from service.problems import BadEnvelope
from service.request_record import Record
from service.uploads.bodies.body import Arrived
from service.uploads.bodies.codings import LONG_PIECE, MOST_MEMBERS, UnpackedSource, Unpacker, coding_of
from service.uploads.formats.registry import formats
from tests.conftest import Client
from tests.service.files import npy, npy_body, npz_body
from tests.service.packing import PACKERS, bare_deflate, wide_zstd
from tests.service.problem import is_problem
from tests.service.processes import Server, eventually, serving

EVALUATE, JSON, ARROW = "/v1/evaluate", "application/json", "application/vnd.apache.arrow.stream"
MIB = 1 << 20
SKIPPED = b"\x50\x2a\x4d\x18\x04\x00\x00\x00abcd"  # RFC 8878, 3.1.2
every_coding = pytest.mark.parametrize("coding", PACKERS)


def arrow(rows: int, **arrays: np.ndarray) -> bytes:
    """Return an Arrow stream in batches of so many rows."""
    table, buffer = pa.table(arrays), io.BytesIO()
    with pa.ipc.new_stream(buffer, table.schema) as writer:
        writer.write_table(table, max_chunksize=rows)
    return buffer.getvalue()


DRAW = np.random.default_rng(7)
ARRAYS = {"predictions": DRAW.normal(size=4000), "targets": DRAW.normal(size=4000)}


def table(media: str, write: Callable[[pa.Table, io.BytesIO], object]) -> tuple[str, bytes]:
    """Return a media type, and the arrays as a file of columns."""
    buffer = io.BytesIO()
    write(pa.table(ARRAYS), buffer)
    return media, buffer.getvalue()


LISTS = {name: array.tolist() for name, array in ARRAYS.items()}
FORM = httpx.Request("POST", "http://x", data={"loss": "mse"}, files={name: npy(each) for name, each in ARRAYS.items()})
BODIES = {
    JSON: (JSON, json.dumps({"loss": "mse", **LISTS}).encode()),
    "multipart/form-data": (FORM.headers["content-type"], FORM.read()),
    ARROW: (ARROW, arrow(500, **ARRAYS)),
    "application/x-npy": ("application/x-npy", npy_body(*ARRAYS.values())),
    "application/x-npz": ("application/x-npz", npz_body(**ARRAYS)),
    "application/x-safetensors": ("application/x-safetensors", safetensors.numpy.save(ARRAYS)),
    "application/vnd.apache.arrow.file": table("application/vnd.apache.arrow.file", pyarrow.feather.write_feather),
    "application/vnd.apache.parquet": table("application/vnd.apache.parquet", pyarrow.parquet.write_table),
    "text/csv": table("text/csv", pyarrow.csv.write_csv),
    "application/x-ndjson": (
        "application/x-ndjson",
        b"".join(json.dumps(row).encode() + b"\n" for row in pa.table(ARRAYS).to_pylist()),
    ),
}


def test_every_media_type_of_a_body_is_tried_below() -> None:
    assert set(BODIES) == {JSON, "multipart/form-data", *formats()}


async def chunked(body: bytes, size: int = 1000) -> AsyncIterator[bytes]:
    """Yield a body in pieces, its length unsaid."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


@pytest.mark.anyio
@every_coding
@pytest.mark.parametrize("media", BODIES)
async def test_a_packed_body_is_answered_as_the_same_body_is(client: Client, media: str, coding: str) -> None:
    content_type, body = BODIES[media]
    packed = PACKERS[coding](body)
    url = EVALUATE if media in {JSON, "multipart/form-data"} else f"{EVALUATE}?loss=mse"
    headers = {"content-type": content_type}

    async with client() as http:
        plain = (await http.post(url, content=body, headers=headers)).json()["results"]
        headers["content-encoding"] = coding
        whole = (await http.post(url, content=packed, headers=headers)).json()["results"]
        pieces = (await http.post(url, content=chunked(packed), headers=headers)).json()["results"]

    assert whole[0]["value"] == pytest.approx(plain[0]["value"], rel=1e-12)
    assert pieces[0]["value"] == pytest.approx(plain[0]["value"], rel=1e-12)
    assert whole[0]["kept"] == pieces[0]["kept"] == 4000


@pytest.mark.anyio
@every_coding
async def test_whatever_takes_several_passes_is_answered_for_a_packed_arrow_stream_too(
    client: Client, coding: str
) -> None:
    content_type, body = BODIES[ARROW]
    url, headers = f"{EVALUATE}?loss=mse&gradient=summary", {"content-type": content_type}

    async with client() as http:
        plain = (await http.post(url, content=body, headers=headers)).json()["results"]
        headers["content-encoding"] = coding
        packed = (await http.post(url, content=PACKERS[coding](body), headers=headers)).json()["results"]

    assert packed == plain


@pytest.mark.anyio
@every_coding
@pytest.mark.parametrize("stated", [True, False])
async def test_an_arrow_stream_that_unpacks_to_more_than_is_kept_is_evaluated_as_it_arrives(
    client: Client, coding: str, *, stated: bool
) -> None:
    arrays = {"predictions": np.ones(40_000), "targets": np.zeros(40_000)}
    packed = PACKERS[coding](arrow(500, **arrays))
    headers = {"content-type": ARROW, "content-encoding": coding}

    async with client(max_body_bytes=64 << 10, window_bytes=16 << 10) as http:
        answer = await http.post(f"{EVALUATE}?loss=mse", content=packed if stated else chunked(packed), headers=headers)

    assert len(packed) < 64 << 10 < 16 * 40_000
    assert (answer.status_code, answer.json()["items"]) == (200, 40_000)
    assert answer.json()["results"][0]["value"] == 1.0


LIMITS = [
    (JSON, "max_json_bytes", {"max_json_bytes": MIB}),
    ("application/x-npy", "max_decoded_bytes", {"max_decoded_bytes": MIB}),
    ("application/x-npy", "max_body_bytes", {"max_body_bytes": MIB}),
    ("multipart/form-data; boundary=b", "max_body_bytes", {"max_body_bytes": MIB}),
    (ARROW, "max_stream_bytes", {"max_stream_bytes": MIB}),
]
BEGINNINGS = {"multipart/form-data; boundary=b": b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n'}


@pytest.mark.anyio
@every_coding
@pytest.mark.parametrize(("media", "limit", "settings"), LIMITS, ids=[row[1] + " " + row[0][:16] for row in LIMITS])
async def test_a_bomb_is_refused_when_it_has_become_too_much_and_read_no_further(
    client: Client, coding: str, media: str, limit: str, settings: dict[str, int]
) -> None:
    batches = arrow(100, predictions=np.zeros(400_000), targets=np.zeros(400_000))
    bomb = batches if media == ARROW else BEGINNINGS.get(media, b"") + b" " * (8 * MIB)
    packed = PACKERS[coding](bomb)
    sent = 0

    async def counted() -> AsyncIterator[bytes]:
        nonlocal sent
        async for chunk in chunked(packed, 50):
            sent += len(chunk)
            yield chunk

    async with client(**settings) as http:
        answer = await http.post(
            f"{EVALUATE}?loss=mse", content=counted(), headers={"content-type": media, "content-encoding": coding}
        )
        page = (await http.get("/metrics")).text

    problem = is_problem(answer, 413)
    assert (problem["limit"], problem["limit_name"]) == (MIB, limit)
    assert sent < len(packed) / 2
    assert "lossary_reserved_bytes 0.0" in page


BROKEN: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("cut short", lambda packed: packed[:-1]),
    ("cut in half", lambda packed: packed[: len(packed) // 2]),
    ("one byte", lambda packed: packed[:1]),
    ("not packed at all", lambda _: b'{"loss": "mse", "predictions": [1], "targets": [0]}'),
    ("another byte behind", lambda packed: packed + b"x"),
    ("a byte changed", lambda packed: packed[:12] + bytes([packed[12] ^ 0xFF]) + packed[13:]),
]


@pytest.mark.anyio
@every_coding
@pytest.mark.parametrize("broken", [row[1] for row in BROKEN], ids=[row[0] for row in BROKEN])
async def test_what_cannot_be_unpacked_is_refused(
    client: Client, coding: str, broken: Callable[[bytes], bytes]
) -> None:
    packed = broken(PACKERS[coding](BODIES[JSON][1]))

    async with client() as http:
        answer = await http.post(EVALUATE, content=packed, headers={"content-type": JSON, "content-encoding": coding})

    problem = is_problem(answer, 400)
    assert problem["type"] == "urn:lossary:bad-envelope"


@pytest.mark.anyio
@pytest.mark.parametrize("value", ["br", "compress", "gzip, gzip", "gzip, zstd", "gzip;q=1", "aws-chunked"])
@pytest.mark.parametrize("path", [EVALUATE, "/v1/recommend", "/v1/profile", "/v1/advise", "/v2/models/mse/infer"])
async def test_a_coding_that_is_not_read_is_refused_with_those_that_are(client: Client, path: str, value: str) -> None:
    async with client() as http:
        answer = await http.post(path, content=b"x", headers={"content-type": JSON, "content-encoding": value})

    problem = is_problem(answer, 415)
    assert answer.headers["accept-encoding"] == ", ".join(PACKERS)
    assert problem["accepted"] == list(PACKERS)


@pytest.mark.anyio
@pytest.mark.parametrize(
    ("value", "pack"),
    [
        ("GZIP", gzip.compress),
        ("x-gzip", gzip.compress),
        (" deflate ", bare_deflate),
        ("identity", bytes),
        pytest.param("gzip", lambda data: gzip.compress(data[:9]) + gzip.compress(data[9:]), id="two members"),
        pytest.param("zstd", lambda data: PACKERS["zstd"](data[:9]) + PACKERS["zstd"](data[9:]), id="two frames"),
        pytest.param("zstd", lambda data: SKIPPED + PACKERS["zstd"](data), id="a frame to be skipped"),
    ],
)
async def test_every_way_to_write_a_coding_is_read(client: Client, value: str, pack: Callable[[bytes], bytes]) -> None:
    question = b'{"task": "regression", "profile": {"outlier_rate": 0.08}}'

    async with client() as http:
        answer = await http.post(
            "/v1/recommend", content=pack(question), headers={"content-type": JSON, "content-encoding": value}
        )

    assert answer.status_code == 200
    assert answer.json()["recommended"]["objective"] == "smooth_l1(beta=1.345)"


@pytest.mark.anyio
async def test_a_window_wider_than_the_coding_allows_is_refused_with_what_to_write(client: Client) -> None:
    async with client() as http:
        answer = await http.post(
            EVALUATE, content=wide_zstd(b"{}"), headers={"content-type": JSON, "content-encoding": "zstd"}
        )

    assert "8 MiB" in is_problem(answer, 400)["detail"]


@pytest.mark.anyio
async def test_a_question_that_unpacks_to_more_than_a_question_is_refused(client: Client) -> None:
    async with client() as http:
        answer = await http.post(
            "/v1/recommend",
            content=gzip.compress(b" " * MIB),
            headers={"content-type": JSON, "content-encoding": "gzip"},
        )

    is_problem(answer, 413)


@given(
    st.lists(st.binary(max_size=300).map(lambda data: data * 50), min_size=1, max_size=4),
    st.integers(1, 400),
    st.integers(1, 5000),
    st.sampled_from(["gzip", "zstd"]),
)
def test_pieces_are_never_longer_than_was_asked_for_and_add_up(
    members: list[bytes], fed: int, most: int, coding: str
) -> None:
    packed = b"".join(map(PACKERS[coding], members))
    unpacker, pieces = Unpacker(coding), []
    for start in range(0, len(packed), fed):
        unpacker.feed(packed[start : start + fed])
        while piece := unpacker.piece(most):
            pieces.append(piece)
    unpacker.finish()

    assert b"".join(pieces) == b"".join(members)
    assert max(map(len, pieces), default=0) <= most


@pytest.mark.parametrize("coding", ["gzip", "zstd"])
def test_members_without_end_are_refused(coding: str) -> None:
    unpacker = Unpacker(coding)
    for _ in range(MOST_MEMBERS // 1024):
        unpacker.feed(1024 * PACKERS[coding](b""))
        assert unpacker.piece(LONG_PIECE) == b""
    unpacker.feed(PACKERS[coding](b""))

    with pytest.raises(BadEnvelope):
        unpacker.piece(LONG_PIECE)


@every_coding
def test_what_came_over_the_wire_is_what_is_counted(coding: str) -> None:
    packed, record = PACKERS[coding](bytes(3 * MIB)), Record("test")
    source = UnpackedSource(Arrived(bytearray(packed)), coding, record)

    async def sizes() -> list[int]:
        lengths: list[int] = []
        more = True
        while more:
            chunk, more = await source.receive()
            lengths.append(len(chunk))
        return lengths

    lengths = asyncio.run(sizes())

    assert sum(lengths) == 3 * MIB
    assert max(lengths) <= LONG_PIECE
    assert record.bytes_in == len(packed)


def test_a_header_names_one_coding() -> None:
    names = ["gzip", "X-GZIP", "deflate", "zstd", "", "identity", "br", "gzip,zstd"]

    assert [coding_of(name) for name in names] == ["gzip", "gzip", "deflate", "zstd", None, None, None, None]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(LOSSARY_LOG_FORMAT="json") as running:
        yield running


@pytest.mark.parametrize("coding", ["gzip", "deflate"])
def test_tritons_client_may_compress_its_requests(server: Server, coding: str) -> None:
    predictions, targets = np.array([1.0, 2.0]), np.array([1.5, 0.0])
    inputs = []
    for role, array in (("predictions", predictions), ("targets", targets)):
        inputs.append(triton.InferInput(role, list(array.shape), "FP64"))
        inputs[-1].set_data_from_numpy(array)

    http = triton.InferenceServerClient(f"127.0.0.1:{server.port}")
    answer = http.infer("mse", inputs, request_compression_algorithm=coding)
    http.close()

    assert answer.as_numpy("value").tolist() == [2.125]


def test_long_packed_bodies_come_over_a_socket_and_are_logged_as_they_were_sent(server: Server) -> None:
    array = np.repeat(DRAW.normal(size=1000).astype(np.float32), 1000)
    packed = PACKERS["zstd"](npy_body(array) + npy_body(array + 1))

    answer = httpx.post(
        f"{server.url}{EVALUATE}?loss=mse",
        content=packed,
        headers={"content-type": "application/x-npy", "content-encoding": "zstd", "x-request-id": "packed"},
    )

    assert len(packed) < array.nbytes / 10
    assert answer.json()["results"][0]["value"] == pytest.approx(1.0, rel=1e-6)
    assert eventually(lambda: f'"bytes_in":{len(packed)}' in Path(server.log).read_text())
