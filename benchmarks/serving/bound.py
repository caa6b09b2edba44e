"""The lower bound: a process that receives bytes from a loopback socket into memory, and confirms them."""

import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

LENGTH = struct.Struct("<Q")


def serve(listener: socket.socket) -> None:
    """Receive bodies, each after its length, into one buffer; answer each with one byte."""
    buffer = bytearray(1)
    connection, _ = listener.accept()
    with connection:
        while head := connection.recv(LENGTH.size, socket.MSG_WAITALL):
            (length,) = LENGTH.unpack(head)
            if length > len(buffer):
                buffer = bytearray(length)
            view, filled = memoryview(buffer)[:length], 0
            while filled < length:
                filled += connection.recv_into(view[filled:])
            connection.sendall(b"!")


@contextmanager
def raw() -> Iterator[socket.socket]:
    """Run such a process; yield a connection to it."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        process = subprocess.Popen(  # noqa: S603 - this file
            [sys.executable, __file__, str(listener.fileno())], pass_fds=[listener.fileno()]
        )
        with socket.create_connection(listener.getsockname()) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # a length waits for no acknowledgement
            yield connection
        process.wait(30)


def send(connection: socket.socket, body: bytes) -> float:
    """Return the seconds until a body has been received."""
    started = time.perf_counter()
    connection.sendall(LENGTH.pack(len(body)))
    connection.sendall(body)
    connection.recv(1)
    return time.perf_counter() - started


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
