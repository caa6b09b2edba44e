"""The bytes of a request: read under a limit, and parsed as a JSON object."""

import json
from collections.abc import AsyncIterator, Callable
from functools import lru_cache
from typing import Any, TypeVar

import numpy as np
import orjson
from fastapi import Request
from starlette.requests import ClientDisconnect

from service import bulk
from service.errors import BadEnvelope, BadRequest, TooLarge, UnsupportedFormat
from service.record import current
from service.tensors.pool import POOL

JSON, MULTIPART = "application/json", "multipart/form-data"
Body = TypeVar("Body", bytearray, memoryview)
MOST_LEVELS = 100  # of JSON; Triton's number too, and orjson alone would go to 1,024
SELDOM = 64  # times in a body
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


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
    rest, (first, more) = bulk.of(request.scope), await _chunk(request)  # from here on its memory is reserved
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


def parsed(text: bytes | bytearray) -> dict[str, Any]:
    """Return a JSON object.

    Raises: BadEnvelope with the offset where it stops being JSON, BadRequest where it is no object.
    """
    if not text:
        raise BadRequest("The body is empty; send a JSON object. /docs has an example that works as it stands.")
    _refuse_deep(text)
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        message = f"The text stops being JSON at character {error.pos}. JSON has no NaN and no Infinity; .npy has."
        raise BadEnvelope(message, position=error.pos) from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object with the inputs and the options as members.")
    refuse_twice(text, value)
    return value


def count(text: bytes | bytearray, mark: bytes) -> int:
    """Return how often a byte occurs; `text.count` takes ten times as long where that is seldom, and four otherwise."""
    found, at = 0, text.find(mark)
    while at >= 0 and found < SELDOM:
        found, at = found + 1, text.find(mark, at + 1)
    return found if at < 0 else int(np.count_nonzero(np.frombuffer(text, np.uint8) == mark[0]))


def refuse_twice(text: bytes | bytearray | memoryview, value: object) -> None:
    """Refuse JSON, and what it was parsed to, where an object has one name twice.

    Raises: BadEnvelope.
    """
    text = bytes(text) if isinstance(text, memoryview) else text
    if count(text, b'"') > 2 * _texts(value):
        _refuse_twice(text)


def _refuse_deep(text: bytes | bytearray) -> None:
    """Refuse what nests too deep, before it is parsed; a bracket within a text counts too, so that this is one scan."""
    if count(text, b"[") + count(text, b"{") <= MOST_LEVELS:
        return
    brackets = np.frombuffer(text.translate(None, NO_BRACKETS), np.uint8)
    steps = 1 - ((brackets & 4) >> 1).astype(np.int8)  # in ASCII the closing ones have this bit, the opening ones not
    if steps.cumsum(dtype=np.int32).max() > MOST_LEVELS:
        raise deep()


def deep() -> BadEnvelope:
    return BadEnvelope(f"The JSON nests more than {MOST_LEVELS} levels deep.", limit=MOST_LEVELS)


def _texts(value: object) -> int:
    """Return how many texts stand in the objects, names included; every one has two quotes, numbers have none."""
    if isinstance(value, dict):
        return sum(1 + _texts(entry) for entry in value.values())
    if isinstance(value, list) and value and isinstance(value[0], str | dict):
        return sum(_texts(entry) for entry in value)
    return int(isinstance(value, str))


def _refuse_twice(text: bytes | bytearray) -> None:
    """Refuse an object with one name twice, of which orjson keeps the last.

    Raises: BadEnvelope.
    """

    def once(members: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(members)
        if len(found) < len(members):
            raise BadEnvelope("A name stands in an object twice; which of the two is meant cannot be known.")
        return found

    try:
        json.loads(text, object_pairs_hook=once)
    except RecursionError:
        raise BadEnvelope("The JSON is nested deeper than anything that is read here.") from None
