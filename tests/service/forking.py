"""Services forked from one process that has imported what a service imports, which takes most of the time of a start.

The process reads a Python literal a line and writes one: for (variables, log) it starts a service under these
variables, with its output in that file, and writes its process number; for a number it writes the exit status of that
service, or None while it runs.
"""

import ast
import atexit
import os
import runpy
import signal
import subprocess
import sys
import time
from functools import cache
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any

MODULES = ("service.settings", "service.app", "service.server.server", "service.server.supervisor")
LOOK_S = 0.01


class Forked:
    """A running service; the part of subprocess.Popen that the tests use."""

    def __init__(self, template: "Template", pid: int) -> None:
        self.pid, self._template, self._status = pid, template, None

    def poll(self) -> int | None:
        """Return the exit status, None while it runs."""
        if self._status is None:
            self._status = self._template.ask(self.pid)
        return self._status

    def wait(self, timeout: float | None = None) -> int:
        """Return the exit status once it has ended.

        Raises: subprocess.TimeoutExpired.
        """
        deadline = time.monotonic() + (timeout if timeout is not None else float("inf"))
        while (status := self.poll()) is None:
            if time.monotonic() > deadline:
                raise subprocess.TimeoutExpired("service", timeout or 0)
            time.sleep(LOOK_S)
        return status

    def send_signal(self, number: int) -> None:
        """Send a signal, unless it has ended."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        """Ask it to end."""
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        """End it."""
        self.send_signal(signal.SIGKILL)


class Template:
    """The process that services are forked from."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "tests.service.forking"]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)  # noqa: S603 - this file
        self._lock = Lock()
        atexit.register(self._process.communicate)  # it ends with its input

    def start(self, variables: dict[str, str], log: str) -> Forked:
        """Start a service."""
        return Forked(self, self.ask((variables, log)))

    def ask(self, request: object) -> Any:  # noqa: ANN401 - of each request its own
        """Return what the process writes for a request."""
        assert self._process.stdin
        assert self._process.stdout
        with self._lock:
            print(repr(request), file=self._process.stdin, flush=True)
            return ast.literal_eval(self._process.stdout.readline())


@cache
def template() -> Template:
    """Return the one process of this test run that services are forked from."""
    return Template()


def _run(variables: dict[str, str], log: str) -> None:
    """Be the service, in a process that was just forked."""
    with Path(log).open("ab") as output, Path(os.devnull).open("rb") as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(output.fileno(), 1)
        os.dup2(output.fileno(), 2)
    os.environ.clear()
    os.environ.update(variables)
    sys.argv = ["service"]
    runpy.run_module("service", run_name="__main__", alter_sys=True)


def _status(pid: int) -> int | None:
    ended, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if ended else None


def _say(answer: int | None) -> None:
    sys.stdout.write(f"{answer}\n")
    sys.stdout.flush()


def main() -> None:
    """Answer until the input ends."""
    for name in MODULES:
        import_module(name)
    for line in sys.stdin:
        request = ast.literal_eval(line)
        if isinstance(request, int):
            _say(_status(request))
        elif child := os.fork():
            _say(child)
        else:
            _run(*request)
            return


if __name__ == "__main__":
    main()
