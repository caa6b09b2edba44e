"""Two replicas with one PostgreSQL and one volume: a dataset that was sent to one serves an experiment on the other."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from tests.compose.stack import PATIENCE_S, Stack, until

ONE, OTHER = "replica-1", "replica-2"
ROWS = 400
ASK = """
import http.client, sys
method, path, kind, body = sys.argv[1:]
connection = http.client.HTTPConnection("127.0.0.1", 8000, timeout=60)
connection.request(method, path, body.encode(), {"Content-Type": kind})
print(connection.getresponse().read().decode())
"""
# Ten units of some seconds each, whatever the time: a verdict depends on how many units there were.
QUESTION = {
    "target": "price",
    "goal": {"metric": "mae"},
    "models": ["linear"],
    "candidates": ["mse", "mae"],
    "folds": 5,
    "repeats": 10,
    "budget_seconds": 3600,
    "seed": 1,
}
EXPERIMENT_S = 240.0  # for an experiment to end, on two cores that are shared by everything here
ENDED = ("succeeded", "failed", "cancelled")
DATABASE = "postgresql://lossary:lossary@127.0.0.1/lossary"


pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def replicas() -> Iterator[Stack]:
    with Stack("jobs", service="proxy").deployed() as stack:
        yield stack


def table() -> str:
    """Return a CSV of homes with a price."""
    rng = np.random.default_rng(0)
    area, age = rng.uniform(40, 200, ROWS), rng.uniform(0, 60, ROWS)
    price = 3 * area - 2 * age + rng.standard_t(2, ROWS) * 20
    rows = [f"{a:.1f},{b:.1f},{c:.1f}" for a, b, c in zip(area, age, price, strict=True)]
    return "\n".join(["area,age,price", *rows]) + "\n"


def ask(stack: Stack, replica: str, method: str, path: str, body: str = "", kind: str = "application/json") -> Any:  # noqa: ANN401 - JSON
    """Return what one replica answers, past the proxy."""
    return json.loads(stack.inside("python", "-c", ASK, method, path, kind, body, service=replica))


def experiment_once(stack: Stack, identifier: str, reached: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
    """Return an experiment once it is so far, as the proxy's replicas tell it."""
    state: dict[str, Any] = {}
    place = f"{stack.url}/v1/experiments/{identifier}?wait=2"

    def has_reached() -> bool:
        nonlocal state
        state = httpx.get(place, timeout=PATIENCE_S).json()
        return reached(state)

    until(has_reached, EXPERIMENT_S)
    return state


def has_ended(state: dict[str, Any]) -> bool:
    return state["status"] in ENDED


def test_a_dataset_of_one_replica_serves_an_experiment_on_the_other_through_a_rolling_restart(replicas: Stack) -> None:
    dataset = ask(replicas, ONE, "POST", "/v1/datasets", table(), "text/csv")
    question = json.dumps({"dataset": dataset["id"], **QUESTION})
    begun = ask(replicas, OTHER, "POST", "/v1/experiments", question)
    under_way = experiment_once(replicas, begun["id"], lambda state: state["progress"]["done"] > 0)

    for name in (OTHER, ONE):  # first the one whose worker trains
        replicas.up("--no-deps", "--force-recreate", service=name)
    survived = experiment_once(replicas, begun["id"], has_ended)

    again = ask(replicas, ONE, "POST", "/v1/experiments", question)
    undisturbed = experiment_once(replicas, again["id"], has_ended)
    assert under_way["status"] == "running"
    assert survived["status"] == "succeeded", survived
    assert survived["verdict"] == undisturbed["verdict"]
    assert survived["standings"] == undisturbed["standings"]


def test_jobs_and_datasets_are_in_postgresql(replicas: Stack) -> None:
    ask(replicas, ONE, "POST", "/v1/datasets", table(), "text/csv")

    rows = replicas.inside("psql", "--dbname", DATABASE, "-Atc", "select count(*) from datasets", service="database")
    files = replicas.inside("ls", "/data", service=ONE)

    assert int(rows) >= 1
    assert "sqlite" not in files


def test_the_database_is_reached_by_the_replicas_alone(replicas: Stack) -> None:
    reach = "import socket; socket.create_connection(('database', 5432), timeout=5)"

    from_replica = replicas.run("exec", "-T", ONE, "python", "-c", reach)
    from_proxy = replicas.run("exec", "-T", "proxy", "python", "-c", reach)
    published = replicas.container("database")["NetworkSettings"]["Ports"]

    assert from_replica.returncode == 0, from_replica.stderr
    assert from_proxy.returncode != 0
    assert not any(published.values())


def test_the_database_asks_for_a_password(replicas: Stack) -> None:
    refused = replicas.run(
        "exec", "-T", "--env", "PGPASSWORD=wrong", "database", "psql", "--host=127.0.0.1", "-U", "lossary", "-c", ""
    )

    assert refused.returncode != 0
    assert "password" in refused.stderr
