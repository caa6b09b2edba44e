"""uvicorn's HTTP protocol with three guarantees about the head of a request and the end of its body.

A head arrives in time, it is not too long, and a body is never read as another request.

uvicorn 0.54 waits for ever for the end of a head, and httptools accepts heads of any length. httptools also ends a
request that asks for an upgrade at its head, so that its body would be parsed as the next request; no upgrade is
offered here, and such a request is read as if it had asked for none (RFC 9110, 7.8). A head is refused before there is
a request, so the problem is written directly to the socket, after the answers to earlier requests. What the client
still sends is discarded for a moment, since closing with unread bytes would reset the connection and lose the answer.
"""

import asyncio
import logging
from functools import partial
from http import HTTPStatus
from typing import Any, Literal

import httptools
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from losses.text import Text
from service.observability.metrics import Metrics
from service.pipeline.inline import Inline
from service.pipeline.pipeline import SOURCE
from service.pipeline.steps import Head
from service.problems import HttpRefusal, RequestUriTooLong, TooManyConnections
from service.readiness import Readiness
from service.server.body_receiver import BodyReceiver
from service.server.client_watch import HalfClosed, UnreadAnswer
from service.server.early_refusal import written
from service.server.heads import UNREADABLE, HeadRefusal, refuse_head, too_long, without_upgrade
from service.settings import Settings
from service.uploads.bodies.body import Arrived
from service.uploads.bodies.pace import Pace

log = logging.getLogger("lossary")
LONGEST_URL = 8 << 10  # bytes; nginx's and haproxy's buffers end near here too
SLICE = 1 << 12  # bytes given to the parser at once outside of a body; so many requests may wait for one before them
HOLD_S = 0.05  # for a small body to follow its head; clients write the two one after the other
LINGER_S = 2.0  # for the client to read the answer


