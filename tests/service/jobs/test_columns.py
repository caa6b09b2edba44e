"""The columns of a dataset as an experiment takes them."""

from pathlib import Path

import pytest

from recommender.experiment.features import ids_of
from service.jobs.columns import columns_of
from service.uploads.formats.registry import DecodingLimit

LARGEST = (1 << 63) - 1


@pytest.mark.parametrize(
    ("text", "ids"), [(f"{LARGEST}\n{LARGEST - 1}\n{LARGEST}", [1, 0, 1]), ("2.5\n1\n2.5", [1, 0, 1])]
)
def test_whole_numbers_stay_apart_as_ids(tmp_path: Path, text: str, ids: list[int]) -> None:
    file = tmp_path / "table.csv"
    file.write_text(f"query\n{text}\n")

    columns = columns_of(file, "text/csv", DecodingLimit(1 << 20))

    assert ids_of(columns, "query", "query").tolist() == ids
