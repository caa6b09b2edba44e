"""A quarter of an hour of good and hostile requests on 64 connections at once: make soak.

Good requests must all be answered, and right, however the others behave; memory, descriptors and threads of the service
must stay where they were after a warm-up. What the hostile ones send is the fault catalogue of the tests, and what only
a socket can do: half a head, a body that stops, a client that vanishes, bytes that are no HTTP.
"""

import argparse
import asyncio
import io
import os
import random
import re
import statistics
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import orjson

from tests.service.faults.fault import Fault
from tests.service.faults.test_catalogue import FAULTS
from tests.service.processes import Server, serving

GOOD, HOSTILE = 44, 20
WARM_UP = 0.15  # of the time; the allocator and the caches settle
FLAT = 0.05  # of the resident memory, between the first and the last fifth after the warm-up
PAUSE_S = 0.02  # between two requests of one connection, in the mean
PATIENCE_S = 60.0
LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)
LARGEST_FAULT = 1 << 20  # bytes; longer ones are in the catalogue's own tests


def request(path: str, media: str, body: bytes, method: str = "POST", **headers: str) -> bytes:
    """Return a request as it goes over the wire."""
    lines = {"Host": "localhost", "Content-Type": media, "Content-Length": str(len(body)), **headers}
    head = "".join(f"{name}: {value}\r\n" for name, value in lines.items())
    return f"{method} {path} HTTP/1.1\r\n{head}\r\n".encode("latin-1") + body


def arrays(numbers: int) -> bytes:
    """Return predictions and targets of so many float32 numbers, as .npy streams."""
    body, draw = io.BytesIO(), np.random.default_rng(numbers)
    for _ in range(2):
        np.save(body, draw.normal(size=numbers).astype(np.float32))
    return body.getvalue()


JSON, NPY = "application/json", "application/x-npy"
SMALL = {
    "small JSON": request(
        "/v1/evaluate", JSON, orjson.dumps({"loss": "mse", "predictions": [1.0, 2.0], "targets": [1.5, 0.0]})
    ),
    "small binary": request("/v1/evaluate?loss=mse&loss=huber", NPY, arrays(1000)),
    "recommend": request(
        "/v1/recommend", JSON, orjson.dumps({"task": "regression", "profile": {"outlier_rate": 0.08}})
    ),
    "losses": request("/v1/losses/dice", JSON, b"", "GET"),
}
LARGE = {
    "8 MB": request("/v1/evaluate?loss=mse", NPY, arrays(1_000_000)),
    "profile": request("/v1/profile?task=regression", NPY, arrays(20_000)),
}
LARGE_SHARE = 0.01


@dataclass
class Seen:
    """Counts of the requests and answers."""

    seconds: list[float] = field(default_factory=list)  # of the small ones
    answered: dict[str, int] = field(default_factory=dict)
    failed: list[str] = field(default_factory=list)
    hostile: dict[str, int] = field(default_factory=dict)
    fives: list[str] = field(default_factory=list)


async def read_answer(reader: asyncio.StreamReader) -> tuple[int, bytes]:
    """Return status and body."""
    head = await reader.readuntil(b"\r\n\r\n")
    length = LENGTH.search(head)
    body = await reader.readexactly(int(length.group(1))) if length else b""
    return int(head[9:12]), body


def told(body: bytes) -> object:
    """Return the content of an answer without times and ids."""
    answer = orjson.loads(body)
    return {name: value for name, value in answer.items() if name not in ("timing_ms", "instance")}


async def expected(port: int) -> dict[str, object]:
    """Return the correct answers, requested while nothing else runs."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    answers = {}
    for name, wanted in {**SMALL, **LARGE}.items():
        writer.write(wanted)
        status, body = await read_answer(reader)
        assert status == 200, body  # noqa: S101, PLR2004 - or there is nothing to compare with
        answers[name] = told(body)
    writer.close()
    return answers


async def good(port: int, until: float, seen: Seen, right: dict[str, object], draw: random.Random) -> None:
    """Ask what can be answered, on one connection for as long as it lasts."""
    reader = writer = None
    while time.monotonic() < until:
        name = draw.choice(list(LARGE if draw.random() < LARGE_SHARE else SMALL))
        started = time.monotonic()
        try:
            if writer is None or reader is None:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write((SMALL | LARGE)[name])
            status, body = await asyncio.wait_for(read_answer(reader), PATIENCE_S)
        except (OSError, EOFError, TimeoutError) as error:
            seen.failed.append(f"{name}: {type(error).__name__}")
            writer = None
            continue
        if name in SMALL:
            seen.seconds.append(time.monotonic() - started)
        if status == 200 and told(body) == right[name]:  # noqa: PLR2004 - HTTP
            seen.answered[name] = seen.answered.get(name, 0) + 1
        else:
            seen.failed.append(f"{name}: {status} {body[:200]!r}")
        await asyncio.sleep(draw.expovariate(1 / PAUSE_S))
    if writer is not None:
        writer.close()


RAW = {
    "half a head": b"POST /v1/evaluate HTTP/1.1\r\nHost: x\r\nContent-",
    "half a body": SMALL["small binary"][:2000],
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(200),
    "length and chunks": b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n",
    "long headers": b"GET / HTTP/1.1\r\nHost: x\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n",
    "half of 8 MB": LARGE["8 MB"][:4_000_000],
}


def faults() -> list[Fault]:
    """Return the catalogue's cases that are not long to send, and that nothing else than a request makes."""
    return [fault for fault in FAULTS if len(fault.body) < LARGEST_FAULT]


