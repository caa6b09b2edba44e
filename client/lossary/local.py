"""The service in this process: requests are passed to its application without a socket."""

import asyncio
import threading
from typing import Any

import httpx


class LocalTransport(httpx.BaseTransport):
    """Passes requests to the installed service, which runs in a thread until the client is closed."""

    def __init__(self) -> None:
        try:
            from service.app import create_app  # noqa: PLC0415 - the service, where it is installed
            from service.settings import Settings  # noqa: PLC0415 - as above
        except ImportError:
            raise ImportError("local=True needs the service: run pip install . in its clone.") from None
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        app = create_app(Settings())
        self._lifespan = app.router.lifespan_context(app)
        state = self._run(self._lifespan.__aenter__())

        async def with_state(scope: Any, receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI
            """Call the application with the state that its lifespan yielded."""
            await app({**scope, "state": dict(state or {})}, receive, send)

        self._transport = httpx.ASGITransport(with_state, raise_app_exceptions=False)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        content = request.read()

        async def answered() -> httpx.Response:
            """Return the response of the application, read completely."""
            sent = httpx.Request(request.method, request.url, headers=request.headers, content=content)
            response = await self._transport.handle_async_request(sent)
            body = await response.aread()
            return httpx.Response(response.status_code, headers=response.headers, content=body)

        answer: httpx.Response = self._run(answered())
        return answer

    def close(self) -> None:
        """Stop the service."""
        self._run(self._lifespan.__aexit__(None, None, None))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _run(self, work: Any) -> Any:  # noqa: ANN401 - any coroutine
        """Run a coroutine in the service's thread, and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result()
