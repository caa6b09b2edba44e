"""POST /v1/evaluate."""

import numpy as np
import pytest
import torch

from tests.conftest import Client

pytestmark = pytest.mark.anyio


async def test_the_literal_body_gets_the_literal_answer(client: Client) -> None:
    body = {
        "loss": ["mse", "smooth_l1(beta=0.5)"],
        "predictions": [1.0, 2.0],
        "targets": [1.5, 0.0],
        "options": {"reduction": "mean", "gradient": "summary"},
    }

    async with client() as http:
        answer = (await http.post("/v1/evaluate", json=body)).json()

    first = answer["results"][0]
    assert (first["loss"], first["value"], first["numerator"], first["denominator"]) == ("mse", 2.125, 4.25, 2.0)
    assert (first["kept"], first["ignored"], first["standard_error"]) == (2, 0, 1.875)
    assert first["gradient"]["top_1_percent_share"] == 0.8
    assert first["per_class"] is first["terms"] is first["reason"] is None
    assert first["warnings"] == []
    assert answer["results"][1]["loss"] == "smooth_l1(beta=0.5)"
    assert (answer["items"], answer["dtype"], answer["device"]) == (2, "float64", "cpu")
    assert set(answer["timing_ms"]) == {"receive", "decode", "transfer", "compute"}


LOGITS, IDS = [[1.0, 2.0, 0.0], [0.0, 1.0, 3.0]], [1, 2]
TOKENS = {"loss": "cross_entropy", "predictions": [LOGITS], "targets": [IDS]}


async def test_classes_on_the_last_axis_are_taken_by_every_way(client: Client) -> None:
    expected = torch.nn.functional.cross_entropy(torch.tensor(LOGITS), torch.tensor(IDS)).item()
    inputs = [
        {"name": "predictions", "shape": [1, 2, 3], "datatype": "FP64", "data": LOGITS},
        {"name": "targets", "shape": [1, 2], "datatype": "INT64", "data": IDS},
    ]

    async with client() as http:
        plain = await http.post("/v1/evaluate", json=TOKENS)
        option = {"options": {"class_axis": -1, "gradient": "full"}}
        asked = await http.post("/v1/evaluate", json={**TOKENS, **option})
        in_query = await http.post("/v1/evaluate?class_axis=-1", json=TOKENS)
        infer = {"inputs": inputs, "parameters": {"class_axis": -1}}
        protocol = await http.post("/v2/models/sparse_categorical_ce/infer", json=infer)

    assert "class_axis=-1" in plain.json()["detail"]
    results = [asked.json()["results"][0], in_query.json()["results"][0]]
    assert [result["value"] for result in results] == pytest.approx([expected] * 2, rel=1e-6)
    assert protocol.json()["outputs"][0]["data"] == pytest.approx([expected], rel=1e-6)
    assert np.shape(results[0]["gradients"]["predictions"]) == (1, 2, 3)


async def test_what_looks_unintended_is_said_by_the_inference_protocol_too(client: Client) -> None:
    inputs = [
        {"name": "predictions", "shape": [2], "datatype": "FP64", "data": [0.2, 0.7]},
        {"name": "targets", "shape": [2], "datatype": "FP64", "data": [0, 1]},
    ]

    async with client() as http:
        answer = await http.post("/v2/models/bce/infer", json={"inputs": inputs})

    assert "looks-like-probabilities" in answer.json()["parameters"]["warnings"]
