"""Datasets: sent once, named by the requests that use them, and nobody else's."""

import errno
import io
import os
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service.datasets import store
from service.datasets.index import SCHEMA_VERSION, VERSIONS, DatasetRow, Index
from service.settings import Settings
from tests.conftest import Client

pytestmark = pytest.mark.anyio
CSV = {"content-type": "text/csv"}
ROWS = b"y_true,y_pred,id\n1,2,a\n3,5.5,b\n"


async def sent(http: httpx.AsyncClient, body: bytes = ROWS, status: int = 201) -> dict[str, Any]:
    answer = await http.post("/v1/datasets", content=body, headers=CSV)
    assert answer.status_code == status, answer.text
    if status == 201:
        assert answer.headers["location"] == f"/v1/datasets/{answer.json()['id']}"
    return dict(answer.json())


def files(data: Path) -> list[str]:
    """Return what lies in the folder of datasets, uploads that are under way among it."""
    return sorted(path.name for path in (data / "datasets").rglob("*") if path.is_file())


async def test_a_dataset_says_what_it_holds_and_is_used_in_place_of_arrays(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path) as http:
        dataset = await sent(http)
        by_json = await http.post("/v1/evaluate", json={"loss": "mse", "dataset": dataset["id"]})
        by_query = await http.post(f"/v1/evaluate?dataset={dataset['id']}", json={"loss": "mse"})
        by_form = await http.post(
            "/v1/evaluate", data={"loss": "mse", "dataset": dataset["id"]}, files={"request": (None, "{}")}
        )
        named = await http.post(
            "/v1/evaluate", json={"loss": "mse", "dataset": dataset["id"], "roles": "predictions:y_true,targets:y_true"}
        )
        weighted = await http.post("/v1/evaluate", json={"loss": "mse", "dataset": dataset["id"], "weights": [1, 0]})
        profile = await http.post("/v1/profile", json={"dataset": dataset["id"]})
        advice = await http.post("/v1/advise", json={"dataset": dataset["id"], "task": "regression"})

    assert dataset["rows"] == 2
    assert dataset["columns"] == [
        {"name": "y_true", "type": "int64", "missing": 0},
        {"name": "y_pred", "type": "double", "missing": 0},
        {"name": "id", "type": "string", "missing": 0},
    ]
    assert dataset["roles"] == {"targets": ["y_true"], "predictions": ["y_pred"]}
    assert [each.json()["results"][0]["value"] for each in (by_json, by_query, by_form)] == [3.625] * 3
    assert named.json()["results"][0]["value"] == 0
    assert weighted.json()["results"][0]["value"] == 1
    assert by_json.json()["assumed"]["roles"] == {"targets": "y_true", "predictions": "y_pred"}
    assert profile.json()["profile"]["n"]["value"] == 2
    assert advice.json()["evaluations"]


async def test_arrays_are_datasets_too(client: Client, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, predictions=np.array([2.0, 5.5]), targets=np.array([1.0, 3.0]))

    async with client(data=tmp_path) as http:
        kept = await http.post("/v1/datasets", content=buffer.getvalue(), headers={"content-type": "application/x-npz"})
        answer = await http.post("/v1/evaluate", json={"loss": "mse", "dataset": kept.json()["id"]})

    assert kept.json()["arrays"][0] == {"name": "predictions", "dtype": "float64", "shape": [2]}
    assert answer.json()["results"][0]["value"] == 3.625


WRONG_ROWS: tuple[object, ...] = (
    {"y_true": [1]},
    {"rows": [1, 2]},
    {"rows": []},
    {"rows": [{}], "name": "a"},
    [{"y_true": 1}],
    5,
)


async def test_rows_of_json_are_a_dataset(client: Client, tmp_path: Path) -> None:
    rows = [{"y_true": 1, "y_pred": 2, "id": "a"}, {"y_true": 3, "y_pred": 5.5, "id": None}]

    async with client(data=tmp_path) as http:
        kept = await http.post("/v1/datasets", json={"rows": rows})
        answer = await http.post("/v1/evaluate", json={"loss": "mse", "dataset": kept.json()["id"]})
        wrong = [await http.post("/v1/datasets", json=each) for each in WRONG_ROWS]

    assert (kept.status_code, kept.json()["rows"]) == (201, 2)
    assert answer.json()["results"][0]["value"] == 3.625
    assert {each.status_code for each in wrong} == {422}
    assert all("object" in each.json()["detail"] for each in wrong)


async def test_a_file_that_is_called_bytes_is_told_by_its_beginning(client: Client, tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, predictions=np.arange(1000.0), targets=np.arange(1000.0))
    headers = {"content-type": "application/octet-stream"}

    async def in_pieces(data: bytes) -> AsyncIterator[bytes]:
        for place in range(0, len(data), 300):
            yield data[place : place + 300]

    async with client(data=tmp_path) as http:
        table = await http.post("/v1/datasets", content=ROWS, headers=headers)
        arrays = await http.post("/v1/datasets", content=in_pieces(buffer.getvalue()), headers=headers)
        again = await http.post("/v1/datasets", content=ROWS, headers=CSV)
        other = await http.post("/v1/datasets", content=b"\x01\x02", headers=headers)

    assert (table.json()["media"], arrays.json()["media"]) == ("text/csv", "application/x-npz")
    assert arrays.json()["bytes"] == len(buffer.getvalue())
    assert (again.status_code, again.json()["id"]) == (200, table.json()["id"])
    assert other.status_code == 415


