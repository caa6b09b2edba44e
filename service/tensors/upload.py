"""The body of a request that carries tensors: one dependency, whatever the media type.

A member of the JSON object, or a part of the multipart body, that is named for a role is a tensor; the rest are the
fields of the request. The requestBody is declared by hand, because one route takes several media types.
"""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

import orjson
from fastapi import Depends, Request
from pydantic import BaseModel
from torch import Tensor

from losses import registry
from losses.errors import UnknownInput, near
from service.errors import BadEnvelope, BadRequest, TooLarge, UnsupportedFormat
from service.settings import Settings
from service.tensors import multipart, npy, numbers
from service.tensors.schema import inlined

JSON, MULTIPART = "application/json", "multipart/form-data"
OPTIONAL = ("weights", "mask")


@dataclass
class Upload:
    """What came in: the fields of the request, a tensor a role, and how long it took to get them."""

    fields: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Tensor] = field(default_factory=dict)
    timing_ms: dict[str, float] = field(default_factory=dict)

    def take(self, name: str) -> Tensor | None:
        """Return an input that is no role of a loss, such as the weights, and forget it."""
        return self.roles.pop(name, None)


def roles() -> tuple[str, ...]:
    """Return every role of every loss, then the weights and the mask."""
    listed = [role for entry in registry.catalogue().values() for role in entry.roles]
    return tuple(dict.fromkeys([*listed, *OPTIONAL]))


async def receive(request: Request) -> Upload:
    """Read the body into an Upload.

    Raises: UnsupportedFormat before a byte is read, TooLarge at the limit, BadEnvelope, BadRequest.
    """
    settings: Settings = request.state.settings
    content_type = request.headers.get("content-type", "")
    media = content_type.partition(";")[0].strip().lower()
    if media not in (JSON, MULTIPART):
        raise UnsupportedFormat("Send JSON, or .npy files as multipart/form-data.", [JSON, MULTIPART])
    if request.headers.get("content-encoding", "identity") != "identity":
        raise UnsupportedFormat("Send the body as it is, without Content-Encoding.", [JSON, MULTIPART])
    started = time.perf_counter()
    if media == JSON:
        body = await whole(request, settings.max_json_bytes, "max_json_bytes")
        received = time.perf_counter()
        upload = _from_json(body)
    else:
        parts = multipart.Parts(content_type)
        async for chunk in limited(request, settings.max_body_bytes, "max_body_bytes"):
            parts.write(chunk)
        received = time.perf_counter()
        upload = _from_parts(parts.finish(), settings)
    upload.timing_ms = {
        "receive": 1e3 * (received - started),
        "decode": 1e3 * (time.perf_counter() - received),
    }
    return upload


Received = Annotated[Upload, Depends(receive)]


async def limited(request: Request, limit: int, setting: str) -> AsyncIterator[bytes]:
    """Yield the body in chunks, and refuse at the limit; a declared length is refused unread."""
    too_large = TooLarge(
        "The body", limit, setting, "Send fewer items a request, or raise LOSSARY_" + setting.upper() + "."
    )
    declared = request.headers.get("content-length", "0")
    if declared.isdigit() and int(declared) > limit:
        raise too_large
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise too_large
        yield chunk


async def whole(request: Request, limit: int, setting: str) -> bytes:
    """Return the body, refused at the limit."""
    return b"".join([chunk async for chunk in limited(request, limit, setting)])


def parsed(text: bytes | bytearray) -> dict[str, Any]:
    """Return a JSON object.

    Raises: BadEnvelope with the offset where it stops being JSON, BadRequest where it is no object.
    """
    try:
        value = orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise BadEnvelope(
            f"The text stops being JSON at character {error.pos}. JSON has no NaN or Infinity: send those in .npy.",
            position=error.pos,
        ) from None
    if not isinstance(value, dict):
        raise BadRequest("The body must be a JSON object with the inputs and the options as members.")
    return value


def _from_json(body: bytes) -> Upload:
    members = parsed(body)
    booleans = b"true" in body or b"false" in body
    known = roles()
    tensors = {
        role: numbers.from_lists(role, members.pop(role), booleans=booleans)
        for role in known
        if members.get(role) is not None
    }
    return Upload({name: value for name, value in members.items() if name not in known}, tensors)


def _from_parts(parts: Mapping[str, bytearray], settings: Settings) -> Upload:
    known = roles()
    fields = {}
    for name, data in parts.items():
        if name == "request":
            if len(data) > settings.max_json_bytes:
                raise TooLarge("The request part", settings.max_json_bytes, "max_json_bytes", "Send arrays as files.")
            fields = parsed(data)
        elif name not in known:
            raise UnknownInput(["request", *known], near(name, known))
    clash = [name for name in fields if name in known]
    if clash:
        raise BadRequest(
            "In multipart each role is a file part; the request part holds the other members.", roles=clash
        )
    tensors = {name: npy.decode(name, data) for name, data in parts.items() if name != "request" and data}
    return Upload(fields, tensors)


def declared(
    model: type[BaseModel], examples: Mapping[str, Mapping[str, Any]], parts: Mapping[str, Any]
) -> dict[str, Any]:
    """Return the `openapi_extra` of a route that reads an Upload whose other fields are `model`.

    `examples`: named JSON bodies that work as they stand. `parts`: an example of the request part.
    """
    fields = inlined(model)
    array = {"type": "array", "items": {}, "description": "Numbers, nested one list an axis."}
    properties = {**fields["properties"], **dict.fromkeys(roles(), array)}
    files = {role: {"type": "string", "format": "binary", "description": f"{role}, a .npy file"} for role in roles()}
    return {
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": {**fields, "properties": properties},
                    "examples": {name: {"summary": name, "value": value} for name, value in examples.items()},
                },
                MULTIPART: {
                    "schema": {
                        "type": "object",
                        "properties": {"request": {**fields, "example": parts}, **files},
                        "required": ["request"] if fields.get("required") else [],
                    },
                    "encoding": {"request": {"contentType": JSON}},
                },
            },
        }
    }
