"""Small evaluations that arrive together share one call, and each has the answer that it has alone."""

import asyncio
import json
from functools import partial
from typing import Any

import numpy as np
import pytest
import torch

from losses.contract.expression import parse
from losses.evaluation import group
from losses.evaluation.layout import layout_of
from losses.evaluation.passes import Options
from service.app import create_app
from service.compute import groups
from service.compute.groups import Groups
from service.pipeline.inline import Inline
from service.pipeline.steps import Head
from service.settings import Settings
from service.uploads.bodies.body import Arrived
from tests.service.files import npy_body

pytestmark = pytest.mark.anyio
DRAW = np.random.default_rng(6)
PAIRS = [[DRAW.normal(size=50).astype(np.float32) for _ in range(2)] for _ in range(4)]
Sent = tuple[str, bytes, str]  # the query, the body, its media type
NPY, JSON = "application/x-npy", "application/json"
Answer = tuple[int, dict[str, Any]]


async def answers(turns: list[list[Sent]]) -> list[list[Answer]]:
    """Return the answers to requests that arrive in turns, those of one turn together."""
    app = create_app(Settings(device="cpu"))
    received: asyncio.Queue[tuple[int, Answer]] = asyncio.Queue()
    answered = []

    def send(place: int, head: Head, content: bytes | memoryview) -> None:
        received.put_nowait((place, (head.status, json.loads(bytes(content)))))

    async with app.router.lifespan_context(app) as state:
        inline: Inline = (state or {})["inline"]
        for requests in turns:
            for place, (query, body, media) in enumerate(requests):
                headers = [(b"content-length", str(len(body)).encode()), (b"content-type", media.encode())]
                scope: Any = {"type": "http", "method": "POST", "path": "/v1/evaluate", "headers": headers}
                scope |= {"query_string": query.encode(), "state": dict(state or {})}
                inline.serve(scope, Arrived(bytearray(body)), partial(send, place), lambda _: None)
            by_place = dict([await received.get() for _ in requests])
            answered.append([by_place[place] for place in range(len(requests))])
    return answered


def told(answer: Answer) -> tuple[int, dict[str, Any]]:
    """Return an answer without times and ids, its numbers to twelve digits."""
    members = {key: value for key, value in answer[1].items() if key not in ("timing_ms", "instance")}
    return answer[0], json.loads(json.dumps(members), parse_float=lambda text: float(f"{float(text):.12g}"))


def npy(pair: list[np.ndarray], query: str = "loss=mse") -> Sent:
    return query, npy_body(*pair), NPY


def listed(pair: list[np.ndarray], **more: object) -> Sent:
    return "", json.dumps({"predictions": pair[0].tolist(), "targets": pair[1].tolist(), **more}).encode(), JSON


MIXED = [
    npy(PAIRS[0]),
    npy(PAIRS[1]),
    npy([PAIRS[2][0], PAIRS[2][1] * np.float32("nan")]),  # refused
    npy(PAIRS[3], "loss=mae"),
    npy(PAIRS[3]),
    npy([array[:30] for array in PAIRS[0]]),  # of another length
    listed(PAIRS[0], loss=["mse", "huber(delta=2)"]),
    listed(PAIRS[1], loss=["mse", "huber(delta=2)"]),
    listed(PAIRS[1], loss="mse", weights=[1] * 50),
    listed(PAIRS[2], loss="mse", more=[1] * 50),  # refused
    listed(PAIRS[2], loss="mse", options={"gradient": "summary"}),
]


async def test_each_has_the_answer_that_it_has_alone() -> None:
    [together] = await answers([MIXED])
    alone = await answers([[request] for request in MIXED])

    assert [status for status, _ in together] == [200, 200, 422, 200, 200, 200, 200, 200, 200, 422, 200]
    assert [told(answer) for answer in together] == [told(answer) for [answer] in alone]


async def test_those_of_one_layout_are_evaluated_in_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes: list[int] = []

    def counted(layout: Any, members: Any, options: Options) -> Any:  # noqa: ANN401 - passed on
        sizes.append(len(members))
        return group.evaluate_group(layout, members, options)

    monkeypatch.setattr(groups, "evaluate_group", counted)

    [answered, _] = await answers([[npy(pair) for pair in PAIRS], [npy(PAIRS[0])]])

    assert sizes == [len(PAIRS)]
    assert all(answer["timing_ms"]["compute"] > 0 for _, answer in answered)


@pytest.mark.parametrize("fault", [RuntimeError("torch"), MemoryError()])
async def test_where_the_call_fails_each_is_evaluated_by_itself(
    fault: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise fault

    monkeypatch.setattr(groups, "evaluate_group", fails)

    [answered] = await answers([[npy(pair) for pair in PAIRS]])

    assert [status for status, _ in answered] == [200] * len(PAIRS)


def test_a_group_that_is_evaluated_takes_nobody_in_and_is_forgotten() -> None:
    joined, options = Groups(), Options()
    inputs = {"predictions": torch.zeros(3), "targets": torch.ones(3)}
    layouts = [layout_of(parse("mse"), inputs, None, options.chunk_elements)]

    first, second = joined.join(layouts, inputs, options), joined.join(layouts, inputs, options)
    assert first is not None
    assert second is not None
    assert first[0] is second[0]
    assert [result.value for result in first[0].results_of(1)] == [1]
    third = joined.join(layouts, inputs, options)

    assert third is not None
    assert third[0] is not first[0]
    assert third[0].results_of(0) == []  # which is evaluated as any other
    assert len(joined._groups) == 1  # noqa: SLF001 - that none is kept is the point
