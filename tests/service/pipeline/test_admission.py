"""Memory is reserved before a body is read; who waits too long is shed, and everybody else is served."""

import asyncio
import io
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest

from service.budget import Budget, Reservation
from service.problems import TemporaryReducedCapacity
from service.request_record import Record
from service.uploads.bodies.body import BINARY_FACTOR, JSON_FACTOR, Arrived, Body
from service.uploads.formats import registry as formats
from service.uploads.formats.registry import DecodingLimit
from tests.conftest import Client
from tests.service.files import npy_body
from tests.service.observability.test_metrics import Value, reader
from tests.service.problem import is_problem
from tests.service.processes import PATIENCE_S, Server, serving

pytestmark = pytest.mark.anyio
MIB = 1 << 20
SHED = "https://iana.org/assignments/http-problem-types#temporary-reduced-capacity"


async def ticks(times: int = 5) -> None:
    for _ in range(times):
        await asyncio.sleep(0)


async def test_who_came_first_is_served_first() -> None:
    budget, order = Budget(10, most_waiting=9, patience_s=60), []

    async def ask(name: str, amount: int) -> None:
        await budget.wait(amount)
        order.append(name)

    await budget.wait(8)
    asking = [asyncio.create_task(ask(name, amount)) for name, amount in (("big", 10), ("small", 1), ("middle", 5))]
    await ticks()
    assert (order, budget.waiting) == ([], 3)
    budget.give(8)
    await ticks()
    assert order == ["big"]
    budget.give(10)
    await asyncio.gather(*asking)

    assert order == ["big", "small", "middle"]
    assert (budget.free, budget.waiting) == (4, 0)


async def test_a_very_small_request_passes_the_line() -> None:
    budget = Budget(1000, most_waiting=9, patience_s=60, small=10)
    await budget.wait(900)
    waiting = asyncio.create_task(budget.wait(500))
    await ticks()

    assert budget.take(10)
    assert not budget.take(11)
    budget.give(910)
    await waiting


async def test_a_line_that_is_full_turns_away_at_once_and_a_wait_ends() -> None:
    budget = Budget(1, most_waiting=1, patience_s=0.2)
    await budget.wait(1)
    first = asyncio.create_task(budget.wait(1))
    await ticks()

    with pytest.raises(TemporaryReducedCapacity):
        await budget.wait(1)
    with pytest.raises(TemporaryReducedCapacity):
        await first
    budget.give(1)
    assert (budget.free, budget.waiting) == (1, 0)


async def test_who_goes_away_leaves_the_line_and_lets_the_next_one_through() -> None:
    budget = Budget(10, most_waiting=9, patience_s=60)
    await budget.wait(5)
    impatient, next_one = asyncio.create_task(budget.wait(10)), asyncio.create_task(budget.wait(5))
    await ticks()
    impatient.cancel()
    await next_one

    assert (budget.free, budget.waiting) == (0, 0)


async def test_who_goes_away_at_the_moment_of_being_served_gives_back() -> None:
    budget = Budget(10, most_waiting=9, patience_s=60)
    await budget.wait(10)
    waiting = asyncio.create_task(budget.wait(10))
    await ticks()
    budget.give(10)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert (budget.free, budget.waiting) == (10, 0)


def npy(numbers: int) -> bytes:
    """Return two arrays one after the other."""
    return npy_body(*2 * [np.ones(numbers, np.float32)])


def deflated(numbers: int) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, predictions=np.ones(numbers, np.float32), targets=np.ones(numbers, np.float32))
    return buffer.getvalue()


async def chunks(data: bytes, size: int = 16 << 10) -> AsyncIterator[bytes]:
    for start in range(0, len(data), size):
        yield data[start : start + size]


NPY = {"content-type": "application/x-npy"}


class PausedBody:
    """A body that stops half way until it is let go."""

    def __init__(self, data: bytes) -> None:
        self.data, self.begun, self.go_on = data, asyncio.Event(), asyncio.Event()

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self.data[:1000]
        self.begun.set()
        await self.go_on.wait()
        yield self.data[1000:]


async def post(
    url: str, data: bytes | PausedBody | AsyncIterator[bytes], length: int | None, media: str = NPY["content-type"]
) -> httpx.Response:
    headers = {"content-type": media, **({"content-length": str(length)} if length is not None else {})}
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        return await http.post(f"{url}/v1/evaluate?loss=mse", content=data, headers=headers)


def logged(server: Server) -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path(server.log).read_text().splitlines()]


async def counted(url: str) -> Value:
    async with httpx.AsyncClient() as http:
        return reader((await http.get(f"{url}/metrics")).text)


async def status(url: str) -> list[int]:
    async with httpx.AsyncClient(timeout=PATIENCE_S) as http:
        return [(await http.get(f"{url}{path}")).status_code for path in ("/healthz", "/readyz", "/metrics", "/docs")]


