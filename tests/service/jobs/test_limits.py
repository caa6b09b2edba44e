"""What experiments may take: how many models, how many bytes, for how long; and what is said where there is no room."""

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
import sqlalchemy as sql

from service.datasets.store import identifier
from service.jobs.table import JobTable
from tests.conftest import Client
from tests.service.jobs.asking import CSV, SMALL, row
from tests.service.observability.test_metrics import reader
from tests.service.problem import is_problem

pytestmark = pytest.mark.anyio


async def sent(http: httpx.AsyncClient) -> httpx.Response:
    """Send the dataset."""
    return await http.post("/v1/datasets", content=CSV, headers={"content-type": "text/csv"})


async def asked(http: httpx.AsyncClient, **more: object) -> httpx.Response:
    """Ask for a small experiment."""
    await sent(http)
    dataset = identifier("text/csv", CSV.encode())
    body = {"dataset": dataset, **SMALL, "candidates": ["mse", "mae"], **more}
    return await http.post("/v1/experiments", json=body)


@contextmanager
def no_room() -> Iterator[None]:
    """Let SQLite find no room in any database that is opened meanwhile."""

    def limit(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")

    sql.event.listen(sql.Engine, "connect", limit)
    try:
        yield
    finally:
        sql.event.remove(sql.Engine, "connect", limit)


async def test_what_is_more_than_may_be_is_refused_and_nothing_is_kept(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path, max_experiment_models=5) as http:
        models = is_problem(await asked(http), 422)
    async with client(data=tmp_path, max_experiment_bytes=1000) as http:
        size = is_problem(await asked(http), 507)
    async with client(data=tmp_path) as http:
        listed = (await http.get("/v1/experiments")).json()["experiments"]

    assert "6 models would be trained, 5 may be" in models["detail"]
    assert "All experiments together take at most 1000 bytes." in size["detail"]
    assert listed == []


async def test_as_many_wait_as_may_and_metrics_say_so(client: Client, tmp_path: Path) -> None:
    (tmp_path / "jobs.sqlite").touch()  # as where there have been experiments
    table = JobTable(f"sqlite:///{tmp_path / 'lossary.sqlite'}", clock=lambda: time.time() - 100)
    table.add(row("ex_1"))
    table.update("ex_1", created=time.time() - 100, status="running", found={"standings": []})
    table.close()

    async with client(data=tmp_path, max_experiments_waiting=1) as http:
        refused = await asked(http)
        value = reader((await http.get("/metrics")).text)

    is_problem(refused, 429)
    assert int(refused.headers["retry-after"]) > 0
    assert value("lossary_experiments_unfinished") == 1
    assert value("lossary_experiments_oldest_seconds") >= 100
    assert value("lossary_stored_bytes", kind="experiments") == len('{"standings": []}')
    assert value("lossary_stored_bytes", kind="datasets") == len(CSV)


async def test_a_full_disk_is_said_and_no_experiment_is_begun(client: Client, tmp_path: Path) -> None:
    async with client(data=tmp_path) as http:
        with no_room():
            unsent = is_problem(await sent(http), 507)
        await sent(http)
    async with client(data=tmp_path) as http:
        with no_room():
            refused = is_problem(await asked(http), 507)
        experiments = (await http.get("/v1/experiments")).json()["experiments"]
        datasets = (await http.get("/v1/datasets")).json()["datasets"]

    assert "disk is full" in unsent["detail"]
    assert "disk is full" in refused["detail"]
    assert experiments == []
    assert len(datasets) == 1
