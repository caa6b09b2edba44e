"""Rows a second and memory by format, against pyarrow, polars and DuckDB doing the same sum: python -m benchmarks.data.

The sum is the mean square of two columns out of four. Each is read by address, as POST /v1/evaluations reads it, and as
a body, as POST /v1/evaluate reads it, and each way in a process of its own, in alternation.
"""

# ruff: noqa: PLC0415 - each way imports what it needs, in a process of its own
import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

FORMATS = (".parquet", ".feather", ".csv", ".ndjson")
MILLION = 1_000_000
PIECE = 250_000  # rows that are made, and written, at once


def main() -> None:
    """Print a line for each format and method: rows a second, the ratio to pyarrow's time, and the growth of memory."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.data", description=__doc__)
    parser.add_argument("--rows", type=float, default=10, help="in millions")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--formats", nargs="*", default=FORMATS)
    parser.add_argument("--one", nargs=2, help=argparse.SUPPRESS)  # a way and a file, in this process
    asked = parser.parse_args()
    if asked.one:
        print(json.dumps(_measured(WAYS[asked.one[0]], Path(asked.one[1]))))
        return
    with tempfile.TemporaryDirectory() as folder:
        for suffix in asked.formats:
            file = written(Path(folder), suffix, int(asked.rows * MILLION))
            ways = [way for way in WAYS if (way, suffix) not in LACKING]
            runs: dict[str, list[dict[str, float]]] = {way: [] for way in ways}
            for _ in range(asked.rounds):
                for way in ways:
                    runs[way].append(_run(way, file))
            _print(suffix, int(asked.rows * MILLION), runs)
            file.unlink()


def _print(suffix: str, rows: int, runs: dict[str, list[dict[str, float]]]) -> None:
    alone = [run["seconds"] for run in runs["pyarrow"]]
    values = {way: of_way[0]["value"] for way, of_way in runs.items()}
    for way, of_way in runs.items():
        seconds = statistics.median(run["seconds"] for run in of_way)
        ratio = statistics.median(run["seconds"] / other for run, other in zip(of_way, alone, strict=True))
        grown = max(run["grown_mb"] for run in of_way)
        same = abs(values[way] / values["pyarrow"] - 1) < 1e-12  # noqa: PLR2004 - the law of any executor
        number = "the same number" if same else f"{values[way]!r} against {values['pyarrow']!r}"
        print(f"{suffix:9} {way:11} {rows / seconds / MILLION:6.1f} M rows/s {ratio:5.2f} x {grown:6.0f} MB  {number}")


def _run(way: str, file: Path) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.data", "--one", way, str(file)]
    answer = subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - our own
    measured: dict[str, float] = json.loads(answer.stdout)
    return measured


def _measured(way: Callable[[Path], Callable[[], float]], file: Path) -> dict[str, float]:
    """Return the value, the seconds and the growth of memory, including processes that were started.

    Imports and one-time starts are excluded: each method first reads a small file of its kind.
    """
    with tempfile.TemporaryDirectory() as folder:
        way(written(Path(folder), file.suffix, 1000))()
    before, started = _peak_mb(), time.perf_counter()
    value = way(file)()
    return {"value": value, "seconds": time.perf_counter() - started, "grown_mb": _peak_mb() - before}


def _peak_mb() -> float:
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(resource.getrusage(kind).ru_maxrss for kind in kinds) / 1024


def by_address(file: Path) -> Callable[[], float]:
    """Return a function that evaluates a file where it is stored, as the steps of an evaluation do."""
    from losses.evaluation.partial_sums import result_of_sums
    from service.datasets.addresses.allowed import allowed
    from service.datasets.addresses.table import list_files
    from service.jobs.shards import objectives_of, options_of, sums_of_files

    torch.set_num_threads(1)
    question = {"loss": ["mse"], "roles": None, "options": {"standard_error": False}}
    listing = list_files(allowed(f"file://{file}", [f"file://{file.parent}"], ()), 1 << 40)

    def value() -> float:
        (sums,) = sums_of_files(listing, question, [0])
        return result_of_sums(objectives_of(question)[0], options_of(question), sums).value or 0.0

    return value


def as_body(file: Path) -> Callable[[], float]:
    """Return a function that reads a file as a request body and evaluates its arrays."""
    from losses.contract.expression import parse
    from losses.evaluation.evaluate import evaluate
    from losses.evaluation.passes import Options
    from service.datasets.description import mapped
    from service.uploads.contents import from_file
    from service.uploads.formats import registry
    from service.uploads.query import NOTHING

    torch.set_num_threads(1)
    (entry,) = (each for each in registry.formats().values() if each.suffix == file.suffix)
    data, limit = mapped(str(file)), registry.DecodingLimit(1 << 40)

    def value() -> float:
        arrays = from_file(entry, data, NOTHING, limit).roles
        return evaluate(parse("mse"), arrays, options=Options(standard_error=False)).value or 0.0

    return value


def by_pyarrow(file: Path) -> Callable[[], float]:
    """Return a function that computes the sum with pyarrow: two columns read completely, then three functions."""
    import pyarrow.compute as pc
    import pyarrow.csv
    import pyarrow.feather
    import pyarrow.json
    import pyarrow.parquet

    names = ["y_true", "y_pred"]
    convert = pyarrow.csv.ConvertOptions(include_columns=names)
    read = {
        ".parquet": lambda: pyarrow.parquet.read_table(file, columns=names),
        ".feather": lambda: pyarrow.feather.read_table(file, columns=names),
        ".csv": lambda: pyarrow.csv.read_csv(file, convert_options=convert),
        ".ndjson": lambda: pyarrow.json.read_json(file),
    }[file.suffix]

    def value() -> float:
        table = read()
        difference = pc.subtract(table["y_true"], table["y_pred"])
        return float(pc.mean(pc.multiply(difference, difference)).as_py())

    return value


def by_polars(file: Path) -> Callable[[], float]:
    """Return a function that computes the sum with polars' streaming engine."""
    import polars as pl

    scan = {".parquet": pl.scan_parquet, ".feather": pl.scan_ipc, ".csv": pl.scan_csv, ".ndjson": pl.scan_ndjson}
    square = (pl.col("y_true") - pl.col("y_pred")) ** 2
    return lambda: float(scan[file.suffix](file).select(square.mean()).collect(engine="streaming").item())


