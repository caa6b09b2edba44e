"""Requests that are answered inline: those of one turn together, each as if it were alone."""

import asyncio
from functools import partial

import pytest
from fastapi import APIRouter, Request, Response
from fastapi.routing import APIRoute

from losses.errors import Refusal
from service.budget import Budget
from service.observability.metrics import Metrics
from service.pipeline.access_log import AccessLog
from service.pipeline.inline import LONGEST, Inline
from service.pipeline.pipeline import Pipeline
from service.pipeline.properties import properties
from service.pipeline.route_table import RouteTable
from service.pipeline.steps import Head
from service.request_record import current
from service.scheduling import in_task, take_turn
from service.settings import Settings
from service.uploads.bodies.body import Arrived
from tests.service.pipeline.test_added_step import ASKED, every_way
from tests.service.pipeline.test_ways import PATH, Handler


def answering(seen: list[str], fault: Exception | None = None) -> Handler:
    """Return a handler that says its body back, in three steps; `b` breaks in the second, and `t` waits as a task."""

    @properties("open", inline=True)
    async def handler(request: Request) -> Response:
        name = bytes(await request.scope["lossary.body"].read(9, None)).decode()
        for step in range(3):
            seen.append(f"{name}{step}")
            assert current().id == name
            if name == "b" and step == 1 and fault:
                raise fault
            if name == "t":
                await in_task()
                await asyncio.sleep(0)
            await take_turn()
        return Response(name)

    return handler


def pipeline_of(handler: Handler, free: int = 1 << 20, root_path: str = "") -> Pipeline:
    router = APIRouter()
    router.post(PATH)(handler)
    routes = [route for route in router.routes if isinstance(route, APIRoute)]
    settings = Settings(device="cpu", queue_seconds=0.05, root_path=root_path)
    return Pipeline([AccessLog(Metrics())], RouteTable(routes, {}), Budget(free, 9, 0.05), settings)


def served(names: str, handler: Handler, free: int = 1 << 20, broken: str = "") -> tuple[dict[str, int], int]:
    """Serve one request a letter, all at once; return the status each got, and how many became tasks."""
    inline = Inline(pipeline_of(handler, free))
    sent: dict[str, int] = {}
    tasks: list[asyncio.Task[None]] = []

    def send(name: str, head: Head, _: bytes | memoryview) -> None:
        if name in broken:
            raise OSError
        sent[name] = head.status

    async def main() -> None:
        for name in names:
            headers = [(b"content-length", b"1"), (b"x-request-id", name.encode())]
            scope = {"type": "http", "method": "POST", "path": PATH, "headers": headers}
            assert inline.takes(scope, 1)
            inline.serve(scope, Arrived(bytearray(name.encode())), partial(send, name), tasks.append)
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(main())
    return sent, len(tasks)


def test_those_that_came_together_take_each_step_together() -> None:
    seen: list[str] = []

    sent, tasks = served("acd", answering(seen))

    assert seen == ["a0", "c0", "d0", "a1", "c1", "d1", "a2", "c2", "d2"]
    assert (sent, tasks) == ({"a": 200, "c": 200, "d": 200}, 0)


def test_one_that_waits_goes_on_as_a_task_and_holds_up_no_other() -> None:
    seen: list[str] = []

    sent, tasks = served("tac", answering(seen))

    assert seen.index("c2") < seen.index("t1")
    assert (sent, tasks) == ({"a": 200, "c": 200, "t": 200}, 1)


@pytest.mark.parametrize(("fault", "status"), [(RuntimeError("ours"), 500), (Refusal("theirs"), 422)])
def test_a_fault_of_one_is_no_fault_of_the_others(fault: Exception, status: int) -> None:
    sent, _ = served("abc", answering([], fault))

    assert sent == {"a": 200, "b": status, "c": 200}


def test_an_answer_that_cannot_be_sent_holds_up_no_other() -> None:
    sent, _ = served("abc", answering([]), broken="b")

    assert sent == {"a": 200, "c": 200}


def test_what_has_no_room_waits_for_it_as_a_task() -> None:
    sent, tasks = served("ac", answering([]), free=13)

    assert tasks == 1
    assert sent == {"a": 200, "c": 200}


def test_only_small_bodies_of_routes_that_run_inline_are_taken() -> None:
    inline = Inline(pipeline_of(answering([])))
    scope = {"method": "POST", "path": PATH}

    assert inline.takes(scope, LONGEST)
    for refused, length in [(scope, 0), (scope, LONGEST + 1), ({**scope, "method": "GET"}, 1)]:
        assert not inline.takes(refused, length)
    assert not inline.takes({**scope, "path": "/v1/recommend"}, 1)


def test_the_prefix_of_a_proxy_changes_nothing_of_that() -> None:
    inline = Inline(pipeline_of(answering([]), root_path="/lossary"))

    for path in (PATH, f"/lossary{PATH}"):
        assert inline.takes({"method": "POST", "path": path}, LONGEST)
    assert not inline.takes({"method": "POST", "path": f"/other{PATH}"}, LONGEST)


def test_a_small_evaluation_is_answered_inline_too() -> None:
    method, path, media, body = ASKED["an evaluation"]

    ways = asyncio.run(every_way(method, path, media, body, refuse=False))

    assert set(ways) == {"as a task", "in chunks", "inline"}
