"""A deployment of docker-compose.yml for a test, and what to ask of it."""

import io
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import httpx
import numpy as np

ROOT = Path(__file__).parents[2]
REQUEST = {"loss": "mse", "predictions": [1, 2], "targets": [1.5, 0]}
VALUE = 2.125  # (0.25 + 4) / 2
PATIENCE_S = 60.0  # for an answer, or for the engine to do something; two cores are shared by everything here
BETWEEN_S = 0.1  # two questions to the engine
KILL = 'for p in /proc/[0-9]*; do [ "$(cat $p/comm)" = python ] && kill -KILL "${p#/proc/}"; done'
BLOCK = bytes(1 << 20)
FREE_PORTS = {"LOSSARY_PORT": "0", "LOSSARY_PROXY_PORT": "0", "LOSSARY_GPU_PORT": "0"}


def docker(*arguments: str, stdin: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """Run docker."""
    return subprocess.run(  # noqa: S603 - the arguments are these tests'
        ["docker", *arguments],  # noqa: S607 - found on the PATH
        cwd=ROOT,
        env={**os.environ, **FREE_PORTS, **variables},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


@dataclass
class Stack:
    """One deployment, under a project name of its own, so that another on this engine is left alone."""

    name: str
    service: str = "lossary"
    override: str = "{}"  # a second compose file
    variables: dict[str, str] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run docker compose."""
        files = ["--file", "docker-compose.yml", "--file", "-"]
        options = ["--project-name", f"lossary-test-{self.name}", *files, "--profile", "gpu", "--profile", "replicas"]
        return docker("compose", *options, *arguments, stdin=self.override, **self.variables)

    def compose(self, *arguments: str) -> str:
        """Return what docker compose printed; the test fails where it failed."""
        done = self.run(*arguments)
        assert done.returncode == 0, done.stderr
        return done.stdout

    @contextmanager
    def deployed(self) -> Iterator[Self]:
        """Start the service, and leave nothing behind."""
        try:
            self.up()
            yield self
        finally:
            self.compose("down", "--volumes", "--timeout", "5")

    def up(self, *options: str, service: str = "") -> None:
        """Start a service that is built, and wait until it is healthy."""
        done = self.run(
            "up", "--detach", "--wait", "--wait-timeout", "120", "--no-build", *options, service or self.service
        )
        assert done.returncode == 0, done.stderr + self.run("logs", "--tail", "50").stdout

    @property
    def url(self) -> str:
        """Where the service is reached from this machine; a restart changes it."""
        return "http://" + self.compose("port", self.service, "8000").strip()

    def inside(self, *command: str, service: str = "") -> str:
        """Return what a command in a container printed."""
        return self.compose("exec", "-T", service or self.service, *command)

    def container(self, service: str = "") -> dict[str, Any]:
        """Return everything the engine knows of a container, running or not."""
        name = self.compose("ps", "--all", "--quiet", service or self.service).strip()
        [facts] = json.loads(docker("inspect", name).stdout)
        inspected: dict[str, Any] = facts
        return inspected

    def kill(self, service: str = "") -> None:
        """Kill the server in a container as nothing but the kernel would: `docker kill` counts as a stop by hand."""
        self.run("exec", "-T", service or self.service, "sh", "-c", KILL)

    def restarted(self, times: int, service: str = "") -> None:
        """Wait until the engine has restarted a container so often, and it is healthy."""

        def healthy() -> bool:
            inspected = self.container(service)
            state = inspected["State"]
            return bool(
                inspected["RestartCount"] == times and state["Running"] and state["Health"]["Status"] == "healthy"
            )

        until(healthy)

    def logs(self, service: str = "") -> str:
        """Return what a service wrote."""
        return self.compose("logs", "--no-log-prefix", service or self.service)


def until(true: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(BETWEEN_S)


def zeros(megabytes: int) -> tuple[int, Iterator[bytes]]:
    """Return the length and the blocks of an upload: predictions and targets of float32, each of so many megabytes."""
    head = io.BytesIO()
    description = {"descr": "<f4", "fortran_order": False, "shape": (megabytes << 18,)}
    np.lib.format.write_array_header_1_0(head, description)

    def blocks() -> Iterator[bytes]:
        for _ in ("predictions", "targets"):
            yield head.getvalue()
            yield from [BLOCK] * megabytes

    return 2 * (len(head.getvalue()) + (megabytes << 20)), blocks()


def upload(url: str, megabytes: int) -> httpx.Response:
    """Ask for the mean squared error of zeros."""
    length, blocks = zeros(megabytes)
    headers = {"Content-Type": "application/x-npy", "Content-Length": str(length)}
    return httpx.post(f"{url}/v1/evaluate?loss=mse", headers=headers, content=blocks, timeout=PATIENCE_S)


def value(url: str, headers: dict[str, str] | None = None) -> float:
    """Return what the service says of two numbers."""
    answer = httpx.post(f"{url}/v1/evaluate", json=REQUEST, headers=headers, timeout=PATIENCE_S)
    assert answer.status_code == httpx.codes.OK, answer.text
    value_: float = answer.json()["results"][0]["value"]
    return value_
