"""POST /v1/evaluate."""

import pytest

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
