"""ASGI middleware: the operations that pipelines ask thousands of times a second, without what leads to the others.

FastAPI takes as long to find and call an endpoint as a small loss takes to compute. An endpoint whose only argument is
the request is called as it is; what it refuses is answered here, and its document is still FastAPI's. It is the way of
all that service/pipeline/inline.py declines, or never sees: with tracing, or behind another server.
"""

from collections.abc import Sequence

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from losses.errors import Refusal
from service.problems import answer


class Direct:
    """Calls these routes itself, and leaves the others to the application."""

    def __init__(self, app: ASGIApp, routes: Sequence[APIRoute]) -> None:
        self.app = app
        self._routes = {(route.path, method): route for route in routes for method in route.methods or ()}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        route = self._routes.get((scope.get("path", ""), scope.get("method", "")))
        if route is None:
            await self.app(scope, receive, send)
            return
        scope["route"] = route
        try:
            response = await route.endpoint(Request(scope, receive))
        except Refusal as refusal:
            response = answer(refusal)
        await response(scope, receive, send)
