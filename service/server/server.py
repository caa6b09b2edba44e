"""The server process: uvicorn with a graceful shutdown (503 at /readyz, a drain period, then stop)."""

import asyncio
import ctypes
import gc
import logging
import math
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from types import FrameType

import uvicorn
from starlette.types import ASGIApp
from uvicorn.config import STARTUP_FAILURE

from service.readiness import Readiness
from service.server.connection import Connection as HttpConnection
from service.settings import Settings

log = logging.getLogger("lossary")
LAST_ANSWERS_S = 1.0  # in which connections end with an answer, rather than between two requests
BACKLOG = 2048
APP = "service.app:from_environment"  # a name, since it is imported once the address is had
MALLOC = {  # from malloc.h, and in bytes
    "M_TRIM_THRESHOLD": (-1, 32 << 20),
    "M_MMAP_THRESHOLD": (-3, 8 << 20),
    "M_ARENA_MAX": (-8, 2),
}
LEAVE, DRAIN = "leave", "drain"  # what a supervisor tells a worker
ACCEPT_AGAIN_S = 1.0
ACCEPTED_TOGETHER = 64
BUSY_S, IDLE_S = 0.002, 1.0  # between two looks at what waits: of a loop with more to do, and of one with nothing
TRIM_TICKS = 300  # of 0.1 s
HEARTBEAT_TICKS = 10  # of 0.1 s


class Server(uvicorn.Server):
    """One serving process; under a supervisor it takes commands from a pipe, and ends when the pipe is closed."""

    def __init__(
        self, settings: Settings, supervisor: Connection | None = None, app: Callable[[], ASGIApp] | str = APP
    ) -> None:
        config = uvicorn.Config(
            app,
            factory=True,
            http=HttpConnection,
            host=settings.host,
            port=settings.port,
            backlog=BACKLOG,
            log_config=None,  # ours
            access_log=False,  # ours
            server_header=False,
            timeout_graceful_shutdown=math.ceil(settings.grace_seconds),
        )
        super().__init__(config)
        self._drain_s, self._supervisor = settings.drain_seconds, supervisor
        self._leave_at: float | None = None
        self._connecting: set[asyncio.Task[None]] = set()
        self._accepted_at = -math.inf
        self._listeners: Sequence[socket.socket] = ()  # of which connections are accepted

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        # What is loaded now stays; looking through all of it for garbage again would stop every request for 0.2 s.
        gc.collect()
        gc.freeze()
        # libuv accepts one connection each turn of the loop: behind 60 that keep it busy a health check waited for 8 s.
        await super().startup([] if sockets else None)
        self._listen(sockets or ())

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._accept_no_more()
        await super().shutdown(sockets)

    def _listen(self, listeners: Sequence[socket.socket]) -> None:
        """Accept the connections of these sockets from now on."""
        self._listeners = listeners
        for listener in listeners:
            listener.setblocking(False)  # noqa: FBT003 - positional only
            self._loop.add_reader(listener, self._accept, listener)

    def _accept_no_more(self) -> None:
        """Leave further connections to the other workers."""
        for listener in self._listeners:
            self._loop.remove_reader(listener)
        self._listeners = ()

    @property
    def _loop(self) -> asyncio.AbstractEventLoop:
        """The running event loop."""
        return asyncio.get_running_loop()

    def _accept(self, listener: socket.socket) -> None:
        """Accept waiting connections: all of them where this is the only worker, or its loop was busy."""
        now = self._loop.time()
        apart_s, self._accepted_at = now - self._accepted_at, now
        alone = self._supervisor is None or BUSY_S < apart_s < IDLE_S
        try:
            for _ in range(ACCEPTED_TOGETHER if alone else 1):
                self._take(listener.accept()[0])
        except (BlockingIOError, ConnectionAbortedError):  # another worker has it; or it went
            return
        except OSError as error:  # out of descriptors, say
            log.error("not accepted", extra={"facts": {"reason": os.strerror(error.errno or 0)}})  # noqa: TRY400 - it passes
            self._loop.remove_reader(listener)
            self._loop.call_later(ACCEPT_AGAIN_S, self._accept_again, listener)

    def _accept_again(self, listener: socket.socket) -> None:
        """Accept connections of a listener again, unless this worker leaves them to others by now."""
        if listener in self._listeners:
            self._loop.add_reader(listener, self._accept, listener)

    def _take(self, connection: socket.socket) -> None:
        """Serve an accepted connection."""
        connection.setblocking(False)  # noqa: FBT003 - positional only
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        task = self._loop.create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    async def _connect(self, connection: socket.socket) -> None:
        """Attach an HTTP protocol to an accepted connection."""

        def protocol() -> HttpConnection:
            """Return a protocol for the connection."""
            return HttpConnection(self.config, self.server_state, self.lifespan.state)

        with suppress(OSError):  # it has gone
            await self._loop.connect_accepted_socket(protocol, connection)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        if sig == signal.SIGTERM and self.started:
            self._drain()
        elif self._supervisor is None:
            super().handle_exit(sig, frame)
        # Else a Ctrl-C at the terminal, which reaches the supervisor too.

    async def on_tick(self, counter: int) -> bool:
        """Report to the supervisor, drain if told to, and return whether to stop; called ten times a second."""
        if self._supervisor is not None:
            self._obey(self._supervisor, counter)
        if counter % HEARTBEAT_TICKS == 0:
            self.lifespan.state["metrics"].refresh()
            if self.lifespan.state["keys"] is not None:
                self.lifespan.state["keys"].reload()
        if self._readiness.lost:
            self._leave()
        if counter % TRIM_TICKS == 0:
            self._loop.run_in_executor(None, give_back_memory)
        if self._leave_at is not None and time.monotonic() >= self._leave_at:
            self.should_exit = True
        return await super().on_tick(counter)

    def _obey(self, supervisor: Connection, counter: int) -> None:
        """Send a heartbeat to the supervisor, and execute its command."""
        try:
            if counter % HEARTBEAT_TICKS == 0:
                supervisor.send("alive")
            if supervisor.poll():
                {LEAVE: self._give_way, DRAIN: self._drain}[supervisor.recv()]()
        except (EOFError, OSError):
            self._leave()

    def _give_way(self) -> None:
        """Stop in favour of another worker that serves by now.

        What was accepted has time to send its request: a connection that is closed unread would lose one.
        """
        self._accept_no_more()
        self._leave()

    def _drain(self) -> None:
        """Report not ready, and stop after the drain period."""
        self._readiness.draining = True
        self._leave(self._drain_s)

    def _leave(self, after_s: float = LAST_ANSWERS_S) -> None:
        """Stop after `after_s` seconds."""
        self._readiness.closing = True
        if self._leave_at is None:
            log.info("leaving", extra={"facts": {"seconds": after_s}})
            self._leave_at = time.monotonic() + after_s

    @property
    def lost(self) -> bool:
        """Whether the process ended because its device failed."""
        return self.started and self._readiness.lost

    @property
    def _readiness(self) -> Readiness:
        """The readiness of the application."""
        readiness: Readiness = self.lifespan.state["readiness"]
        return readiness


