"""What holds of datasets in any store."""

from pathlib import Path

import pyarrow.fs
import pytest

from tests.conftest import Client
from tests.service.datasets.shards import ROWS, SHARDS, WRITERS, evaluated, made, mean_square, shard
from tests.service.problem import is_problem


async def assert_shards_are_read(client: Client, tmp_path: Path, store: pyarrow.fs.FileSystem, scheme: str) -> None:
    """Assert that the shards of a dataset in a store give the number of the whole, and that all else is refused."""
    suffixes = (".parquet", ".csv", ".arrow")
    for suffix in suffixes:
        for place in range(SHARDS):
            with store.open_output_stream(f"tables/a/part-{place}{suffix}") as out:
                WRITERS[suffix](shard(place), out)
    async with client(data=tmp_path, sources=(f"{scheme}://tables/a/",)) as http:
        datasets = [await made(http, f"{scheme}://tables/a/part-*{suffix}") for suffix in suffixes]
        answers = [await evaluated(http, dataset.json()["id"]) for dataset in datasets]
        one = await made(http, f"{scheme}://tables/a/part-0.parquet")
        elsewhere = await made(http, f"{scheme}://others/a/part-0.parquet")
        nothing = await made(http, f"{scheme}://tables/a/none.parquet")

    for answer in answers:
        assert answer.json()["results"][0]["value"] == pytest.approx(mean_square(), rel=1e-12)
        assert answer.json()["items"] == SHARDS * ROWS
    assert (one.json()["files"], one.json()["rows"]) == (1, ROWS)
    is_problem(elsewhere, 403)
    is_problem(nothing, 422)
