"""The bytes of a request: read under a limit, and parsed as a JSON object."""

from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from typing import TypeVar

from fastapi import Request
from starlette.requests import ClientDisconnect

from service.problems import TooLarge, UnsupportedFormat
from service.request_record import current
from service.server import body_receiver
from service.uploads.buffers import POOL

JSON, MULTIPART = "application/json", "multipart/form-data"
Body = TypeVar("Body", bytearray, memoryview)


def header(request: Request, name: bytes) -> str:
    """Return a header of a request, "" where it has none; Starlette's mapping decodes every name to find one."""
    for known, value in request.scope["headers"]:
        if known == name:
            return str(value, "latin-1")
    return ""


def require(request: Request, *accepted: str) -> str:
    """Return the media type of the body.

    Raises: UnsupportedFormat, before a byte is read.
    """
    media = _essence(header(request, b"content-type"))
    if media not in accepted:
        raise UnsupportedFormat(f"Send Content-Type {' or '.join(accepted)}.", accepted)
    if header(request, b"content-encoding") not in ("", "identity"):
        refusal = UnsupportedFormat("Send the body as it is, without Content-Encoding.", accepted)
        refusal.headers = {"Accept-Encoding": "identity"}  # RFC 9110, 12.5.3
        raise refusal
    return media


@lru_cache(256)  # the same few come again and again
def _essence(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


async def limited(request: Request, limit: int, setting: str | None) -> AsyncIterator[bytes]:
    """Yield the body in chunks.

    Raises: TooLarge at the limit; where the length is declared, unread. ClientDisconnect.
    """
    _refuse_declared(request, limit, setting)
    size, more = 0, True
    while more:
        chunk, more = await _chunk(request)
        size += len(chunk)
        if size > limit:
            raise _too_large(limit, setting)
        if chunk:
            yield chunk


async def _chunk(request: Request) -> tuple[bytes, bool]:
    """Return the next bytes of the body, and whether there are more."""
    message = await request.receive()
    if message["type"] == "http.disconnect":
        raise ClientDisconnect
    return message.get("body", b""), message.get("more_body", False)


def _refuse_declared(request: Request, limit: int, setting: str | None) -> None:
    declared = header(request, b"content-length")
    if declared.isdigit():
        refuse_long(int(declared), limit, setting)


def refuse_long(length: int, limit: int, setting: str | None) -> None:
    """Refuse a body of so many bytes.

    Raises: TooLarge.
    """
    if length > limit:
        raise _too_large(limit, setting)


def _too_large(limit: int, setting: str | None) -> TooLarge:
    raise_it = f", or raise LOSSARY_{setting.upper()}" if setting else ""
    shorter = "arrays as .npy or Arrow" if setting == "max_json_bytes" else "less in one request"
    return TooLarge("The body", limit, setting, f"Send {shorter}{raise_it}.")


async def whole(request: Request, limit: int, setting: str | None) -> bytearray:
    """Return the body, refused at the limit."""
    return await _received(request, limit, setting, bytearray)


async def lent(request: Request, limit: int, setting: str | None) -> bytearray | memoryview:
    """Return the body, refused at the limit; a long one in memory that is lent until the request ends."""

    def lend(size: int) -> memoryview:
        view, give_back = POOL.lend(size)
        current().at_end.append(give_back)
        return view

    return await _received(request, limit, setting, lend)


async def _received(
    request: Request, limit: int, setting: str | None, memory: Callable[[int], Body]
) -> Body | bytearray:
    """Return the body; `memory` gives that of a long one."""
    _refuse_declared(request, limit, setting)
    rest, (first, more) = body_receiver.of(request.scope), await _chunk(request)  # from here on its memory is reserved
    if rest is None or len(first) == rest.left:
        body = bytearray(first)
        while len(body) <= limit:
            if not more:
                return body
            chunk, more = await _chunk(request)
            body += chunk
        raise _too_large(limit, setting)
    found = memory(rest.left)
    with memoryview(found) as view:
        view[: len(first)] = first
        rest.left -= len(first)
        await rest.readinto(view[len(first) :])
    current().bytes_in += len(found) - len(first)
    return found
