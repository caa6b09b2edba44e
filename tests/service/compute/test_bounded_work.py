"""What formulas hold and cost: bounded and reserved before they start, and off the event loop where it is much."""

import asyncio
import io
import json
import socket
import struct
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import torch

from losses.contract.deadline import hold
from losses.contract.expression import Objective, parse
from losses.contract.registry import catalogue
from losses.evaluation.passes import Options
from service.compute.limits import estimate
from service.compute.runtime import INLINE_S, Runtime
from service.problems import OutOfMemory, TemporaryReducedCapacity
from service.settings import Settings
from tests.conftest import Client
from tests.losses.draw import Subject
from tests.service.problem import is_problem
from tests.service.processes import PATIENCE_S, Server, eventually, serving

pytestmark = pytest.mark.anyio
JSON, NPZ = {"content-type": "application/json"}, {"content-type": "application/x-npz"}
MIB = 1 << 20


def lists(length: int) -> bytes:
    """Return one list of equal scores, that packs to little."""
    buffer, zeros = io.BytesIO(), np.zeros((1, length), np.float32)
    np.savez_compressed(buffer, predictions=zeros, targets=zeros)
    return buffer.getvalue()


@pytest.mark.parametrize("path", ["/v1/evaluate?loss=ranknet", "/v1/evaluate?loss=mse&loss=lambda_loss"])
async def test_a_list_that_packs_to_little_and_is_compared_with_itself_is_refused(client: Client, path: str) -> None:
    async with client() as http:
        answer = await http.post(path, content=lists(8000), headers=NPZ)

    problem = is_problem(answer, 422)
    assert problem["type"] == "urn:lossary:too-much-at-once"
    assert (problem["axis"], problem["got"], problem["limit_name"]) == ("L", 8000, "max_short_block_bytes")
    assert 0 < problem["expected"] < 8000


async def test_the_longest_list_that_a_short_body_may_hold_is_said_and_fits(client: Client) -> None:
    async with client() as http:
        refused = await http.post("/v1/evaluate?loss=ranknet", content=lists(8000), headers=NPZ)
        fits = await http.post("/v1/evaluate?loss=ranknet", content=lists(refused.json()["expected"]), headers=NPZ)

    assert refused.json()["limit"] == 48 * MIB
    assert fits.is_success


async def test_what_is_cut_into_items_is_cut_shorter_for_a_short_body(client: Client) -> None:
    buffer, zeros = io.BytesIO(), np.zeros(1 << 18, np.float16)
    np.savez_compressed(buffer, predictions=zeros, targets=zeros)
    query = "/v1/evaluate?loss=mse&gradient=summary&dtype=float64"

    async with client(max_short_block_bytes=4 * MIB) as http:
        answer = await http.post(query, content=buffer.getvalue(), headers=NPZ)

    assert answer.json()["results"][0]["value"] == 0


async def test_a_long_body_may_hold_more_beside_it(client: Client) -> None:
    length = 2500
    many = np.zeros((1, length), np.float32)
    short, long = io.BytesIO(), io.BytesIO()
    for file, beside in ((short, 0), (long, 100)):  # lists of nothing that make it long
        for _ in range(2):
            np.save(file, np.concatenate([many, np.zeros((beside, length), np.float32)]))
    query, npy = "/v1/evaluate?loss=ranknet&roles=predictions,targets", {"content-type": "application/x-npy"}

    async with client() as http:
        refused = await http.post(query, content=short.getvalue(), headers=npy)
        answer = await http.post(query, content=long.getvalue(), headers=npy)

    assert is_problem(refused, 422)["limit_name"] == "max_short_block_bytes"
    assert answer.is_success


async def test_blocks_that_are_too_much_together_are_computed_one_after_the_other(client: Client) -> None:
    async with client(max_block_bytes=16 * MIB) as http:  # of which each takes 14
        answers = await asyncio.gather(
            *[http.post("/v1/evaluate?loss=ranknet", content=lists(700), headers=NPZ) for _ in range(4)]
        )

    assert [answer.status_code for answer in answers] == [200] * 4


async def test_who_waits_for_memory_too_long_is_shed() -> None:
    runtime = Runtime(Settings(device="cpu", max_block_bytes=MIB, queue_seconds=0.01))
    began, ended = asyncio.Event(), asyncio.Event()
    loop = asyncio.get_running_loop()

    def first() -> None:
        hold(MIB)
        loop.call_soon_threadsafe(began.set)
        asyncio.run_coroutine_threadsafe(ended.wait(), loop).result()

    running = asyncio.create_task(runtime.run(first))
    await began.wait()
    with pytest.raises(TemporaryReducedCapacity):
        await runtime.run(partial(hold, MIB))
    ended.set()
    await running

    await runtime.run(partial(hold, MIB))


async def test_memory_that_the_machine_does_not_have_is_refused_as_such() -> None:
    runtime = Runtime(Settings(device="cpu"))

    with pytest.raises(OutOfMemory):
        await runtime.run(lambda: torch.empty(1 << 60, dtype=torch.int8))


def inline(objectives: list[Objective], inputs: dict[str, torch.Tensor]) -> bool:
    """Say whether an evaluation is computed on the event loop."""
    seconds = estimate(objectives, inputs, Options()).seconds
    return seconds <= INLINE_S


@pytest.mark.parametrize("terms", [1, 16])
def test_iterations_over_few_numbers_are_no_matter_for_the_event_loop(terms: int) -> None:
    objective = parse("+".join(f"cldice(iterations={100 - place})" for place in range(terms)))
    inputs = {"predictions": torch.tensor([[[0.1, 0.2]]]), "targets": torch.tensor([[[0.0, 1.0]]])}

    assert not inline([objective], inputs)


