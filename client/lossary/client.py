"""The clients: one that waits and one for asyncio, with the same methods."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Self

import httpx

from lossary import asking
from lossary.asking import Asked
from lossary.errors import ConnectionFailed, LossaryError, refusal
from lossary.packing import packed
from lossary.result import Result, wrapped
from lossary.retries import AGAIN, wait_of

LONGEST_WAIT_S = 30  # for which the service holds a request for an experiment open
ENDED = ("succeeded", "failed", "cancelled")
OK = 400  # statuses from here on are refusals
Objective = str | Sequence[str]


def _headers(key: str | None, language: str | None) -> dict[str, str]:
    headers = {"user-agent": "lossary-python/0.1"}
    if key is not None:
        headers["authorization"] = f"Bearer {key}"
    if language is not None:
        headers["accept-language"] = language
    return headers


def _event(lines: Sequence[str]) -> Result | None:
    """Return a server-sent event; None for a comment."""
    fields = dict(line.split(": ", 1) for line in lines if ": " in line and not line.startswith(":"))
    return Result({"id": fields.get("id"), "event": fields["event"], **json.loads(fields["data"])}) if fields else None


class _Methods:
    """What both clients ask; `_ask` sends it."""

    def _ask(self, asked: Asked) -> Any:  # noqa: ANN401 - an answer, or what gives one
        raise NotImplementedError

    def recommend(
        self,
        task: str | None = None,
        *,
        scenario: str | None = None,
        profile: Mapping[str, Any] | None = None,
        goal: Mapping[str, Any] | None = None,
        rulebook: str | None = None,
        thresholds: Mapping[str, float] | None = None,
    ) -> Any:  # noqa: ANN401 - as above
        """Return which loss to use for a task or a scenario, and why."""
        body = {"task": task, "scenario": scenario, "profile": profile, "goal": goal, "rulebook": rulebook}
        return self._ask(asking.post("/v1/recommend", {**body, "thresholds": thresholds}))

    def profile(
        self,
        data: Any = None,  # noqa: ANN401 - a frame or a path
        *,
        task: str | None = None,
        roles: Mapping[str, str] | None = None,
        dataset: str | None = None,
        features: int | None = None,
        ignore_index: int | None = None,
        **arrays: Any,  # noqa: ANN401 - arrays of any library
    ) -> Any:  # noqa: ANN401 - as above
        """Return what the arrays say of the data: every fact that a rule may read, with its interval."""
        fields = {"task": task, "dataset": dataset, "features": features, "ignore_index": ignore_index}
        return self._ask(asking.upload("/v1/profile", packed(data, roles, fields, arrays)))

    def evaluate(
        self,
        loss: Objective,
        data: Any = None,  # noqa: ANN401 - a frame or a path
        *,
        roles: Mapping[str, str] | None = None,
        dataset: str | None = None,
        options: Mapping[str, Any] | None = None,
        **arrays: Any,  # noqa: ANN401 - arrays of any library
    ) -> Any:  # noqa: ANN401 - as above
        """Return what one or several objectives say of predictions and targets."""
        return self._ask(asking.evaluate(loss, data, roles, dataset, options or {}, arrays))

    def advise(
        self,
        data: Any = None,  # noqa: ANN401 - a frame or a path
        *,
        task: str | None = None,
        scenario: str | None = None,
        goal: Mapping[str, Any] | None = None,
        profile: Mapping[str, Any] | None = None,
        rulebook: str | None = None,
        roles: Mapping[str, str] | None = None,
        dataset: str | None = None,
        **arrays: Any,  # noqa: ANN401 - arrays of any library
    ) -> Any:  # noqa: ANN401 - as above
        """Return which loss fits these arrays, what was measured of them, and what the losses say of them."""
        fields = {"task": task, "scenario": scenario, "goal": goal, "profile": profile, "rulebook": rulebook}
        return self._ask(asking.upload("/v1/advise", packed(data, roles, {**fields, "dataset": dataset}, arrays)))

    def losses(self) -> Any:  # noqa: ANN401 - as above
        """Return the catalogue."""
        return self._ask(asking.get("/v1/losses"))

    def loss(self, name: str) -> Any:  # noqa: ANN401 - as above
        """Return all that is known of a loss."""
        return self._ask(asking.get(f"/v1/losses/{name}"))

    def curve(self, loss: str, **params: object) -> Any:  # noqa: ANN401 - as above
        """Return the value and the gradient of a loss along its error, or its probability."""
        return self._ask(asking.get(f"/v1/losses/{loss}/curve", **params))

    def rules(self, **params: object) -> Any:  # noqa: ANN401 - as above
        """Return the rules of both books and every threshold in force."""
        return self._ask(asking.get("/v1/rules", **params))

    def upload(self, data: Any) -> Any:  # noqa: ANN401 - a frame or a path
        """Keep a file of columns or arrays with the service; its `id` stands in place of arrays from then on."""
        return self._ask(asking.dataset(data))

    def datasets(self) -> Any:  # noqa: ANN401 - as above
        """Return the datasets that this key has sent."""
        return self._ask(asking.get("/v1/datasets"))

    def dataset(self, identifier: str) -> Any:  # noqa: ANN401 - as above
        """Return what a dataset holds."""
        return self._ask(asking.get(f"/v1/datasets/{identifier}"))

    def delete_dataset(self, identifier: str) -> Any:  # noqa: ANN401 - as above
        """Delete a dataset."""
        return self._ask(Asked("DELETE", f"/v1/datasets/{identifier}", {}, {}))

    def experiments(self, **params: object) -> Any:  # noqa: ANN401 - as above
        """Return the experiments of this key, the newest first."""
        return self._ask(asking.get("/v1/experiments", **params))

    def experiment(self, identifier: str, *, wait: float | None = None) -> Any:  # noqa: ANN401 - as above
        """Return an experiment, once it has ended or after `wait` seconds of at most 30."""
        return self._ask(asking.get(f"/v1/experiments/{identifier}", wait=wait))

    def start_experiment(
        self,
        dataset: str,
        target: str,
        *,
        idempotency_key: str | None = None,
        **question: Any,  # noqa: ANN401 - the fields of the question
    ) -> Any:  # noqa: ANN401 - as above
        """Ask for an experiment; `question` has the other fields of POST /v1/experiments."""
        headers = {} if idempotency_key is None else {"idempotency-key": idempotency_key}
        body = {"dataset": dataset, "target": target, **question}
        return self._ask(asking.post("/v1/experiments", body, headers=headers, safe=idempotency_key is not None))

    def verdict(self, metric: str, scores: Mapping[str, Sequence[float]], *, folds: int, **question: object) -> Any:  # noqa: ANN401 - as above
        """Return which of your own runs is best, by what each scored on every fold."""
        plain = {name: [float(score) for score in each] for name, each in scores.items()}
        return self._ask(
            asking.post("/v1/experiments/verdict", {"metric": metric, "scores": plain, "folds": folds, **question})
        )

    def cancel_experiment(self, identifier: str) -> Any:  # noqa: ANN401 - as above
        """End an experiment within a second or two."""
        return self._ask(Asked("POST", f"/v1/experiments/{identifier}/cancel", {}, {}))

    def delete_experiment(self, identifier: str) -> Any:  # noqa: ANN401 - as above
        """Delete an experiment and what it found."""
        return self._ask(Asked("DELETE", f"/v1/experiments/{identifier}", {}, {}))


class Client(_Methods):
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

    def __reduce__(self) -> tuple[Any, ...]:
        """Have a process that this client is sent to, as scikit-learn does, make one with connections of its own."""
        return _made, self._arguments

    def _ask(self, asked: Asked) -> Any:  # noqa: ANN401 - any JSON
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = self._http.request(
                    asked.method,
                    asked.path,
                    params=asked.params,
                    headers=asked.headers,
                    content=asked.content,
                    json=asked.json,
                )
            except httpx.TransportError as error:
                if last or not (asked.safe or isinstance(error, httpx.ConnectError)):
                    raise ConnectionFailed(f"{self._http.base_url}: {_said(error)}") from error
                time.sleep(wait_of(None, attempt))
                continue
            if response.status_code not in AGAIN or last:
                return _answer(response)
            time.sleep(wait_of(response, attempt))
        raise LossaryError("no attempt was made")

    def events(self, identifier: str, *, after: str | None = None) -> Iterator[Result]:
        """Yield what happens to an experiment, until it has ended; a lost connection is taken up again."""
        attempt = 0
        while True:
            headers = {} if after is None else {"last-event-id": after}
            try:
                with self._http.stream("GET", f"/v1/experiments/{identifier}/events", headers=headers) as response:
                    if response.status_code >= OK:
                        response.read()
                        raise refusal(response)
                    lines: list[str] = []
                    for line in response.iter_lines():
                        if line:
                            lines.append(line)
                            continue
                        event, lines = _event(lines), []
                        if event is not None:
                            after, attempt = event["id"], 0
                            yield event
            except httpx.TransportError as error:
                if attempt == self._retries:
                    raise ConnectionFailed(f"{self._http.base_url}: {_said(error)}") from error
                time.sleep(wait_of(None, attempt))
                attempt += 1
            else:
                return

    def run_experiment(self, data: Any, target: str, **question: Any) -> Result:  # noqa: ANN401 - a frame or a path
        """Send data, compare losses on it, and return the experiment once it has ended."""
        started = self.start_experiment(self.upload(data).id, target, **question)
        while started.status not in ENDED:
            started = self.experiment(started.id, wait=LONGEST_WAIT_S)
        result: Result = started
        return result

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


class AsyncClient(_Methods):
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

    async def _ask(self, asked: Asked) -> Any:  # noqa: ANN401 - any JSON
        for attempt in range(self._retries + 1):
            last = attempt == self._retries
            try:
                response = await self._http.request(
                    asked.method,
                    asked.path,
                    params=asked.params,
                    headers=asked.headers,
                    content=asked.content,
                    json=asked.json,
                )
            except httpx.TransportError as error:
                if last or not (asked.safe or isinstance(error, httpx.ConnectError)):
                    raise ConnectionFailed(f"{self._http.base_url}: {_said(error)}") from error
                await asyncio.sleep(wait_of(None, attempt))
                continue
            if response.status_code not in AGAIN or last:
                return _answer(response)
            await asyncio.sleep(wait_of(response, attempt))
        raise LossaryError("no attempt was made")

    async def events(self, identifier: str, *, after: str | None = None) -> AsyncIterator[Result]:
        """Yield what happens to an experiment, until it has ended."""
        headers = {} if after is None else {"last-event-id": after}
        async with self._http.stream("GET", f"/v1/experiments/{identifier}/events", headers=headers) as response:
            if response.status_code >= OK:
                await response.aread()
                raise refusal(response)
            lines: list[str] = []
            async for line in response.aiter_lines():
                if line:
                    lines.append(line)
                    continue
                event, lines = _event(lines), []
                if event is not None:
                    yield event

    async def run_experiment(self, data: Any, target: str, **question: Any) -> Result:  # noqa: ANN401 - a frame or a path
        """Send data, compare losses on it, and return the experiment once it has ended."""
        sent = await self.upload(data)
        started = await self.start_experiment(sent.id, target, **question)
        while started.status not in ENDED:
            started = await self.experiment(started.id, wait=LONGEST_WAIT_S)
        result: Result = started
        return result

    async def aclose(self) -> None:
        """Close the connections."""
        await self._http.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def _said(error: httpx.TransportError) -> str:
    return str(error) or type(error).__name__


def _answer(response: httpx.Response) -> Any:  # noqa: ANN401 - any JSON
    if response.status_code >= OK:
        raise refusal(response)
    return wrapped(response.json()) if response.content else None
