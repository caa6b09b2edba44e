"""One upload in; measured facts, a recommendation and evaluations on that upload out."""

import json
from typing import Any

import numpy as np
import pytest
import torch
from httpx import Response
from sklearn.datasets import load_diabetes

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from tests.conftest import Client
from tests.service.document import body_schema
from tests.service.files import Files, npy

pytestmark = pytest.mark.anyio
RANDOM = np.random.default_rng(1)
Body = dict[str, Any]


async def advise(client: Client, body: Body, **headers: str) -> Response:
    async with client() as http:
        return await http.post("/v1/advise", json=body, headers=headers)


def contaminated() -> Body:
    """Return a real table's target with every twelfth value ten times too large, and a straight line through it."""
    table, target = load_diabetes(return_X_y=True)
    design = np.column_stack([np.ones(len(table)), table])
    fitted = design @ np.linalg.lstsq(design, target, rcond=None)[0]
    target = target.copy()
    target[::12] *= 10
    return {"task": "regression", "targets": target.tolist(), "predictions": fitted.tolist()}


def imbalanced() -> Body:
    targets = [1] * 6 + [0] * 114
    return {"task": "binary", "targets": targets, "predictions": (RANDOM.normal(size=120) - 2).tolist()}


def ids() -> Body:
    return {
        "task": "multiclass",
        "targets": [0] * 40 + [1] * 4 + [2] * 4,
        "predictions": RANDOM.normal(size=(48, 3)).tolist(),
    }


def masks() -> Body:
    targets = np.zeros((4, 1, 8, 8))
    targets[:, :, 2:5, 2:5] = 1
    return {
        "task": "segmentation",
        "targets": targets.tolist(),
        "predictions": RANDOM.normal(size=targets.shape).tolist(),
    }


def expected(objective: str, body: Body) -> float | None:
    """Return what the losses themselves say of the arrays sent, one-hot rows made of class ids where they want them."""
    sent = {name: torch.tensor(body[name], dtype=torch.float64) for name in ("predictions", "targets")}
    if objective == "categorical_ce":
        sent["targets"] = torch.eye(3, dtype=torch.float64)[sent["targets"].long()]
    return evaluate(parse(objective), sent, options=Options(standard_error=False)).value


@pytest.mark.parametrize("make", [contaminated, imbalanced, ids, masks], ids=lambda make: make.__name__)
async def test_the_loss_and_its_rivals_are_evaluated_on_the_arrays_sent(client: Client, make: Any) -> None:  # noqa: ANN401 - one of the above
    body = make()

    answer = (await advise(client, body)).json()

    rivals = answer["evaluations"]
    texts = [entry["objective"] for entry in rivals]
    assert rivals[0]["role"] == "recommended"
    assert texts[0] == answer["recommendation"]["recommended"]["objective"]
    assert len(set(texts)) == len(texts) >= 2
    assert {other["objective"] for other in answer["recommendation"]["alternatives"]} <= set(texts)
    known = [entry for entry in rivals if entry["result"]]
    assert len(known) >= 2
    for entry in known:
        assert entry["reason"] is None
        assert entry["result"]["value"] == pytest.approx(expected(entry["objective"], body), rel=1e-12)
        assert 0 < entry["result"]["gradient"]["top_10_percent_share"] <= 1
    assert make is masks or len(known) == len(rivals)
    for entry in rivals:
        assert entry["result"] or len(entry["reason"]) > 10
    assert set(answer["timing_ms"]) == {"receive", "decode", "measure", "compute"}


async def test_the_recommendation_is_the_one_that_the_measured_profile_gets(client: Client) -> None:
    async with client() as http:
        advice = (await http.post("/v1/advise", json=contaminated())).json()
        measured = advice["measured"]
        question = {"task": measured["task"], "profile": measured["profile"]}
        answer = (await http.post("/v1/recommend", json=question)).json()

    assert measured["profile"]["outlier_rate"]["value"] >= 36 / 442
    assert answer["recommended"]["objective"].startswith("smooth_l1(beta=")
    known = {warned["code"] for warned in measured["warnings"]}
    answer["warnings"] = [warned for warned in answer["warnings"] if warned["code"] not in known]
    assert advice["recommendation"] == answer


