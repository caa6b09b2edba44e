"""ASGI middleware around everything: an id, a log line and a count for each request, and the last word on a crash."""

import asyncio
import logging
from collections.abc import Sequence
from time import perf_counter

from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.observability.metrics import CLIENT_GONE, METHODS, Metrics
from service.problems import Draining, answer, crash
from service.request_record import UNDER_WAY, Record, sent_or_new_id

log = logging.getLogger("lossary")
QUIET = frozenset(
    {"/healthz", "/readyz", "/v2/health/live", "/v2/health/ready", "/metrics"}
)  # asked every few seconds by machines
UNMATCHED = "unmatched"  # a path of the client's own making is no label


class Journal:
    """What is kept of every request: a log line, and counts."""

    def __init__(self, metrics: Metrics) -> None:
        self.in_flight, self._metrics = metrics.in_flight, metrics

    def begin(self, scope: Scope) -> Record:
        """Return the record of a request."""
        return Record(sent_or_new_id(scope["headers"]), v2=scope["path"].startswith("/v2"))

    def end(self, record: Record, route: str, method: str, status: int, seconds: float) -> None:
        """Write down a request that was answered."""
        for give_back in record.at_end:
            give_back()
        self._metrics.answered(record, route=route, method=method, status=status, seconds=seconds)
        level = logging.DEBUG if route in QUIET and status < 400 else logging.INFO  # noqa: PLR2004 - HTTP
        if log.isEnabledFor(level):
            facts = {
                "request_id": record.id,
                "method": method,
                "route": route,
                "status": status,
                "problem": record.problem,
                "key": record.key,
                "bytes_in": record.bytes_in,
                "bytes_out": record.bytes_out,
                "duration_ms": round(1e3 * seconds, 3),
                "queue_ms": round(record.queue_ms, 3),
                "compute_ms": round(record.compute_ms, 3),
                "items": record.items,
                "losses": list(dict.fromkeys(record.losses)) or None,
            }
            log.log(level, "refused" if record.problem else "answered", extra={"facts": facts})


class Observed:
    """Wraps every request. `routes` give the template of a path that was refused before it was routed."""

    def __init__(self, app: ASGIApp, journal: Journal, routes: Sequence[APIRoute]) -> None:
        self.app, self._journal, self._routes = app, journal, routes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started, status = perf_counter(), 0
        record = self._journal.begin(scope)
        request_id = b"x-request-id", record.id.encode()

        async def counted() -> Message:
            message = await receive()
            record.bytes_in += len(message.get("body", b""))
            return message

        async def answered(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), request_id]
            else:
                record.bytes_out += len(message.get("body", b""))
            await send(message)

        self._journal.in_flight.inc()
        token = UNDER_WAY.set(record)
        try:
            await self.app(scope, counted, answered)
        except ClientDisconnect:
            status = status or CLIENT_GONE
        except asyncio.CancelledError:
            # Only a server that has waited long enough for its requests to end cancels them.
            if status:
                raise
            await answer(Draining())(scope, receive, answered)
        except Exception as error:
            # Raised further, it would cost a pooled client its connection; half an answer has to.
            if status:
                raise
            await crash(error)(scope, receive, answered)
        finally:
            UNDER_WAY.reset(token)
            self._journal.in_flight.dec()
            method = scope["method"] if scope["method"] in METHODS else "OTHER"
            self._journal.end(record, self._template(scope), method, status, perf_counter() - started)

    def _template(self, scope: Scope) -> str:
        route = scope.get("route")
        if isinstance(route, APIRoute):
            return route.path
        path = scope["path"]
        return next((route.path for route in self._routes if route.path_regex.match(path)), UNMATCHED)
