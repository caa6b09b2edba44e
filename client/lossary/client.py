"""The clients: one that waits and one for asyncio, with the same methods."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import aclosing, closing
from typing import Any, Self

import httpx

from lossary.answers import ExperimentState
from lossary.asking import Asked
from lossary.async_methods import AsyncMethods
from lossary.errors import ConnectionFailed, LossaryError, Refused, refusal
from lossary.methods import Methods
from lossary.requests import Requests
from lossary.result import Answer, Result
from lossary.retries import AGAIN, wait_of
from lossary.streams import Events, groups

LONGEST_WAIT_S = 30  # for which the service holds a request for an experiment open
ENDED = ("succeeded", "failed", "cancelled")
OK = 400  # statuses from here on are refusals


def _headers(key: str | None, language: str | None) -> dict[str, str]:
    headers = {"user-agent": "lossary-python/0.1"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    if language is not None:
        headers["accept-language"] = language
    return headers


class Client(Methods):
    """A client that waits for each answer.

    `key`: an API key. `language`: en or zh, of the sentences. `timeout`: seconds without a byte. `retries`: how often a
    request is sent again after 429, 502, 503, 504 or a lost connection. `local`: answer in this process, where the
    service is installed. Raises, from every method: LossaryError.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        language: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        local: bool = False,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._arguments = (url, key, language, timeout, retries, local, transport)
        if local:
            from lossary.local import LocalTransport  # noqa: PLC0415 - it starts the service

            url, transport = "http://lossary.local", LocalTransport()
        self._http = httpx.Client(
            base_url=url, headers=_headers(key, language), timeout=timeout, transport=transport, follow_redirects=False
        )
        self._requests = Requests(self._http)

    def __reduce__(self) -> tuple[Any, ...]:
        """Have a process that this client is sent to, as scikit-learn does, make one with connections of its own."""
        return _made, self._arguments

    def _ask(self, asked: Asked, kind: type[Answer]) -> Answer:
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = self._http.send(self._requests.made(asked))
            except httpx.TransportError as error:
                if last or not (asked.safe or isinstance(error, httpx.ConnectError)):
                    raise ConnectionFailed(f"{self._http.base_url}: {_said(error)}") from error
                time.sleep(wait_of(None, attempt))
                continue
            if response.status_code not in AGAIN or last:
                return _answer(response, kind)
            time.sleep(wait_of(response, attempt))
        raise LossaryError("no attempt was made")

    def events(self, identifier: str, *, after: str | None = None) -> Iterator[Result]:
        """Yield what happens to an experiment, until it has ended; a lost connection is taken up again."""
        events = Events(identifier, after)
        for line in self._lines(events.asked):
            event = events.read(line)
            if event is not None:
                yield event

    def batch(self, lines: Iterable[Mapping[str, Any]]) -> Iterator[Result | Refused]:
        """Yield the answer to each question, in order, where one that is refused is a `Refused` with `facts["line"]`.

        A question is `{"recommend": {...}}`, or `profile`, `evaluate` or `advise`: see `POST /v1/batch`.
        """
        for group in groups(lines):
            for line in self._lines(group.asked):
                yield group.read(line)

    def _lines(self, asked: Callable[[], Asked | None]) -> Iterator[str]:
        """Yield the lines of an answer; `asked` returns what is still to be asked where the connection was lost."""
        attempt = 0
        while (question := asked()) is not None:
            wait = None
            try:
                response = self._http.send(self._requests.made(question), stream=True)
                with closing(response):
                    if response.status_code >= OK:
                        response.read()
                        if response.status_code not in AGAIN or attempt == self._retries:
                            raise refusal(response)
                        wait = wait_of(response, attempt)
                    else:
                        for line in response.iter_lines():
                            attempt = 0
                            yield line
                        return
            except httpx.TransportError as error:
                if attempt == self._retries:
                    raise ConnectionFailed(f"{self._http.base_url}: {_said(error)}") from error
            time.sleep(wait_of(None, attempt) if wait is None else wait)
            attempt += 1

    def run_experiment(self, data: Any, target: str, **question: Any) -> ExperimentState:  # noqa: ANN401 - a frame or a path
        """Send data, compare losses on it, and return the experiment once it has ended."""
        started = self.start_experiment(self.upload(data).id, target, **question)
        while started.status not in ENDED:
            started = self.experiment(started.id, wait=LONGEST_WAIT_S)
        return started

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _made(url: str, key: str | None, language: str | None, timeout: float, *more: Any) -> Client:  # noqa: ANN401 - retries, local, transport
    retries, local, transport = more
    return Client(url, key=key, language=language, timeout=timeout, retries=retries, local=local, transport=transport)


class AsyncClient(AsyncMethods):
    """The same for asyncio: each method is awaited, and `events` is an asynchronous iterator."""

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        key: str | None = None,
        language: str | None = None,
        timeout: float = 60.0,
        retries: int = 3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._retries = retries
        self._http = httpx.AsyncClient(
            base_url=url, headers=_headers(key, language), timeout=timeout, transport=transport, follow_redirects=False
        )
        self._requests = Requests(self._http)

    async def _ask(self, asked: Asked, kind: type[Answer]) -> Answer:
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = await self._http.send(self._requests.made(asked))
            except httpx.TransportError as error:
                if last or not (asked.safe or isinstance(error, httpx.ConnectError)):
                    raise ConnectionFailed(f"{self._http.base_url}: {_said(error)}") from error
                await asyncio.sleep(wait_of(None, attempt))
                continue
            if response.status_code not in AGAIN or last:
                return _answer(response, kind)
            await asyncio.sleep(wait_of(response, attempt))
        raise LossaryError("no attempt was made")

    async def events(self, identifier: str, *, after: str | None = None) -> AsyncIterator[Result]:
        """Yield what happens to an experiment, until it has ended; a lost connection is taken up again."""
        events = Events(identifier, after)
        async for line in self._lines(events.asked):
            event = events.read(line)
            if event is not None:
                yield event

    async def batch(self, lines: Iterable[Mapping[str, Any]]) -> AsyncIterator[Result | Refused]:
        """Yield the answer to each question, in order, where one that is refused is a `Refused` with `facts["line"]`.

        A question is `{"recommend": {...}}`, or `profile`, `evaluate` or `advise`: see `POST /v1/batch`.
        """
        for group in groups(lines):
            async for line in self._lines(group.asked):
                yield group.read(line)

    async def _lines(self, asked: Callable[[], Asked | None]) -> AsyncIterator[str]:
        """Yield the lines of an answer; `asked` returns what is still to be asked where the connection was lost."""
        attempt = 0
        while (question := asked()) is not None:
            wait = None
            try:
                response = await self._http.send(self._requests.made(question), stream=True)
                async with aclosing(response):
                    if response.status_code >= OK:
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
                    raise ConnectionFailed(f"{self._http.base_url}: {_said(error)}") from error
            await asyncio.sleep(wait_of(None, attempt) if wait is None else wait)
            attempt += 1

    async def run_experiment(self, data: Any, target: str, **question: Any) -> ExperimentState:  # noqa: ANN401 - a frame or a path
        """Send data, compare losses on it, and return the experiment once it has ended."""
        sent = await self.upload(data)
        started = await self.start_experiment(sent.id, target, **question)
        while started.status not in ENDED:
            started = await self.experiment(started.id, wait=LONGEST_WAIT_S)
        return started

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _said(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__


def _answer(response: httpx.Response, kind: type[Answer]) -> Answer:
    if response.status_code >= OK:
        raise refusal(response)
    return kind(json.loads(response.content) if response.content else {})