async def test_while_memory_is_reserved_the_next_waits_and_is_shed_and_probes_are_answered() -> None:
    data = npy(100_000)  # 0.8 MB
    reserved = str(len(data) * BINARY_FACTOR + MIB)
    with serving(LOSSARY_MAX_RESERVED_BYTES=reserved, LOSSARY_QUEUE_SECONDS="1", LOSSARY_MAX_WAITING="1") as server:
        paused = PausedBody(data)
        first = asyncio.create_task(post(server.url, paused, len(data)))
        await paused.begun.wait()
        second = asyncio.create_task(post(server.url, data, len(data)))
        value = await counted(server.url)
        while not value("lossary_queue_length"):
            value = await counted(server.url)
        third = await post(server.url, data, len(data))
        in_chunks = await post(server.url, chunks(data), None)
        small = await post(server.url, npy(10), None)
        probes = await status(server.url)
        shed = await second
        paused.go_on.set()
        served, after = await first, await post(server.url, data, len(data))

    assert value("lossary_reserved_bytes") == len(data) * BINARY_FACTOR
    for answer in (third, in_chunks, shed):
        problem = is_problem(answer, 503)
        assert problem["type"] == SHED
        assert answer.headers["retry-after"] == "1"
        assert problem["retry_after_s"] == 1
    assert probes == [200] * 4
    assert (served.status_code, after.status_code, small.status_code) == (200, 200, 200)


async def test_who_waits_in_time_is_served() -> None:
    data = npy(100_000)
    with serving(LOSSARY_MAX_RESERVED_BYTES=str(len(data) * BINARY_FACTOR)) as server:
        paused = PausedBody(data)
        first = asyncio.create_task(post(server.url, paused, len(data)))
        await paused.begun.wait()
        others = [asyncio.create_task(post(server.url, data, len(data))) for _ in range(8)]
        while (await counted(server.url))("lossary_queue_length") < len(others):
            pass
        paused.go_on.set()
        answers = await asyncio.gather(first, *others)
        page = await counted(server.url)

    assert [answer.status_code for answer in answers] == [200] * 9
    assert page("lossary_reserved_bytes") == page("lossary_queue_length") == 0
    assert page("lossary_queue_wait_seconds_sum") > 0


async def test_the_longest_upload_runs_alone_though_it_needs_more_than_there_is(client: Client) -> None:
    async with client(max_reserved_bytes=1000) as http:
        answer = await http.post("/v1/evaluate?loss=mse", content=npy(1000), headers=NPY)

    assert answer.is_success


@pytest.mark.parametrize("path", ["/v1/evaluate?loss=mse", "/v1/profile"])
async def test_what_is_refused_by_its_head_reserves_nothing(client: Client, path: str) -> None:
    async with client(max_body_bytes=100) as http:
        too_long = await http.post(path, content=npy(1000), headers=NPY)
        no_format = await http.post(path, content=b"x", headers={"content-type": "text/html"})
        page = reader((await http.get("/metrics")).text)

    assert (too_long.status_code, no_format.status_code) == (413, 415)
    assert page("lossary_request_body_bytes_count") == 0


async def test_what_unpacks_to_more_than_it_was_reserves_that_too() -> None:
    body, budget = deflated(200_000), Budget(1 << 40, most_waiting=0, patience_s=1)
    received = Body(
        Arrived(bytearray(body)),
        length=len(body),
        factor=BINARY_FACTOR,
        longest=1 << 30,
        longest_unpacked=1 << 30,
        reservation=Reservation(budget, 1, Record("")),
        record=Record("test"),
    )

    data = await received.read(1 << 30, None)
    read = budget.total - budget.free
    formats.many(formats.written()["application/x-npz"], data, DecodingLimit(1 << 30, received.reserve), ())
    decoded = budget.total - budget.free
    received.close()

    unpacked = 2 * 4 * 200_000
    assert len(body) < unpacked / 100
    assert read == len(body) * BINARY_FACTOR
    assert unpacked < decoded / BINARY_FACTOR < 1.01 * unpacked
    assert budget.free == budget.total


async def test_who_goes_away_half_way_gives_back_and_is_logged_without_a_traceback() -> None:
    data = npy(100_000)
    with serving(LOSSARY_LOG_FORMAT="json") as server:
        _, writer = await asyncio.open_connection("127.0.0.1", server.port)
        head = f"POST /v1/evaluate?loss=mse HTTP/1.1\r\nHost: x\r\nContent-Length: {len(data)}\r\n"
        writer.write(f"{head}Content-Type: application/x-npy\r\n\r\n".encode() + data[:100_000])
        value = await counted(server.url)
        while not value("lossary_reserved_bytes"):
            value = await counted(server.url)
        writer.close()
        while value("lossary_reserved_bytes"):
            value = await counted(server.url)
        lines = logged(server)

    assert value("lossary_http_requests_total", route="/v1/evaluate", status="499") == 1
    assert [line["status"] for line in lines if line["event"] == "answered"] == [499]
    assert not any("exception" in line or line["level"] == "error" for line in lines)


async def test_json_reserves_what_lists_of_numbers_cost() -> None:
    assert JSON_FACTOR > BINARY_FACTOR
    body = b'{"loss": "mse", "predictions": [1, 2], "targets": [1, 0]' + b" " * 65_536 + b"}"
    with serving(LOSSARY_MAX_RESERVED_BYTES=str(2 * JSON_FACTOR * len(body))) as server:
        paused = PausedBody(body)
        asked = asyncio.create_task(post(server.url, paused, len(body), "application/json; charset=utf-8"))
        await paused.begun.wait()
        value = await counted(server.url)
        while not value("lossary_reserved_bytes"):
            value = await counted(server.url)
        paused.go_on.set()
        answer = await asked

    assert value("lossary_reserved_bytes") == JSON_FACTOR * len(body)
    assert answer.is_success
