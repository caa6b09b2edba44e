"""Compresses long answers with gzip for clients that accept it."""

import gzip

from starlette.types import Scope

from service.pipeline.steps import Exchange, Head, Step
from service.uploads.preferences import weighted

SHORTEST = 14_600  # bytes, the first flight of a connection (RFC 6928): less comes no sooner for being shorter
LEVEL = 4  # of 9
TEXTS = (b"application/json", b"application/problem+json", b"application/x-ndjson", b"text/", b"image/svg+xml")


class Compression(Step):
    """Compresses long texts where Accept-Encoding accepts gzip; arrays of floats would hardly become shorter."""

    def leave(self, exchange: Exchange, head: Head) -> None:
        """Compress a long text."""
        if head.content is None or len(head.content) < SHORTEST or head.status != 200:  # noqa: PLR2004 - OK
            return
        if not (head.header(b"content-type") or b"").startswith(TEXTS):
            return
        head.headers.append((b"vary", b"Accept-Encoding"))
        if not _wanted(exchange.scope):
            return
        head.headers.append((b"content-encoding", b"gzip"))
        head.packing = _packed


def _packed(content: bytes | memoryview) -> bytes:
    """Return the content compressed with gzip."""
    return gzip.compress(content, LEVEL, mtime=0)


def _wanted(scope: Scope) -> bool:
    """Return whether a client prefers gzip over no encoding (RFC 9110, 12.5.3)."""
    header = b",".join([value for name, value in scope["headers"] if name == b"accept-encoding"])
    weights = dict(weighted(header.decode("latin-1")))
    packed = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return packed > 0 and packed >= weights.get("identity", 0.0)
