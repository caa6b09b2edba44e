"""Answers that come a line at a time: events and batches, by both clients, and what is lost on the way."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import lossary
import numpy as np
import pytest
from lossary.streams import GROUP_BYTES

from tests.client.test_client import answer, answering
from tests.service.processes import Server, serving

CLIENTS = ("Client", "AsyncClient")
EVENTS = [b'id: 1\nevent: progress\ndata: {"done": 1}\n\n', b'id: 2\nevent: verdict\ndata: {"chosen": "mse"}\n\n']
QUESTION = {"recommend": {"task": "binary", "profile": {"class_imbalance": 1.1}}}


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving() as running:
        yield running


def streamed(kind: str, method: str, url: str, *arguments: Any) -> list[Any]:  # noqa: ANN401 - of either method
    """Return all that a method of a client yields."""

    async def awaited() -> list[Any]:
        async with lossary.AsyncClient(url) as client:
            return [entry async for entry in getattr(client, method)(*arguments)]

    if kind == "AsyncClient":
        return asyncio.run(awaited())
    with lossary.Client(url) as client:
        return list(getattr(client, method)(*arguments))


def stream(content: bytes, length: int) -> bytes:
    """Return a response of stated length, which is cut short where the content is shorter."""
    return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % length + content


@pytest.mark.parametrize("kind", CLIENTS)
def test_events_are_taken_up_again_where_the_connection_was_lost(kind: str) -> None:
    first = stream(b": hello\n\n" + EVENTS[0] + EVENTS[1][:9], 1000)
    busy = answer("503 Service Unavailable", {"detail": "no room"}, "retry-after: 0\r\n")

    with answering(first, None, busy, stream(EVENTS[1], len(EVENTS[1]))) as (url, asked):
        events = streamed(kind, "events", url, "ex_1")

    assert [(event.id, event.event) for event in events] == [("1", "progress"), ("2", "verdict")]
    assert b"last-event-id" not in asked[0].lower()
    assert all(b"last-event-id: 1\r\n" in again.lower() for again in asked[1:])


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_batch_is_answered_in_order_and_a_wrong_line_is_one_refusal(kind: str, server: Server) -> None:
    outputs = np.array([1.0, 2.0, 3.5])
    wrong = {"evaluate": {"loss": "mea", "predictions": [1.0], "targets": [0.0]}}
    right = {"evaluate": {"loss": "mae", "predictions": outputs, "targets": outputs + 1}}

    answers = streamed(kind, "batch", server.url, iter([QUESTION, wrong, right]))

    assert answers[0].recommended.objective == "bce"
    assert isinstance(answers[0], lossary.answers.Recommendation)
    assert isinstance(answers[1], lossary.Refused)
    assert (answers[1].status, answers[1].facts["line"], answers[1].facts["did_you_mean"]) == (422, 2, "mae")
    assert answers[2].results[0].value == 1.0


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_long_batch_goes_in_several_requests_and_counts_its_lines_through(kind: str, server: Server) -> None:
    wide = {"evaluate": {"loss": "mse", "predictions": [0.125] * 30_000, "targets": [0.5] * 30_000}}
    assert len(json.dumps(wide)) > GROUP_BYTES // 3

    answers = streamed(kind, "batch", server.url, [wide, wide, wide, wide, {"recommend": {"task": "binray"}}])

    assert [entry.results[0].value for entry in answers[:4]] == [0.375**2] * 4
    assert answers[4].facts["line"] == 5


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_batch_goes_on_after_the_last_line_that_was_answered(kind: str) -> None:
    lines = [b'{"recommend": {"version": "%d"}}\n' % place for place in range(3)]

    with answering(stream(lines[0] + lines[1], 1000), stream(lines[2], len(lines[2]))) as (url, asked):
        answers = streamed(kind, "batch", url, [QUESTION] * 3)

    assert [each.version for each in answers] == ["0", "1", "2"]
    first, again = (int(each.lower().split(b"content-length: ")[1].split(b"\r")[0]) for each in asked)
    assert first == 3 * again


@pytest.mark.parametrize("kind", CLIENTS)
def test_a_batch_that_is_refused_as_a_whole_is_raised(kind: str, server: Server) -> None:
    cut_short = b'{"recommend": {"version": "0"}}\n{"problem": {"status": 413, "title": "Too large"}}\n'

    with answering(stream(cut_short, len(cut_short))) as (url, _), pytest.raises(lossary.TooLarge):
        streamed(kind, "batch", url, [QUESTION, QUESTION])
    assert streamed(kind, "batch", server.url, []) == []
