"""How near the service comes to what the machine allows, and how far it leaves what one writes first: make bench.

Everything is on: logs, metrics, limits, request ids, and, where there is a C++ compiler, the kernel of the loss, as the
image has it. One worker, and the client shares its cores. Each figure is the median of rounds in which both sides of a
ratio take turns, so that what else the machine does hits both; of several runs the one in the middle is shown, with the
least and the largest ratio.
"""

import argparse
import io
import json
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import httpx
import numpy as np
import torch
import torch.nn.functional as F  # noqa: N812 - torch's own habit
from rich.console import Console
from rich.table import Table

from benchmarks.serving import bound
from benchmarks.serving.load import load
from losses.contract.expression import parse
from losses.evaluation.evaluate import evaluate
from losses.evaluation.kernels.library import Kernels
from losses.evaluation.passes import Options
from tests.service.processes import OWN_PROCESS, ROOT, serving

RESULTS = Path(__file__).with_name("results.json")
JSON, NPY, FORM = "application/json", "application/x-npy", "multipart/form-data; boundary=b"
SMALL, MILLION, HUGE, EIGHTH = 1000, 1_000_000, 64_000_000, 8_000_000
CONNECTIONS = 16
OF_BOUND = 1.3  # at most, of a long upload
KERNELS = "LOSSARY_KERNELS"
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    work: str
    ours: str
    other: str
    ratio: float
    bar: float
    least: bool  # the ratio is to be at least the bar, else at most
    spread: str = ""  # the least and the largest ratio, of several runs

    @property
    def met(self) -> bool:
        """Whether the ratio is within the bar."""
        return self.ratio >= self.bar if self.least else self.ratio <= self.bar


def arrays(numbers: int) -> list[np.ndarray]:
    """Return predictions and targets."""
    draw = np.random.default_rng(numbers)
    return [draw.standard_normal(numbers, dtype=np.float32) for _ in range(2)]


def npy(array: np.ndarray) -> bytes:
    """Return an array as a file."""
    buffer = io.BytesIO()
    np.save(buffer, array)
    return buffer.getvalue()


def form(*files: tuple[str, bytes]) -> bytes:
    """Return files as a multipart body."""
    parts = [
        f'--b\r\nContent-Disposition: form-data; name="{name}"; filename="{name}.npy"\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in files
    ]
    return b"".join(parts) + b"--b--\r\n"


def request(path: str, media: str, body: bytes) -> bytes:
    """Return a request as the bytes of HTTP/1.1."""
    head = f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Type: {media}\r\nContent-Length: {len(body)}\r\n\r\n"
    return head.encode() + body


def of_lists(first: np.ndarray, second: np.ndarray, **more: str) -> bytes:
    """Return arrays as JSON."""
    return json.dumps({**more, "predictions": first.tolist(), "targets": second.tolist()}).encode()


def ask(connection: socket.socket, wanted: bytes) -> float:
    """Return the seconds that a request takes."""
    started = time.perf_counter()
    connection.sendall(wanted)
    received = b""
    while b"\r\n\r\n" not in received:
        received += connection.recv(65536)
    end = received.index(b"\r\n\r\n") + 4
    length = LENGTH.search(received)
    wanted_length = end + int(length.group(1)) if length else end
    while len(received) < wanted_length:
        received += connection.recv(65536)
    if not received.startswith(b"HTTP/1.1 200"):
        raise RuntimeError(received[:500].decode(errors="replace"))
    return time.perf_counter() - started


@contextmanager
def naive() -> Iterator[int]:
    """Run the naive service in a process; yield its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = ["-m", "uvicorn", "benchmarks.serving.naive:app", "--port", str(port), "--log-level", "warning"]
    process = subprocess.Popen([sys.executable, *command], cwd=ROOT)  # noqa: S603 - our own
    try:
        for _ in range(600):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.1)
        yield port
    finally:
        process.terminate()
        process.wait(30)


def resident(pid: int) -> float:
    """Return the memory of a process in bytes."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * 4096.0


def in_turn(rounds: int, *sides: Callable[[], float]) -> list[float]:
    """Return the median time of each side, in alternation; the first round warms up."""
    rates: list[list[float]] = [[] for _ in sides]
    for turn in range(rounds + 1):
        for side, seen in zip(sides, rates, strict=True):
            took = side()
            if turn:
                seen.append(took)
    return [statistics.median(seen) for seen in rates]


