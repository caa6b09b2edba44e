"""Conditional requests: cacheable answers get an ETag, and a client that has the answer already gets 304."""

import hashlib

from starlette.types import Scope

from service.pipeline.steps import Exchange, Head, Step

SHARED, PRIVATE = b"no-cache", b"private, no-cache"  # kept, and asked for again before each use
DIGEST_BYTES = 12


class Revalidation(Step):
    """Tags the answers of routes with `etag`, and answers 304 to a client that names the current tag.

    Such answers depend on the request, the version and the rules in force alone. A recommendation is one of them,
    though it is asked for by POST. Source: RFC 9110, 8.8.3 and 13.1.2.
    """

    def __init__(self, *, guarded: bool) -> None:
        """`guarded`: a key is asked for, so no cache that several clients share may keep an answer."""
        self._control = PRIVATE if guarded else SHARED

    def leave(self, exchange: Exchange, head: Head) -> None:
        """Add the tag; drop the content where the client has it already."""
        if not exchange.match.properties.etag or head.status != 200 or head.content is None:  # noqa: PLR2004 - OK
            return
        tag = f'"{hashlib.blake2b(head.content, digest_size=DIGEST_BYTES).hexdigest()}"'
        weak = "W/" if head.packing else ""  # since other bytes are sent than those that it names
        head.headers += (b"etag", f"{weak}{tag}".encode()), (b"cache-control", self._control)
        if _has(exchange.scope, tag):
            head.status, head.content, head.packing = 304, b"", None
            head.remove(b"content-type", b"content-encoding", b"content-length")


def _has(scope: Scope, tag: str) -> bool:
    """Return whether If-None-Match names this tag, or any; weak tags match too."""
    for name, value in scope["headers"]:
        if name == b"if-none-match":
            tags = {entry.strip().removeprefix("W/") for entry in value.decode("latin-1").split(",")}
            if tags & {tag, "*"}:
                return True
    return False
