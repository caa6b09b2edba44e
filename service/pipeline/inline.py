"""The pipeline without an asyncio task: small complete requests are answered in the callback that read them.

A task, ASGI and FastAPI's routing take several times as long as computing a small loss. The steps and the handler are
the same as for every other request; a request that has to wait (for memory, for a thread) continues as a task.
"""

import asyncio
from collections.abc import Callable

from starlette.types import Scope

from service.pipeline.pipeline import Pipeline, answer_inline
from service.pipeline.steps import Head
from service.request_record import UNDER_WAY
from service.scheduling import InlineRun, run_together, take_turn
from service.uploads.bodies.body import Arrived

MOST_TOGETHER = 16  # requests, 2 ms: of more the first would wait longer than the steps gain by being shared
LONGEST = 1 << 16  # bytes of body: evaluated within a millisecond
SendAnswer = Callable[[Head, bytes | memoryview], object]
Adopt = Callable[[asyncio.Task[None]], object]


class Inline:
    """Runs requests inline, a step at a time."""

    def __init__(self, pipeline: Pipeline) -> None:
        self._pipeline = pipeline
        self._arrived: list[InlineRun] = []

    def takes(self, scope: Scope, length: int) -> bool:
        """Return whether a request with a body of this length is answered inline once it has arrived completely."""
        return 0 < length <= LONGEST and self._pipeline.match(scope["method"], scope["path"]).endpoint is not None

    def serve(self, scope: Scope, body: Arrived, send: SendAnswer, adopt: Adopt) -> None:
        """Answer a request in one of the next turns of the event loop.

        Args:
            scope: The ASGI scope.
            body: The complete body.
            send: Sends the answer.
            adopt: Receives the task that the request becomes where it has to wait.
        """
        if not self._arrived:
            asyncio.get_running_loop().call_soon(self._run)
        self._arrived.append(InlineRun(self._answer(scope, body, send), adopt))

    def _run(self) -> None:
        """Run the next step of all waiting requests in turn, until each is done or has become a task."""
        runs, self._arrived = self._arrived[:MOST_TOGETHER], self._arrived[MOST_TOGETHER:]
        if self._arrived:
            asyncio.get_running_loop().call_soon(self._run)
        run_together(runs)

    async def _answer(self, scope: Scope, body: Arrived, send: SendAnswer) -> None:
        """Pass one request through the steps and its handler, and send the answer."""
        exchange = self._pipeline.exchange(scope, body)
        UNDER_WAY.set(exchange.record)
        try:
            response = await answer_inline(self._pipeline, exchange)
            head = Head(response.status_code, response.raw_headers, response.body)
            await self._pipeline.leave(exchange, head)
            content = head.content or b""
            exchange.record.bytes_out = len(content)
            await take_turn()
            send(head, content)
            await take_turn()
        finally:
            self._pipeline.end(exchange)
