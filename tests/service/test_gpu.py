"""The same numbers on a CUDA device, where there is one."""

from typing import Any

import pytest
import torch

from tests.conftest import Client

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here"),
]

BODIES: list[dict[str, Any]] = [
    {"loss": ["mse", "mae", "smooth_l1"], "predictions": [[1.0, 2.0], [3.0, 5.0]], "targets": [[1.5, 0.0], [1.0, 1.0]]},
    {"loss": ["bce", "focal"], "predictions": [2.0, -1.0], "targets": [1.0, 0.0], "weights": [1.0, 2.0]},
    {"loss": ["sparse_categorical_ce", "focal_softmax"], "predictions": [[1.0, 2.0], [0.0, 4.0]], "targets": [0, 1]},
    {
        "loss": ["dice", "dice(group=batch)"],
        "predictions": [[[2.0, -1.0]], [[0.5, 0.1]]],
        "targets": [[[1, 0]], [[0, 0]]],
    },
    {"loss": "triplet", "anchor": [[1.0, 0.0]], "positive": [[0.0, 1.0]], "negative": [[1.0, 1.0]]},
    {"loss": "adversarial_discriminator", "real": [1.0, 2.0, 3.0], "fake": [0.5, -0.5]},
]


@pytest.mark.parametrize("body", BODIES, ids=[str(body["loss"]) for body in BODIES])
async def test_cuda_gives_what_the_cpu_gives(client: Client, body: dict[str, Any]) -> None:
    asked = {**body, "options": {"gradient": "full"}}

    async with client(device="cuda") as http:
        on_cuda = (await http.post("/v1/evaluate", json=asked)).json()
    async with client(device="cpu") as http:
        on_cpu = (await http.post("/v1/evaluate", json=asked)).json()

    assert on_cuda["device"].startswith("cuda")
    for got, wanted in zip(on_cuda["results"], on_cpu["results"], strict=True):
        assert got["value"] == pytest.approx(wanted["value"], rel=1e-6)
        assert got["standard_error"] == pytest.approx(wanted["standard_error"], rel=1e-6)
        assert got["gradient"]["absolute_sum"] == pytest.approx(wanted["gradient"]["absolute_sum"], rel=1e-6)
