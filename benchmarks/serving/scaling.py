"""Requests a second and memory by the size of a request, by one worker and two, against the bound: make bench-scaling.

Each size is the mean squared error of so many numbers in all, predictions and targets, as .npy. The bound receives the
same bytes through a raw loopback socket, and computes nothing. Small requests come on sixteen connections, long ones on
one; the workers and the client share the cores. Each figure is the best of its rounds, since whatever else the machine
does only takes from it. Memory is what all processes of the service hold after that size.
"""

import argparse
import json
import os
import socket
import statistics
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import httpx

from benchmarks.serving import bound
from benchmarks.serving.__main__ import CONNECTIONS, NPY, arrays, ask, npy, request
from benchmarks.serving.load import load
from benchmarks.serving.scaling_plot import Lines, draw
from tests.service.processes import Server, resident, serving

RESULTS, PICTURE = Path(__file__).with_name("scaling.json"), Path(__file__).with_name("scaling.svg")
WORKERS = (1, 2)
LONG = 1_000_000  # numbers; from here on one connection keeps a core busy
ROUNDS = 7
BEGUN_S, PATIENCE_S = 0.2, 110.0


def processes(pid: int) -> list[int]:
    """Return a process and all that it started, and those."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError):  # it has ended meanwhile
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    listed = [pid]
    for each in listed:
        listed += [child for child, parent in parents.items() if parent == each]
    return listed


def ready(server: Server, workers: int) -> None:
    """Return once so many workers serve."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        page = httpx.get(f"{server.url}/metrics").text
        if f"lossary_workers {workers}.0" in page:
            return
        time.sleep(BEGUN_S)
    raise SystemExit(f"{workers} workers did not come up.")


def rate(server: Server, wanted: bytes, numbers: int, seconds: float) -> float:
    """Return requests a second."""
    if numbers < LONG:
        return load(server.port, wanted, CONNECTIONS, seconds).per_s
    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        return _often(lambda: ask(connection, wanted), seconds)


def bound_rate(body: bytes, seconds: float) -> float:
    """Return how often in a second a raw socket receives a body."""
    with bound.raw() as connection:
        bound.send(connection, body)  # into memory that it has from then on
        return _often(lambda: bound.send(connection, body), seconds)


def _often(act: Callable[[], float], seconds: float) -> float:
    """Return how often in a second something is done, by the median of what it took for so long."""
    took, end = [act()], time.perf_counter() + seconds
    while time.perf_counter() < end:
        took.append(act())
    return 1 / statistics.median(took)


def measure(largest: int, seconds: float) -> Lines:
    """Return the figures of every size, in rounds in which workers and bound take turns."""
    names = [_named(count) for count in WORKERS]
    lines = Lines([], {name: [] for name in ("bound", *names)}, {name: [] for name in names})
    with ExitStack() as started:
        servers = {count: started.enter_context(serving("--workers", str(count))) for count in WORKERS}
        for count, server in servers.items():
            ready(server, count)
        numbers = 10
        while numbers <= largest:
            body = b"".join(npy(array) for array in arrays(numbers // 2))
            wanted = request("/v1/evaluate?loss=mse", NPY, body)
            rounds: dict[str, list[float]] = {name: [] for name in lines.rates}
            for _ in range(ROUNDS):
                rounds["bound"].append(bound_rate(body, seconds))
                for count, server in servers.items():
                    rounds[_named(count)].append(rate(server, wanted, numbers, seconds))
            lines.sizes.append(numbers)
            for name, each in rounds.items():
                lines.rates[name].append(max(each))
            for count, server in servers.items():
                lines.memory[_named(count)].append(sum(map(resident, processes(server.process.pid))))
            _print(lines)
            numbers *= 10
    return lines


def _named(workers: int) -> str:
    return "1 worker" if workers == 1 else f"{workers} workers"


def _print(lines: Lines) -> None:
    rates = ", ".join(f"{name} {of[-1]:,.1f}/s" for name, of in lines.rates.items())
    memory = ", ".join(f"{of[-1]:.0f} MiB" for of in lines.memory.values())
    print(f"{lines.sizes[-1]:>11,} numbers: {rates}; {memory}", flush=True)


def main() -> None:
    """Measure, print, and write the figures and their picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--largest", type=float, default=1e8, help="numbers")
    parser.add_argument("--seconds", type=float, default=0.5, help="of each round")
    asked = parser.parse_args()
    print(f"{os.cpu_count()} cores, which the client and the workers share")
    lines = measure(int(asked.largest), asked.seconds)
    RESULTS.write_text(json.dumps(lines._asdict(), indent=1) + "\n", encoding="utf-8")
    PICTURE.write_text(draw(lines), encoding="utf-8")


if __name__ == "__main__":
    main()
