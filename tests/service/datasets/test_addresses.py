"""Datasets by address: what is below a prefix, read where it lies; everything else refused."""

import os
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from service.datasets.addresses.allowed import allowed
from service.datasets.addresses.http_files import is_public
from service.problems import AddressNotAllowed, BadRequest
from tests.conftest import Client
from tests.service.datasets.shards import ROWS, SHARDS, WRITERS, evaluated, made, mean_square, shard, written
from tests.service.problem import is_problem

PREFIXES = (
    "file:///tables",
    "s3://bucket/a/",
    "https://example.org/data",
    "http://10.0.0.7:9000/",
    "gs://b/",
    "az://c/x",
)


@pytest.mark.parametrize(
    "uri",
    [
        "file:///tables/x.csv",
        "file:///tables/2024/part-?.parquet",
        "s3://bucket/a/year=2024/**/*.parquet",
        "https://example.org/data/x.parquet",
        "http://10.0.0.7:9000/x.csv",
        "gs://b/x.arrow",
        "az://c/x/[ab].csv",
    ],
)
def test_what_is_below_a_prefix_is_allowed(uri: str) -> None:
    assert allowed(uri, PREFIXES, ()).uri == uri


@pytest.mark.parametrize(
    "uri",
    [
        "file:///tablesx/x.csv",
        "file:///etc/passwd",
        "file://tables/x.csv",
        "s3://bucket/ab/x.csv",
        "s3://bucket.evil/a/x.csv",
        "https://example.org.evil/data/x.csv",
        "https://example.org:8443/data/x.csv",
        "http://example.org/data/x.csv",
        "http://10.0.0.8:9000/x.csv",
        "gs://c/x.csv",
    ],
)
def test_what_only_looks_so_is_not(uri: str) -> None:
    with pytest.raises(AddressNotAllowed):
        allowed(uri, PREFIXES, ())


@pytest.mark.parametrize(
    "uri",
    [
        "file:///tables/../etc/passwd",
        "file:///tables/./x.csv",
        "file:///tables//x.csv",
        "file:///tables/",
        "file:///tables/%2e%2e/x.csv",
        "file:///tables/..\\x.csv",
        "file:/tables/x.csv",
        "/tables/x.csv",
        "s3://key:secret@bucket/a/x.csv",
        "s3://bu*/a/x.csv",
        "https://example.org/data/x.csv#y",
        "ftp://example.org/data/x.csv",
        "hdfs://example.org/data/x.csv",
        "s3://bucket/a/" + "x" * 3000,
        "s3://bucket/a/\u202ex.csv",
        "s3://bucket/a/x.csv\n",
        "",
    ],
)
def test_what_is_no_plain_address_is_refused(uri: str) -> None:
    with pytest.raises((BadRequest, AddressNotAllowed)) as refused:
        allowed(uri, PREFIXES, ())

    assert not uri or uri not in refused.value.message


@pytest.mark.parametrize(
    ("address", "public"),
    [
        ("93.184.216.34", True),
        ("2606:2800:220:1::1", True),
        ("127.0.0.1", False),
        ("10.1.2.3", False),
        ("169.254.169.254", False),
        ("100.64.0.1", False),
        ("0.0.0.1", False),
        ("224.0.0.1", False),
        ("::1", False),
        ("fe80::1%eth0", False),
        ("fd00::1", False),
        ("::ffff:169.254.169.254", False),
        ("64:ff9b::a9fe:a9fe", False),
        ("2002:a9fe:a9fe::1", False),
    ],
)
def test_addresses_of_the_own_network_are_known(address: str, *, public: bool) -> None:
    assert is_public(address) is public


@pytest.mark.anyio
@pytest.mark.parametrize("suffix", WRITERS)
async def test_shards_give_the_number_of_the_whole(client: Client, tmp_path: Path, suffix: str) -> None:
    folder = written(tmp_path / "tables", suffix)
    async with client(data=tmp_path / "data", sources=(f"file://{folder}",)) as http:
        dataset = await made(http, f"file://{folder}/part-*{suffix}")
        again = await made(http, f"file://{folder}/part-*{suffix}")
        answer = await evaluated(http, dataset.json()["id"])
        listed = await http.get("/v1/datasets")

    assert dataset.status_code == 201, dataset.text
    assert again.status_code == 200
    assert dataset.json()["files"] == SHARDS
    assert dataset.json()["bytes"] == sum(file.stat().st_size for file in folder.iterdir())
    assert dataset.json()["roles"] == {"targets": ["y_true"], "predictions": ["y_pred"]}
    assert dataset.json().get("rows") == (SHARDS * ROWS if suffix == ".parquet" else None)
    assert answer.json()["results"][0]["value"] == pytest.approx(mean_square(), rel=1e-12)
    assert answer.json()["items"] == SHARDS * ROWS
    assert listed.json()["datasets"][0]["uri"] == f"file://{folder}/part-*{suffix}"


