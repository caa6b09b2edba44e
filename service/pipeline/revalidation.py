"""Conditional requests: cacheable answers get an ETag, and a client that has the current answer gets 304."""

import hashlib

from starlette.types import Scope

from service.pipeline.steps import Exchange, Head, Step

SHARED, PRIVATE = b"no-cache", b"private, no-cache"  # kept, and asked for again before each use
DIGEST_BYTES = 12


class Revalidation(Step):
    """Tags the answers of routes with `etag`, and answers 304 to a client that names the current tag.

    Such answers depend only on the request, the version and the rules in force; among them are recommendations,
    although they are requested by POST. Source: RFC 9110, 8.8.3 and 13.1.2.
    """

    def __init__(self, *, guarded: bool) -> None:
        """Create the step; with `guarded` (keys are required) shared caches must not store answers."""
        self._control = PRIVATE if guarded else SHARED

    def leave(self, exchange: Exchange, head: Head) -> None:
        """Add the tag; drop the content where the client already has it."""
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
