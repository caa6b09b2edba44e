"""A long Arrow stream to a service that does not keep it: python -m benchmarks.arrow_stream 20, in gigabytes.

The stream is made as it is sent, over a bare socket of loopback, to a server process of its own. Beside its time stands
the floor: the same bytes, received from such a socket and thrown away.
"""

import argparse
import json
import os
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import torch

from service.uploads.arrow.reader import MEDIA, PREFIX
from service.uploads.formats.arrow import FORMAT
from tests.service.processes import serving

ITEMS = 1 << 16  # of a record batch: half a megabyte of two columns of float32
RECEIVED = 1 << 18  # bytes that the floor asks for at once
MIB, MB, GB = 1 << 20, 10**6, 10**9
LOSS = "mse"
SAME = 1e-9  # relative: two sums of the same numbers in float64


def framed(data: bytes) -> bytes:
    """Return bytes as one chunk of an HTTP body."""
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


class Body:
    """The stream as chunks of an HTTP body: one record batch, repeated."""

    def __init__(self, size: int) -> None:
        rng = np.random.default_rng(0)
        columns = {role: torch.from_numpy(rng.normal(size=ITEMS).astype("f4")) for role in ("predictions", "targets")}
        whole = FORMAT.encode(columns, b"{}")
        schema = PREFIX + int.from_bytes(whole[4:PREFIX], "little")
        self.head, self.end = framed(whole[:schema]), framed(whole[-PREFIX:]) + b"0\r\n\r\n"
        self.batch = framed(whole[schema:-PREFIX])
        self.batches = max(1, size // len(self.batch))
        self.size = len(self.head) + self.batches * len(self.batch) + len(self.end)
        difference = (columns["predictions"] - columns["targets"]).double()
        self.value = float(difference.square().mean())

    def send(self, connection: socket.socket) -> None:
        """Send the request and its whole body."""
        connection.sendall(self.head)
        for _ in range(self.batches):
            connection.sendall(self.batch)
        connection.sendall(self.end)


def floor(body: Body) -> float:
    """Return the seconds in which a process receives the bytes and discards them."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        child = os.fork()
        if not child:
            connection, _ = listening.accept()
            buffer = bytearray(RECEIVED)
            while connection.recv_into(buffer):
                pass
            os._exit(0)
        started = time.perf_counter()
        with socket.create_connection(listening.getsockname()) as connection:
            body.send(connection)
        os.waitpid(child, 0)
        return time.perf_counter() - started


def evaluated(port: int, body: Body) -> tuple[float, dict[str, Any]]:
    """Return the seconds that the service needs, and its answer."""
    head = (
        f"POST /v1/evaluate?loss={LOSS} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {MEDIA}\r\n"
        "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    )
    started = time.perf_counter()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head.encode())
        with suppress(ConnectionError):  # it was refused midway; the answer says why
            body.send(connection)
        answer = b"".join(iter(lambda: connection.recv(RECEIVED), b""))
    took = time.perf_counter() - started
    said: dict[str, Any] = json.loads(answer.partition(b"\r\n\r\n")[2])
    if "results" not in said:
        sys.exit(f"refused: {said}")
    return took, said


def memory(pid: int, what: str) -> float:
    """Return a line of a process's status in MiB: VmRSS is its current memory, VmHWM the highest."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def main() -> None:
    """Print the seconds, the rates, and the growth of the server's memory."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("gigabytes", type=float, nargs="?", default=2.0)
    parser.add_argument("--device", default="cpu")
    asked = parser.parse_args()
    body = Body(int(asked.gigabytes * GB))
    bare = floor(body)
    with serving(LOSSARY_DEVICE=asked.device) as server:
        evaluated(server.port, Body(ITEMS))
        before = memory(server.process.pid, "VmRSS")
        took, said = evaluated(server.port, body)
        grown = memory(server.process.pid, "VmHWM") - before
    result = said["results"][0]
    right = abs(result["value"] / body.value - 1) < SAME and said["items"] == body.batches * ITEMS
    print(f"{body.size / GB:.2f} GB in {body.batches} record batches of {ITEMS} items, {LOSS}, {asked.device}")
    print(f"service  {took:8.2f} s  {body.size / MB / took:7.0f} MB/s  memory +{grown:.1f} MiB  right: {right}")
    print(f"floor    {bare:8.2f} s  {body.size / MB / bare:7.0f} MB/s  ratio {took / bare:.2f}")
    print(f"computed {said['timing_ms']['compute'] / 1e3:8.2f} s of that")


if __name__ == "__main__":
    main()
