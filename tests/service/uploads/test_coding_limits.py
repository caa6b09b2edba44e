"""Packed bodies that unpack to too much, or cannot be unpacked, are refused."""

import gzip
from collections.abc import AsyncIterator, Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.problems import BadEnvelope
from service.uploads.bodies.codings import LONG_PIECE, MOST_MEMBERS, Unpacker
from tests.conftest import Client
from tests.service.packing import PACKERS, bare_deflate, wide_zstd
from tests.service.problem import is_problem
from tests.service.uploads.test_codings import ARROW, BODIES, EVALUATE, JSON, MIB, SKIPPED, arrow, chunked, every_coding

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