async def test_no_warning_is_given_twice(client: Client) -> None:
    body = {"task": "regression", "targets": contaminated()["targets"]}

    answer = (await advise(client, body)).json()

    codes = [warned["code"] for part in ("measured", "recommendation") for warned in answer[part]["warnings"]]
    assert "measured-on-targets" in codes
    assert len(set(codes)) == len(codes)


async def test_facts_that_are_given_complete_the_measured_ones_and_override_them(client: Client) -> None:
    given = {"outlier_rate": 0.0, "boxes": False}

    answer = (await advise(client, {**contaminated(), "profile": given, "features": 10})).json()

    profile = answer["measured"]["profile"]
    assert (profile["outlier_rate"], profile["boxes"], profile["features"]) == (0.0, False, 10)
    assert profile["residual_scale"]["basis"] == "residuals"
    assert answer["recommendation"]["recommended"]["objective"] == "mse"


async def test_the_goal_the_book_and_the_thresholds_count(client: Client) -> None:
    fields = {"thresholds": {"outliers.some": 0.1}, "goal": {"functional": "median"}}

    answer = (await advise(client, {**contaminated(), **fields})).json()["recommendation"]

    assert answer["recommended"]["objective"] == "mse"
    assert answer["goal"]["functional"] == "median"


async def test_costs_give_a_threshold_and_a_bent_output_its_repair(client: Client) -> None:
    answer = (await advise(client, {**imbalanced(), "goal": {"false_negative_cost": 4.0}})).json()["recommendation"]

    assert answer["recommended"]["objective"] == "focal(alpha=0.95)"
    assert answer["decision"]["threshold"] == 0.2
    assert "def probability(predictions)" in answer["repair"][0]["code"]


async def test_a_task_that_is_not_named_is_read_off_the_targets(client: Client) -> None:
    body = {name: value for name, value in imbalanced().items() if name != "task"}

    answer = (await advise(client, body)).json()

    assert answer["measured"]["task"] == answer["recommendation"]["task"] == "binary"
    assert "task-guessed" in {warned["code"] for warned in answer["measured"]["warnings"]}


async def test_a_scenario_names_the_task(client: Client) -> None:
    body = {name: value for name, value in masks().items() if name != "task"}

    answer = (await advise(client, {**body, "scenario": "tumour_segmentation"})).json()

    assert (answer["measured"]["task"], answer["recommendation"]["scenario"]) == ("segmentation", "tumour_segmentation")
    assert "tumour_segmentation (article, section 3.3)" in answer["recommendation"]["assumptions"][0]
    assert answer["evaluations"][0]["result"]["value"] > 0


async def test_without_predictions_there_is_a_recommendation_and_a_reason(client: Client) -> None:
    body = {name: value for name, value in imbalanced().items() if name != "predictions"}

    answer = (await advise(client, body)).json()

    assert answer["recommendation"]["recommended"]["objective"] == "focal(alpha=0.95)"
    for entry in answer["evaluations"]:
        assert entry["result"] is None
        assert entry["reason"] == "It needs predictions, which was not sent."


async def test_losses_of_several_heads_are_not_added_up_on_one_upload(client: Client) -> None:
    answer = (await advise(client, {"task": "detection", "targets": [[0.0, 0.0, 1.0, 1.0]] * 3})).json()

    entry = answer["evaluations"][0]
    assert (entry["objective"], entry["result"]) == ("focal + smooth_l1", None)
    assert "heads" in entry["reason"]


async def test_a_task_without_targets_is_evaluated_on_the_arrays_of_its_loss(client: Client) -> None:
    sides = {role: RANDOM.normal(size=(5, 3)).tolist() for role in ("anchor", "positive", "negative")}

    answer = (await advise(client, {"task": "similarity", **sides})).json()

    assert answer["evaluations"][0]["objective"] == "triplet"
    assert answer["evaluations"][0]["result"]["kept"] == 5


async def test_predictions_that_fit_no_loss_are_a_reason_and_no_refusal(client: Client) -> None:
    body = {**imbalanced(), "predictions": [0.5] * 7}

    response = await advise(client, body)

    assert response.status_code == 200
    assert all(entry["result"] is None and "shape" in entry["reason"] for entry in response.json()["evaluations"])


