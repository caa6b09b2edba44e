"""Sends the requests of a client: again where a connection is lost, and line by line where answers are streamed.

`asynchronous/sending.py` is generated from this file: make docs-tables.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from typing import Any

import httpx

from lossary.answers import ExperimentState
from lossary.asking import ApiRequest
from lossary.errors import ConnectionFailed, LossaryError, Refused, refusal
from lossary.methods import Methods
from lossary.requests import FIRST_REFUSAL, Requests, error_text, read_answer
from lossary.result import Answer, Result
from lossary.retries import AGAIN, wait_of
from lossary.streams import Events, groups

LONGEST_WAIT_S = 30  # for which the service holds a request for an experiment open
ENDED = ("succeeded", "failed", "cancelled")


class Sender(Methods):
    """Sends requests over the connections of one client."""

    _http: httpx.Client
    _requests: Requests
    _retries: int

    def _ask(self, request: ApiRequest, kind: type[Answer]) -> Answer:
        """Send a request, with retries, and return its answer as `kind`.

        Raises: LossaryError.
        """
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = self._http.send(self._requests.made(request))
            except httpx.TransportError as error:
                if last or not (request.safe or isinstance(error, httpx.ConnectError)):
                    raise ConnectionFailed(f"{self._http.base_url}: {error_text(error)}") from error
                time.sleep(wait_of(None, attempt))
                continue
            if response.status_code not in AGAIN or last:
                return read_answer(response, kind)
            time.sleep(wait_of(response, attempt))
        raise LossaryError("no attempt was made")

    def events(self, identifier: str, *, after: str | None = None) -> Iterator[Result]:
        """Yield the events of an experiment until it has ended; a lost connection is resumed."""
        events = Events(identifier, after)
        for line in self._lines(events.remaining):
            event = events.read(line)
            if event is not None:
                yield event

    def batch(self, lines: Iterable[Mapping[str, Any]]) -> Iterator[Result | Refused]:
        """Yield the answer to each question, in order; a refused one is a `Refused` with `facts["line"]`.

        A question is `{"recommend": {...}}`, or `profile`, `evaluate` or `advise`: see `POST /v1/batch`.
        """
        for group in groups(lines):
            for line in self._lines(group.remaining):
                yield group.read(line)

    def _lines(self, remaining: Callable[[], ApiRequest | None]) -> Iterator[str]:
        """Yield the lines of a streamed answer.

        `remaining` returns the request to send again where a connection was lost.
        """
        attempt = 0
        while (request := remaining()) is not None:
            wait = None
            try:
                response = self._http.send(self._requests.made(request), stream=True)
                with closing(response):
                    if response.status_code >= FIRST_REFUSAL:
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
                    raise ConnectionFailed(f"{self._http.base_url}: {error_text(error)}") from error
            time.sleep(wait_of(None, attempt) if wait is None else wait)
            attempt += 1

    def run_experiment(
        self,
        data: Any,  # noqa: ANN401 - a frame or a path
        target: str,
        **question: Any,  # noqa: ANN401 - the fields of the question
    ) -> ExperimentState:
        """Upload data, compare losses on it, and return the experiment once it has ended."""
        sent = self.upload(data)
        started = self.start_experiment(sent.id, target, **question)
        while started.status not in ENDED:
            started = self.experiment(started.id, wait=LONGEST_WAIT_S)
        return started
