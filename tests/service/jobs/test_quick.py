"""POST /v1/advise?experiment=quick: one call measures a dataset, asks both books, and compares losses on it."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.service.jobs.asking import CSV, dataset
from tests.service.problem import is_problem
from tests.service.processes import PATIENCE_S, serving

ASKED = {"target": "price", "experiment": "quick", "goal": {"metric": "mae", "outliers": "errors"}}


@pytest.fixture(scope="module")
def http(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    data: Path = tmp_path_factory.mktemp("data")
    with serving(LOSSARY_DATA=str(data)) as running, httpx.Client(base_url=running.url, timeout=PATIENCE_S) as client:
        yield client


def test_one_call_measures_asks_both_books_and_compares_losses(http: httpx.Client) -> None:
    advice = http.post("/v1/advise", json={"dataset": dataset(http), **ASKED}).raise_for_status().json()

    verdict = advice["experiment"]["verdict"]
    assert advice["summary"] == verdict["summary"]
    assert verdict["books"].keys() == {"article", "evidence"}
    assert verdict["objective"] in {standing["objective"] for standing in advice["experiment"]["standings"]}
    assert advice["measured"]["profile"]["residual_scale"]["basis"] == "residuals"
    assert advice["measured"]["profile"]["residual_scale"]["value"] == pytest.approx(1.0, abs=0.3)  # the noise of CSV
    assert "measured-on-targets" not in {warning["code"] for warning in advice["measured"]["warnings"]}
    assert "experiment" not in http.post("/v1/advise", json={"targets": [1.0, 2.5, 3.0, 4.0]}).json()


def test_columns_named_as_predictions_are_evaluated_and_nothing_is_predicted_from_them(http: httpx.Client) -> None:
    head, *rows = CSV.splitlines()
    text = "\n".join([f"{head},y_pred", *(f"{row},{row.rpartition(',')[2]}" for row in rows)]) + "\n"
    body = {"dataset": dataset(http, text), **ASKED, "roles": "predictions:y_pred,targets:price"}

    advice = http.post("/v1/advise", json=body).raise_for_status().json()

    assert advice["experiment"]["verdict"]["objective"]  # a copy of the target among the features would be refused
    assert [entry["result"]["value"] for entry in advice["evaluations"] if entry["objective"] == "mae"] in ([], [0.0])
    assert any(entry["result"] for entry in advice["evaluations"])


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"target": "prices"}, 422, "Did you mean price?"),
        ({"task": "segmentation"}, 422, "/v1/experiments/verdict"),
        ({"dataset": None, "targets": [1.0, 2.0]}, 422, "POST /v1/datasets"),
        ({"goal": {"metric": "auc"}}, 422, "mae"),
        ({"experiment": "slow"}, 422, "quick"),
        ({"dataset": "ds_0"}, 404, "dataset"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_way_out(
    http: httpx.Client, change: dict[str, object], status: int, said: str
) -> None:
    body = {"dataset": dataset(http), **ASKED} | change

    answer = http.post("/v1/advise", json={name: value for name, value in body.items() if value is not None})

    assert said in is_problem(answer, status)["detail"]