async def test_the_same_file_is_one_dataset_until_it_is_deleted(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path) as http:
        first = await sent(http)
        again = await sent(http, status=200)
        other = await sent(http, ROWS + b"4,4,c\n")
        listed = (await http.get("/v1/datasets")).json()["datasets"]
        assert files(tmp_path) == sorted([first["id"], other["id"]])
        deleted = await http.delete(f"/v1/datasets/{first['id']}")
        gone = await http.get(f"/v1/datasets/{first['id']}")
        unused = await http.post("/v1/evaluate", json={"loss": "mse", "dataset": first["id"]})

    assert again["id"] == first["id"]
    assert again["created"] == first["created"]
    assert again["expires"] >= first["expires"]
    assert {each["id"] for each in listed} == {first["id"], other["id"]}
    assert (deleted.status_code, gone.status_code, unused.status_code) == (204, 404, 404)
    assert "POST /v1/datasets" in unused.json()["detail"]
    assert files(tmp_path) == [other["id"]]


async def test_datasets_outlive_the_process(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path) as http:
        dataset = await sent(http)
    async with client(data=tmp_path) as http:
        assert (await http.get(f"/v1/datasets/{dataset['id']}")).json() == dataset


async def test_what_expires_is_gone_with_its_file(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path, dataset_seconds=1e-3) as http:
        dataset = await sent(http)
        gone = await http.get(f"/v1/datasets/{dataset['id']}")
        listed = (await http.get("/v1/datasets")).json()["datasets"]

    assert gone.status_code == 404
    assert listed == []
    assert files(tmp_path) == []


@pytest.mark.parametrize(
    ("body", "status"),
    [(b"y_true,y_pred\n1,2\n3\n", 422), (b"", 422), (b"y_true,y_pred\n" + b"1,2\n" * 1000, 507)],
)
async def test_what_is_refused_leaves_nothing_behind(client: Client, tmp_path: Path, body: bytes, status: int) -> None:
    async with client(data=tmp_path, max_dataset_bytes=1000) as http:
        answer = await http.post("/v1/datasets", content=body, headers=CSV)
        assert answer.status_code == status, answer.text
        await sent(http)

    assert len(files(tmp_path)) == 1


async def test_the_quota_counts_all_datasets(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path, max_dataset_bytes=len(ROWS) + 10) as http:
        first = await sent(http)
        refused = await http.post("/v1/datasets", content=ROWS + b"1,1,c\n", headers=CSV)
        await sent(http, status=200)
        await http.delete(f"/v1/datasets/{first['id']}")
        await sent(http, ROWS + b"1,1,c\n")

    assert refused.status_code == 507
    assert refused.json()["limit"] == len(ROWS) + 10


async def test_a_full_disk_is_said_and_nothing_is_kept(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    async with client(data=tmp_path) as http:
        refused = await http.post("/v1/datasets", content=ROWS, headers=CSV)
        monkeypatch.undo()
        await sent(http)

    assert refused.status_code == 507
    assert "disk is full" in refused.json()["detail"]
    assert len(files(tmp_path)) == 1


async def test_a_role_that_is_sent_twice_is_refused(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path) as http:
        dataset = await sent(http)
        answer = await http.post("/v1/evaluate", json={"loss": "mse", "dataset": dataset["id"], "targets": [1, 2]})

    assert answer.status_code == 422
    assert answer.json()["roles"] == ["targets"]


@pytest.mark.parametrize("identifier", ["ds_" + "0" * 32, "ds_../../etc/passwd", "x", 7])
async def test_an_id_of_none_is_refused(client: Client, tmp_path: Path, identifier: object) -> None:
    async with client(data=tmp_path) as http:
        answer = await http.post("/v1/evaluate", json={"loss": "mse", "dataset": identifier})

    assert answer.status_code in {404, 422}


@pytest.mark.parametrize(("method", "path"), [("POST", "/v1/datasets"), ("GET", "/v1/datasets")])
async def test_a_query_parameter_that_does_not_exist_is_refused(
    client: Client, tmp_path: Path, method: str, path: str
) -> None:
    async with client(data=tmp_path) as http:
        answer = await http.request(method, f"{path}?roles=a", content=ROWS, headers=CSV)

    assert answer.status_code == 422
    assert answer.json()["parameter"] == "roles"


def row(identifier: str, owner: str, expires: float = 1e12) -> DatasetRow:
    return DatasetRow(identifier, owner, "text/csv", 5, 1.0, expires, {})


def test_two_owners_of_one_file_are_apart(tmp_path: Path) -> None:
    index = Index(f"sqlite:///{tmp_path / 'x.sqlite'}")
    index.put(row("ds_1", "a"))
    index.put(row("ds_1", "b"))
    index.put(row("ds_2", "b", expires=2.0))

    assert index.total_bytes() == 10
    assert [each.id for each in index.of_owner("a")] == ["ds_1"]
    assert index.get("ds_2", "a") is None
    assert index.remove_expired() == ["ds_2"]
    assert index.remove("ds_1", "a")  # b still has it
    assert index.get("ds_1", "b") is not None
    assert not index.remove("ds_1", "b")
    index.close()


def test_tables_of_a_newer_version_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "x.sqlite"
    index = Index(f"sqlite:///{file}")
    assert index.total_bytes() == 0
    index.close()
    with sqlite3.connect(file) as connection:
        connection.execute(f"UPDATE {VERSIONS.name} SET version = {SCHEMA_VERSION + 1}")  # noqa: S608 - names of ours
    connection.close()

    with pytest.raises(ValueError, match="newer than this service"):
        Index(f"sqlite:///{file}").total_bytes()


def test_nothing_is_made_before_the_first_dataset(tmp_path: Path) -> None:
    store.Datasets(Settings(data=tmp_path / "data")).close()

    assert not (tmp_path / "data").exists()
