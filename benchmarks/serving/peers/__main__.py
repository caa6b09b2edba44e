"""The same job on what others serve with: make bench-peers. Each server has an environment and a process of its own.

Mean squared error of two float32 arrays over loopback, in the best format that each takes; one worker, and the client
shares its cores. Every answer is checked before it is timed. Medians; what else the machine does is in them.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from benchmarks.serving.__main__ import (
    CONNECTIONS,
    FORM,
    HUGE,
    JSON,
    MILLION,
    NPY,
    SMALL,
    arrays,
    ask,
    form,
    npy,
    of_lists,
    request,
)
from benchmarks.serving.load import load
from tests.service.processes import ROOT, free_port

HERE = "benchmarks.serving.peers"
RESULTS = Path(__file__).with_name("results.json")
PATIENCE_S = 120
Body = Callable[[list[np.ndarray]], bytes]  # a request with these arrays


@dataclass(frozen=True)
class Peer:
    """How a server is started, asked whether it is ready, and asked for the loss."""

    name: str
    command: list[str]
    ready: str
    text: Body
    binary: Body | None
    variables: dict[str, str]


def in_form(path: str) -> Body:
    """Return what asks `path` with two files of a form."""
    return lambda pair: request(path, FORM, form(("predictions", npy(pair[0])), ("targets", npy(pair[1]))))


def in_lists(path: str, **more: str) -> Body:
    """Return what asks `path` with two lists."""
    return lambda pair: request(path, JSON, of_lists(*pair, **more))


def in_tensors(pair: list[np.ndarray]) -> bytes:
    """Return a request of the Open Inference Protocol in JSON."""
    inputs = [
        {"name": name, "shape": [len(array)], "datatype": "FP32", "data": array.tolist()}
        for name, array in zip(("predictions", "targets"), pair, strict=True)
    ]
    return request("/v2/models/mse/infer", JSON, json.dumps({"inputs": inputs}).encode())


def raw(pair: list[np.ndarray]) -> bytes:
    """Return a request to Lossary."""
    return request("/v1/evaluate?loss=mse", NPY, b"".join(map(npy, pair)))


def peers(port: int, environments: Path, models: Path) -> list[Peer]:
    """Return every server; ours first."""

    def python(name: str) -> str:
        return str(environments / f".venv-peers-{name}" / "bin" / "python")

    settings = {"name": "mse", "implementation": f"{HERE}.of_mlserver.Mse"}
    (models / "model-settings.json").write_text(json.dumps(settings))
    ports = {f"MLSERVER_{kind}_PORT": str(free_port()) for kind in ("GRPC", "METRICS")}
    at = ["--host", "127.0.0.1", "--port", str(port)]
    return [
        Peer(
            "Lossary",
            [sys.executable, "-m", "service", *at],
            "/readyz",
            in_lists("/v1/evaluate", loss="mse"),
            raw,
            {"LOSSARY_DEVICE": "cpu"},
        ),
        Peer(
            "FastAPI, 20 lines",
            [sys.executable, "-m", "uvicorn", "benchmarks.serving.naive:app", *at, "--log-level", "warning"],
            "/docs",
            in_lists("/json"),
            in_form("/files"),
            {},
        ),
        Peer(
            "LitServe",
            [python("litserve"), "-m", f"{HERE}.of_litserve", str(port)],
            "/health",
            in_lists("/predict"),
            in_form("/predict"),
            {},
        ),
        Peer(
            "BentoML",
            [python("bentoml"), "-m", "bentoml", "serve", f"{HERE}.of_bentoml:Mse", *at],
            "/readyz",
            in_lists("/of_lists"),
            in_form("/of_files"),
            {"BENTOML_DO_NOT_TRACK": "true"},
        ),
        Peer(
            "MLServer",
            [python("mlserver"), "-m", "mlserver.cli.main", "start", str(models)],
            "/v2/models/mse/ready",
            in_tensors,
            None,
            {"MLSERVER_HOST": "127.0.0.1", "MLSERVER_HTTP_PORT": str(port), "MLSERVER_PARALLEL_WORKERS": "0", **ports},
        ),
    ]


@contextmanager
def running(peer: Peer, port: int) -> Iterator[tuple[int, float]]:
    """Run a server; yield its process, and the seconds until it was ready."""
    started = time.monotonic()
    process = subprocess.Popen(  # noqa: S603 - what the table lists
        peer.command,
        cwd=ROOT,
        env={**os.environ, **peer.variables, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        while not _is_ready(f"http://127.0.0.1:{port}{peer.ready}"):
            if process.poll() is not None or time.monotonic() - started > PATIENCE_S:
                raise RuntimeError("did not start")
            time.sleep(0.05)
        yield process.pid, time.monotonic() - started
    finally:
        family = tree(process.pid)  # before it ends, and those that it leaves are nobody's
        for ending in (signal.SIGTERM, signal.SIGKILL):
            for pid in family:
                with suppress(ProcessLookupError):
                    os.kill(pid, ending)
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)


def tree(pid: int) -> list[int]:
    """Return a process and all that came of it."""
    children: list[str] = []
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(FileNotFoundError, ProcessLookupError):
            children += task.read_text().split()
    return [pid, *(below for child in children for below in tree(int(child)))]


def _is_ready(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).is_success
    except httpx.TransportError:
        return False


def resident(pid: int) -> float:
    """Return what a process and all that came of it hold, in bytes; shared pages count once for each."""
    pages = 0
    for each in tree(pid):
        with suppress(FileNotFoundError):
            pages += int(Path(f"/proc/{each}/statm").read_text().split()[1])
    return pages * 4096.0


@contextmanager
def watched(pid: int, seen: list[float]) -> Iterator[None]:
    """Append what a process holds, again and again while something is done."""
    end = threading.Event()

    def look() -> None:
        while not end.wait(0.02):
            seen.append(resident(pid))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def value(answer: dict[str, object]) -> float:
    """Return the loss that a server answered."""
    if "results" in answer:
        return float(answer["results"][0]["value"])  # type: ignore[index] # the shape of our answer
    if "outputs" in answer:
        return float(answer["outputs"][0]["data"][0])  # type: ignore[index] # the protocol's
    return float(answer["value"])  # type: ignore[arg-type] # of the peers


def check(port: int, wanted: bytes, pair: list[np.ndarray]) -> None:
    """Refuse to time a server that answers wrongly."""
    head, _, body = wanted.partition(b"\r\n\r\n")
    line, *fields = head.decode().split("\r\n")
    headers = dict(field.split(": ", 1) for field in fields)
    answer = httpx.post(f"http://127.0.0.1:{port}{line.split()[1]}", headers=headers, content=body, timeout=PATIENCE_S)
    expected = float(np.mean((pair[0] - pair[1]) ** 2))
    if not answer.is_success or abs(value(answer.json()) / expected - 1) > 1e-3:  # noqa: PLR2004 - float32 sums
        raise RuntimeError(f"answered {answer.status_code}")


def often(port: int, body: Body, seconds: float) -> float:
    """Return how many small requests a second are answered on 16 connections."""
    pair = arrays(SMALL)
    wanted = body(pair)
    check(port, wanted, pair)
    load(port, wanted, CONNECTIONS, seconds / 3)
    return load(port, wanted, CONNECTIONS, seconds).per_s


def took(port: int, body: Body, numbers: int, rounds: int) -> float:
    """Return the median seconds of one request, the first left out."""
    pair = arrays(numbers)
    wanted = body(pair)
    check(port, wanted, pair)
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.settimeout(PATIENCE_S)
        return statistics.median(ask(connection, wanted) for _ in range(rounds))


def measured(peer: Peer, port: int, seconds: float) -> dict[str, float | str | None]:
    """Return every figure of one server; a text where there is none, which says why."""
    figures: dict[str, float | str | None] = {}

    def note(name: str, measure: Callable[[], float]) -> None:
        try:
            figures[name] = measure()
        except (RuntimeError, OSError, httpx.HTTPError) as error:
            figures[name] = str(error)[:40] or type(error).__name__

    with running(peer, port) as (pid, ready_s):
        figures["ready_s"], figures["idle_mb"] = ready_s, resident(pid) / 1e6
        binary = peer.binary
        note("json_per_s", lambda: often(port, peer.text, seconds))
        note("json_1m_ms", lambda: 1e3 * took(port, peer.text, MILLION, 5))
        if binary is None:
            return {**figures, "binary_per_s": "none", "8_mb_ms": "none", "512_mb_s": "none", "growth": "none"}
        note("binary_per_s", lambda: often(port, binary, seconds))
        note("8_mb_ms", lambda: 1e3 * took(port, binary, MILLION, 15))
        seen = [resident(pid)]

        def huge() -> float:
            with watched(pid, seen):
                return took(port, binary, HUGE, 3)

        note("512_mb_s", huge)
        figures["growth"] = (max(seen) - seen[0]) / (2 * 4 * HUGE) if isinstance(figures["512_mb_s"], float) else None
    return figures


COLUMNS = {
    "binary_per_s": ("small binary, /s", "{:,.0f}"),
    "json_per_s": ("small JSON, /s", "{:,.0f}"),
    "8_mb_ms": ("8 MB, ms", "{:.1f}"),
    "json_1m_ms": ("JSON of 2 x 1M, ms", "{:,.0f}"),
    "512_mb_s": ("512 MB, s", "{:.2f}"),
    "growth": ("growth / payload", "{:.2f}"),
    "ready_s": ("ready, s", "{:.1f}"),
    "idle_mb": ("idle, MB", "{:,.0f}"),
}


def main() -> None:
    """Measure, print, and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3, help="for which each load of small requests lasts")
    parser.add_argument("--environments", type=Path, default=ROOT, help="the folder of the .venv-peers-NAME")
    asked = parser.parse_args()
    results: dict[str, dict[str, float | str | None]] = {}
    with TemporaryDirectory() as models:
        port = free_port()
        for peer in peers(port, asked.environments, Path(models)):
            try:
                results[peer.name] = measured(peer, port, asked.seconds)
            except RuntimeError as error:
                results[peer.name] = dict.fromkeys(COLUMNS, str(error))
    table = Table("", *(title for title, _ in COLUMNS.values()), title="One worker each; the client shares the cores")
    for name, figures in results.items():
        cells = [(figures.get(key), shown) for key, (_, shown) in COLUMNS.items()]
        table.add_row(name, *(shown.format(cell) if isinstance(cell, float) else str(cell) for cell, shown in cells))
    Console(width=140).print(table)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