def test_many_small_terms_are_no_matter_for_the_event_loop() -> None:
    inputs = {"predictions": torch.zeros(2), "targets": torch.zeros(2)}

    assert inline([parse("mse")], inputs)
    assert not inline([parse("+".join(["mse"] * 16))], inputs)
    assert not inline([parse("mse")] * 16, inputs)


def test_every_loss_but_those_that_iterate_is_computed_inline_on_few_numbers() -> None:
    subjects = [Subject(loss.bind()) for loss in catalogue().values()]

    slow = [subject.loss.id for subject in subjects if not inline([subject.objective], subject.draw(items=2).inputs)]

    assert slow == ["cldice"]


async def test_the_event_loop_goes_on_while_much_is_computed_on_few_numbers(client: Client) -> None:
    text = "+".join(f"cldice(iterations={100 - place})" for place in range(4))
    body = {"loss": text, "predictions": [[[0.1, 0.2]]], "targets": [[[0, 1]]], "options": {"gradient": "summary"}}
    async with client() as http:
        long = asyncio.create_task(http.post("/v1/evaluate", content=json.dumps(body), headers=JSON))
        meanwhile = 0
        while not long.done():
            assert (await http.get("/healthz")).is_success
            await asyncio.sleep(0)  # nothing else here waits for anything
            meanwhile += 1

    assert (await long).is_success
    assert meanwhile > 10


async def test_curves_are_computed_off_the_event_loop(client: Client) -> None:
    others = ";".join(["+".join(["mse"] * 16)] * 5)
    async with client() as http:
        long = asyncio.create_task(http.get("/v1/losses/mse/curve", params={"others": others, "points": 2001}))
        meanwhile = 0
        while not long.done():
            assert (await http.get("/healthz")).is_success
            await asyncio.sleep(0)  # nothing else here waits for anything
            meanwhile += 1

    assert (await long).is_success
    assert meanwhile > 1


def masks(side: int) -> dict[str, np.ndarray]:
    corner = np.zeros((1, 1, side, side), np.float32)
    corner[0, 0, 0, 0] = 1
    return {"predictions": corner, "targets": corner}


def speech(frames: int, labels: int) -> dict[str, np.ndarray]:
    return {"predictions": np.zeros((1, 3, frames), np.float32), "targets": np.ones((1, labels), np.int64)}


LONG = [
    ("hausdorff_dt(from_logits=false)", "none", masks(400)),
    ("cldice(iterations=100,from_logits=false)", "none", masks(800)),
    ("cldice(iterations=100,from_logits=false)", "summary", masks(180)),
    ("lovasz_hinge", "none", masks(1000)),
    ("ctc", "none", speech(6000, 3000)),
    ("ranknet", "summary", {name: np.zeros((1, 3000), np.float32) for name in ("predictions", "targets")}),
    ("supcon", "none", {"predictions": np.zeros((3000, 2), np.float32), "targets": np.zeros(3000, np.int64)}),
]


@pytest.mark.parametrize(("loss", "gradient", "arrays"), LONG)
async def test_the_deadline_is_kept_inside_a_formula(
    client: Client, loss: str, gradient: str, arrays: dict[str, np.ndarray]
) -> None:
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type] # numpy's own flags are named otherwise
    async with client(compute_seconds=0.1, max_short_block_bytes=1024 * MIB) as http:
        answer = await http.post(
            "/v1/evaluate", params={"loss": loss, "gradient": gradient}, content=buffer.getvalue(), headers=NPZ
        )

    assert is_problem(answer, 504)["type"] == "urn:lossary:compute-deadline"


HOURS = "1000000"  # seconds
SIXTY_FOUR = "&".join(f"loss=cldice(iterations={100 - place})" for place in range(64))  # a minute, of the pixels below


def asked_for_long(server: Server) -> socket.socket:
    """Return a connection on which something was asked that takes a minute."""
    pixels = io.BytesIO()
    for _ in range(2):
        np.save(pixels, np.random.default_rng(5).random((8, 1, 256, 256), np.float32).round())
    body = pixels.getvalue()
    head = f"POST /v1/evaluate?{SIXTY_FOUR} HTTP/1.1\r\nHost: x\r\nContent-Type: application/x-npy\r\n"
    connection = socket.create_connection(("127.0.0.1", server.port), PATIENCE_S)
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    return connection


def answers(server: Server) -> list[int]:
    """Return the status of every evaluation that is over, those included that nobody was there to be told of."""
    lines = [json.loads(line) for line in Path(server.log).read_text().splitlines()]
    return [line["status"] for line in lines if line.get("route") == "/v1/evaluate"]


def test_a_client_that_leaves_ends_its_computation() -> None:
    with serving(LOSSARY_COMPUTE_SECONDS=HOURS) as server:
        asked_for_long(server).close()
        reset = asked_for_long(server)
        reset.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        reset.close()

        assert eventually(lambda: answers(server) == [499, 499])


def test_a_client_that_has_closed_its_half_alone_is_computed_for() -> None:
    with serving(LOSSARY_COMPUTE_SECONDS="3") as server, asked_for_long(server) as connection:
        connection.shutdown(socket.SHUT_WR)
        answer = b"".join(iter(lambda: connection.recv(1 << 16), b""))

    assert answer.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 ")
    assert b"HTTP/1.1 504" in answer
