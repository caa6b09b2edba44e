"""A body that was compressed for the way says what it says as it is, and never becomes more than is allowed."""

import asyncio
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

from service.request_record import Record
from service.uploads.bodies.body import Arrived
from service.uploads.bodies.codings import LONG_PIECE, UnpackedSource, coding_of
from service.uploads.formats.registry import formats
from tests.conftest import Client
from tests.service.files import npy, npy_body, npz_body
from tests.service.packing import PACKERS
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
