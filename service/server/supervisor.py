"""The supervisor: keeps several workers serving one socket. It imports no torch and serves nothing itself.

A worker that dies, or does not report for long, is replaced at once; one that dies before it has served is replaced
with growing delays, since its successor will probably fail, too. On SIGHUP the workers are replaced one after another,
each new one serving before the old one stops. The socket stays open here, so that connections wait while no worker
serves.
"""

import logging
import math
import os
import signal
import socket
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from multiprocessing import Pipe, connection, get_context
from multiprocessing.context import ForkServerProcess

from uvicorn.config import STARTUP_FAILURE

from service.observability import logs, shared_counts
from service.server.server import DRAIN, LEAVE, serve
from service.settings import Settings

log = logging.getLogger("lossary")
SILENCE_S = 30.0  # without a heartbeat: its event loop has stopped
STARTING_S = 120.0  # torch is imported from a cold disk, on a GPU that is set up
SLOWEST_S = 30.0  # between two attempts to start a worker
PULSE_S = 0.5
REST_S = 2.0  # for what a worker does after its last answer


@dataclass
class Worker:
    """One worker process."""

    index: int
    process: ForkServerProcess
    pipe: connection.Connection
    heard: float = field(default_factory=time.monotonic)
    ready: bool = False
    outdated: bool = False
    leaving: bool = False

    def tell(self, word: str) -> None:
        """Send a command to the worker, which may have died."""
        self.leaving = True
        with suppress(OSError):
            self.pipe.send(word)


def work(index: int, sockets: list[socket.socket], pipe: connection.Connection) -> None:
    """Run one worker."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the supervisor too
    os.environ["LOSSARY_WORKER"] = str(index)
    settings = Settings()
    logs.configure(settings)
    serve(settings, sockets, pipe)


class Supervisor:
    """Keeps a number of workers running until told to stop."""

    def __init__(self, settings: Settings, sockets: list[socket.socket]) -> None:
        self._wanted, self._sockets = settings.workers, sockets
        self._end_s = settings.drain_seconds + settings.grace_seconds + REST_S
        self._workers: list[Worker] = []
        # Workers are forked off a process that has torch imported and does nothing else: up in a tenth of the time.
        self._context = get_context("forkserver")
        self._context.set_forkserver_preload(["service.app"])
        self._failures, self._not_before = 0, 0.0
        self._served = False  # whether any worker ever did
        self._signals: list[int] = []
        self._status: int | None = None  # of this process, once it is to end
        self._impatient = False

    def run(self) -> int:
        """Supervise; return the exit status."""
        wake, woken = socket.socketpair()
        wake.setblocking(False)  # noqa: FBT003 - positional only
        signal.set_wakeup_fd(wake.fileno())
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, lambda caught, _: self._signals.append(caught))
        while self._status is None:
            self._balance()
            self._listen(woken)
        return self._end(woken)

    def _listen(self, woken: socket.socket) -> None:
        """Wait for signals and for messages and ends of workers, and handle them."""
        sources = {worker.pipe: worker for worker in self._workers}
        ends = {worker.process.sentinel: worker for worker in self._workers}
        ready = connection.wait([woken, *sources, *ends], PULSE_S)
        for source in ready:
            if isinstance(source, connection.Connection):
                self._hear(sources[source])
        if woken in ready:
            woken.recv(64)
        for worker in [ends[source] for source in ready if isinstance(source, int)]:
            self._remove_dead(worker)
        self._kill_silent()
        while self._signals:
            self._told(self._signals.pop(0))

    @staticmethod
    def _hear(worker: Worker) -> None:
        """Record a message of a worker."""
        try:
            worker.pipe.recv()
        except (EOFError, OSError):
            return  # its end is seen at the sentinel
        worker.heard = time.monotonic()
        if not worker.ready:
            worker.ready = True
            log.info("worker ready", extra={"facts": {"worker": worker.index, "pid": worker.process.pid}})

    def _told(self, number: int) -> None:
        """Handle a signal: SIGHUP replaces the workers, others stop them, a second one at once."""
        if number == signal.SIGHUP:
            for worker in self._workers:
                worker.outdated = True
        else:
            self._impatient = self._status is not None
            self._status = 0

    def _kill_silent(self) -> None:
        """Kill workers that have not reported for long; their end is then handled like any other."""
        now = time.monotonic()
        for worker in self._workers:
            if now - worker.heard > (SILENCE_S if worker.ready else STARTING_S) and not worker.leaving:
                log.error("worker silent", extra={"facts": {"worker": worker.index, "pid": worker.process.pid}})
                worker.heard = math.inf  # once is enough to say so, and to kill it
                worker.process.kill()

    def _remove_dead(self, worker: Worker) -> None:
        """Remove a worker that has ended, and delay its successor where it ended early."""
        worker.process.join()
        worker.pipe.close()
        self._workers.remove(worker)
        if shared_counts.is_shared() and worker.process.pid is not None:
            shared_counts.merge_dead_worker(worker.process.pid)
        if worker.leaving:
            return
        facts = {"worker": worker.index, "pid": worker.process.pid, "exit_status": worker.process.exitcode}
        log.error("worker lost", extra={"facts": facts})
        if worker.ready:
            self._served = True
        elif worker.process.exitcode == STARTUP_FAILURE and not self._served:
            self._status = STARTUP_FAILURE  # it has said why, and the others would say it again
        else:
            self._not_before = time.monotonic() + min(SLOWEST_S, PULSE_S * 2**self._failures)
            self._failures += 1

    def _balance(self) -> None:
        """Start workers until the wanted number runs, as far as delays allow."""
        old = [worker for worker in self._workers if worker.outdated and not worker.leaving]
        new = [worker for worker in self._workers if not worker.outdated and not worker.leaving]
        if any(worker.ready for worker in new):
            self._served, self._failures = True, 0
        if not all(worker.ready for worker in new) and (old or not self._served):
            return  # one at a time: the first shows whether the settings are good, a successor that it serves
        if old and len(old) + len(new) > self._wanted:
            old[0].tell(LEAVE)
        elif old or len(new) < self._wanted:
            self._start({worker.index for worker in new})

    def _start(self, taken: Iterable[int]) -> None:
        """Start a worker under the first free index, unless starts are delayed."""
        if time.monotonic() < self._not_before:
            return
        index = min(set(range(self._wanted)) - set(taken))
        ours, theirs = Pipe()
        process = self._context.Process(target=work, args=(index, self._sockets, theirs))
        process.start()
        theirs.close()
        self._workers.append(Worker(index, process, ours))

    def _end(self, woken: socket.socket) -> int:
        """End all workers within the grace period; return the exit status."""
        for worker in self._workers:
            worker.tell(DRAIN)
        deadline = time.monotonic() + self._end_s
        while self._workers and time.monotonic() < deadline and not self._impatient:
            self._listen(woken)
        for worker in self._workers:  # too late, or told to stop twice
            worker.process.kill()
        for worker in list(self._workers):
            self._remove_dead(worker)
        return self._status or 0
