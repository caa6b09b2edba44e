"""Datasets on web servers: in parts, with tricks, and inside the network."""

import http.server
import io
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.feather
import pyarrow.parquet
import pytest

from service.datasets.addresses.http_files import HttpFile, NotAllowed, Unreadable
from tests.conftest import Client
from tests.service.datasets.shards import ROWS, evaluated, made, shard
from tests.service.problem import is_problem


class _Handler(http.server.BaseHTTPRequestHandler):
    """Serves parts of a file at /good, and tricks elsewhere."""

    protocol_version = "HTTP/1.1"
    data = b""
    sent: list[int]

    def do_GET(self) -> None:
        first, _, last = self.headers["Range"].removeprefix("bytes=").partition("-")
        part = self.data[int(first) : int(last) + 1]
        headers = {"Content-Range": f"bytes {first}-{last}/{len(self.data)}", "ETag": '"1"'}
        if self.path == "/whole.parquet":
            self._answer(200, self.data, {})
        elif self.path == "/metadata.parquet":
            self._answer(302, b"", {"Location": "http://169.254.169.254/latest/meta-data/"})
        elif self.path == "/good.parquet":
            self.sent.append(len(part))
            self._answer(206, part, headers)
        elif self.path == "/closing.parquet":
            self.close_connection = True
            self._answer(206, part, headers)
        elif self.path == "/long.parquet":
            self._answer(206, part + b"x" * 5000, headers)
        elif self.path == "/noise.parquet":
            self.wfile.write(b"\x00\x01\x02\r\n\r\n")
            self.close_connection = True
        else:
            self._answer(404, b"", {})

    def _answer(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def web(data: bytes) -> Iterator[tuple[int, list[int]]]:
    """Serve a file on loopback; yield the port, and the lengths of the parts that were asked for."""
    sent: list[int] = []
    handler = type("Handler", (_Handler,), {"data": data, "sent": sent})
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_port, sent
        finally:
            server.shutdown()
            thread.join()


def parquet(table: pa.Table, **options: Any) -> bytes:  # noqa: ANN401 - pyarrow's
    out = io.BytesIO()
    pa.parquet.write_table(table, out, **options)
    return out.getvalue()


@pytest.mark.anyio
async def test_a_web_server_gives_the_parts_that_are_needed(client: Client, tmp_path: Path) -> None:
    table = shard(0).append_column("noise", pa.array([os.urandom(2000).hex() for _ in range(ROWS)]))
    data = parquet(table, compression="none")
    with web(data) as (port, sent):
        async with client(data=tmp_path, sources=(f"http://127.0.0.1:{port}/",)) as http:
            dataset = await made(http, f"http://127.0.0.1:{port}/good.parquet")
            answer = await evaluated(http, dataset.json()["id"])
            closing = await made(http, f"http://127.0.0.1:{port}/closing.parquet")

    assert answer.json()["items"] == ROWS
    assert closing.status_code == 201
    assert len(data) > 3e6
    assert sum(sent) < len(data) / 2


@pytest.mark.anyio
async def test_a_web_server_that_plays_tricks_is_refused(client: Client, tmp_path: Path) -> None:
    with web(parquet(shard(0))) as (port, _):
        async with client(data=tmp_path, sources=(f"http://127.0.0.1:{port}/", f"http://localhost:{port}/")) as http:
            names = ("metadata", "whole", "long", "noise", "none", "*")
            answers = [await made(http, f"http://127.0.0.1:{port}/{name}.parquet") for name in names]
            by_name = await made(http, f"http://localhost:{port}/good.parquet")
        async with client(data=tmp_path, sources=(f"http://localhost:{port}/",), private_hosts=("localhost",)) as http:
            named = await made(http, f"http://localhost:{port}/good.parquet")

    assert [answer.status_code for answer in answers] == [403, 422, 422, 422, 422, 422]
    is_problem(by_name, 403)
    assert named.status_code == 201


def test_a_host_is_looked_up_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server that answers otherwise the second time (DNS rebinding) has no second time."""
    answers = [[(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 0))]]
    data = parquet(shard(0))
    with web(data) as (port, _):
        known = socket.getaddrinfo
        monkeypatch.setattr(
            socket,
            "getaddrinfo",
            lambda host, *rest, **more: answers.pop() if host == "rebinding.example" else known(host, *rest, **more),
        )
        file = HttpFile("http", f"rebinding.example:{port}", "/closing.parquet", private=True)
        read = file.read(100)
        file.seek(-4, io.SEEK_END)
        read += file.read()
        file.close()

    assert read == data[:100] + data[-4:]
    assert not answers


@pytest.mark.parametrize("addresses", [("127.0.0.1",), ("93.184.216.34", "169.254.169.254")])
def test_a_host_with_any_private_address_is_refused(
    monkeypatch: pytest.MonkeyPatch, addresses: tuple[str, ...]
) -> None:
    entries = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 0)) for address in addresses]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: entries)

    with pytest.raises(NotAllowed):
        HttpFile("https", "internal.example", "/x.parquet", private=False)


def test_a_host_that_is_not_known_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror

    monkeypatch.setattr(socket, "getaddrinfo", unknown)

    with pytest.raises(Unreadable):
        HttpFile("https", "nowhere.example", "/x.parquet", private=False)
