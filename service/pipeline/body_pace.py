"""ASGI middleware: a body has to keep coming. Behind any server, since it times nothing but the wait for the client."""

import asyncio
from time import perf_counter

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.pipeline.scope import is_whole
from service.problems import RequestTimeout

GRACE_S = 5.0  # before the rate counts: connections start slowly


class Punctual:
    """Refuses a body that stalls, or drips. It stands outside of what makes requests wait their turn."""

    def __init__(self, app: ASGIApp, idle_s: float, bytes_per_s: int) -> None:
        self.app, self._idle_s, self._rate = app, idle_s, bytes_per_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or is_whole(scope):
            await self.app(scope, receive, send)
            return
        waited, came, coming = 0.0, 0, True

        async def timed() -> Message:
            nonlocal waited, came, coming
            if not coming:  # what comes now is the end of the connection, whenever that is
                return await receive()
            asked = perf_counter()
            try:
                async with asyncio.timeout(self._idle_s):
                    message = await receive()
            except TimeoutError:
                raise RequestTimeout(f"Nothing of the body came for {self._idle_s:g} s.") from None
            waited += perf_counter() - asked
            came += len(message.get("body", b""))
            coming = bool(message.get("more_body", False))
            if coming and waited > GRACE_S and came < waited * self._rate:
                raise RequestTimeout(f"The body came more slowly than {self._rate} bytes a second.")
            return message

        await self.app(scope, timed, send)
