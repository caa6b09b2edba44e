"""The pipeline: one list of steps around every request, and the order in which a request passes them.

A request is either refused at its head by the connection (service/server), or answered here: as ASGI middleware
(`PipelineMiddleware`) or inline (inline.py), with the same steps and the same endpoint. This is the only place where a
refusal, or an internal error, becomes an answer.
"""

import asyncio
from collections.abc import Mapping, Sequence

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from losses.errors import Refusal
from service.budget import Budget, Reservation
from service.pipeline.route_table import Endpoint, Match, RouteTable
from service.pipeline.steps import Exchange, Head, Step
from service.problems import Draining, answer, crash
from service.request_record import UNDER_WAY, Record, language_of, sent_or_new_id
from service.scheduling import beside_the_loop, take_turn
from service.settings import Settings
from service.uploads.bodies.body import BINARY_FACTOR, JSON_FACTOR, KEY, AsgiSource, Body, BodySource
from service.uploads.bodies.codings import UnpackedSource, coding_of
from service.uploads.bodies.pace import Pace
from service.uploads.media_type import JSON

JSON_BYTES = JSON.encode()
PACKING_COST = 16  # times as long as to decode
PIECE = 1 << 18  # bytes of an answer that are given to the server at once
SOURCE = "lossary.source"  # of the scope's extensions: where our server has the body from
CLIENT_GONE = 499  # nginx's status for a client that closed first; nothing was answered


class Pipeline:
    """The steps, and the table of routes that they surround."""

    def __init__(self, steps: Sequence[Step], routes: RouteTable, memory: Budget, settings: Settings) -> None:
        self.steps, self.routes = steps, routes
        self._entering = [(count, step) for count, step in enumerate(steps, 1) if _overrides(step, "enter")]
        # By how many were entered:
        self._leaving = [_reversed(steps[:count], "leave") for count in range(len(steps) + 1)]
        self._ending = [_reversed(steps[:count], "end") for count in range(len(steps) + 1)]
        self._memory, self._settings = memory, settings
        self._longest = max(settings.max_body_bytes, settings.max_json_bytes)
        self._root = f"{settings.root_path}/" if settings.root_path else ""

    def match(self, method: str, path: str) -> Match:
        """Return the route of a request, with or without the prefix that a proxy adds to the path."""
        return self.routes.match(method, self._own(path))

    def _own(self, path: str) -> str:
        """Return a path without the prefix that a proxy adds."""
        return path[len(self._root) - 1 :] if self._root and path.startswith(self._root) else path

    def exchange(self, scope: Scope, source: BodySource) -> Exchange:
        """Return the exchange of a request, whose body comes from `source`."""
        if self._root:
            scope["path"] = self._own(scope["path"])
        match = self.routes.match(scope["method"], scope["path"])
        if match.route is None and scope["path"].endswith("/"):
            shorter = scope["path"].rstrip("/")
            without = self.routes.match(scope["method"], shorter) if shorter else match
            if without.route is not None:
                scope["path"], match = shorter, without
        headers = dict(reversed(scope["headers"]))  # of several with one name the first
        length, factor, coding = _stated(headers)
        record = Record(
            sent_or_new_id(headers.get(b"x-request-id")),
            source.has_left,
            language=language_of(headers),
            open_inference=match.properties.protocol == "open inference",
        )
        if coding is not None:
            source = UnpackedSource(source, coding, record)
        body = Body(
            source,
            length=length,
            factor=factor,
            longest=self._longest,
            longest_unpacked=self._settings.max_decoded_bytes,
            reservation=Reservation(self._memory, self._settings.queue_seconds, record),
            record=record,
        )
        scope[KEY] = body
        if match.route is not None:
            scope["route"] = match.route
        return Exchange(scope, match, body, record)

    def source(self, scope: Scope, receive: Receive) -> BodySource:
        """Return the source of the body of an ASGI request; our own server provides one in the scope."""
        own: BodySource | None = scope.get("extensions", {}).get(SOURCE)
        pace = Pace(self._settings.idle_seconds, self._settings.min_body_rate)
        return own or AsgiSource(receive, pace)

    def enter(self, exchange: Exchange) -> Response | None:
        """Pass an exchange through the steps; return the answer of the first step that gives one, or None.

        Raises: Refusal.
        """
        for count, step in self._entering:
            exchange.entered = count
            early = step.enter(exchange)
            if early is not None:
                return early
        exchange.entered = len(self.steps)
        match, method = exchange.match, exchange.scope["method"]
        if match.route is not None or match.is_files:
            return None
        if method == "OPTIONS" and match.allowed:
            return Response(status_code=204, headers={"Allow": ", ".join(match.methods)})
        raise self.routes.refusal(method, exchange.scope["path"], match)

    async def leave(self, exchange: Exchange, head: Head) -> None:
        """Pass the head of an answer back through the steps that were entered."""
        for step in self._leaving[exchange.entered]:
            step.leave(exchange, head)
        if head.packing is not None and head.content is not None:
            packing, content = head.packing, head.content
            head.content = await beside_the_loop(lambda: packing(content), PACKING_COST * len(content))
            head.replace(b"content-length", str(len(head.content)).encode())
        exchange.status = head.status

    def end(self, exchange: Exchange) -> None:
        """End an exchange after its answer was sent.

        References from the scope are removed, so that memory is freed at once rather than by the garbage collector.
        """
        exchange.body.close()
        for step in self._ending[exchange.entered]:
            step.end(exchange)
        exchange.scope.pop(KEY, None)
        exchange.scope.get("extensions", {}).pop(SOURCE, None)


