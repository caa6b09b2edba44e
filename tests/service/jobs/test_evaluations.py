"""Evaluations of datasets of any size: the number of /v1/evaluate, file by file, whoever dies meanwhile."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet
import pytest

from service.jobs.shards import groups_of, sums_of_files
from tests.service.jobs.asking import ended, events, worker_of
from tests.service.problem import is_problem
from tests.service.processes import PATIENCE_S, Server, eventually, serving

FILES, ROWS = 5, 2_000
NICE = 1
LOSSES = ["mse", "huber(delta=0.5)", "mse + 0.5*mae", "gaussian_nll"]


def table(place: int) -> pa.Table:
    draw = np.random.default_rng(place)
    columns = {name: draw.normal(size=ROWS) for name in ("y_true", "y_pred", "sample_weight")}
    columns["variance"] = 0.5 + draw.random(ROWS)
    return pa.table({**columns, "sample_weight": np.abs(columns["sample_weight"])})


@pytest.fixture(scope="module")
def tables(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tables")
    for place in range(FILES):
        pa.parquet.write_table(table(place), folder / f"part-{place}.parquet")
    return folder


@pytest.fixture(scope="module")
def server(tables: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    data = tmp_path_factory.mktemp("data")
    variables = {"LOSSARY_SOURCES": f'["file://{tables}/"]', "LOSSARY_EXPERIMENT_NICE": str(NICE)}
    with serving(LOSSARY_DATA=str(data), **variables) as running:
        yield running


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE_S) as client:
        yield client


def by_address(http: httpx.Client, tables: Path, glob: str = "part-*.parquet") -> str:
    answer = http.post("/v1/datasets", json={"uri": f"file://{tables}/{glob}"})
    return str(answer.raise_for_status().json()["id"])


def asked(http: httpx.Client, dataset: str, **more: Any) -> httpx.Response:  # noqa: ANN401 - any JSON
    return http.post("/v1/evaluations", json={"dataset": dataset, "loss": LOSSES, **more})


def alone(http: httpx.Client, dataset: str) -> list[dict[str, Any]]:
    answer = http.post("/v1/evaluate", json={"dataset": dataset, "loss": LOSSES})
    results: list[dict[str, Any]] = answer.raise_for_status().json()["results"]
    return results


def are_alike(some: list[dict[str, Any]], others: list[dict[str, Any]]) -> bool:
    """Say whether results are those of one number, to 1e-12."""
    names = ("value", "numerator", "denominator", "standard_error")
    for result, other in zip(some, others, strict=True):
        assert result["loss"] == other["loss"]
        assert (result["kept"], result["ignored"]) == (other["kept"], other["ignored"])
        for name in names:
            expected = other.get(name)
            assert result.get(name) == (expected and pytest.approx(expected, rel=1e-12)), name
    return True


def test_files_give_the_number_of_the_whole(http: httpx.Client, tables: Path) -> None:
    dataset = by_address(http, tables)

    answer = asked(http, dataset)
    shown = ended(http, answer.headers["location"])
    seen = events(http, shown["links"]["events"])
    listed = http.get("/v1/evaluations").json()["evaluations"]

    assert answer.status_code == 202
    assert shown["status"] == "succeeded", shown
    assert shown["items"] == FILES * ROWS
    assert shown["progress"] == {"done": FILES, "total": FILES}
    assert are_alike(shown["results"], alone(http, dataset))
    assert [name for _, name, _ in seen][-1] == "result"
    assert shown["id"] in [entry["id"] for entry in listed]
    assert shown["id"] not in [entry["id"] for entry in http.get("/v1/experiments").json()["experiments"]]


def test_a_dataset_that_was_sent_is_evaluated_too(http: httpx.Client) -> None:
    text = "y_true,y_pred,variance\n" + "".join(f"{k},{k + 0.5},{1 + k}\n" for k in range(100))
    dataset = http.post("/v1/datasets", content=text, headers={"content-type": "text/csv"}).json()["id"]

    shown = ended(http, asked(http, dataset).headers["location"])

    assert are_alike(shown["results"], alone(http, dataset))


def test_roles_say_which_column_is_which(http: httpx.Client, tables: Path) -> None:
    roles = "predictions:variance,targets:variance"

    shown = ended(http, asked(http, by_address(http, tables), loss="mse", roles=roles).headers["location"])

    assert shown["results"][0]["value"] == 0


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"loss": "msee"}, 422),
        ({"loss": "nt_xent"}, 422),
        ({"options": {"gradient": "summary"}}, 422),
        ({"options": {"reduction": "none"}}, 422),
        ({"roles": "predictions:none"}, 422),
        ({"dataset": "ds_0"}, 404),
        ({"folds": 3}, 422),
    ],
)
def test_what_cannot_be_evaluated_is_refused_before_it_is_accepted(
    http: httpx.Client, tables: Path, change: dict[str, Any], status: int
) -> None:
    body = {"dataset": by_address(http, tables), **change}

    is_problem(asked(http, **body), status)


def test_what_is_wrong_in_one_file_is_said_with_the_file(http: httpx.Client, tables: Path) -> None:
    for place, values in enumerate(([1.0, 2.0], [1.0, float("nan")])):
        pa.parquet.write_table(pa.table({"y_true": values, "y_pred": [0.0, 0.0]}), tables / f"bad-{place}.parquet")
    dataset = by_address(http, tables, "bad-*.parquet")

    shown = ended(http, asked(http, dataset, loss="mse").headers["location"])

    assert shown["status"] == "failed"
    assert shown["problem"]["file"] == 2
    assert shown["problem"]["index"] == [1]


def test_the_worker_has_the_priority_that_is_asked_for(server: Server, http: httpx.Client, tables: Path) -> None:
    own = os.getpriority(os.PRIO_PROCESS, 0)
    asked(http, by_address(http, tables), loss="mse")

    worker = worker_of(server)

    assert eventually(lambda: os.getpriority(os.PRIO_PROCESS, worker) == max(NICE, own))


def test_an_evaluation_whose_worker_is_killed_ends_as_if_it_were_not(
    server: Server, http: httpx.Client, tables: Path
) -> None:
    dataset = by_address(http, tables)
    place = asked(http, dataset).headers["location"]
    os.kill(worker_of(server), signal.SIGKILL)

    shown = ended(http, place)

    assert are_alike(shown["results"], alone(http, dataset))


def test_an_evaluation_is_found_by_its_key_and_its_kind_and_deleted(http: httpx.Client, tables: Path) -> None:
    body = {"dataset": by_address(http, tables), "loss": "mse"}
    headers = {"Idempotency-Key": "one"}
    first, again = (http.post("/v1/evaluations", json=body, headers=headers) for _ in range(2))
    other = http.post("/v1/evaluations", json={**body, "loss": "mae"}, headers=headers)
    identifier = first.json()["id"]
    as_experiment = http.get(f"/v1/experiments/{identifier}")
    cancelled = http.post(f"/v1/evaluations/{identifier}/cancel")
    deleted = http.delete(f"/v1/evaluations/{identifier}")

    assert again.json()["id"] == identifier
    is_problem(other, 409)
    is_problem(as_experiment, 404)
    assert cancelled.status_code == 202
    assert deleted.status_code == 204
    is_problem(http.get(f"/v1/evaluations/{identifier}"), 404)


def test_a_job_that_nobody_wants_is_given_up_between_two_batches(tables: Path) -> None:
    listing = {
        "address": {"scheme": "file", "host": "", "path": "", "private": False, "root": str(tables)},
        "format": "parquet",
        "columns": [{"name": "y_true"}, {"name": "y_pred"}],
        "files": [[str(file), file.stat().st_size, file.stat().st_mtime_ns] for file in sorted(tables.glob("part-*"))],
    }

    def alive() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sums_of_files(listing, {"loss": ["mse"], "roles": None, "options": {}}, [0, 1], alive)


def test_files_are_read_together_until_they_are_long_enough() -> None:
    assert list(groups_of([5, 5, 20, 1, 1, 1], 10, 2)) == [[0, 1], [2], [3, 4], [5]]
    assert list(groups_of([], 10, 2)) == []
