# Generated from lossary/sending.py by make docs-tables: do not edit.
"""The same as `lossary/sending.py`, awaited."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing
from typing import Any

import httpx

from lossary.answers import ExperimentState
from lossary.asking import ApiRequest
from lossary.asynchronous.methods import AsyncMethods
from lossary.errors import ConnectionFailed, LossaryError, Refused, refusal
from lossary.requests import FIRST_REFUSAL, Requests, error_text, read_answer
from lossary.result import Answer, Result
from lossary.retries import AGAIN, wait_of
from lossary.streams import Events, groups

LONGEST_WAIT_S = 30  # for which the service holds a request for an experiment open
ENDED = ("succeeded", "failed", "cancelled")


class AsyncSender(AsyncMethods):
    """Sends requests over the connections of one client."""

    _http: httpx.AsyncClient
    _requests: Requests
    _retries: int

    async def _ask(self, request: ApiRequest, kind: type[Answer]) -> Answer:
        """Send a request, with retries, and return its answer as `kind`.

        Raises: LossaryError.
        """
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = await self._http.send(self._requests.made(request))
            except httpx.TransportError as error:
                if last or not (request.safe or isinstance(error, httpx.ConnectError)):
                    raise ConnectionFailed(f"{self._http.base_url}: {error_text(error)}") from error
                await asyncio.sleep(wait_of(None, attempt))
                continue
            if response.status_code not in AGAIN or last:
                return read_answer(response, kind)
            await asyncio.sleep(wait_of(response, attempt))
        raise LossaryError("no attempt was made")

    async def events(self, identifier: str, *, after: str | None = None) -> AsyncIterator[Result]:
        """Yield the events of an experiment until it has ended; a lost connection is resumed."""
        events = Events(identifier, after)
        async for line in self._lines(events.remaining):
            event = events.read(line)
            if event is not None:
                yield event

    async def batch(self, lines: Iterable[Mapping[str, Any]]) -> AsyncIterator[Result | Refused]:
        """Yield the answer to each question, in order; a refused one is a `Refused` with `facts["line"]`.

        A question is `{"recommend": {...}}`, or `profile`, `evaluate` or `advise`: see `POST /v1/batch`.
        """
        for group in groups(lines):
            async for line in self._lines(group.remaining):
                yield group.read(line)

    async def _lines(self, remaining: Callable[[], ApiRequest | None]) -> AsyncIterator[str]:
        """Yield the lines of a streamed answer.

        `remaining` returns the request to send again where a connection was lost.
        """
        attempt = 0
        while (request := remaining()) is not None:
            wait = None
            try:
                response = await self._http.send(self._requests.made(request), stream=True)
                async with aclosing(response):
                    if response.status_code >= FIRST_REFUSAL:
                        await response.aread()
                        if response.status_code not in AGAIN or attempt == self._retries:
                            raise refusal(response)
                        wait = wait_of(response, attempt)
                    else:
                        async for line in response.aiter_lines():
                            attempt = 0
                            yield line
                        return
            except httpx.TransportError as error:
                if attempt == self._retries:
                    raise ConnectionFailed(f"{self._http.base_url}: {error_text(error)}") from error
            await asyncio.sleep(wait_of(None, attempt) if wait is None else wait)
            attempt += 1

    async def run_experiment(
        self,
        data: Any,  # noqa: ANN401 - a frame or a path
        target: str,
        **question: Any,  # noqa: ANN401 - the fields of the question
    ) -> ExperimentState:
        """Upload data, compare losses on it, and return the experiment once it has ended."""
        sent = await self.upload(data)
        started = await self.start_experiment(sent.id, target, **question)
        while started.status not in ENDED:
            started = await self.experiment(started.id, wait=LONGEST_WAIT_S)
        return started
