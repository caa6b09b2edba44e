"""POST /v1/advise by task: those of the article, and those that it does not name."""

from typing import Any

import numpy as np
import pytest
import torch

from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from tests.conftest import Client
from tests.service.routes.test_advise import RANDOM, advise

pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("named", [{}, {"ignore_index": 255}], ids=["told", "named"])
async def test_void_pixels_count_neither_in_the_facts_nor_in_the_evaluations(
    client: Client, named: dict[str, int]
) -> None:
    targets = RANDOM.integers(0, 2, (4, 1, 8, 8))
    targets[:, :, 0] = 255
    predictions = RANDOM.normal(size=targets.shape)
    body = {"task": "segmentation", "targets": targets.tolist(), "predictions": predictions.tolist(), **named}

    answer = (await advise(client, body)).json()

    assert "void-label" in {warning["code"] for warning in answer["measured"]["warnings"]}
    counted = targets[:, :, 1:]
    assert answer["measured"]["profile"]["mask_sparsity"]["value"] == pytest.approx(1 - counted.mean())
    inputs = {"predictions": torch.tensor(predictions[:, :, 1:]), "targets": torch.tensor(counted)}
    assert {"dice", "dice + bce"} <= {entry["objective"] for entry in answer["evaluations"]}
    for entry in answer["evaluations"]:
        value = evaluate(parse(entry["objective"]), inputs).value
        assert entry["result"]["value"] == pytest.approx(value, rel=1e-12)


NEW_TASKS: dict[str, dict[str, list[Any]]] = {
    "count": {
        "targets": [0, 1, 3, 0, 2],
        "predictions": [0.1, 0.3, 1.0, -0.2, 0.6],
        "dispersion": [0.5, 0.5, 0.5, 0.5, 0.5],
    },
    "ordinal": {"targets": [0, 1, 2, 1], "predictions": [[-1.0, -2.0], [1.0, -1.0], [2.0, 1.0], [0.5, -0.5]]},
    "ranking": {"targets": [[2, 0, 1], [0, 1, 0]], "predictions": [[1.0, 0.2, 0.9], [0.3, 0.1, 0.2]]},
    "distillation": {"student": [[1.0, 0.0], [0.2, 0.4]], "teacher": [[2.0, 0.1], [0.1, 0.9]]},
    "sequence": {
        "targets": [[1, 2], [2, 1]],
        "predictions": RANDOM.normal(size=(2, 3, 6)).tolist(),
        "prediction_lengths": [6, 5],
        "target_lengths": [2, 2],
    },
}


@pytest.mark.parametrize("task", NEW_TASKS)
async def test_tasks_that_the_article_does_not_name_are_advised_and_evaluated(client: Client, task: str) -> None:
    answer = (await advise(client, {"task": task, **NEW_TASKS[task]})).json()

    first = answer["evaluations"][0]
    assert answer["recommendation"]["article"] is None
    assert (first["role"], first["objective"]) == ("recommended", answer["recommendation"]["evidence"]["objective"])
    assert first["result"]["value"] is not None


async def test_times_to_an_event_are_measured_and_evaluated(client: Client) -> None:
    body = {"task": "survival", "targets": [1.0, 2.0], "predictions": [0.5, 0.1], "events": [1, 0]}

    answer = (await advise(client, body)).json()

    results = {entry["objective"]: entry["result"] for entry in answer["evaluations"]}
    assert results["cox"]["value"] == pytest.approx(np.log1p(np.exp(0.1 - 0.5)))
    assert results["aft"]["kept"] == 2
    assert answer["measured"]["profile"]["n"]["value"] == 2


@pytest.mark.parametrize(("labels", "code"), [([1, 2, 3, 4], "no-positives"), ([1, 1, 1, 1], "no-negatives")])
async def test_embeddings_and_labels_are_measured_under_either_name(
    client: Client, labels: list[int], code: str
) -> None:
    embeddings = [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [2.0, 1.0]]

    own = await advise(client, {"task": "similarity", "embeddings": embeddings, "labels": labels})
    usual = await advise(client, {"task": "similarity", "predictions": embeddings, "targets": labels})
    guessed = await advise(client, {"embeddings": embeddings, "labels": labels})

    for answer in (own, usual, guessed):
        assert answer.is_success, answer.text
        assert code in [warned["code"] for warned in answer.json()["measured"]["warnings"]]
        assert answer.json()["recommendation"]["recommended"]["objective"] != "triplet"
    assert own.json()["evaluations"] == usual.json()["evaluations"]


async def test_grades_that_fill_up_lists_are_told_and_masked(client: Client) -> None:
    body = {"task": "ranking", "predictions": [[1.5, 0.3, 0.0]], "targets": [[2, 1, -1]], "goal": {"ranking": "pairs"}}

    answer = (await advise(client, body)).json()

    assert "void-label" in [warned["code"] for warned in answer["measured"]["warnings"]]
    values = {entry["objective"]: entry["result"] and entry["result"]["value"] for entry in answer["evaluations"]}
    assert values["ranknet"] == pytest.approx(0.26328246733803123, rel=1e-9)
