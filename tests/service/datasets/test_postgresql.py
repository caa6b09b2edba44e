"""The index of datasets in PostgreSQL, which replicas share: `make jobs-postgres` starts one."""

import os
from pathlib import Path

import pytest

from service.datasets.index import DatasetRow, Index
from tests.conftest import Client
from tests.service.problem import is_problem

URL = os.environ.get("TEST_DATABASE_URL", "")
pytestmark = [pytest.mark.anyio, pytest.mark.skipif(not URL, reason="make jobs-postgres has a PostgreSQL")]
CSV = {"content-type": "text/csv"}


def row(identifier: str, owner: str = "me", expires: float = 10.0) -> DatasetRow:
    return DatasetRow(identifier, owner, "text/csv", 7, 1.0, expires, {"rows": 2, "columns": [{"name": "价格"}]})


async def test_replicas_share_datasets(client: Client, tmp_path: Path) -> None:
    settings = {"data": tmp_path, "database_url": URL}
    body = b"y_true,y_pred\n1,2\n3,5.5\n"
    async with client(**settings) as one, client(**settings) as other:
        made = await one.post("/v1/datasets", content=body, headers=CSV)
        again = await other.post("/v1/datasets", content=body, headers=CSV)
        answer = await other.post("/v1/evaluate", json={"loss": "mse", "dataset": made.json()["id"]})
        listed = await other.get("/v1/datasets")
        deleted = await other.delete(f"/v1/datasets/{made.json()['id']}")
        gone = await one.get(f"/v1/datasets/{made.json()['id']}")

    assert (made.status_code, again.status_code) == (201, 200)
    assert answer.json()["results"][0]["value"] == 3.625
    assert made.json()["id"] in [each["id"] for each in listed.json()["datasets"]]
    assert deleted.status_code == 204
    is_problem(gone, 404)


def test_rows_are_kept_once_an_owner_and_counted_once_a_file() -> None:
    index = Index(URL, clock=lambda: 5.0)
    before = index.total_bytes()

    index.put(row("ds_pg"))
    index.put(row("ds_pg", "you"))
    index.put(row("ds_pg", expires=20.0))
    kept = index.get("ds_pg", "me")
    total = index.total_bytes()
    still = index.remove("ds_pg", "you")
    last = index.remove("ds_pg", "me")
    index.close()

    assert kept == row("ds_pg", expires=20.0)
    assert total == before + 7
    assert (still, last) == (True, False)


def test_what_has_expired_is_forgotten() -> None:
    index = Index(URL, clock=lambda: 30.0)
    index.put(row("ds_late", expires=29.0))

    late = index.get("ds_late", "me")
    removed = index.remove_expired()
    index.close()

    assert late is None
    assert "ds_late" in removed
