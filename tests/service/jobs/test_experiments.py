"""/v1/experiments against a running service: asked for, followed, cancelled, and taken up where its worker died."""

import os
import signal
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from service.jobs.table import JobTable
from tests.service.jobs.asking import CSV, SMALL, dataset, ended, events, row, worker_of
from tests.service.problem import is_problem
from tests.service.processes import PATIENCE_S, Server, serving


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def server(data: Path) -> Iterator[Server]:
    with serving(LOSSARY_DATA=str(data)) as running:
        yield running


@pytest.fixture
def http(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=server.url, timeout=PATIENCE_S) as client:
        yield client


def test_an_experiment_is_accepted_followed_and_ends_with_a_verdict(http: httpx.Client) -> None:
    body = {"dataset": dataset(http), **SMALL}

    answer = http.post("/v1/experiments", json=body, headers={"Idempotency-Key": "one"})
    again = http.post("/v1/experiments", json=body, headers={"Idempotency-Key": "one"})
    other = http.post("/v1/experiments", json={**body, "folds": 4}, headers={"Idempotency-Key": "one"})
    shown = ended(http, answer.headers["location"])
    seen = events(http, shown["links"]["events"])

    assert answer.status_code == again.status_code == 202
    assert answer.json()["id"] == again.json()["id"]
    is_problem(other, 409)
    assert shown["status"] == "succeeded"
    assert shown["progress"]["done"] == shown["progress"]["total"] == 3 * len(shown["standings"])
    assert shown["verdict"]["objective"] in {standing["objective"] for standing in shown["standings"]}
    assert shown["verdict"]["books"]["evidence"]["objective"]
    assert shown["metric"] == "mae"
    assert [event for _, event, _ in seen] == ["progress", "verdict"]
    assert events(http, shown["links"]["events"], after="0") == seen[1:]
    assert shown["id"] in {entry["id"] for entry in http.get("/v1/experiments").json()["experiments"]}
    compile(shown["snippets"]["pytorch"], "snippet", "exec")
    report, picture = (http.get(shown["links"]["report"], params={"format": name}) for name in ("html", "svg"))
    assert report.headers["content-type"].startswith("text/html")
    assert shown["verdict"]["objective"].split("(")[0] in report.text
    assert "<script" not in report.text
    assert picture.text.startswith("<svg")


def test_what_cannot_be_run_is_refused_before_it_is_accepted(http: httpx.Client) -> None:
    body = {"dataset": dataset(http), **SMALL}

    misspelt = is_problem(http.post("/v1/experiments", json={**body, "target": "prices"}), 422)
    unknown = http.post("/v1/experiments", json={**body, "dataset": "ds_0"})
    nothing = http.post("/v1/experiments", json=SMALL)
    metric = is_problem(http.post("/v1/experiments", json={**body, "goal": {"metric": "auc"}}), 422)
    task = is_problem(http.post("/v1/experiments", json={**body, "task": "survival"}), 422)
    query = is_problem(http.post("/v1/experiments", json={**body, "task": "ranking"}), 422)
    groups = is_problem(http.post("/v1/experiments", json={**body, "groups": "price"}), 422)

    assert misspelt["field"] == "target"
    assert "Did you mean price?" in misspelt["detail"]
    is_problem(unknown, 404)
    assert "dataset" in is_problem(nothing, 422)["detail"]
    assert "mae" in metric["detail"]
    assert task["field"] == "task"
    assert "POST /v1/experiments/verdict" in task["detail"]
    assert query["field"] == "query"
    assert "price is the target itself" in groups["detail"]


def test_predictions_of_lists_are_judged_by_query(http: httpx.Client) -> None:
    body = {
        "metric": "ndcg",
        "folds": 2,
        "predictions": {"backwards": [[3.0, 2.0, 1.0], [1.0, 2.0, 3.0]], "right": [[1.0, 2.0, 3.0], [3.0, 2.0, 1.0]]},
        "targets": [[0, 1, 2], [2, 1, 0]],
        "queries": [["a", "a", "a"], ["b", "b", "b"]],
    }

    verdict = http.post("/v1/experiments/verdict", json=body).raise_for_status().json()
    refused = is_problem(http.post("/v1/experiments/verdict", json={**body, "queries": None}), 422)

    assert (verdict["chosen"], verdict["rows_judged"]) == ("right", 6)
    assert {row["name"]: row["value"] for row in verdict["standings"]}["right"] == 1
    assert refused["field"] == "queries"


DATES = "a,b,y\n" + "".join(
    f"{place},{place % 7},2026-01-01T{place // 60:02d}:{place % 60:02d}\n" for place in range(120)
)


