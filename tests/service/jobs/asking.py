"""Asking for experiments as a client does: a small dataset, the way to the end, the events, and who runs them."""

import json
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from service.jobs.table import JobRow
from tests.service.processes import PATIENCE_S, Server

LINES = ["a,b,kind,price"]
_DRAW = np.random.default_rng(0)
for _a, _b, _noise in _DRAW.normal(size=(240, 3)):
    LINES.append(f"{_a:.6g},{_b:.6g},{'left' if _a > 0 else 'right'},{3 * _a - _b + _noise:.6g}")
CSV = "\n".join(LINES) + "\n"
SMALL = {"target": "price", "goal": {"metric": "mae"}, "folds": 3, "repeats": 1, "models": ["linear"]}


def dataset(http: httpx.Client, text: str = CSV) -> str:
    answer = http.post("/v1/datasets", content=text, headers={"content-type": "text/csv"})
    return str(answer.raise_for_status().json()["id"])


def ended(http: httpx.Client, place: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        shown: dict[str, Any] = http.get(place, params={"wait": 20}).raise_for_status().json()
        if shown["status"] in ("succeeded", "failed", "cancelled"):
            return shown
    raise TimeoutError(shown)


def events(http: httpx.Client, place: str, after: str | None = None) -> list[tuple[str, str, Any]]:
    """Return (id, event, data) of all events until the end."""
    headers = {} if after is None else {"Last-Event-ID": after}
    seen, entry = [], dict[str, str]()
    with http.stream("GET", place, headers=headers) as stream:
        for line in stream.iter_lines():
            name, _, value = line.partition(": ")
            if line:
                entry[name] = value
            elif "event" in entry:
                seen.append((entry["id"], entry["event"], json.loads(entry["data"])))
                entry = {}
    return seen


def worker_of(server: Server) -> int:
    """Return the process that runs the jobs of a service."""
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                parent = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
                command = (folder / "cmdline").read_bytes()
            except OSError:
                continue
            if parent == server.process.pid and b"service.jobs.worker" in command:
                return int(folder.name)
        time.sleep(0.05)
    raise TimeoutError


def row(identifier: str, *, key: str | None = None, expires: float = 1e12) -> JobRow:
    """Return what the table keeps of an experiment that waits."""
    return JobRow(identifier, "me", key, "hash", {"target": "y"}, "en", "queued", 0, 10, 1.0, expires)
