"""The same numbers on a CUDA device, where there is one, and too little memory on it survived."""

from typing import Any

import pytest
import torch

from losses.contract.expression import Objective, parse
from losses.contract.registry import catalogue
from losses.evaluation.evaluate import evaluate
from losses.evaluation.passes import Options
from service.compute.memory import in_smaller_chunks
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


CUDA = torch.device("cuda")
CASES = [(entry.id, place) for entry in catalogue().values() for place in range(len(entry.cases))]


@pytest.mark.parametrize(("loss", "place"), CASES, ids=[f"{loss}-{place}" for loss, place in CASES])
def test_every_worked_example_is_the_same_on_cuda(loss: str, place: int) -> None:
    case = catalogue()[loss].cases[place]
    objective = Objective(((1.0, catalogue()[loss].bind(case.params)),))
    inputs = {role: torch.tensor(value) for role, value in case.inputs.items()}

    on_cpu = evaluate(objective, inputs)
    on_cuda = evaluate(objective, inputs, options=Options(device=CUDA))

    assert on_cuda.value == pytest.approx(on_cpu.value, rel=1e-6, abs=1e-7)
    assert on_cuda.standard_error == pytest.approx(on_cpu.standard_error, rel=1e-5, abs=1e-7)


@pytest.mark.parametrize("where", ["cpu", "pinned", "cuda"])
def test_chunks_that_are_sent_ahead_are_all_counted_once(where: str) -> None:
    roles = {role: torch.randn(1_000_003) for role in ("predictions", "targets")}
    placed = {role: tensor.pin_memory() if where == "pinned" else tensor.to(where) for role, tensor in roles.items()}
    mask = torch.rand(1_000_003) < 1 / 2

    wanted = evaluate(parse("mse + mae"), roles, mask=mask)
    evaluation = evaluate(parse("mse + mae"), placed, mask=mask, options=Options(device=CUDA, chunk_elements=1 << 16))

    assert evaluation.value == pytest.approx(wanted.value, rel=1e-6)
    assert evaluation.kept == wanted.kept
    assert evaluation.transfer_ms > 0


def test_too_little_memory_halves_the_chunks() -> None:
    roles = {role: torch.randn(1 << 24) for role in ("predictions", "targets")}
    wanted = evaluate(parse("mse"), roles).value
    total = torch.cuda.mem_get_info()[1]
    torch.cuda.set_per_process_memory_fraction((torch.cuda.memory_reserved() + (256 << 20)) / total)
    seen: list[int] = []

    def counted(*, options: Options) -> float | None:
        seen.append(options.chunk_elements)
        return evaluate(parse("mse"), roles, options=options).value

    try:
        value = in_smaller_chunks(counted, Options(device=CUDA, chunk_elements=1 << 24))
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)

    assert len(seen) > 1
    assert value == pytest.approx(wanted, rel=1e-6)
