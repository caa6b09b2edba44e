"""uvicorn's HTTP protocol with three more promises.

A request's head arrives in time, it is not too long, and its body is never read as another request.

uvicorn 0.54 waits for ever for the end of a head, and httptools takes one of any length. httptools also ends a request
that asks for an upgrade at its head, so that the body would be parsed as the next request; no upgrade is offered here,
and such a request is read as if it had asked for none (RFC 9110, 7.8). The deadline of the body is in
service/pipeline/body_pace.py and service/server/body_receiver.py. What is refused here is refused before there is a
request, so the problem is written straight to the socket; what the client still sends is read and dropped for a
moment, since a close over unread bytes would reset the connection and take the answer with it.
"""

import asyncio
import logging
from functools import partial
from http import HTTPStatus
from typing import Any

import httptools
import orjson
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from service.observability.metrics import Metrics
from service.pipeline.inline import Answer, AtOnce, Whole
from service.pipeline.scope import CYCLE
from service.readiness import Readiness
from service.request_record import Record, new_id
from service.server import body_receiver
from service.settings import Settings

log = logging.getLogger("lossary")
LONGEST_URL = 8 << 10  # bytes; nginx's and haproxy's buffers end near here too
HOLD_S = 0.05  # for a small body to follow its head; clients write the two one after the other
LINGER_S = 2.0  # for the client to read the answer


class BadHead(Exception):  # noqa: N818 - a reason to refuse, drawn out of the parser
    """The head of a request is refused, with this status and sentence."""

    def __init__(self, status: HTTPStatus, detail: str) -> None:
        super().__init__(detail)
        self.status, self.detail = status, detail


UPGRADE_ONLY = frozenset({b"upgrade", b"http2-settings"})  # headers that mean nothing without the upgrade they ask for
UNREADABLE = BadHead(HTTPStatus.BAD_REQUEST, "The bytes are no HTTP/1.1 request.")


def _declared(headers: list[tuple[bytes, bytes]]) -> int:
    """Return the length of a body as stated, 0 where it is not; the parser let only digits pass."""
    return int(next((value for name, value in headers if name == b"content-length"), b"0"))


