"""Requests and answers as they go over a socket."""

import re
import socket

from tests.service.processes import PATIENCE_S, Server

PROBE = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"
LAST = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"  # ends the connection, so that nothing waits
EVALUATION = b'{"loss":"mse","predictions":[1,2],"targets":[0,0]}'


def exchange(server: Server, *pieces: bytes) -> bytes:
    """Send pieces, and return all that comes until the other side closes the connection, as it must."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE_S) as connection:
        answer = b""
        try:
            for piece in pieces:
                connection.sendall(piece)
            while chunk := connection.recv(65536):
                answer += chunk
        except (ConnectionResetError, BrokenPipeError):
            pass
        return answer


def statuses(answer: bytes) -> list[int]:
    """Return the status of every answer, in order."""
    return [int(status) for status in re.findall(rb"HTTP/1\.1 (\d{3})", answer)]


def post(body: bytes, *lines: bytes) -> bytes:
    """Return a request to evaluate, with further lines in its head."""
    head = b"POST /v1/evaluate HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return head + b"".join(lines) + b"Content-Length: %d\r\n\r\n" % len(body) + body
