"""POST /v1/advise?experiment=quick: one call measures a dataset, asks both books, and compares losses on it."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from tests.service.files import npy
from tests.service.jobs.asking import CSV, dataset
from tests.service.problem import is_problem
from tests.service.processes import PATIENCE_S, serving

NPZ = "application/x-npz"
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


def arrays() -> dict[str, Any]:
    """Return features (80, 2) and the targets (80) that follow from them."""
    draw = np.random.default_rng(0)
    features = draw.normal(size=(80, 2))
    return {"features": features.tolist(), "targets": (features @ [2.0, -1.0] + draw.normal(size=80)).tolist()}


def test_features_and_targets_are_compared_as_they_are_sent(http: httpx.Client) -> None:
    sent, buffer = arrays(), io.BytesIO()
    np.savez(buffer, **{name: np.asarray(array) for name, array in sent.items()})  # type: ignore[arg-type] # numpy's own flags are named otherwise
    fields = {"experiment": "quick", "task": "regression"}

    answers = [
        http.post("/v1/advise", json={**fields, **sent}),
        http.post("/v1/advise", params=fields, content=buffer.getvalue(), headers={"content-type": NPZ}),
        http.post("/v1/advise", json={**fields, **sent, "profile": {"features": 3}}),
    ]

    advices = [answer.raise_for_status().json() for answer in answers]
    assert len({str(advice["experiment"]["verdict"]) for advice in advices}) == 1
    assert advices[0]["experiment"]["rows"] == 80
    assert advices[2]["measured"]["profile"]["features"] == 3


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"features": [[1.0, 2.0]] * 79}, "80, p"),
        ({"features": [[[1.0]]] * 80}, "80, p"),
        ({"experiment": None}, "experiment=quick"),
        ({"targets": None, "task": "regression"}, "features (n, p)"),
        ({"features": [[1.0]] * 80}, "No column is left"),
    ],
)
def test_features_that_nothing_can_be_predicted_from_are_refused(
    http: httpx.Client, change: dict[str, object], said: str
) -> None:
    body = {"experiment": "quick", **arrays(), **change}

    answer = http.post("/v1/advise", json={name: value for name, value in body.items() if value is not None})

    assert said in str(is_problem(answer, 422))


def test_features_as_a_number_are_a_fact_in_every_kind_of_body(http: httpx.Client) -> None:
    targets = arrays()["targets"]
    file = npy(targets)

    answers = [
        http.post("/v1/advise", json={"targets": targets[:9], "features": 4}),
        http.post("/v1/advise", json={"targets": targets * 9, "features": 4}),
        http.post("/v1/advise", files={"targets": file}, data={"features": "4"}),
        http.post("/v1/advise", files={"request": (None, '{"features": 4}', "application/json"), "targets": file}),
    ]

    facts = [answer.raise_for_status().json()["measured"]["profile"]["features"] for answer in answers]
    assert facts == [4, 4, 4, 4]


@pytest.mark.parametrize(
    ("change", "status", "said"),
    [
        ({"target": "prices"}, 422, "Did you mean price?"),
        ({"task": "segmentation"}, 422, "/v1/experiments/verdict"),
        ({"dataset": None, "targets": [1.0, 2.0]}, 422, "POST /v1/datasets"),
        ({"goal": {"metric": "auc"}}, 422, "mae"),
        ({"experiment": "slow"}, 422, "quick"),
        ({"dataset": "ds_0"}, 404, "dataset"),
        ({"task": "ranking"}, 422, "in query"),
        ({"query": "kinds"}, 422, "Did you mean kind?"),
    ],
)
def test_what_cannot_be_compared_is_refused_with_a_way_out(
    http: httpx.Client, change: dict[str, object], status: int, said: str
) -> None:
    body = {"dataset": dataset(http), **ASKED} | change

    answer = http.post("/v1/advise", json={name: value for name, value in body.items() if value is not None})

    assert said in is_problem(answer, status)["detail"]


def ranked_lists() -> dict[str, Any]:
    """Return features (40, 6, 2) of lists, relevances (40, 6) that follow from them, and a mask without the last."""
    draw = np.random.default_rng(0)
    features = draw.normal(size=(40, 6, 2))
    relevance = np.clip(np.rint(features @ [1.5, -1.0] + draw.normal(0, 0.3, (40, 6)) + 1), 0, 4)
    mask = np.ones((40, 6), bool)
    mask[::2, -1] = False
    return {"features": features.tolist(), "targets": relevance.tolist(), "mask": mask.tolist()}


def csv_of(lists: dict[str, Any]) -> str:
    """Return the rows of lists as a table with a column that names the list."""
    lines = ["features.0,features.1,targets,query"]
    for place, (features, targets, mask) in enumerate(zip(*lists.values(), strict=True)):
        for own, relevance, is_row in zip(features, targets, mask, strict=True):
            if is_row:
                lines.append(f"{own[0]!r},{own[1]!r},{relevance!r},{place}")
    return "\n".join(lines) + "\n"


def test_lists_are_put_in_order_from_a_table_with_queries_and_from_arrays_alike(http: httpx.Client) -> None:
    lists = ranked_lists()
    table = {"dataset": dataset(http, csv_of(lists)), "target": "targets", "query": "query", "experiment": "quick"}

    of_table = http.post("/v1/advise", json=table).raise_for_status().json()
    of_arrays = (
        http.post("/v1/advise", json={**lists, "task": "ranking", "experiment": "quick"}).raise_for_status().json()
    )

    assert of_table["measured"]["task"] == of_arrays["measured"]["task"] == "ranking"
    assert (of_table["experiment"]["metric"], of_table["experiment"]["rows"]) == ("ndcg", 220)
    assert of_table["experiment"]["standings"] == of_arrays["experiment"]["standings"]
    assert of_table["experiment"]["standings"][0]["value"] > 0.9
    assert of_table["summary"] == of_table["experiment"]["verdict"]["summary"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"features": [[1.0, 2.0]] * 40}, "lists, length, p"),
        ({"targets": [1.0, 2.0] * 20}, "40, 6"),
        ({"mask": [[True] * 5] * 40}, "40, 6"),
        ({"targets": [[place % 5] * 6 for place in range(40)]}, "all as relevant"),
    ],
)
def test_lists_that_have_no_order_or_another_shape_are_refused(
    http: httpx.Client, change: dict[str, object], said: str
) -> None:
    body = {"task": "ranking", "experiment": "quick", **ranked_lists(), **change}

    assert said in str(is_problem(http.post("/v1/advise", json=body), 422))
