"""The tables of experiments: those of each version that was released are opened, those of a newer one are refused."""

import sqlite3
from pathlib import Path

import pytest

from service.jobs.table import SCHEMA_VERSION, JobTable
from tests.service.jobs.asking import row

EARLIER = sorted((Path(__file__).parent / "schemas").glob("*.sql"))  # `.dump` of each version, with one experiment


def test_there_is_a_database_of_every_version() -> None:
    assert [path.stem for path in EARLIER] == [str(version) for version in range(1, SCHEMA_VERSION + 1)]


@pytest.mark.parametrize("text", EARLIER, ids=lambda path: path.stem)
def test_an_experiment_that_an_earlier_version_kept_is_shown_and_others_join_it(text: Path, tmp_path: Path) -> None:
    file = tmp_path / "lossary.sqlite"
    with sqlite3.connect(file) as connection:
        connection.executescript(text.read_text())
    connection.close()
    table = JobTable(f"sqlite:///{file}", clock=lambda: 2.0)

    kept = table.get("ex_kept", "me")
    table.add(row("ex_new"))

    assert kept is not None
    assert kept.status == "succeeded"
    assert kept.question == {"dataset": "ds_1", "target": "price"}
    assert kept.found == {"verdict": {"objective": "mae"}}
    assert {entry.id for entry in table.of_owner("ex", "me", None, 10, None)} == {"ex_kept", "ex_new"}
    table.close()


def test_tables_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path / 'lossary.sqlite'}"
    JobTable(url).close()
    table = JobTable(url)
    table.waiting()
    table.close()
    with sqlite3.connect(tmp_path / "lossary.sqlite") as connection:
        connection.execute("UPDATE job_schema_versions SET version = version + 1")
    connection.close()

    with pytest.raises(ValueError, match=f"of version {SCHEMA_VERSION + 1}, newer than this service"):
        JobTable(url).waiting()
