"""A worker that another replaces accepts no connection from then on: some would close before it read their request."""

import asyncio
import select
import socket
from types import SimpleNamespace
from typing import Any

import pytest

from service.readiness import Readiness
from service.server.server import LEAVE, Server
from service.settings import Settings

pytestmark = pytest.mark.anyio


class Told:
    """The worker's end of the pipe to a supervisor that told it something."""

    def __init__(self, command: str) -> None:
        self._command = command

    def send(self, _: str) -> None:
        """Take a heartbeat."""

    def poll(self) -> bool:
        return True

    def recv(self) -> str:
        return self._command


async def test_who_connects_after_a_worker_was_told_to_leave_is_left_to_another() -> None:
    told: Any = Told(LEAVE)
    server = Server(Settings(device="cpu"), told)
    server.lifespan = SimpleNamespace(state={"readiness": Readiness()})  # all that is asked for
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server._listen([listener])  # noqa: SLF001 - what startup does once the application is there
        server._obey(told, 0)  # noqa: SLF001 - what each tick does
        with socket.create_connection(listener.getsockname()):
            for _ in range(9):  # turns of the loop, any of which would accept it
                await asyncio.sleep(0)

            assert select.select([listener], [], [], 0)[0] == [listener]
            assert server._leave_at is not None  # noqa: SLF001 - it ends a moment later
