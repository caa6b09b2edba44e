"""Cross-origin requests: refused, unless the operator allows the origin (the Fetch standard's CORS)."""

from fastapi import Response

from service.pipeline.steps import Exchange, Head, Step
from service.problems import ForeignOrigin

SAFE = frozenset({"GET", "HEAD", "OPTIONS"})
EXPOSED = "Location, RateLimit, RateLimit-Policy, Retry-After, Server-Timing, X-Request-Id"
REMEMBERED_S = 600


class Origins(Step):
    """Tells browsers which origins may read answers, and refuses requests of other origins.

    A browser lets any page send a form to any host, including a service without keys on the user's own machine.
    """

    def __init__(self, allowed: tuple[str, ...]) -> None:
        self._allowed = frozenset(origin.encode() for origin in allowed)

    def enter(self, exchange: Exchange) -> Response | None:
        """Answer a preflight request, and refuse a request from a foreign page.

        Raises: ForeignOrigin.
        """
        origin = _origin(exchange)
        if origin is None:
            return None
        headers, method = dict(exchange.scope["headers"]), exchange.scope["method"]
        if origin in self._allowed:
            if method == "OPTIONS" and b"access-control-request-method" in headers:
                return _preflight(exchange, headers.get(b"access-control-request-headers", b""))
        elif method not in SAFE and not _same(origin, headers.get(b"host", b"")):
            raise ForeignOrigin
        return None

    def leave(self, exchange: Exchange, head: Head) -> None:
        """Add the CORS headers."""
        if not self._allowed:
            return
        origin = _origin(exchange)
        head.headers.append((b"vary", b"Origin"))
        if origin in self._allowed:
            head.headers.append((b"access-control-allow-origin", origin))
            head.headers.append((b"access-control-expose-headers", EXPOSED.encode()))


def _origin(exchange: Exchange) -> bytes | None:
    """Return the Origin header; None where there is none."""
    for name, value in exchange.scope["headers"]:
        if name == b"origin":
            origin: bytes = value
            return origin
    return None


def _preflight(exchange: Exchange, requested_headers: bytes) -> Response:
    """Return the answer to a preflight request."""
    answer = Response(status_code=204, headers={"Access-Control-Max-Age": str(REMEMBERED_S)})
    answer.raw_headers.append((b"access-control-allow-methods", ", ".join(exchange.match.methods).encode()))
    if requested_headers:
        answer.raw_headers.append((b"access-control-allow-headers", requested_headers))
    return answer


def _same(origin: bytes, host: bytes) -> bool:
    """Return whether a page of this origin came from this host; "null" stands for an opaque origin."""
    return bool(host) and origin.partition(b"://")[2] == host
