"""The bytes of a request: read under a limit, and parsed as a JSON object."""

import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import orjson
from fastapi import Request

from service.errors import BadEnvelope, BadRequest, TooLarge, UnsupportedFormat

JSON, MULTIPART = "application/json", "multipart/form-data"
MOST_LEVELS = 100  # of JSON; Triton's number too, and orjson alone would go to 1,024
NO_BRACKETS = bytes(set(range(256)) - set(b"[]{}"))


def require(request: Request, *accepted: str) -> str:
    """Return the media type of the body.

    Raises: UnsupportedFormat, before a byte is read.
    """
    media = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in accepted:
        raise UnsupportedFormat(f"Send Content-Type {' or '.join(accepted)}.", accepted)
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedFormat("Send the body as it is, without Content-Encoding.", accepted)
    return media


async def limited(request: Request, limit: int, setting: str | None) -> AsyncIterator[bytes]:
    """Yield the body in chunks.

    Raises: TooLarge at the limit; where the length is declared, unread.
    """
    raise_it = f", or raise LOSSARY_{setting.upper()}" if setting else ""
    too_large = TooLarge("The body", limit, setting, f"Send less in one request{raise_it}.")
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        yield chunk


async def whole(request: Request, limit: int, setting: str | None) -> bytearray:
    """Return the body, refused at the limit."""
    body = bytearray()
    async for chunk in limited(request, limit, setting):
        body += chunk
    return body


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


def refuse_twice(text: bytes | bytearray | memoryview, value: object) -> None:
    """Refuse JSON, and what it was parsed to, where an object has one name twice.

    Raises: BadEnvelope.
    """
    text = bytes(text) if isinstance(text, memoryview) else text
    if text.count(b'"') > 2 * _texts(value):
        _refuse_twice(text)


def _refuse_deep(text: bytes | bytearray) -> None:
    """Refuse what nests too deep, before it is parsed; a bracket within a text counts too, so that this is one scan."""
    if text.count(b"[") + text.count(b"{") <= MOST_LEVELS:
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