def of_loss(first: np.ndarray, second: np.ndarray, kernels: Kernels | None) -> Callable[[], float]:
    """Return a function that times the loss in process: the faster of ours, with the kernel if any, and torch's."""
    roles = {"predictions": torch.from_numpy(first), "targets": torch.from_numpy(second)}
    objective = parse("mse")

    def timed(work: Callable[[], object]) -> float:
        started = time.perf_counter()
        work()
        return time.perf_counter() - started

    def fastest() -> float:
        ours = timed(lambda: evaluate(objective, roles, options=Options(kernels=kernels)))
        return min(ours, timed(lambda: F.mse_loss(roles["predictions"], roles["targets"])))

    return fastest


def small(ours: int, other: int, seconds: float) -> list[Row]:
    """Return the rows of small requests: how many a second."""
    first, second = arrays(SMALL)
    files = npy(first), npy(second)
    binary = (
        request("/v1/evaluate?loss=mse", NPY, b"".join(files)),
        request("/files", FORM, form(("predictions", files[0]), ("targets", files[1]))),
    )
    text = (
        request("/v1/evaluate", JSON, of_lists(first, second, loss="mse")),
        request("/json", JSON, of_lists(first, second)),
    )
    rows = []
    for work, (mine, theirs) in {"binary": binary, "JSON": text}.items():
        rates = in_turn(
            3,
            lambda: load(ours, mine, CONNECTIONS, seconds).per_s,  # noqa: B023 - called before the next round
            lambda: load(other, theirs, CONNECTIONS, seconds).per_s,  # noqa: B023 - the same
        )
        said = f"{rates[0]:,.0f}/s", f"{rates[1]:,.0f}/s"
        bar = {"binary": 4, "JSON": 5}[work]
        rows.append(Row(f"2 x 1,000 numbers, {work}, 16 connections", *said, rates[0] / rates[1], bar, least=True))
    return rows


def million_of_lists(ours: int, other: int) -> Row:
    """Return the row of JSON with two million numbers."""
    first, second = arrays(MILLION)
    mine, theirs = (
        request("/v1/evaluate", JSON, of_lists(first, second, loss="mse")),
        request("/json", JSON, of_lists(first, second)),
    )
    with socket.create_connection(("127.0.0.1", ours)) as a, socket.create_connection(("127.0.0.1", other)) as b:
        took = in_turn(5, lambda: ask(a, mine), lambda: ask(b, theirs))
    said = f"{1e3 * took[0]:.0f} ms", f"{1e3 * took[1]:.0f} ms"
    return Row("2 x 1M numbers, JSON", *said, took[1] / took[0], 6, least=True)


def binary(ours: int, pid: int, numbers: int, rounds: int, kernels: Kernels | None) -> list[Row]:
    """Return the rows of one upload against the bound: its bytes through a socket, and the loss in process."""
    first, second = arrays(numbers)
    body = npy(first) + npy(second)
    wanted = request("/v1/evaluate?loss=mse", NPY, body)
    loss = of_loss(first, second, kernels)
    before, most = resident(pid), 0.0

    def mine() -> float:
        nonlocal most
        took = ask(warm, wanted)
        most = max(most, resident(pid) - before)
        return took

    with bound.raw() as bare, socket.create_connection(("127.0.0.1", ours)) as warm:
        took, socket_s = in_turn(rounds, mine, lambda: bound.send(bare, body))
    (loss_s,) = in_turn(rounds, loss)  # by itself: its threads keep a core busy for some milliseconds after it
    least, size = socket_s + loss_s, len(body)
    said = f"{1e3 * took:.1f} ms", f"{1e3 * socket_s:.1f} + {1e3 * loss_s:.1f} ms"
    rows = [Row(f"{size / 1e6:.0f} MB of .npy, against socket + loss", *said, took / least, OF_BOUND, least=False)]
    if numbers == HUGE:
        grown = f"{most / 1e6:.0f} MB", f"{size / 1e6:.0f} MB"
        rows.append(Row("memory growth, of the payload", *grown, most / size, 0.55, least=False))
    return rows


