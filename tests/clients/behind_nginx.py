"""nginx in front, with the usual lines for websockets: what it forbids stays so, and what it lets through works."""

import re
import socket
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import requests

from tests.clients.running import MSE, Say, Y, Z, free_port, program, running

FORBIDDEN = "/v1/limits"
SECRET = b"max_body_bytes"  # which the answer of that path has, and no other
CONFIGURATION = """
daemon off; master_process off; worker_processes 1; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 256; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi; client_max_body_size 64m;
    map $http_upgrade $connection_upgrade {{ default upgrade; '' ''; }}
    upstream lossary {{ server 127.0.0.1:{port}; keepalive 4; }}
    server {{
        listen 127.0.0.1:{front};
        location {forbidden} {{ return 403; }}
        location / {{
            proxy_pass http://lossary; proxy_http_version 1.1; proxy_request_buffering {buffering};
            proxy_set_header Host $host;
            proxy_set_header Upgrade $http_upgrade;
            proxy_set_header Connection $connection_upgrade;
        }}
    }}
}}
"""
H2C = "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
WEBSOCKET = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Key: x\r\nSec-WebSocket-Version: 13\r\n"
OTHER = "Connection: keep-alive, upgrade\r\nUpgrade: foo\r\n"
UPGRADES = {"h2c": H2C, "websocket": WEBSOCKET, "anything": OTHER, "no upgrade": ""}
SMUGGLED = f"GET {FORBIDDEN} HTTP/1.1\r\nHost: smuggled\r\n\r\n".encode()
PATIENCE_S = 3


@pytest.fixture(scope="module", params=["on", "off"])
def front(request: pytest.FixtureRequest, port: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """Where nginx answers, with and without bodies that it keeps until they are whole."""
    folder, number, nginx = tmp_path_factory.mktemp("nginx"), free_port(), program("nginx")
    folder.chmod(0o755)
    text = CONFIGURATION.format(folder=folder, port=port, front=number, forbidden=FORBIDDEN, buffering=request.param)
    (folder / "nginx.conf").write_text(text)
    with running(nginx, "-c", str(folder / "nginx.conf"), ready=f"http://127.0.0.1:{number}/healthz"):
        yield number


def talked(front: int, *pieces: bytes) -> bytes:
    """Return all that comes of these pieces, sent one after the other, and of a request behind them."""
    with socket.create_connection(("127.0.0.1", front), timeout=PATIENCE_S) as connection:
        received = b""
        for piece in (*pieces, b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"):
            try:
                connection.sendall(piece)
                received += connection.recv(1 << 16)
            except OSError:
                break
        try:
            while more := connection.recv(1 << 16):
                received += more
        except OSError:
            pass
    return received


def attacks(lines: str) -> dict[str, tuple[bytes, ...]]:
    """Return the ways to hide a request in the body of another, with these lines in its head."""
    head = f"POST /v1/evaluate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n{lines}"
    length = f"{head}Content-Length: {len(SMUGGLED)}\r\n"
    chunk = b"%x\r\n" % len(SMUGGLED) + SMUGGLED + b"\r\n0\r\n\r\n"
    return {
        "behind the head": (f"{length}\r\n".encode(), SMUGGLED),
        "with the head": (f"{length}\r\n".encode() + SMUGGLED,),
        "after 100 Continue": (f"{length}Expect: 100-continue\r\n\r\n".encode(), SMUGGLED),
        "in a chunk": (f"{head}Transfer-Encoding: chunked\r\n\r\n".encode(), chunk),
    }


def test_what_is_smuggled_does_not_pass(front: int, port: int, say: Say) -> None:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{FORBIDDEN}", timeout=10) as answer:
        assert SECRET in answer.read(), "the control: whoever gets past nginx is answered"
    assert requests.get(f"http://127.0.0.1:{front}{FORBIDDEN}", timeout=10).status_code == 403

    passed, sent, answers = [], 0, 0
    for upgrade, lines in UPGRADES.items():
        for way, pieces in attacks(lines).items():
            received = talked(front, *pieces) + talked(front)  # the second would take an answer that is left over
            sent, answers = sent + 1, answers + len(re.findall(rb"HTTP/1\.1 \d{3}", received))
            passed += [f"{upgrade}, {way}"] if SECRET in received else []
    say(f"{sent} smuggled requests, {answers} answers, {len(passed)} past the 403")

    assert sent >= 12
    assert answers >= sent
    assert not passed


def test_what_is_let_through_works(front: int, files: Path, say: Say) -> None:
    url = f"http://127.0.0.1:{front}/v1/evaluate"
    content = (files / "both.npy").read_bytes()
    npy = {"Content-Type": "application/x-npy"}
    answers = {
        "json": requests.post(url, json={"loss": "mse", "predictions": Z.tolist(), "targets": Y.tolist()}, timeout=60),
        "npy": requests.post(f"{url}?loss=mse", data=content, headers=npy, timeout=60),
        "chunks": requests.post(f"{url}?loss=mse", data=iter([content[:99], content[99:]]), headers=npy, timeout=60),
        "upgrade": requests.post(
            f"{url}?loss=mse", data=content, headers={**npy, "Connection": "Upgrade", "Upgrade": "h2c"}, timeout=60
        ),
    }
    values = {way: answer.json()["results"][0]["value"] for way, answer in answers.items()}
    long = requests.post(
        url, data=(files / "big.json").read_bytes(), headers={"Content-Type": "application/json"}, timeout=60
    )
    say(f"{values}, 1.6 MB {long.json()['results'][0]['value']}")

    assert np.allclose(list(values.values()), MSE)
    assert long.json()["results"][0]["value"] == 1.0
