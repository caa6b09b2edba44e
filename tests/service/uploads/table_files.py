"""Tables as other programs write them, and what the service answers of them."""

import gzip
import io
import json
from collections.abc import Callable
from typing import Any

import duckdb
import httpx
import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet

CSV, NDJSON, PARQUET = "text/csv", "application/x-ndjson", "application/vnd.apache.parquet"
FEATHER, JSON, NPY = "application/vnd.apache.arrow.file", "application/json", "application/x-npy"
RANDOM = np.random.default_rng(0)
VALUES = {"y_true": RANDOM.normal(size=500) * 10.0 ** RANDOM.integers(-20, 20, 500), "y_pred": RANDOM.normal(size=500)}
MSE = [3.625]  # of ROWS
ROWS = b"y_true,y_pred\n1,2\n3,5.5\n"


def _frame() -> pd.DataFrame:
    return pd.DataFrame(VALUES | {"id": [f"r{place}" for place in range(500)]})


def _excel(digits: Callable[[float], str] = repr) -> bytes:
    """What Excel saves in much of Europe: semicolons, decimal commas, CR LF and a byte order mark."""
    rows = [";".join(digits(float(VALUES[name][place])).replace(".", ",") for name in VALUES) for place in range(500)]
    return b"\xef\xbb\xbf" + "\r\n".join(["y_true;y_pred", *rows, ""]).encode()


def _r(decimal: str, separator: str) -> bytes:
    """What write.csv and write.csv2 print: quoted names, a column of row names, 15 digits."""
    rows = [
        separator.join([f'"{place + 1}"', *(f"{VALUES[name][place]:.15g}".replace(".", decimal) for name in VALUES)])
        for place in range(500)
    ]
    return "\n".join([separator.join(['""', *(f'"{name}"' for name in VALUES)]), *rows, ""]).encode()


def _javascript() -> bytes:
    """What JSON.stringify prints a row: the shortest digits that come back, 1e21 as 1e+21."""
    return b"".join(
        json.dumps({name: float(VALUES[name][place]) for name in VALUES}).encode() + b"\n" for place in range(500)
    )


def written(write: Callable[[io.BytesIO], Any]) -> bytes:
    buffer = io.BytesIO()
    write(buffer)
    return buffer.getvalue()


def _duckdb(options: str, path: Any) -> bytes:  # noqa: ANN401 - a fixture's folder
    frame = _frame()  # noqa: F841 - DuckDB reads it by its name
    duckdb.sql(f"COPY frame TO '{path}' ({options})")
    return bytes(path.read_bytes())


def _table() -> pa.Table:
    return pa.Table.from_pandas(_frame())


WRITERS: dict[str, tuple[str, Callable[[Any], bytes]]] = {
    "pandas to_csv": (CSV, lambda _: _frame().to_csv().encode()),
    "pandas to_csv gzip": (CSV, lambda _: gzip.compress(_frame().to_csv(index=False).encode())),
    "pandas to_csv tabs": (CSV, lambda _: _frame().to_csv(sep="\t").encode()),
    "pandas to_csv decimal comma": (CSV, lambda _: _frame().to_csv(sep=";", decimal=",").encode()),
    "pandas to_parquet": (PARQUET, lambda _: written(_frame().to_parquet)),
    "pandas to_feather": (FEATHER, lambda _: written(_frame().to_feather)),
    "pandas to_json records": (JSON, lambda _: _frame().to_json(orient="records", double_precision=15).encode()),
    "pandas to_json lines": (
        NDJSON,
        lambda _: _frame().to_json(orient="records", lines=True, double_precision=15).encode(),
    ),
    "polars write_csv": (CSV, lambda _: written(pl.from_pandas(_frame()).write_csv)),
    "polars write_parquet": (PARQUET, lambda _: written(pl.from_pandas(_frame()).write_parquet)),
    "polars write_ipc lz4": (
        FEATHER,
        lambda _: written(lambda to: pl.from_pandas(_frame()).write_ipc(to, compression="lz4")),
    ),
    "polars write_ndjson": (NDJSON, lambda _: written(pl.from_pandas(_frame()).write_ndjson)),
    "DuckDB csv": (CSV, lambda path: _duckdb("FORMAT csv", path)),
    "DuckDB parquet": (PARQUET, lambda path: _duckdb("FORMAT parquet", path)),
    "DuckDB json": (NDJSON, lambda path: _duckdb("FORMAT json", path)),
    "pyarrow csv": (CSV, lambda _: written(lambda to: pyarrow.csv.write_csv(_table(), to))),
    "pyarrow parquet zstd": (
        PARQUET,
        lambda _: written(lambda to: pyarrow.parquet.write_table(_table(), to, compression="zstd")),
    ),
    "pyarrow feather zstd": (
        FEATHER,
        lambda _: written(lambda to: pyarrow.feather.write_feather(_table(), to, compression="zstd")),
    ),
    "pyarrow feather plain": (
        FEATHER,
        lambda _: written(lambda to: pyarrow.feather.write_feather(_table(), to, compression="uncompressed")),
    ),
    "R write.csv": (CSV, lambda _: _r(".", ",")),
    "R write.csv2": (CSV, lambda _: _r(",", ";")),
    "Excel": (CSV, lambda _: _excel()),
    "Excel Unicode text": (CSV, lambda _: _excel().decode("utf-8-sig").replace(";", "\t").encode("utf-16")),
    "Excel sep=": (CSV, lambda _: b"sep=;\r\n" + _excel()[3:]),
    "JavaScript": (NDJSON, lambda _: _javascript()),
}
DIGITS = {"pandas to_json records": 15, "pandas to_json lines": 15}  # after the point, at most
SIGNIFICANT = {"R write.csv": 15, "R write.csv2": 15}


def as_printed(writer: str) -> dict[str, np.ndarray]:
    """Return the values as this writer's digits say them."""
    if writer in SIGNIFICANT:
        return {name: np.array([float(f"{value:.15g}") for value in column]) for name, column in VALUES.items()}
    if writer in DIGITS:
        text = _frame()[list(VALUES)].to_json(orient="records", double_precision=15)
        rows = json.loads(text)
        return {name: np.array([row[name] for row in rows], float) for name in VALUES}
    return VALUES


async def evaluated(http: httpx.AsyncClient, body: bytes, media: str, query: str = "loss=mse") -> dict[str, Any]:
    answer = await http.post(f"/v1/evaluate?{query}", content=body, headers={"content-type": media})
    assert answer.status_code == 200, answer.text
    return dict(answer.json())
