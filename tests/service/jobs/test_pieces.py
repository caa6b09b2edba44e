"""A long Parquet file is read in pieces of its row groups, whose sums give the number of the whole."""

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from losses.errors import Refusal
from losses.evaluation.partial_sums import joined, result_of_sums
from service.datasets.addresses.allowed import allowed
from service.datasets.addresses.pieces import cut, pieces_of
from service.datasets.addresses.table import list_files
from service.jobs.executors import InProcess
from service.jobs.shards import objectives_of, options_of, sums_of_files

QUESTION: dict[str, Any] = {"loss": ["mse", "mse + 0.5*mae"], "roles": None, "options": {}}
ROWS, GROUP_ROWS = 10_000, 1000


def written(folder: Path, last: float = 0.5) -> Path:
    draw = np.random.default_rng(3)
    predictions = np.append(draw.random(ROWS - 1), last)
    table = pa.table({"y_true": draw.integers(0, 2, ROWS).astype(float), "y_pred": predictions})
    pa.parquet.write_table(table, folder / "long.parquet", row_group_size=GROUP_ROWS)
    return folder / "long.parquet"


def listed(file: Path, piece_bytes: int) -> dict[str, Any]:
    return list_files(allowed(f"file://{file}", [f"file://{file.parent}/"], ()), 1 << 30, piece_bytes)


def test_the_pieces_of_a_file_give_the_number_of_the_whole(tmp_path: Path) -> None:
    file = written(tmp_path)
    listing, whole = listed(file, file.stat().st_size // 4), listed(file, 1 << 30)
    options = options_of(QUESTION)

    pieces = [sums_of_files(listing, QUESTION, [place]) for place in range(len(pieces_of(listing)))]
    together = InProcess().sums(whole, QUESTION, [0], lambda: None)

    assert len(pieces) > 2
    assert len(pieces_of(whole)) == 1
    for place, objective in enumerate(objectives_of(QUESTION)):
        parts = [piece[place] for piece in pieces]
        assert sum(part["items"] for part in parts) == ROWS
        value = result_of_sums(objective, options, joined(parts)).value
        assert value == pytest.approx(result_of_sums(objective, options, together[place]).value, rel=1e-12)


def test_what_is_wrong_in_a_piece_is_said_of_its_file(tmp_path: Path) -> None:
    listing = listed(written(tmp_path, last=float("nan")), 1)

    with pytest.raises(Refusal) as refusal:
        sums_of_files(listing, QUESTION, [len(pieces_of(listing)) - 1])

    assert len(pieces_of(listing)) == ROWS // GROUP_ROWS
    assert refusal.value.facts["file"] == 1


def test_a_listing_that_was_stored_without_pieces_is_read_by_files(tmp_path: Path) -> None:
    listing = listed(written(tmp_path), 1)
    del listing["pieces"]

    (sums, _) = sums_of_files(listing, QUESTION, [0])

    assert sums["items"] == ROWS


def test_row_groups_are_cut_where_a_piece_is_long_enough() -> None:
    assert list(cut(2, 100, [30, 30, 30, 10], 50)) == [[2, 60, [0, 2]], [2, 40, [2, 4]]]
    assert list(cut(0, 100, [100], 50)) == [[0, 100, None]]
    assert list(cut(0, 40, [20, 20], 50)) == [[0, 40, None]]