def _overrides(step: Step, method: str) -> bool:
    """Return whether a step does anything in one of its methods."""
    return getattr(type(step), method) is not getattr(Step, method)


def _reversed(steps: Sequence[Step], method: str) -> list[Step]:
    """Return the steps that do something in one of their methods, the last first."""
    return [step for step in reversed(steps) if _overrides(step, method)]


class _Sending:
    """Passes an ASGI answer through the steps; an answer that is sent in one piece is passed as a whole."""

    def __init__(self, pipeline: Pipeline, exchange: Exchange, send: Send) -> None:
        self._pipeline, self._exchange, self._send = pipeline, exchange, send
        self._beginning: Message = {}
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Send one ASGI message."""
        if message["type"] == "http.response.start":
            self._beginning = message  # sent with what comes next
            return
        if not self.started:
            body = None if message.get("more_body", False) else message.get("body", b"")
            head = Head(self._beginning["status"], [*self._beginning.get("headers", ())], body)
            await self._pipeline.leave(self._exchange, head)
            self.started = True
            await self._send({**self._beginning, "status": head.status, "headers": head.headers})
            if head.content is not None:
                message = {**message, "body": head.content}
        await self._send_content(message)

    async def _send_content(self, message: Message) -> None:
        """Send content in pieces, so that its memory stays reserved while the client reads slowly."""
        content = memoryview(message.get("body", b""))
        self._exchange.record.bytes_out += len(content)
        # The server waits between pieces for a client that reads slowly; until then the memory stays reserved.
        while len(content) > PIECE:
            await self._send({"type": message["type"], "body": bytes(content[:PIECE]), "more_body": True})
            content = content[PIECE:]
        await self._send(
            {**message, "body": bytes(content)} if len(content) != len(message.get("body", b"")) else message
        )


class PipelineMiddleware:
    """The pipeline as ASGI middleware around FastAPI's routing.

    Handlers that take the request alone are called directly.
    """

    def __init__(self, app: ASGIApp, pipeline: Pipeline) -> None:
        self.app, self._pipeline = app, pipeline

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        exchange = self._pipeline.exchange(scope, self._pipeline.source(scope, receive))
        sending = _Sending(self._pipeline, exchange, send)
        token = UNDER_WAY.set(exchange.record)
        try:
            await self._answer(exchange, receive, sending)
        except ClientDisconnect:
            exchange.status = exchange.status or CLIENT_GONE
        except (Exception, asyncio.CancelledError) as error:
            if sending.started:  # half an answer has to cost the client its connection
                raise
            await answer_to_fault(error)(scope, receive, sending)
        finally:
            UNDER_WAY.reset(token)
            self._pipeline.end(exchange)

    async def _answer(self, exchange: Exchange, receive: Receive, send: Send) -> None:
        """Call the application, or send the answer that a step or a refusal gives instead."""
        early = self._pipeline.enter(exchange)
        scope = {**exchange.scope, "method": "GET"} if exchange.scope["method"] == "HEAD" else exchange.scope
        if early is not None:
            await early(scope, receive, send)
        elif exchange.match.endpoint is not None:
            response = await exchange.match.endpoint(Request(scope, receive))
            await response(scope, receive, send)
        else:
            await self.app(scope, receive, send)


async def answer_inline(pipeline: Pipeline, exchange: Exchange) -> Response:
    """Return the answer to an exchange whose handler takes the request alone."""
    try:
        early = pipeline.enter(exchange)
        if early is not None:
            return early
        await take_turn()
        return await _endpoint(exchange)(Request(exchange.scope))
    except (Exception, asyncio.CancelledError) as error:  # noqa: BLE001 - the last word on every fault
        return answer_to_fault(error)


def answer_to_fault(error: Exception | asyncio.CancelledError) -> Response:
    """Return the answer for an exception: a refusal's problem, or that of an internal error."""
    if isinstance(error, Refusal):
        return answer(error)
    if isinstance(error, ClientDisconnect):
        return Response(status_code=CLIENT_GONE)  # which nobody reads
    if isinstance(error, asyncio.CancelledError):
        return answer(Draining())  # only a server that has waited long enough for its requests to end cancels them
    return crash(error)


def _endpoint(exchange: Exchange) -> Endpoint:
    """Return the handler of an exchange that takes the request alone."""
    endpoint = exchange.match.endpoint
    if endpoint is None:
        raise TypeError(exchange.match.template)
    return endpoint


def _stated(headers: Mapping[bytes, bytes]) -> tuple[int | None, int, str | None]:
    """Return the stated length of the body (None where chunked), its reservation per byte, and its coding."""
    stated, coding = headers.get(b"content-length", b""), headers.get(b"content-encoding")
    length = int(stated) if stated.isdigit() else 0
    is_json = headers.get(b"content-type", b"")[: len(JSON)].lower() == JSON_BYTES
    return (
        None if b"transfer-encoding" in headers else length,
        JSON_FACTOR if is_json else BINARY_FACTOR,
        None if coding is None else coding_of(coding.decode("latin-1")),
    )