async def test_weights_count_in_the_evaluations_and_that_facts_ignore_them_is_said(client: Client) -> None:
    body = {**imbalanced(), "weights": [2.0] * 60 + [0.0] * 60}

    answer = (await advise(client, body)).json()

    assert answer["evaluations"][0]["result"]["denominator"] == 120
    assert "measured-on-every-item" in {warned["code"] for warned in answer["measured"]["warnings"]}


@pytest.mark.parametrize("make", [contaminated, ids, masks], ids=lambda make: make.__name__)
async def test_files_get_the_answer_that_json_gets(client: Client, make: Any) -> None:  # noqa: ANN401 - one of the above
    body = make()
    fields = {"task": body["task"], "goal": {}, "rulebook": "article"}
    whole = "i8" if body["task"] == "multiclass" else "f8"
    files: Files = {
        "request": (None, json.dumps(fields)),
        "predictions": npy(body["predictions"]),
        "targets": npy(body["targets"], whole),
    }
    behind = b"".join(
        data for _, data in (npy(body["predictions"]), npy(body["targets"], whole)) if not isinstance(data, str)
    )

    async with client() as http:
        as_json = (await http.post("/v1/advise", json={**body, **fields})).json()
        as_files = (await http.post("/v1/advise", files=files)).json()
        as_body = (
            await http.post(
                "/v1/advise",
                params={
                    name: json.dumps(value) if isinstance(value, dict) else value for name, value in fields.items()
                },
                content=behind,
                headers={"content-type": "application/x-npy"},
            )
        ).json()

    for answer in (as_json, as_files, as_body):
        assert answer.pop("timing_ms")
    assert as_json == as_files == as_body


async def test_chinese_is_spoken_where_asked(client: Client) -> None:
    body = {"task": "binary", "targets": imbalanced()["targets"]}

    answer = (await advise(client, body, **{"accept-language": "zh-CN"})).json()

    assert answer["evaluations"][0]["reason"] == "它需要 predictions,而请求中没有。"
    assert "概率" in answer["recommendation"]["warnings"][0]["text"]


REFUSED: list[tuple[Body, str]] = [
    ({"task": "regresion", "targets": [1.0]}, "unknown-task"),
    ({"scenario": "salary", "targets": [1.0]}, "unknown-scenario"),
    ({"task": "regression", "targets": [1.0], "thresholds": {"outlier.some": 0.1}}, "unknown-threshold"),
    ({"task": "regression", "targets": [1.0], "thresholds": {"outliers.some": 2.0}}, "bad-threshold"),
    ({"task": "regression", "predictions": [1.0]}, "missing-input"),
    ({"predictions": [1.0]}, "missing-input"),
    ({"task": "regression", "targets": []}, "nothing-to-measure"),
    ({"task": "regression", "targets": [1.0, 2.0], "predictions": [1.0]}, "shape-mismatch"),
    ({"task": "binary", "targets": [0.5, 7.5]}, "unreadable-targets"),
    ({"task": "regression", "targets": [1.0], "goal": {"functional": "mode"}}, "bad-request"),
    ({"task": "regression", "targets": [1.0], "profile": {"outlier_rate": 2.0}}, "bad-request"),
    ({"task": "regression", "targets": [1.0], "features": 0}, "bad-request"),
    ({"task": "regression", "targets": [1.0], "loss": "mse"}, "bad-request"),
]


@pytest.mark.parametrize(("body", "kind"), REFUSED, ids=[f"{kind} {body}" for body, kind in REFUSED])
async def test_what_cannot_be_advised_on_is_refused(client: Client, body: Body, kind: str) -> None:
    response = await advise(client, body)

    assert response.status_code == 422
    assert response.json()["type"] == f"urn:lossary:{kind}"


async def test_every_refusal_is_documented(client: Client) -> None:
    async with client() as http:
        document = (await http.get("/openapi.json")).json()

    operation = document["paths"]["/v1/advise"]["post"]
    assert {"400", "413", "415", "422", "504"} <= set(operation["responses"])
    content = operation["requestBody"]["content"]
    assert {"application/json", "multipart/form-data", "application/octet-stream"} <= set(content)
    assert {"targets", "predictions", "goal", "profile", "features"} <= set(
        body_schema(document, "/v1/advise")["properties"]
    )
