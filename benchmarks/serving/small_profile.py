"""Where the time of a small request goes, line by line: make bench-small.

A service answers 2 x 1,000 numbers on connections that are kept. Printed are the microseconds that its process computes
for one request, the requests a second, and then, from samples of its stack, the lines under which at least `--least`
microseconds of a request are spent, as a tree. A sample is taken each time the process has computed for 4 ms. What C
code takes between two calls of Python (the event loop, reading a socket) is counted with the next line of Python.
"""

import argparse
import json
import linecache
import os
import signal
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import FrameType

from benchmarks.serving.__main__ import CONNECTIONS, JSON, NPY, SMALL, arrays, npy, of_lists, request
from benchmarks.serving.load import load
from tests.service.processes import ROOT, Server, serving, worked_s

SAMPLE_S = 0.004  # of computing; Linux looks at such timers once in a tick, often 250 times a second
WARM_S = 1.0
SAMPLES = "BENCH_SAMPLES"  # the variable that names the file of the samples
SERVE = "--serve"
Stack = list[str]  # file:line, the outermost first


def serve() -> None:
    """Run the service, take samples from the signal SIGUSR1 on, and write them when it ends."""
    stacks: Counter[tuple[str, ...]] = Counter()

    def start(_signal: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_PROF, SAMPLE_S, SAMPLE_S)

    def sample(_signal: int, frame: FrameType | None) -> None:
        lines = []
        while frame is not None:
            lines.append(f"{frame.f_code.co_filename}:{frame.f_lineno}")
            frame = frame.f_back
        stacks[tuple(reversed(lines))] += 1

    from service.__main__ import main  # noqa: PLC0415 - in the process that is the service, and in no other

    signal.signal(signal.SIGPROF, sample)
    signal.signal(signal.SIGUSR1, start)
    try:
        main()
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        Path(os.environ[SAMPLES]).write_text(json.dumps(list(stacks.items())))


def cost(server: Server, body: bytes, seconds: float) -> tuple[float, float]:
    """Return the microseconds that a service computes for a request, and the requests a second."""
    load(server.port, body, CONNECTIONS, WARM_S)
    before = worked_s(server.process.pid)
    rate = load(server.port, body, CONNECTIONS, seconds)
    return 1e6 * (worked_s(server.process.pid) - before) / (rate.per_s * seconds), rate.per_s


def samples(body: bytes, seconds: float) -> list[tuple[Stack, int]]:
    """Return the stacks of a service under load, from the event loop on, with how often each was seen."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        with serving(program=("-m", "benchmarks.serving.small_profile", SERVE), **{SAMPLES: file.name}) as server:
            load(server.port, body, CONNECTIONS, WARM_S)
            server.process.send_signal(signal.SIGUSR1)
            load(server.port, body, CONNECTIONS, seconds)
        return [(_from_loop(stack), count) for stack, count in json.loads(file.read())]


def _from_loop(stack: Stack) -> Stack:
    """Return what the event loop called."""
    below = [place for place, line in enumerate(stack) if "/asyncio/runners.py:" in line]
    return stack[below[-1] + 1 :] if below else stack


def tree(stacks: list[tuple[Stack, int]], sample_us: float, least: float, depth: int = 0) -> Iterator[str]:
    """Yield the lines under which at least `least` microseconds are spent; a sample stands for `sample_us`."""
    below: dict[str, list[tuple[Stack, int]]] = {}
    for stack, count in stacks:
        if len(stack) > depth:
            below.setdefault(stack[depth], []).append((stack, count))
    spent = {line: sample_us * sum(count for _, count in inner) for line, inner in below.items()}
    for line in sorted(spent, key=lambda line: -spent[line]):
        if spent[line] >= least:
            file, _, number = line.rpartition(":")
            source = linecache.getline(file, int(number)).strip() if number.isdigit() else ""
            named = file.removeprefix(f"{ROOT}/").rpartition("site-packages/")[2]
            yield f"{spent[line]:7.1f}  {'  ' * depth}{source or '(generated)'}  [{named}:{number}]"
            yield from tree(below[line], sample_us, least, depth + 1)


def main() -> None:
    """Measure and print."""
    first, second = arrays(SMALL)
    bodies = {
        "binary": request("/v1/evaluate?loss=mse", NPY, npy(first) + npy(second)),
        "JSON": request("/v1/evaluate", JSON, of_lists(first, second, loss="mse")),
    }
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", choices=[*bodies])
    parser.add_argument("--seconds", type=float, default=10.0, help="of each load")
    parser.add_argument("--least", type=float, default=1.5, help="microseconds of the lines that are printed")
    asked = parser.parse_args()
    for name, body in bodies.items():
        if asked.only in (None, name):
            with serving() as server:
                request_us, per_s = cost(server, body, asked.seconds)
            stacks = samples(body, asked.seconds)
            total = sum(count for _, count in stacks)
            print(f"{name}: {request_us:.1f} us computed for a request, {per_s:,.0f} requests/s; {total} samples")
            print("\n".join(tree(stacks, request_us / total, asked.least)))


if __name__ == "__main__":
    if sys.argv[1:] == [SERVE]:
        del sys.argv[1:]
        serve()
    else:
        main()
