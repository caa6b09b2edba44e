"""A device that runs out of memory, or fails for good: torch's own errors, raised where they would be."""

import os
import shutil
import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import torch

from losses.contract.expression import Objective
from losses.evaluation.evaluate import evaluate
from service.compute.runtime import KERNEL_NUMBERS, Runtime
from service.settings import Settings
from tests.conftest import Client
from tests.service.processes import PATIENCE_S, serving

pytestmark = pytest.mark.anyio

ITEMS = 300_000
BODY = {"loss": "huber", "predictions": [k % 7 for k in range(ITEMS)], "targets": [k % 11 for k in range(ITEMS)]}
SMALL = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}


def small_device(most: int, seen: list[int]) -> Any:  # noqa: ANN401 - a stand-in for evaluate
    """Return `evaluate` as on a device that has memory for chunks of so many numbers."""

    def bounded(*given: Any, options: Any, **more: Any) -> Any:  # noqa: ANN401 - what evaluate takes
        seen.append(options.chunk_elements)
        if options.chunk_elements > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return evaluate(*given, options=options, **more)

    return bounded


def running(evaluate: Callable[..., Any], kernel_numbers: int = KERNEL_NUMBERS) -> Callable[[Settings], Runtime]:
    """Return what makes a runtime that evaluates so."""
    return partial(Runtime, evaluate=evaluate, kernel_numbers=kernel_numbers)


async def test_out_of_memory_halves_the_chunks_until_they_fit(client: Client) -> None:
    seen: list[int] = []
    async with client() as http:
        wanted = (await http.post("/v1/evaluate", json=BODY)).json()["results"][0]

    async with client(running(small_device(1 << 16, seen))) as http:
        answer = await http.post("/v1/evaluate", json=BODY)

    assert seen == [1 << 18, 1 << 17, 1 << 16]
    result = answer.json()["results"][0]
    assert result["value"] == pytest.approx(wanted["value"], rel=1e-12)
    assert result["standard_error"] == pytest.approx(wanted["standard_error"], rel=1e-9)


async def test_what_fits_in_no_chunk_is_refused_and_the_next_is_served(client: Client) -> None:
    smallest = small_device(0, [])

    def for_the_short(objective: Objective, inputs: dict[str, torch.Tensor], **more: Any) -> Any:  # noqa: ANN401 - what evaluate takes
        return (evaluate if len(inputs["targets"]) < ITEMS else smallest)(objective, inputs, **more)

    async with client(running(for_the_short)) as http:
        answer = await http.post("/v1/evaluate", json=BODY)
        again = await http.post("/v1/evaluate", json=SMALL)
        ready = await http.get("/readyz")

    assert (answer.status_code, answer.json()["type"]) == (503, "urn:lossary:out-of-device-memory")
    assert answer.headers["retry-after"] == "5"
    assert again.is_success
    assert ready.is_success


async def test_a_device_that_fails_is_asked_nothing_more(client: Client) -> None:
    def failing(*_: Any, **__: Any) -> None:  # noqa: ANN401 - what evaluate takes
        raise torch.AcceleratorError("CUDA error: device-side assert triggered")

    async with client(running(failing)) as http:
        assert (await http.get("/readyz")).is_success
        answer = await http.post("/v1/evaluate", json=SMALL)
        again = await http.post("/v1/evaluate", json=SMALL)
        ready = await http.get("/readyz")
        alive = await http.get("/healthz")

    for refused in (answer, again, ready):
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:lossary:device-lost")
        assert refused.headers["retry-after"] == "5"
    assert alive.is_success


SERVICE = """
    import torch
    from functools import partial
    from service.app import from_environment
    from service.compute.runtime import KERNEL_NUMBERS, Runtime
    from service.server.server import listen, serve
    from service.settings import Settings

    def failing(*_, **__):
        {fault}

    settings = Settings()
    serve(settings, listen(settings), app=partial(from_environment, partial(Runtime, evaluate=failing)))
"""
RAISED = 'raise torch.AcceleratorError("CUDA error: device-side assert triggered")'
PROVOKED = "return torch.zeros(2, device='cuda')[torch.tensor([5], device='cuda')].item()"
on_cuda = [pytest.mark.gpu, pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device is here")]


@pytest.mark.parametrize("fault", [RAISED, pytest.param(PROVOKED, marks=on_cuda)], ids=["raised", "provoked"])
def test_a_process_that_lost_its_device_answers_and_ends_with_a_status_that_says_so(fault: str) -> None:
    code = textwrap.dedent(SERVICE).format(fault=fault)

    with serving(program=["-c", code]) as server:
        answer = httpx.post(f"{server.url}/v1/evaluate", json=SMALL, timeout=PATIENCE_S)
        status = server.process.wait(PATIENCE_S)
        printed = Path(server.log).read_text(encoding="utf-8")

    assert answer.json()["type"] == "urn:lossary:device-lost"
    assert status == 1
    assert "device lost" in printed
    assert "device-side assert" in printed


@pytest.mark.skipif(shutil.which(os.environ.get("CXX", "g++")) is None, reason="no C++ compiler is here")
async def test_kernels_are_for_long_uploads_where_they_are_asked_for(client: Client) -> None:
    with_kernels: list[bool] = []

    def watched(*given: Any, options: Any, **more: Any) -> Any:  # noqa: ANN401 - what evaluate takes
        with_kernels.append(options.kernels is not None)
        return evaluate(*given, options=options, **more)

    watching = running(watched, kernel_numbers=1000)
    async with client(watching) as http:
        wanted = (await http.post("/v1/evaluate", json=BODY)).json()["results"][0]
    async with client(watching, compile=True) as http:
        result = (await http.post("/v1/evaluate", json=BODY)).json()["results"][0]
        small = await http.post("/v1/evaluate", json=SMALL)

    assert with_kernels == [False, True, False]
    assert small.is_success
    assert result == wanted  # nothing is compiled yet, and nobody waits for it


async def test_compiling_without_a_compiler_is_refused_in_one_line(
    client: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CXX", "no-such-compiler")

    with pytest.raises(ValueError, match=r"^LOSSARY_COMPILE: .*no-such-compiler.*leave it out"):
        async with client(compile=True):
            pass
