"""Datasets in a store that speaks S3: the server of moto, which `make address-store` installs and starts."""

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pyarrow.fs
import pytest

from tests.conftest import Client
from tests.service.datasets.shards import WRITERS, evaluated, made, shard
from tests.service.datasets.stores import assert_shards_are_read
from tests.service.problem import is_problem
from tests.service.processes import PATIENCE_S, free_port

MOTO = os.environ.get("TEST_MOTO_SERVER", "")
pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not MOTO, reason="make address-store has a store")]


@pytest.fixture
def bucket(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[pyarrow.fs.FileSystem]:
    """Run a store that has the bucket `tables`, and name it in the environment as libraries for S3 take it."""
    port = free_port()
    variables = {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ACCESS_KEY_ID": "key",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_EC2_METADATA_DISABLED": "true",
    }
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with (tmp_path / "moto.log").open("wb") as log:
        process = subprocess.Popen([MOTO, "-H", "127.0.0.1", "-p", str(port)], stdout=log, stderr=log)  # noqa: S603 - as named
        try:
            yield _with_bucket()
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


def _with_bucket() -> pyarrow.fs.FileSystem:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            store = pyarrow.fs.S3FileSystem(
                endpoint_override=os.environ["AWS_ENDPOINT_URL"], allow_bucket_creation=True
            )
            store.create_dir("tables")
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.1)
        else:
            return store


async def test_shards_in_a_bucket_give_the_number_of_the_whole(
    client: Client, tmp_path: Path, bucket: pyarrow.fs.FileSystem
) -> None:
    await assert_shards_are_read(client, tmp_path, bucket, "s3")


async def test_what_changed_in_the_bucket_and_a_store_that_is_gone_are_said(
    client: Client, tmp_path: Path, bucket: pyarrow.fs.FileSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    with bucket.open_output_stream("tables/part.parquet") as out:
        WRITERS[".parquet"](shard(0), out)
    async with client(data=tmp_path, sources=("s3://tables/",)) as http:
        dataset = (await made(http, "s3://tables/part.parquet")).json()["id"]
        with bucket.open_output_stream("tables/part.parquet") as out:
            WRITERS[".parquet"](shard(1).slice(0, 3), out)
        changed = await evaluated(http, dataset)
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{free_port()}")
        gone = await made(http, "s3://tables/part.parquet")

    assert "has changed" in is_problem(changed, 422)["detail"]
    is_problem(gone, 422)
