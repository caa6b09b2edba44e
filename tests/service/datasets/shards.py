"""Tables in several files, and what the service answers of them."""

from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

SHARDS, ROWS = 3, 1000
WRITERS: dict[str, Any] = {
    ".parquet": pa.parquet.write_table,
    ".csv": pa.csv.write_csv,
    ".feather": pa.feather.write_feather,
    ".arrow": pa.feather.write_feather,
}


def shard(place: int) -> pa.Table:
    draw = np.random.default_rng(place)
    return pa.table({"y_true": draw.normal(size=ROWS), "name": ["x"] * ROWS, "y_pred": draw.normal(size=ROWS)})


def mean_square() -> float:
    whole = pa.concat_tables([shard(place) for place in range(SHARDS)])
    difference = whole["y_true"].to_numpy() - whole["y_pred"].to_numpy()
    return float((difference**2).mean())


def written(folder: Path, suffix: str = ".parquet") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    for place in range(SHARDS):
        WRITERS[suffix](shard(place), folder / f"part-{place}{suffix}")
    return folder


async def made(http: httpx.AsyncClient, uri: str) -> httpx.Response:
    return await http.post("/v1/datasets", json={"uri": uri})


async def evaluated(http: httpx.AsyncClient, dataset: str) -> httpx.Response:
    return await http.post("/v1/evaluate", json={"loss": "mse", "dataset": dataset})