async def hostile(port: int, until: float, seen: Seen, draw: random.Random) -> None:
    """Send what cannot be answered, each on a connection of its own."""
    listed = faults()
    while time.monotonic() < until:
        fault = draw.choice(listed)
        name, sent = draw.choice(list(RAW.items()))
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            if draw.random() < 1 / 4:
                writer.write(sent)
                await writer.drain()
                if draw.random() < 1 / 2:
                    await asyncio.sleep(draw.random())
                seen.hostile[name] = seen.hostile.get(name, 0) + 1
            else:
                media = fault.headers.get("content-type", JSON)
                more = {key: value for key, value in fault.headers.items() if key != "content-type"}
                writer.write(request(fault.path, media, fault.body, fault.method, **more))
                status, body = await asyncio.wait_for(read_answer(reader), PATIENCE_S)
                seen.hostile[str(status)] = seen.hostile.get(str(status), 0) + 1
                if status >= 500:  # noqa: PLR2004 - HTTP
                    seen.fives.append(f"{fault}: {status} {body[:200]!r}")
            writer.close()
        except (OSError, EOFError, TimeoutError):
            seen.hostile["no answer"] = seen.hostile.get("no answer", 0) + 1
        await asyncio.sleep(draw.expovariate(1 / PAUSE_S))


@dataclass(frozen=True)
class Sample:
    """The resources of the process at one time."""

    at_s: float
    mib: float
    descriptors: int
    threads: int


def sample(pid: int, at_s: float) -> Sample:
    """Return the current resources of a process."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    mib = pages * os.sysconf("SC_PAGESIZE") / (1 << 20)
    return Sample(
        at_s, mib, len(list(Path(f"/proc/{pid}/fd").iterdir())), len(list(Path(f"/proc/{pid}/task").iterdir()))
    )


async def soak(server: Server, seconds: float) -> tuple[Seen, list[Sample]]:
    """Run the load for some seconds; return its results, and the resources of the process every second."""
    seen, right = Seen(), await expected(server.port)
    started = time.monotonic()
    until = started + seconds
    clients = [good(server.port, until, seen, right, random.Random(i)) for i in range(GOOD)]  # noqa: S311 - no secret
    others = [hostile(server.port, until, seen, random.Random(-i - 1)) for i in range(HOSTILE)]  # noqa: S311 - no secret
    work = asyncio.gather(*clients, *others)
    samples = []
    while not work.done():
        await asyncio.wait([work], timeout=1)
        samples.append(sample(server.process.pid, time.monotonic() - started))
    await work
    return seen, samples


def report(seen: Seen, samples: list[Sample], seconds: float) -> bool:
    """Print the results; return whether they are good."""
    steady = [one for one in samples if WARM_UP * seconds < one.at_s < seconds]
    fifth = max(1, len(steady) // 5)
    fifths = [statistics.median(one.mib for one in steady[i * fifth : (i + 1) * fifth]) for i in range(5)]
    first, last = fifths[0], fifths[-1]
    growth = last / first - 1
    cuts = statistics.quantiles(seen.seconds, n=1000)
    total = sum(seen.answered.values())
    print(f"{seconds:.0f} s, {GOOD} good and {HOSTILE} hostile connections.")
    print(f"Good requests: {total} answered right ({total / seconds:.0f} a second), {len(seen.failed)} failed.")
    print(f"Small ones: median {1e3 * cuts[499]:.1f} ms, p99 {1e3 * cuts[989]:.1f} ms, p99.9 {1e3 * cuts[998]:.1f} ms.")
    print(
        f"Hostile requests: {sum(seen.hostile.values())}, of which 5xx: {len(seen.fives)}. By outcome: {seen.hostile}"
    )
    print(
        f"Resident memory after the warm-up, medians of fifths: {', '.join(f'{each:.0f}' for each in fifths)} MiB "
        f"({growth:+.1%}); at most {max(one.mib for one in steady):.0f} MiB."
    )
    for name in ("threads", "descriptors"):
        print(f"{name.capitalize()}: {getattr(steady[0], name)}, then {getattr(steady[-1], name)}.")
    for line in [*seen.failed[:5], *seen.fives[:5]]:
        print("  ", line)
    return not seen.failed and not seen.fives and abs(growth) <= FLAT


def main() -> None:
    """Run against a service of its own, as it comes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=900)
    seconds = parser.parse_args().seconds
    with serving(LOSSARY_MAX_BODY_BYTES=str(128 << 20)) as server:
        seen, samples = asyncio.run(soak(server, seconds))
        alive = server.process.poll() is None
    sys.exit(not (report(seen, samples, seconds) and alive))


if __name__ == "__main__":
    main()