def by_duckdb(file: Path) -> Callable[[], float]:
    """Return a function that computes the sum with DuckDB."""
    import duckdb

    read = {".parquet": "read_parquet", ".csv": "read_csv", ".ndjson": "read_json"}[file.suffix]
    query = f"SELECT avg((y_true - y_pred) * (y_true - y_pred)) FROM {read}('{file}')"  # noqa: S608 - names of our own
    return lambda: float(duckdb.sql(query).fetchall()[0][0])


WAYS: dict[str, Callable[[Path], Callable[[], float]]] = {
    "pyarrow": by_pyarrow,
    "by address": by_address,
    "as a body": as_body,
    "polars": by_polars,
    "duckdb": by_duckdb,
}
LACKING = {("duckdb", ".feather"), ("by address", ".ndjson")}


def written(folder: Path, suffix: str, rows: int) -> Path:
    """Return a file with this number of rows of four columns."""
    import pyarrow as pa
    import pyarrow.csv
    import pyarrow.parquet

    file = folder / f"{rows}{suffix}"
    draw = np.random.default_rng(0)
    schema = pa.schema([(name, pa.float64()) for name in ("y_true", "y_pred", "price")] + [("id", pa.int64())])
    with file.open("wb") as out:
        writers: dict[str, Callable[[], Any]] = {
            ".parquet": lambda: pa.parquet.ParquetWriter(out, schema),
            ".feather": lambda: pa.ipc.new_file(out, schema, options=pa.ipc.IpcWriteOptions(compression="lz4")),
            ".csv": lambda: pa.csv.CSVWriter(out, schema),
        }
        writer = writers[suffix]() if suffix in writers else None
        for start in range(0, rows, PIECE):
            length = min(PIECE, rows - start)
            numbers = [np.round(draw.normal(size=length), 6) for _ in range(3)]
            piece = pa.table([*numbers, np.arange(start, start + length)], schema=schema)
            if writer is not None:
                writer.write_table(piece)
            else:
                lines = zip(*(piece[name].to_pylist() for name in schema.names), strict=True)
                out.writelines(b'{"y_true":%r,"y_pred":%r,"price":%r,"id":%d}\n' % line for line in lines)
        if writer is not None:
            writer.close()
    return file


if __name__ == "__main__":
    main()
