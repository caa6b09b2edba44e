"""Whatever finite parameters and inputs are sent: no fault, no NaN, and no null without a reason."""

import json
from random import Random
from typing import Any

import httpx
import pytest
import torch

from losses.contract.registry import catalogue
from tests.conftest import Client
from tests.losses.draw import Batch
from tests.losses.draw_anything import draw_batch, draw_parameters

pytestmark = pytest.mark.anyio
NUMBERS = 60
DRAWS, MANY = 2, 30  # of every loss


def strict(answer: httpx.Response, asked: object) -> dict[str, Any]:
    """Return an answer that is no fault and holds no NaN, which JSON has not."""

    def refuse(constant: str) -> float:
        raise AssertionError(f"{asked}: {constant} in {answer.text[:300]}")

    assert answer.status_code in {200, 422}, f"{asked}: {answer.text[:300]}"
    body: dict[str, Any] = json.loads(answer.content, parse_constant=refuse)
    return body


def explained(result: dict[str, Any]) -> bool:
    """Return whether what is null has a reason."""
    if result["value"] is None:
        return bool(result["reason"])
    return result.get("gradients") is not None or any(
        each["code"] == "gradient-not-finite" for each in result["warnings"]
    )


def as_lists(batch: Batch) -> dict[str, Any] | None:
    """Return the inputs as JSON has them; None where one is not finite."""
    if not all(bool(tensor.isfinite().all()) for tensor in batch.inputs.values()):
        return None
    return {role: tensor.tolist() for role, tensor in batch.inputs.items()}


async def ask_everything(http: httpx.AsyncClient, draws: int, seed: int) -> int:
    """Ask of every loss, under drawn parameters, by every route that takes some; return how many gave a value."""
    random, values = Random(seed), 0
    for loss in list(catalogue().values()) * draws:
        batch = draw_batch(NUMBERS, random, [loss])
        arrays, text = as_lists(batch), str(batch.subject.term)
        dtype = random.choice(["float32", "float64"])
        if arrays is None:
            continue
        body = {"loss": text, "options": {"gradient": "full", "dtype": dtype}, **arrays}
        answer = strict(await http.post("/v1/evaluate", json=body), body)
        for result in answer.get("results", []):
            assert explained(result), f"{body}: {result}"
            values += result["value"] is not None
        await ask_open_inference(http, batch, dtype)
        await ask_curve(http, text, str(draw_parameters(loss, random)))
    return values


async def ask_open_inference(http: httpx.AsyncClient, batch: Batch, dtype: str) -> None:
    kinds = {torch.int64: "INT64", torch.float64: "FP64"}
    inputs = [
        {"name": role, "shape": [*tensor.shape], "datatype": kinds[tensor.dtype], "data": tensor.flatten().tolist()}
        for role, tensor in batch.inputs.items()
    ]
    term = batch.subject.term
    given = {name: value for name, value in term.params.items() if value is not None}
    body = {"inputs": inputs, "parameters": {"dtype": dtype, "gradient": "summary", **given}}
    answer = strict(await http.post(f"/v2/models/{term.loss.id}/infer", json=body), body)
    if "outputs" in answer:
        value = next(output["data"] for output in answer["outputs"] if output["name"] == "value")
        assert value != [None] or answer["parameters"]["reason"], body


async def ask_curve(http: httpx.AsyncClient, text: str, beside: str) -> None:
    name = text.partition("(")[0]
    query: dict[str, str | int] = {"with": f"{text};{beside}", "points": 11, "unfit": "skip"}
    answer = strict(await http.get(f"/v1/losses/{name}/curve", params=query), (name, query))
    for curve in answer.get("curves", []):
        assert None not in [*curve["value"], *curve["gradient"]], (query, curve)


async def test_no_parameter_of_any_loss_breaks_an_answer(client: Client) -> None:
    async with client() as http:
        values = await ask_everything(http, DRAWS, seed=1)

    assert values > len(catalogue())


@pytest.mark.long
@pytest.mark.parametrize("seed", [2, 3])
async def test_many_parameters_break_none_either(client: Client, seed: int) -> None:
    async with client() as http:
        assert await ask_everything(http, MANY, seed)
