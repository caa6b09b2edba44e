"""Workers are killed under load: what fails, and how soon are there as many again? make bench-kill prints it.

A request may fail only where it was under way when a worker was killed. The load is small evaluations on connections
that are kept, one request after the other on each.
"""

import argparse
import os
import random
import signal
import statistics
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

BODY = {"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]}
VALUE = 2.125
PATIENCE_S = 30.0


@dataclass
class Load:
    """The results that the clients saw."""

    answered: int = 0
    wrong: int = 0
    failed: list[tuple[float, float]] = field(default_factory=list)  # from when to when the request was under way


@contextmanager
def load(url: str, clients: int) -> Iterator[Load]:
    """Send requests without pause on this number of connections while the block runs."""
    seen, end, lock = Load(), threading.Event(), threading.Lock()

    def ask() -> None:
        with httpx.Client(base_url=url, timeout=PATIENCE_S) as client:
            while not end.is_set():
                started = time.monotonic()
                try:
                    answer = client.post("/v1/evaluate", json=BODY)
                except httpx.TransportError:
                    with lock:
                        seen.failed.append((started, time.monotonic()))
                    continue
                right = answer.is_success and answer.json()["results"][0]["value"] == VALUE
                with lock:
                    seen.answered += 1
                    seen.wrong += not right

    threads = [threading.Thread(target=ask) for _ in range(clients)]
    for thread in threads:
        thread.start()
    try:
        yield seen
    finally:
        end.set()
        for thread in threads:
            thread.join()


def workers_of(supervisor: int) -> set[int]:
    """Return the process ids of the workers."""
    return {grandchild for child in children_of(supervisor) for grandchild in children_of(child)}


def children_of(process: int) -> list[int]:
    """Return the child processes of a process."""
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def started(url: str) -> int:
    """Return how many workers have started so far."""
    lines = httpx.get(f"{url}/metrics", timeout=PATIENCE_S).text.splitlines()
    return int(sum(float(line.split()[-1]) for line in lines if line.startswith("lossary_workers_started_total")))


@dataclass(frozen=True)
class Kill:
    """The end of one worker: when it was killed, when its connections were closed, when another served."""

    killed: float
    gone: float
    replaced: float


def gone(process: int) -> bool:
    """Return whether a process has ended with all of its threads, so that its sockets are closed."""
    try:
        state = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0]
        return state in "ZX" and len(list(Path(f"/proc/{process}/task").iterdir())) == 1
    except OSError:
        return True


def kill_one(url: str, supervisor: int) -> Kill:
    """Kill one worker, and wait until another has started in its place."""
    before = started(url)
    victim = random.choice(sorted(workers_of(supervisor)))  # noqa: S311 - no secret
    killed = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    while not gone(victim):
        time.sleep(0.001)
    ended = time.monotonic()
    while time.monotonic() < killed + PATIENCE_S:
        time.sleep(0.02)
        try:
            if started(url) > before:
                return Kill(killed, ended, time.monotonic())
        except (httpx.TransportError, KeyError):
            continue
    raise TimeoutError(f"no worker came up in {PATIENCE_S:g} s")


@dataclass
class Report:
    """The results of a number of kills."""

    kills: list[Kill]
    seen: Load

    @property
    def unexcused(self) -> int:
        """The failures of requests that were not in flight at any kill."""
        return sum(
            not any(begun <= kill.gone and kill.killed <= ended for kill in self.kills)
            for begun, ended in self.seen.failed
        )

    def __str__(self) -> str:
        back = [kill.replaced - kill.killed for kill in self.kills]
        return (
            f"{len(self.kills)} workers killed under load: {self.seen.answered} requests answered, "
            f"{self.seen.wrong} wrong, {len(self.seen.failed)} failed, of which not under way at a kill: "
            f"{self.unexcused}.\nAnother worker served after {statistics.median(back):.2f} s in the median, "
            f"{max(back):.2f} s at most."
        )


def kill(url: str, supervisor: int, kills: int, clients: int) -> Report:
    """Kill workers under the load of this number of clients."""
    with load(url, clients) as seen:
        done = [kill_one(url, supervisor) for _ in range(kills)]
    return Report(done, seen)


def main() -> None:
    """Measure a service with two workers that is started for it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--clients", type=int, default=8)
    asked = parser.parse_args()
    from tests.service.processes import serving  # noqa: PLC0415 - a program of ours beside the tests' own helper

    with serving("--workers", "2") as server:
        report = kill(server.url, server.process.pid, asked.kills, asked.clients)
    print(report)
    sys.exit(bool(report.seen.wrong or report.unexcused))


if __name__ == "__main__":
    main()
