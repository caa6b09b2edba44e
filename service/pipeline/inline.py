"""Small requests that came whole: answered where they arrive, with no task, no ASGI and no FastAPI between.

Those take several times as long as a small loss takes to compute. What stands around the routes
(service/pipeline/pipeline.py) stands here too, in the same objects: the id, the log line and the counts, the key, the
memory, and the last word on a crash. Where traces are sent, every request goes the long way.

Requests that arrived in one turn of the event loop go through each step together: the code of a step, out of the caches
when its turn comes, costs three times as much the first time as after that.
"""

import asyncio
import logging
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from time import perf_counter

from fastapi import Response
from starlette.types import Scope

from losses.errors import Refusal
from service.pipeline.access_log import Journal
from service.pipeline.admission import Budget, declared
from service.pipeline.auth import Keys
from service.problems import answer, crash
from service.request_record import UNDER_WAY, Record

log = logging.getLogger("lossary")
TOGETHER = 8  # requests: more would wait for one another, while whoever sent them waits for all
LONGEST = 1 << 16  # bytes of body: evaluated within a millisecond


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes over the wire, less what the server adds to every answer."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(frozen=True, slots=True)
class Whole:
    """A request with its body, what sends its answer, and what has it answered the long way."""

    scope: Scope
    body: bytearray
    send: Callable[[Answer], object]
    decline: Callable[[], object]


Endpoint = Callable[[Scope, bytearray], Generator[None, None, Answer | None]]  # None: the long way; yields after a step
Endpoints = Mapping[tuple[str, str], Endpoint]  # by method and path


class AtOnce:
    """What answers them."""

    def __init__(self, endpoints: Endpoints, journal: Journal, memory: Budget, keys: Keys | None = None) -> None:
        self._endpoints, self._journal, self._memory, self._keys = endpoints, journal, memory, keys
        self._came: list[Whole] = []

    def takes(self, scope: Scope, length: int) -> bool:
        """Say whether a request with a body of this length may be answered here."""
        return 0 < length <= LONGEST and (scope["method"], scope["path"]) in self._endpoints

    def serve(self, request: Whole) -> None:
        """Answer a request soon, or decline it."""
        if not self._came:
            asyncio.get_running_loop().call_soon(self._serve)
        self._came.append(request)

    def _serve(self) -> None:
        came, self._came = self._came[:TOGETHER], self._came[TOGETHER:]
        if self._came:
            asyncio.get_running_loop().call_soon(self._serve)
        under_way = [self._steps(request) for request in came]
        while under_way:
            under_way = [steps for steps in under_way if _go_on(steps)]
        UNDER_WAY.set(None)

    def _steps(self, request: Whole) -> Iterator[bool]:
        """Answer one request, or decline it; yield between steps."""
        scope = request.scope
        length, factor = declared(scope)
        if not self._memory.has(factor * length):
            request.decline()
            return
        started, record = perf_counter(), self._journal.begin(scope)
        record.bytes_in = len(request.body)
        found = yield from self._answer(request, record)
        if found is None:
            request.decline()
            return
        found.headers.append((b"x-request-id", record.id.encode()))
        record.bytes_out = len(found.body)
        request.send(found)
        yield True
        self._journal.end(record, scope["path"], scope["method"], found.status, perf_counter() - started)

    def _answer(self, request: Whole, record: Record) -> Generator[bool, None, Answer | None]:
        UNDER_WAY.set(record)
        try:
            rate = self._keys.admit(request.scope) if self._keys else {}
        except Refusal as refusal:
            return _plain(answer(refusal))
        found = yield from self._inner(request, record)
        if found is not None:
            found.headers.extend((name.lower().encode(), value.encode()) for name, value in rate.items())
        return found

    def _inner(self, request: Whole, record: Record) -> Generator[bool, None, Answer | None]:
        scope = request.scope
        steps = self._endpoints[scope["method"], scope["path"]](scope, request.body)
        try:
            while True:
                next(steps)
                yield True
                UNDER_WAY.set(record)  # others had theirs meanwhile
        except StopIteration as end:
            answered: Answer | None = end.value
            return answered
        except Refusal as refusal:
            return _plain(answer(refusal))
        except Exception as error:  # noqa: BLE001 - the last word, as in service/pipeline/access_log.py
            return _plain(crash(error))


def _go_on(steps: Iterator[bool]) -> bool:
    """Take the next step of one request; say whether there are more. What breaks here is no matter of the others."""
    try:
        return next(steps, False)
    except Exception as error:
        log.error("crashed", exc_info=error)  # noqa: TRY400 - as in service/problems.py
        return False


def _plain(response: Response) -> Answer:
    return Answer(response.status_code, response.raw_headers, bytes(response.body))