@pytest.mark.anyio
async def test_a_glob_stays_within_its_part_of_the_path(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    written(folder / "a")
    written(folder / "a" / "deep")
    written(folder / "b")
    async with client(data=tmp_path / "data", sources=(f"file://{folder}",)) as http:
        counts = [
            (await made(http, f"file://{folder}/{glob}")).json().get("files")
            for glob in ("a/*.parquet", "*/part-0.parquet", "**/part-0.parquet", "a/part-[01].parquet", "*.parquet")
        ]

    assert counts == [SHARDS, 2, 3, 2, None]


@pytest.mark.anyio
async def test_links_out_of_the_root_are_refused(client: Client, tmp_path: Path) -> None:
    folder, outside = written(tmp_path / "tables"), written(tmp_path / "outside")
    (folder / "link.parquet").symlink_to(outside / "part-0.parquet")
    (folder / "linked").symlink_to(outside)
    (folder / "own.parquet").symlink_to(folder / "part-0.parquet")
    async with client(data=tmp_path / "data", sources=(f"file://{folder}",)) as http:
        for place in ("link.parquet", "linked/part-0.parquet", "linked/*.parquet", "*.parquet"):
            is_problem(await made(http, f"file://{folder}/{place}"), 403)
        own = await made(http, f"file://{folder}/own.parquet")

    assert own.status_code == 201


@pytest.mark.anyio
async def test_what_changed_since_or_is_allowed_no_more_is_refused(client: Client, tmp_path: Path) -> None:
    folder = written(tmp_path / "tables")
    settings = {"data": tmp_path / "data", "sources": (f"file://{folder}",)}
    async with client(**settings) as http:
        dataset = (await made(http, f"file://{folder}/*.parquet")).json()["id"]
    async with client(**{**settings, "sources": ()}) as http:
        forbidden = await evaluated(http, dataset)
    WRITERS[".parquet"](shard(7).slice(0, 10), folder / "part-1.parquet")
    async with client(**settings) as http:
        changed = await evaluated(http, dataset)

    is_problem(forbidden, 403)
    assert "has changed" in is_problem(changed, 422)["detail"]


@pytest.mark.anyio
async def test_files_that_cannot_be_read_are_refused(client: Client, tmp_path: Path) -> None:
    folder = written(tmp_path / "tables")
    (folder / "bad.parquet").write_bytes(b"PAR1" + os.urandom(1000) + b"PAR1")
    (folder / "empty.csv").write_bytes(b"")
    (folder / "x.pickle").write_bytes(b"x")
    os.mkfifo(folder / "pipe.csv")
    (folder / "folder.csv").mkdir()
    places = ("bad.parquet", "empty.csv", "x.pickle", "pipe.csv", "folder.csv", "none.csv", "*")
    async with client(data=tmp_path / "data", sources=(f"file://{folder}",)) as http:
        answers = [await made(http, f"file://{folder}/{place}") for place in places]
        kept = (await http.get("/v1/datasets")).json()["datasets"]

    assert [answer.status_code for answer in answers] == [422] * len(places)
    assert not kept
    assert not list((tmp_path / "data" / "datasets" / "incoming").iterdir())


@pytest.mark.anyio
async def test_files_that_unpack_to_too_much_are_refused(client: Client, tmp_path: Path) -> None:
    folder = tmp_path / "tables"
    folder.mkdir()
    zeros = pa.chunked_array([pa.array(np.zeros(1 << 16))] * 64)  # 32 MB, in a file of a few kB
    bomb = pa.table({"y_true": zeros, "y_pred": zeros})
    pa.parquet.write_table(bomb, folder / "group.parquet", row_group_size=len(zeros), use_dictionary=False)
    pa.parquet.write_table(bomb, folder / "repeated.parquet", row_group_size=len(zeros), compression="zstd")
    pa.feather.write_feather(bomb, folder / "bomb.feather", compression="zstd")
    limit = 1 << 23
    async with client(data=tmp_path / "data", sources=(f"file://{folder}",), max_decoded_bytes=limit) as http:
        by_request = await made(http, f"file://{folder}/group.parquet")
        ids = [
            (await made(http, f"file://{folder}/{name}")).json()["id"] for name in ("repeated.parquet", "bomb.feather")
        ]
        answers = [await evaluated(http, dataset) for dataset in ids]

    is_problem(by_request, 422)
    for answer in answers:
        assert is_problem(answer, 413)["limit"] == limit