class Connection(HttpToolsProtocol):
    """One HTTP connection."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._settings: Settings = app_state["settings"]
        self._metrics: Metrics = app_state["metrics"]
        self._readiness: Readiness = app_state["readiness"]
        self._inline: Inline | None = app_state["inline"]
        self._reading: Literal["nothing", "head", "body"] = "nothing"
        self._unparsed = memoryview(b"")  # what came while a request waits for the one before it
        self._head_bytes, self._header_bytes, self._body_left = 0, 0, 0
        self._body_bytes = 0  # of all bodies, as they came
        self._starting = False  # what is started now is what was read last, none that waited for the one before
        self._held_app: Any = None  # the application that a small request goes to, unless its body comes soon
        self._hold: asyncio.TimerHandle | None = None  # until it goes there
        self._deadline: asyncio.TimerHandle | None = None  # for the head
        self._unread: asyncio.TimerHandle | None = None  # until a body that was answered early is no longer read
        self._unread_answer: UnreadAnswer | None = None  # once there is a transport
        self._half_closed: HalfClosed | None = None
        self._source: BodyReceiver | None = None
        self._reason: HttpRefusal = UNREADABLE
        self._postponed: HttpRefusal | None = None  # until the requests before it are answered
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        super().connection_made(transport)
        self._unread_answer = UnreadAnswer(transport, self._settings.write_seconds, lambda: self._body_bytes)
        if len(self.connections) > self._settings.max_connections:
            self._refuse(TooManyConnections(self._settings.max_connections))
        else:
            self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._start_held()
        self._unwatch()
        self._body_ended()
        self._written()
        if self._half_closed is not None:
            self._half_closed.stop()
        super().connection_lost(exc)

    def eof_received(self) -> bool | None:  # type: ignore[override] # uvicorn's returns nothing
        """Answer a client that has closed its sending half, then close.

        Check meanwhile whether it is still connected.
        """
        if self._reading != "nothing" or self.cycle is None or self.cycle.response_complete:
            return None
        self.cycle.keep_alive = False
        if not self.pipeline and self.cycle.scope["http_version"] == "1.1":
            self._half_closed = HalfClosed(self.transport, lambda: not self.cycle.response_started)
            self._half_closed.start()
        return True

    def data_received(self, data: bytes) -> None:
        if self._silent:
            return
        self._unset_keepalive_if_required()
        if self._unparsed:
            self._unparsed = memoryview(bytes(self._unparsed) + data)
            self.flow.pause_reading()
        else:
            self._parse(data)

    def _parse(self, data: bytes | memoryview) -> None:
        """Parse up to the end of the next request, which waits for its predecessor, and keep the remaining bytes."""
        while data and not self._silent:
            size = max(SLICE, self._body_left if self._reading == "body" else 0)
            piece, data = data[:size], data[size:]
            self._feed(piece)
            if data and (self.pipeline or self.flow.write_paused):
                self._unparsed = memoryview(data)
                self.flow.pause_reading()
                break
        self._set_timers()

    @property
    def _silent(self) -> bool:
        """Whether further input is discarded."""
        return self._refused or self._postponed is not None or self.transport.is_closing()

    def _parse_rest(self) -> None:
        """Parse the bytes that were kept, once no request is in flight."""
        if self._unparsed and not self.pipeline and not self.flow.write_paused:
            rest, self._unparsed = self._unparsed, memoryview(b"")
            self._parse(rest)

    def _set_timers(self) -> None:
        """Start or stop the timers of the head of a request, and of a request that is held for its body."""
        if self._held_app is not None and self._hold is None:  # its body is still to come
            self._hold = self.loop.call_later(HOLD_S, self._start_held)
        if self._silent:
            return
        waits_for_head = self._reading == "head" or (self._reading == "nothing" and self._answered)
        if not waits_for_head or self._unparsed:  # what is not parsed yet may well be the rest of it
            self._unwatch()
        elif self._deadline is None:
            self._watch()

    @property
    def _answered(self) -> bool:
        """Whether no request is in flight."""
        return self.cycle is None or self.cycle.response_complete

    def _feed(self, data: bytes | memoryview) -> None:
        """Parse these bytes; a request that asks for an upgrade is parsed as one that does not."""
        in_head = self._reading == "head"
        try:
            while True:
                try:
                    self.parser.feed_data(data)
                except httptools.HttpParserUpgrade as upgrade:
                    data = self._without_upgrade() + bytes(data[upgrade.args[0] :])
                else:
                    break
        except httptools.HttpParserError:
            self._refuse_in_turn(self._reason)
            return
        # A header line reaches on_header only when it is complete; until then the parser keeps all of it.
        if in_head and self._reading == "head":
            self._head_bytes += len(data)
            if self._head_bytes > self._settings.max_head_bytes + LONGEST_URL:
                self._refuse_in_turn(too_long(self._settings.max_head_bytes))

    def _without_upgrade(self) -> bytes:
        """Return the head that was parsed last without its upgrade headers, for a new parser."""
        method, version = self.parser.get_method(), self.parser.get_http_version().encode()
        self._new_parser()
        return without_upgrade(method, self.url, version, self.headers)

    def _new_parser(self) -> None:
        """Replace the parser by a new one."""
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn has it

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._unwatch()
        self._reading, self._head_bytes, self._header_bytes = "head", 0, 0

    def on_url(self, url: bytes) -> None:
        super().on_url(url)
        if len(self.url) > LONGEST_URL:
            raise self._reject(RequestUriTooLong(LONGEST_URL))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._header_bytes += len(name) + len(value)
        if self._header_bytes > self._settings.max_head_bytes:
            raise self._reject(too_long(self._settings.max_head_bytes))
        if self._reading == "head":  # what comes behind a body in chunks is dropped: it may not pose as a header
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """Check the head of a request, and start to answer it; called by the parser."""
        if self.parser.should_upgrade() and self.parser.get_method() != b"CONNECT":
            return  # the parser stops behind this head, and `_feed` has it read again
        version = self.parser.get_http_version()
        try:
            refuse_head(self.parser.get_method(), version, self.headers)
        except HeadRefusal as refusal:
            raise self._reject(refusal) from None
        self._reading, self._body_left, self._source = "body", _stated_length(self.headers), None
        self._starting = True
        super().on_headers_complete()
        self._starting = False
        self._keep_alive(version)

    def _reject(self, refusal: HttpRefusal) -> HttpRefusal:
        """Keep a refusal and return it, to be raised inside the parser, which reports it as a parse error."""
        self._reason = refusal
        return refusal

    def _keep_alive(self, version: str) -> None:
        """Keep an HTTP/1.0 connection open where the client asks for it; close all once the process is ending."""
        if version == "1.0" and self.parser.should_keep_alive():  # as it asked
            self.cycle.keep_alive = True
            self.cycle.default_headers = [*self.cycle.default_headers, (b"connection", b"keep-alive")]
        if self._readiness.closing:
            self.cycle.keep_alive = False

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:  # noqa: ANN401 - its type is uvicorn's own
        """Hold a small request for a moment: if its body arrives in time, it is answered inline without a task."""
        if self._starting:
            if self._runs_inline(cycle):
                self._held_app = app
                return
            self._receive_in_task(cycle)
        super()._start_asgi_task(cycle, app)

    def _receive_in_task(self, cycle: RequestResponseCycle) -> None:
        """Let the request's task receive the body itself."""
        pace = Pace(self._settings.idle_seconds, self._settings.min_body_rate)
        self._source = BodyReceiver(self, self._body_left, pace, self._after_body)
        scope: Any = cycle.scope  # uvicorn's type is narrower than Starlette's
        scope["extensions"] = {SOURCE: self._source}  # an object, since it is ours

    def _runs_inline(self, cycle: RequestResponseCycle) -> bool:
        """Return whether a request may be answered inline."""
        if self._inline is None or cycle.waiting_for_100_continue or self.flow.write_paused:
            return False
        scope: Any = cycle.scope
        return self._inline.takes(scope, self._body_left)

    def on_body(self, body: bytes) -> None:
        self._body_left -= len(body)
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        if self._reading == "head":  # of an upgrade, which is read again
            return
        super().on_message_complete()
        self._body_ended()
        app = self._take_held()
        if app is not None and self._inline is not None:
            scope: Any = self.scope
            body = Arrived(self.cycle.body, partial(_has_left, self.cycle))
            self._inline.serve(scope, body, partial(self._send, self.cycle), self._adopt)

    def _adopt(self, task: asyncio.Task[None]) -> None:
        """Track a task until it is done."""
        task.add_done_callback(self.tasks.discard)
        self.tasks.add(task)

    def _take_held(self) -> Any:  # noqa: ANN401 - the same
        """Return the application of the held request, which is then no longer held; None where none is."""
        if self._hold is not None:
            self._hold.cancel()
            self._hold = None
        app, self._held_app = self._held_app, None
        return app

    def _start_held(self) -> None:
        """Answer the held request in a task."""
        app = self._take_held()
        if app is not None:
            self._receive_in_task(self.cycle)
            super()._start_asgi_task(self.cycle, app)

    def _after_body(self) -> None:
        """Bring the parser to the state after the body, of which it has seen only the first bytes."""
        self._new_parser()
        self._body_ended()

    def _body_ended(self) -> None:
        """Reset the state of the body that was read."""
        self._reading, self._body_left = "nothing", 0
        if self._unread is not None:
            self._unread.cancel()
            self._unread = None

    def _send(self, cycle: RequestResponseCycle, head: Head, body: bytes | memoryview) -> None:
        """Write an answer in the same form as uvicorn."""
        if cycle.disconnected:
            return
        lines: list[bytes | memoryview] = [STATUS_LINE[head.status]]
        for name, value in (*cycle.default_headers, *head.headers):
            lines += name, b": ", value, b"\r\n"
        if not cycle.keep_alive:
            lines.append(b"connection: close\r\n")
        lines += b"\r\n", body
        cycle.response_started = cycle.response_complete = True
        self.transport.write(b"".join(lines))
        if not cycle.keep_alive:
            self.transport.close()
        self.on_response_complete()

    def on_response_complete(self) -> None:
        """Continue with the next request, or close the connection; called after each answer."""
        super().on_response_complete()
        if self.transport.is_closing():
            return
        if self._postponed is not None:
            if self._answered:
                self._refuse(self._postponed)
            return
        if self._reading == "body" and self._answered:
            # Answered before its body had come: the rest is read and dropped, but not for ever.
            for blank in self._source.blanks() if self._source else ():
                self.parser.feed_data(blank)
            if self._reading == "body":
                self._unread = self.loop.call_later(self._settings.head_seconds, self.transport.close)
        self._parse_rest()

    def pause_writing(self) -> None:
        """Stop reading requests while the client does not read answers, and close if it does not resume."""
        super().pause_writing()
        if self._reading != "body":  # an endpoint that answers while its body arrives decides by itself what it reads
            self.flow.pause_reading()
        if self._unread_answer is not None:
            self._unread_answer.start()

    def resume_writing(self) -> None:
        self._written()
        super().resume_writing()
        self.flow.resume_reading()
        self._parse_rest()

    def _written(self) -> None:
        """Stop watching whether the client reads."""
        if self._unread_answer is not None:
            self._unread_answer.stop()

    def _watch(self) -> None:
        """Start the timer for the head of a request."""
        self._deadline = self.loop.call_later(self._settings.head_seconds, self._too_late)

    def _unwatch(self) -> None:
        """Stop the timer for the head of a request."""
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        """Refuse a head that did not arrive in time."""
        self._deadline = None
        if self.transport.is_closing():
            return
        if self._reading == "nothing":  # nothing was asked, so there is nothing to answer
            self.transport.close()
            return
        seconds = f"{self._settings.head_seconds:g}"
        detail = Text(
            f"The head of the request was not complete after {seconds} s.", f"请求头在 {seconds} 秒后仍未收全。"
        )
        self._refuse_in_turn(HeadRefusal(HTTPStatus.REQUEST_TIMEOUT, detail))

    def _refuse_in_turn(self, reason: HttpRefusal) -> None:
        """Send a refusal after the answers to earlier requests."""
        before = bool(self.pipeline) if self._reading == "body" else not self._answered
        if before:
            self._postponed = reason
            self.flow.pause_reading()
        else:
            self._refuse(reason)

    def _refuse(self, reason: HttpRefusal) -> None:
        """Write a problem directly to the socket, and close once the client has read it."""
        self._unwatch()
        self._take_held()
        self._refused = True
        self.transport.write(written(reason, self.headers or (), self._metrics))
        if self.transport.can_write_eof():
            self.transport.write_eof()
            self._deadline = self.loop.call_later(LINGER_S, self.transport.close)
        else:
            self.transport.close()


def _has_left(cycle: RequestResponseCycle) -> bool:
    """Return whether the client of a request has closed its connection entirely, not only its sending half."""
    return cycle.disconnected or cycle.transport.is_closing()


def _stated_length(headers: list[tuple[bytes, bytes]]) -> int:
    """Return the stated length of the body, 0 where there is none; the parser has checked that it is a number."""
    return int(next((value for name, value in headers if name == b"content-length"), b"0"))