@pytest.mark.parametrize("task", [None, "multiclass"])
@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a,a,y\n" + "1,2,3\n" * 60, "The column a stands in the file twice"),
        ("y,a,y\n" + "1,2,3\n" * 60, "The column y stands in the file twice"),
        ("a,y\n1,2\n", "1 rows have a target; 3 folds take at least 12"),
        ("a,y\n", "0 rows have a target"),
        (DATES, "dates and times, is predicted as a number"),
    ],
)
def test_tables_that_nothing_is_learnt_from_are_refused_by_what_is_wrong_with_them(
    http: httpx.Client, text: str, said: str, task: str | None
) -> None:
    body = {**SMALL, "dataset": dataset(http, text), "target": "y", "goal": {}, "task": task}

    assert said in is_problem(http.post("/v1/experiments", json=body), 422)["detail"]


@pytest.mark.parametrize(
    ("candidates", "where", "text"),
    [
        ("mse", "/candidates", "should be 'auto' or a list of objectives"),
        ([], "/candidates", "at least 1 item"),
        (["mse"] * 41, "/candidates", "at most 40 items"),
        (["mse", 3], "/candidates/1", "a valid string"),
    ],
)
def test_of_wrong_candidates_is_said_what_is_wrong_with_them(
    http: httpx.Client, candidates: object, where: str, text: str
) -> None:
    refused = is_problem(http.post("/v1/experiments", json={**SMALL, "dataset": "ds_1", "candidates": candidates}), 422)

    assert refused["errors_total"] == 1
    assert refused["errors"][0]["pointer"] == where
    assert text in refused["detail"]


def test_what_is_repaired_is_said_before_anything_is_trained(http: httpx.Client) -> None:
    head, *rows = CSV.splitlines()
    copied = "\n".join([f"{head},copy", *(f"{row},{row.rpartition(',')[2]}" for row in rows)]) + "\n"

    accepted = http.post("/v1/experiments", json={"dataset": dataset(http, copied), **SMALL})

    shown = accepted.json()
    assert accepted.status_code == 202
    assert (shown["task"], shown["rows"]) == ("regression", 240)
    assert any("copy was left out: the target itself" in text for text in shown["warnings"])
    assert "verdict" not in shown
    http.post(f"{accepted.headers['location']}/cancel").raise_for_status()


def test_an_experiment_whose_worker_is_killed_ends_as_if_it_were_not(server: Server, http: httpx.Client) -> None:
    body = {"dataset": dataset(http), **SMALL, "repeats": 4, "candidates": ["mse", "mae"]}
    whole = ended(http, http.post("/v1/experiments", json=body).headers["location"])

    place = http.post("/v1/experiments", json=body).headers["location"]
    fits = 3 * len(whole["standings"])
    for done in (1, 2):
        while http.get(place).json()["progress"]["done"] < done * fits:
            time.sleep(0.02)
        os.kill(worker_of(server), signal.SIGKILL)
    killed = ended(http, place)

    assert killed["status"] == "succeeded"
    assert killed["standings"] == whole["standings"]
    assert killed["verdict"] == whole["verdict"]
    names = [event for _, event, _ in events(http, killed["links"]["events"])]
    assert names == ["progress"] * 4 + ["verdict"]


def test_what_was_written_down_and_not_enqueued_runs_once_the_worker_starts(
    server: Server, http: httpx.Client, data: Path
) -> None:
    body = {"dataset": dataset(http), **SMALL, "candidates": ["mse", "mae"]}
    like = ended(http, http.post("/v1/experiments", json=body).headers["location"])
    (data / "jobs.sqlite").touch()  # as where there have been experiments
    table = JobTable(f"sqlite:///{data / 'lossary.sqlite'}")
    table.add(replace(row("ex_1", expires=4e9), owner="", question=like["question"]))
    table.close()

    os.kill(worker_of(server), signal.SIGKILL)

    assert ended(http, "/v1/experiments/ex_1")["verdict"] == like["verdict"]


def test_an_experiment_is_cancelled_and_deleted(http: httpx.Client) -> None:
    body = {"dataset": dataset(http), **SMALL, "models": ["mlp"], "repeats": 10, "folds": 10}
    place = http.post("/v1/experiments", json=body).headers["location"]

    cancelled = http.post(f"{place}/cancel")
    after = ended(http, place)
    again = http.post(f"{place}/cancel")
    deleted = http.delete(place)

    assert cancelled.status_code == 202
    assert after["status"] == "cancelled"
    assert (again.status_code, again.json()["status"]) == (200, "cancelled")
    assert deleted.status_code == 204
    is_problem(http.get(place), 404)
    is_problem(http.post(f"{place}/cancel"), 404)