def together(ours: int) -> list[Row]:
    """Return the rows of eight uploads at once against one of their length, and of small requests meanwhile."""
    eighth, whole = (request("/v1/evaluate?loss=mse", NPY, b"".join(map(npy, arrays(n)))) for n in (EIGHTH, HUGE))
    tiny = request("/v1/evaluate?loss=mse", NPY, b"".join(map(npy, arrays(SMALL))))
    waits: list[list[float]] = []  # of every round, the first of which warms up

    def one() -> float:
        with socket.create_connection(("127.0.0.1", ours)) as connection:
            return ask(connection, whole)

    def eight() -> float:
        threads = [threading.Thread(target=upload) for _ in range(8)]
        end = threading.Event()
        waits.append([])
        meanwhile = threading.Thread(target=small_ones, args=(end,))
        meanwhile.start()
        started = time.perf_counter()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        took = time.perf_counter() - started
        end.set()
        meanwhile.join()
        return took

    def upload() -> None:
        with socket.create_connection(("127.0.0.1", ours)) as connection:
            ask(connection, eighth)

    def small_ones(end: threading.Event) -> None:
        with socket.create_connection(("127.0.0.1", ours)) as connection:
            while not end.is_set():
                waits[-1].append(ask(connection, tiny))
                time.sleep(0.002)

    concurrent, alone = in_turn(5, eight, one)
    steady = sorted(wait for seen in waits[1:] for wait in seen)
    p99 = steady[int(0.99 * len(steady))]
    said = f"{1e3 * concurrent:.0f} ms", f"{1e3 * alone:.0f} ms"
    return [
        Row("8 x 64 MB at once, against 512 MB", *said, concurrent / alone, 1.6, least=False),
        Row("small requests meanwhile, p99 against 20 ms", f"{1e3 * p99:.1f} ms", "20 ms", p99 / 0.02, 1, least=False),
    ]


@contextmanager
def kernel_of_mse() -> Iterator[dict[str, str]]:
    """Compile the kernel of the loss; yield the variables with which a service uses it, none without a compiler."""
    if shutil.which("g++") is None:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="lossary-kernels-") as folder:
        command = [sys.executable, "-m", "losses.evaluation.kernels.build", folder, "mse"]
        subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)  # noqa: S603 - our own
        yield {KERNELS: folder}


def measured(only: str | None, seconds: float, variables: dict[str, str]) -> list[Row]:
    """Return the rows of one run, or a part of them."""
    kernels = Kernels([Path(variables[KERNELS])]) if KERNELS in variables else None
    with serving(program=OWN_PROCESS, **variables) as server, naive() as other:
        httpx.get(f"{server.url}/readyz").raise_for_status()
        pid = server.process.pid
        parts: dict[str, Callable[[], list[Row]]] = {
            "small": lambda: small(server.port, other, seconds),
            "lists": lambda: [million_of_lists(server.port, other)],
            "binary": lambda: [
                *binary(server.port, pid, MILLION, 30, kernels),
                *binary(server.port, pid, HUGE, 7, kernels),
            ],
            "together": lambda: together(server.port),
        }
        return [row for name, part in parts.items() if only in (None, name) for row in part()]


def middle(rows: Sequence[Row]) -> Row:
    """Return the row of the run in the middle, with the spread of all runs."""
    ordered = sorted(rows, key=lambda row: row.ratio)
    spread = f"{ordered[0].ratio:.2f} to {ordered[-1].ratio:.2f}" if len(rows) > 1 else ""
    return replace(ordered[len(ordered) // 2], spread=spread)


def main() -> None:
    """Measure, print, and write the results where everything was measured."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="for which each load of small requests lasts")
    parser.add_argument("--only", choices=("small", "lists", "binary", "together"), help="a part of the rows")
    parser.add_argument("--runs", type=int, default=1, help="each with a service of its own")
    asked = parser.parse_args()
    with kernel_of_mse() as variables:
        runs = [measured(asked.only, asked.seconds, variables) for _ in range(asked.runs)]
    rows = [middle(of_runs) for of_runs in zip(*runs, strict=True)]
    kernel = "with a kernel of the loss" if variables else "without kernels"
    title = f"One worker, everything on, {kernel}; the client shares its cores"
    table = Table("work", "Lossary", "against", "ratio", "of all runs", "bar", title=title)
    for row in rows:
        sign = "at least" if row.least else "at most"
        bar = f"{sign} {row.bar:g}{'' if row.met else ' (not met)'}"
        table.add_row(row.work, row.ours, row.other, f"{row.ratio:.2f}", row.spread, bar)
    Console(width=150).print(table)
    if asked.only is None:
        RESULTS.write_text(json.dumps([{**vars(row), "met": row.met} for row in rows], indent=1) + "\n")


if __name__ == "__main__":
    main()
