"""Requests and answers in Arrow: kept, in parts, and evaluated as they arrive."""

import json
from collections.abc import AsyncIterator

import numpy as np
import pyarrow as pa
import pytest

from service.uploads.arrow.reader import MEDIA
from tests.conftest import Client
from tests.service.files import Files, npy
from tests.service.uploads.arrow_streams import HEADERS, listed, table, tensors


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
