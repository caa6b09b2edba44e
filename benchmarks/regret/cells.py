"""The stored results of all families: a row for each cell, half, candidate and metric, and the profile of each cell."""

import csv
import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple, TypeVar

HERE = Path(__file__).parent
RESULTS = HERE / "results"
HALVES = ("a", "b")
Job = TypeVar("Job")
Found = TypeVar("Found")


class Cell(NamedTuple):
    """One data set under one stratum, split once; a half has its own split, contamination and seeds."""

    family: str
    dataset: str
    cluster: str
    stratum: str
    model: str
    half: str

    @property
    def key(self) -> str:
        """The cell in one text."""
        return "|".join(self)

    @property
    def twin(self) -> "Cell":
        """The same cell in the other half."""
        return self._replace(half=HALVES[1 - HALVES.index(self.half)])


class Row(NamedTuple):
    """The score of one candidate in one cell: the mean over the seeds of the half, and their spread."""

    cell: Cell
    candidate: str
    objective: str
    metric: str
    value: float
    spread: float


class Done(NamedTuple):
    """The results of one cell: its rows, and the profile measured on its training part."""

    rows: list[Row]
    question: dict[str, object]


def seed_of(*names: object) -> int:
    """Return a seed that depends on these names only."""
    return int.from_bytes(hashlib.sha256("|".join(map(str, names)).encode()).digest()[:4], "little")


def write(family: str, cells: Iterable[Done]) -> None:
    """Write the rows and the profiles of a family, sorted."""
    RESULTS.mkdir(exist_ok=True)
    done = list(cells)
    rows = sorted(row for entry in done for row in entry.rows)
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([*Cell._fields, *Row._fields[1:]])
    writer.writerows(
        [*row.cell, row.candidate, row.objective, row.metric, f"{row.value:.6g}", f"{row.spread:.3g}"] for row in rows
    )
    _pack(RESULTS / f"{family}.csv.gz", text.getvalue())
    write_questions(family, {entry.rows[0].cell.key: entry.question for entry in done})


def write_questions(family: str, questions: dict[str, dict[str, object]]) -> None:
    """Write the profiles of every cell without training results."""
    listed = json.dumps(questions, sort_keys=True, separators=(",", ":")).replace("},", "},\n")
    _pack(RESULTS / f"{family}.profiles.json.gz", listed)


def _pack(path: Path, text: str) -> None:
    """Write text compressed, the same bytes for the same text."""
    with gzip.GzipFile(path, "wb", mtime=0) as packed:
        packed.write(text.encode())


def read(family: str) -> tuple[list[Row], dict[str, dict[str, object]]]:
    """Return the rows and profiles that `write` stored."""
    with gzip.open(RESULTS / f"{family}.csv.gz", "rt", newline="") as file:
        rows = [
            Row(Cell(*line[:6]), line[6], line[7], line[8], float(line[9]), float(line[10]))
            for line in list(csv.reader(file))[1:]
        ]
    with gzip.open(RESULTS / f"{family}.profiles.json.gz", "rt") as file:
        return rows, json.load(file)


def everywhere(work: Callable[[Job], list[Found]], jobs: Sequence[Job], workers: int = 2) -> Iterator[Found]:
    """Yield the results of `work` for each job, computed in processes with one thread each."""
    with ProcessPoolExecutor(workers) as pool:
        for entry in pool.map(work, jobs):
            yield from entry
