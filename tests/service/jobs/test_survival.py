"""Experiments whose worker, or replica, is killed: make jobs-sqlite, make jobs-postgres."""

import os
import random
import signal
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.service.jobs.asking import SMALL, dataset, ended, events, worker_of
from tests.service.processes import PATIENCE_S, serving

pytestmark = pytest.mark.long
DATABASE = "TEST_DATABASE_URL"  # SQLite where it is not set
KILLS = 20
WHOLE = {**SMALL, "models": ["linear", "mlp"], "candidates": ["mse", "mae"], "repeats": 10, "budget_seconds": 3600}


def shared(folder: Path) -> dict[str, str]:
    """Return the variables of replicas that share a folder and a database."""
    url = os.environ.get(DATABASE, f"sqlite:///{folder / 'shared.sqlite'}")
    return {"LOSSARY_DATA": str(folder), "LOSSARY_DATABASE_URL": url}


def reached(http: httpx.Client, place: str, done: int) -> dict[str, Any]:
    """Return the experiment once so many models are trained."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        shown: dict[str, Any] = http.get(place).raise_for_status().json()
        if shown["progress"]["done"] >= done:
            return shown
        time.sleep(0.02)
    raise TimeoutError(shown)


@pytest.mark.timeout(1200)
def test_an_experiment_whose_worker_is_killed_twenty_times_has_the_verdict_of_one_left_alone(tmp_path: Path) -> None:
    draw = random.Random(0)
    with (
        serving(**shared(tmp_path)) as server,
        httpx.Client(base_url=server.url, timeout=PATIENCE_S) as http,
    ):
        body = {"dataset": dataset(http), **WHOLE}
        whole = ended(http, http.post("/v1/experiments", json=body).headers["location"])
        place = http.post("/v1/experiments", json=body).headers["location"]
        unit = whole["progress"]["total"] // KILLS
        for kill in range(KILLS):
            reached(http, place, unit * max(kill - 1, 0))
            time.sleep(draw.uniform(0, 0.5))  # anywhere in the unit that runs, or while the worker starts
            os.kill(worker_of(server), signal.SIGKILL)
        killed = ended(http, place)
        names = [name for _, name, _ in events(http, killed["links"]["events"])]

    assert killed["status"] == "succeeded"
    assert killed["standings"] == whole["standings"]
    assert killed["verdict"] == whole["verdict"]
    assert names == ["progress"] * KILLS + ["verdict"]


@pytest.mark.timeout(600)
def test_what_a_replica_that_died_for_good_was_at_is_finished_by_the_other(tmp_path: Path) -> None:
    variables = shared(tmp_path)
    with serving(**variables) as living, httpx.Client(base_url=living.url, timeout=PATIENCE_S) as http:
        with serving(**variables) as dying, httpx.Client(base_url=dying.url, timeout=PATIENCE_S) as other:
            body = {"dataset": dataset(other), **WHOLE, "repeats": 3}
            place = other.post("/v1/experiments", json=body).headers["location"]
            begun = reached(other, place, 1)
            dying.process.kill()
            dying.process.wait()
        finished = ended(http, place)

    assert begun["status"] == "running"
    assert finished["status"] == "succeeded"
    assert finished["progress"]["done"] == finished["progress"]["total"]