class Transport(HttpToolsProtocol):
    """One connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        settings: Settings = app_state["settings"]
        self._metrics: Metrics = app_state["metrics"]
        self._readiness: Readiness = app_state["readiness"]
        self._at_once: AtOnce | None = app_state["at_once"]
        self._starting = False  # what is started now is what was read last, none that waited for the one before
        self._held: Any = None  # what a request goes to, unless it is answered at once
        self._hold: asyncio.TimerHandle | None = None  # until it goes there
        self._head_seconds, self._longest_head = settings.head_seconds, settings.max_head_bytes
        self._idle_s, self._min_rate = settings.idle_seconds, settings.min_body_rate
        self._deadline: asyncio.TimerHandle | None = None
        self._in_head, self._head_bytes = True, 0
        self._in_body = False
        self._unread: asyncio.TimerHandle | None = None  # until a body that was answered early is no longer read
        self._bulk: body_receiver.Bulk | None = None
        self._reason = UNREADABLE
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._let_go()
        self._unwatch()
        self._body_ended()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        self._feed(data)
        if self._held is not None and self._hold is None:  # its body is still to come
            self._hold = self.loop.call_later(HOLD_S, self._let_go)
        if self._refused or self.transport.is_closing():
            return
        if not self._in_head:
            self._unwatch()
            return
        # A header line reaches on_header only when it is complete; until then the parser keeps all of it.
        self._head_bytes += len(data)
        if self._head_bytes > self._longest_head + LONGEST_URL:
            self._refuse(self._too_long())
        elif self._deadline is None:
            self._watch()

    def _feed(self, data: bytes) -> None:
        """Parse what came, each request that asks for an upgrade as one that asks for none."""
        self._unset_keepalive_if_required()
        try:
            while True:
                try:
                    self.parser.feed_data(data)
                except httptools.HttpParserUpgrade as upgrade:
                    data = self._without_upgrade() + data[upgrade.args[0] :]
                else:
                    return
        except httptools.HttpParserError:
            self._refuse(self._reason)

    def _without_upgrade(self) -> bytes:
        """Return the head that was parsed last, without its upgrade, for the new parser that takes over here."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        self._new_parser()
        lines = [b"%s %s HTTP/%s" % (method, self.url, version)]
        for name, value in self.headers:
            if name == b"connection":
                kept = [token for token in value.split(b",") if token.strip().lower() not in UPGRADE_ONLY]
                lines.append(b"connection: " + b",".join(kept))
            elif name not in UPGRADE_ONLY:
                lines.append(name + b": " + value)
        return b"\r\n".join([*lines, b"\r\n"])

    def _new_parser(self) -> None:
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._in_head, self._head_bytes, self._named = True, 0, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LONGEST_URL:
            self._reason = BadHead(HTTPStatus.REQUEST_URI_TOO_LONG, f"The URL is over {LONGEST_URL} bytes.")
            raise self._reason

    def on_header(self, name: bytes, value: bytes) -> None:
        super().on_header(name, value)
        self._named += len(name) + len(value)
        if self._named > self._longest_head:
            self._reason = self._too_long()
            raise self._reason

    def on_headers_complete(self) -> None:
        if self.parser.get_http_version() == "1.1" and not any(name == b"host" for name, _ in self.headers):
            self._reason = BadHead(HTTPStatus.BAD_REQUEST, "An HTTP/1.1 request names its Host.")
            raise self._reason
        if self.parser.should_upgrade():
            if self.parser.get_method() == b"CONNECT":
                self._reason = BadHead(HTTPStatus.NOT_IMPLEMENTED, "CONNECT is for proxies; this is none.")
                raise self._reason
            return  # the parser stops behind this head, and `_feed` has it read again
        self._starting = True
        super().on_headers_complete()
        self._starting = False
        self._in_head, self._in_body = False, True
        self._lend()
        if self._readiness.closing:
            self.cycle.keep_alive = False

    def _lend(self) -> None:
        """Offer to receive a long body of stated length without its going through the parser."""
        self._bulk = None
        extensions: dict[str, Any] = {CYCLE: self.cycle}  # objects, since they are ours
        self.scope["extensions"] = extensions
        length = _declared(self.headers)
        if length >= body_receiver.SHORTEST and not self.pipeline:
            self._bulk = body_receiver.Bulk(self, length, self._idle_s, self._min_rate, self._after_body)
            extensions[body_receiver.EXTENSION] = self._bulk

    def _after_body(self) -> None:
        """Be as after the last byte of a body, of which the parser has seen but the first ones."""
        self._new_parser()
        self._body_ended()

    def on_message_complete(self) -> None:
        if self.parser.should_upgrade():
            return
        super().on_message_complete()
        self._body_ended()
        app = self._taken()
        if app is not None and self._at_once is not None:
            scope: Any = self.scope  # uvicorn's type is narrower than Starlette's
            decline = partial(super()._start_asgi_task, self.cycle, app)
            self._at_once.serve(Whole(scope, self.cycle.body, partial(self._send, self.cycle), decline))

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - its type is uvicorn's own
        """Wait a moment with a small request: if its body comes meanwhile, it needs no task."""
        if self._at_once and self._starting and self._may_be_answered_at_once(self._at_once, cycle):
            self._held = app
        else:
            super()._start_asgi_task(cycle, app)

    def _taken(self) -> Any:  # noqa: ANN401 - the same
        """Return what a held request goes to, and hold it no longer; None where none is held."""
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        app, self._held = self._held, None
        return app

    def _let_go(self) -> None:
        app = self._taken()
        if app is not None:
            super()._start_asgi_task(self.cycle, app)

    def _may_be_answered_at_once(self, at_once: AtOnce, cycle: RequestResponseCycle) -> bool:
        if cycle.waiting_for_100_continue or self.flow.write_paused:
            return False
        scope: Any = self.scope
        return at_once.takes(scope, _declared(self.headers))

    def _send(self, cycle: RequestResponseCycle, answer: Answer) -> None:
        """Write an answer, as uvicorn would."""
        if cycle.disconnected:
            return
        lines = [STATUS_LINE[answer.status]]
        for name, value in (*cycle.default_headers, *answer.headers):
            lines += name, b": ", value, b"\r\n"
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += b"\r\n", answer.body
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"".join(lines))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def _body_ended(self) -> None:
        self._head_bytes, self._in_body = 0, False
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def on_response_complete(self) -> None:
        super().on_response_complete()
        if self._in_body and self.cycle.response_complete and not self.transport.is_closing():
            # Answered before its body had come: the rest is read and dropped, but not for ever.
            for blank in self._bulk.blanks() if self._bulk else ():
                self.parser.feed_data(blank)
            self._unread = self.loop.call_later(self._head_seconds, self.transport.close)

    def _too_long(self) -> BadHead:
        limit = self._longest_head
        return BadHead(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, f"The headers are over {limit} bytes.")

    def _watch(self) -> None:
        self._deadline = self.loop.call_later(self._head_seconds, self._too_late)

    def _unwatch(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        self._deadline = None
        if self.transport.is_closing():
            return
        if not self._head_bytes:  # nothing was asked, so there is nothing to answer
            self.transport.close()
            return
        detail = f"The head of the request was not complete after {self._head_seconds:g} s."
        self._refuse(BadHead(HTTPStatus.REQUEST_TIMEOUT, detail))

    def _refuse(self, reason: BadHead) -> None:
        self._unwatch()
        record = Record(new_id())
        kind = reason.status.name.lower().replace("_", "-")
        problem = {
            "type": f"urn:lossary:{kind}",
            "title": reason.status.phrase,
            "status": reason.status.value,
            "detail": reason.detail,
            "instance": record.instance,
        }
        facts = {"request_id": record.id, "status": reason.status.value, "problem": kind}
        log.info("refused", extra={"facts": facts})
        self._metrics.rejected.labels(kind).inc()
        body = orjson.dumps(problem)
        head = (
            f"HTTP/1.1 {reason.status.value} {reason.status.phrase}\r\ncontent-type: application/problem+json\r\n"
            f"content-length: {len(body)}\r\nconnection: close\r\n\r\n"
        )
        self._refused = True
        self.transport.write(head.encode() + body)
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._deadline = self.loop.call_later(LINGER_S, self.transport.close)
        else:
            self.transport.close()