def test_cancelling_what_has_failed_says_that_it_failed_and_why(http: httpx.Client, data: Path) -> None:
    problem = {"title": "The experiment cannot be run", "detail": "its dataset is gone"}
    (data / "jobs.sqlite").touch()  # as where there have been experiments
    table = JobTable(f"sqlite:///{data / 'lossary.sqlite'}")
    table.add(replace(row("ex_failed", expires=4e9), owner="", status="failed", problem=problem))
    table.close()

    answer = http.post("/v1/experiments/ex_failed/cancel")

    assert (answer.status_code, answer.json()["status"], answer.json()["problem"]) == (200, "failed", problem)


@pytest.mark.parametrize(
    ("field", "sent", "said"),
    [
        ("seed", 2**70, "less than 2147483648"),
        ("seed", -(2**70), "greater than or equal to 0"),
        ("folds", 1e300, "less than or equal to 10"),
        ("repeats", 1.5, "valid integer"),
    ],
)
def test_of_a_number_that_is_too_large_is_said_how_large_it_may_be(
    http: httpx.Client, field: str, sent: float, said: str
) -> None:
    assert (
        said in is_problem(http.post("/v1/experiments", json={**SMALL, "dataset": "ds_1", field: sent}), 422)["detail"]
    )


def test_what_an_earlier_version_began_begins_anew_and_ends_with_the_same_verdict(tmp_path: Path) -> None:
    body = {**SMALL, "candidates": ["mse", "mae"], "repeats": 3}
    with serving(LOSSARY_DATA=str(tmp_path)) as server, httpx.Client(base_url=server.url, timeout=PATIENCE_S) as client:
        question = {**body, "dataset": dataset(client)}
        whole = ended(client, client.post("/v1/experiments", json=question).headers["location"])
        begun, queued = (client.post("/v1/experiments", json=question).headers["location"] for _ in range(2))
        while not client.get(begun).json()["progress"]["done"]:
            time.sleep(0.02)
        os.kill(worker_of(server), signal.SIGSTOP)  # the keeper kills it with the server
    with closing(sqlite3.connect(tmp_path / "jobs.sqlite")) as steps, steps:
        steps.execute("UPDATE workflow_status SET application_version = 'earlier'")
        unended = steps.execute(
            "SELECT status FROM workflow_status WHERE status <> 'SUCCESS' ORDER BY status"
        ).fetchall()

    with serving(LOSSARY_DATA=str(tmp_path)) as server, httpx.Client(base_url=server.url, timeout=PATIENCE_S) as client:
        both = [ended(client, place) for place in (begun, queued)]
        seen = events(client, f"{begun}/events")

    assert unended == [("ENQUEUED",), ("PENDING",)]
    for shown in both:
        assert (shown["status"], shown["verdict"]) == ("succeeded", whole["verdict"])
    assert [name for _, name, _ in seen] == ["progress"] * 3 + ["verdict"]


def test_one_process_holds_the_lease_until_it_runs_out(tmp_path: Path) -> None:
    now = [100.0]
    table = JobTable(f"sqlite:///{tmp_path / 'jobs.sqlite'}", clock=lambda: now[0])

    assert table.take_lease("first", 10)
    assert not table.take_lease("second", 10)
    assert table.take_lease("first", 10)
    now[0] += 11
    assert table.take_lease("second", 10)
    assert not table.take_lease("first", 10)
    table.close()


def test_what_has_ended_stays_as_it_is(tmp_path: Path) -> None:
    table = JobTable(f"sqlite:///{tmp_path / 'jobs.sqlite'}", clock=lambda: 5.0)
    table.add(row("ex_1", key="k"))

    assert table.add(row("ex_2", key="k")).id == "ex_1"
    assert table.update("ex_1", status="cancelled")
    assert not table.update("ex_1", status="succeeded")
    kept = table.get("ex_1", "me")
    assert kept is not None
    assert kept.status == "cancelled"
    assert table.get("ex_1", "you") is None
    assert table.waiting() == 0
    table.close()


def test_what_has_expired_is_no_longer_shown(tmp_path: Path) -> None:
    table = JobTable(f"sqlite:///{tmp_path / 'jobs.sqlite'}", clock=lambda: 50.0)
    table.add(row("ex_1", expires=40.0))
    table.update("ex_1", status="succeeded")

    assert table.get("ex_1") is None
    assert table.of_owner("ex", "me", None, 10, None) == []
    assert table.expired() == ["ex_1"]
    table.close()