def listen(settings: Settings) -> list[socket.socket]:
    """Return a socket for each address of the host, bound but not yet listening.

    An address that is not available ends the process before anything slow is imported.
    """
    bound: list[socket.socket] = []
    try:
        addresses = socket.getaddrinfo(settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
        for family, _, _, _, address in addresses:
            port = bound[0].getsockname()[1] if bound else settings.port
            bound.append(socket.create_server((address[0], port), family=family, backlog=BACKLOG))
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno and error.errno > 0 else "no such address"
        print(f"LOSSARY_PORT: {settings.host}:{settings.port} cannot be had: {reason}.", file=sys.stderr)  # noqa: T201 - its last word
        sys.exit(STARTUP_FAILURE)
    host = f"[{settings.host}]" if ":" in settings.host else settings.host
    log.info("listening", extra={"facts": {"url": f"http://{host}:{bound[0].getsockname()[1]}"}})
    return bound


def settle_memory() -> None:
    """Configure glibc to reuse the memory of temporary blocks, and to keep little more.

    By default it keeps up to 64 MiB for every thread, and memory grew by 8 % in a long test. A threshold of 1 MiB keeps
    memory low, too, but evaluating 8 MB then takes 8.5 ms instead of 2.5, nearly all of it for new pages. Variables
    such as MALLOC_ARENA_MAX take precedence.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)  # musl has none
    if mallopt is not None and not any(name.startswith("MALLOC_") for name in os.environ):
        for option, amount in MALLOC.values():
            mallopt(option, amount)


def give_back_memory() -> None:
    """Return free pages to the system; by itself glibc returns only those at the end of the heap."""
    malloc_trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if malloc_trim is not None:
        malloc_trim(MALLOC["M_TRIM_THRESHOLD"][1])


def serve(
    settings: Settings,
    sockets: list[socket.socket],
    supervisor: Connection | None = None,
    app: Callable[[], ASGIApp] | str = APP,
) -> None:
    """Serve in this process until told to stop.

    Args:
        settings: The settings of this process.
        sockets: The bound sockets.
        supervisor: The pipe to the supervisor; None without one.
        app: Makes the application, or names the function that does.

    If the device fails, the process ends with status 1, so that it is restarted.
    """
    settle_memory()
    # The keys are read again by themselves; other settings are those of the start. A supervisor replaces its workers.
    signal.signal(signal.SIGHUP, lambda *_: log.info("hangup ignored"))
    server = Server(settings, supervisor, app)
    server.run(sockets)
    if server.lost:
        sys.exit(1)
