"""The body of a request that carries tensors: one dependency, whatever the media type.

A member of the JSON object, or a part of the multipart body, that is named for a role is a tensor; the rest are the
fields of the request. Of any other body the fields are query parameters. The requestBody is declared by hand, because
one route takes several media types.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Annotated, Any

import orjson
from anyio import from_thread, to_thread
from fastapi import Depends, Request
from torch import Tensor

from losses.contract import registry
from losses.errors import MissingInput, UnknownInput, near
from service.problems import BadRequest, Model, TooLarge, read
from service.request_record import current
from service.settings import Settings
from service.uploads import json_lists as numbers
from service.uploads import json_simd, multipart, query
from service.uploads.body import JSON, MULTIPART, lent, limited, refuse_long, require, whole
from service.uploads.buffers import INLINE_BYTES
from service.uploads.formats import npy
from service.uploads.formats import registry as formats
from service.uploads.formats.arrow_stream import Windows, passes
from service.uploads.formats.npy_stream import Held, is_long
from service.uploads.formats.registry import Buffer
from service.uploads.json_text import parsed

OPTIONAL = ("weights", "mask")
SHORT_JSON = 1 << 12  # bytes, of which lists are made as fast
SHORT_FIELDS = 1 << 9  # bytes, of which the models are kept, since the same few come again and again
MEASURED = ("embeddings", "labels")  # by POST /v1/profile, under names that no loss has


@dataclass
class Upload:
    """What came in: the fields of the request, a tensor a role, and how long it took to get them."""

    fields: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Tensor] = field(default_factory=dict)
    timing_ms: dict[str, float] = field(default_factory=dict)
    query: tuple[tuple[str, str], ...] | None = None
    windows: Windows | Held | None = None  # in place of roles, where the body is read as it is evaluated

    @property
    def items(self) -> int:
        """How many there are of what is sent first, such as predictions."""
        return next((len(tensor) for tensor in self.roles.values()), 0)

    @property
    def numbers(self) -> int:
        """How many all arrays have together."""
        return sum([tensor.numel() for tensor in self.roles.values()])

    def read(self, model: type[Model]) -> Model:
        """Return the fields as a model.

        Raises: BadRequest.
        """
        if self.query is not None:
            found: Model = _of_query(model, self.query)
            return found
        text = orjson.dumps(self.fields)
        return _of_text(model, text) if len(text) <= SHORT_FIELDS else read(model, self.fields)

    def take(self, name: str) -> Tensor | None:
        """Return an input that is no role of a loss, such as the weights, and forget it."""
        return self.roles.pop(name, None)

    def only(self, *names: str) -> None:
        """Refuse any other input.

        Raises: UnknownInput.
        """
        if not set(self.roles) <= set(names):
            raise UnknownInput(names)

    def need(self, name: str) -> Tensor:
        """Return an input without which nothing can be said.

        Raises: MissingInput.
        """
        if name not in self.roles:
            raise MissingInput("This", name, [name])
        return self.roles[name]


@lru_cache(512)
def _of_query(model: type[Model], given: tuple[tuple[str, str], ...]) -> Model:
    return read(model, query.fields(model, given))


@lru_cache(512)
def _of_text(model: type[Model], fields: bytes) -> Model:
    return read(model, orjson.loads(fields))


@cache
def roles() -> tuple[str, ...]:
    """Return every role of every loss, then the weights and the mask, then what is measured alone."""
    listed = [role for entry in registry.catalogue().values() for role in entry.roles]
    return tuple(dict.fromkeys([*listed, *OPTIONAL, *MEASURED]))


async def receive(request: Request) -> Upload:
    """Read the body into an Upload: the dependency of routes that look at all of it.

    Raises: UnsupportedFormat before a byte is read, and what `_received` raises.
    """
    return await _received(request, _media(request))


def _media(request: Request) -> str:
    return require(request, *_accepted())


@cache
def _accepted() -> tuple[str, ...]:
    return JSON, MULTIPART, *formats.formats()


async def _received(request: Request, media: str, held: Held | None = None) -> Upload:
    """Read the body, or the rest of it, into an Upload.

    Raises: TooLarge at the limit, BadEnvelope, BadRequest.
    """
    settings: Settings = request.state.settings
    started = time.perf_counter()
    if media == JSON:
        body = await whole(request, settings.max_json_bytes, "max_json_bytes")
        received = time.perf_counter()
        upload = await off_loop(lambda: _from_json(body), len(body))
    elif media == MULTIPART:
        parts = multipart.Parts(request.headers["content-type"])
        async for chunk in limited(request, settings.max_body_bytes, "max_body_bytes"):
            parts.write(chunk)
        received = time.perf_counter()
        found = parts.finish()
        upload = await off_loop(lambda: _from_parts(found, settings), sum(map(formats.size, found.values())))
    else:
        given, order = query.split(request.scope["query_string"], roles())
        data = await (held.together() if held else lent(request, settings.max_body_bytes, "max_body_bytes"))
        received = time.perf_counter()
        size = len(data) * formats.formats()[media].inflates
        upload = await off_loop(lambda: _from_body(media, data, order, settings), size)
        upload.query = given
    refuse_many(upload, settings.max_elements)
    upload.timing_ms = {
        "receive": 1e3 * (received - started),
        "decode": 1e3 * (time.perf_counter() - received),
    }
    return upload


def decoded(request: Request, body: bytearray) -> Upload | None:
    """Return the Upload of a small body that came whole; None for multipart, and what may become more than it is.

    Raises: what `receive` raises.
    """
    settings: Settings = request.scope["state"]["settings"]
    started = time.perf_counter()
    media = _media(request)
    entry = formats.formats().get(media)
    if media == JSON:
        refuse_long(len(body), settings.max_json_bytes, "max_json_bytes")
        upload = _from_json(body)
    elif entry is None or entry.inflates > 1 or len(body) > settings.max_body_bytes:
        return None
    else:
        given, order = query.split(request.scope["query_string"], roles())
        upload = _from_body(media, body, order, settings)
        upload.query = given
    refuse_many(upload, settings.max_elements)
    upload.timing_ms = {"receive": 0.0, "decode": 1e3 * (time.perf_counter() - started)}
    return upload


async def receive_or_pass(request: Request, once: Callable[[Upload], bool]) -> Upload:
    """Read the body into an Upload, or leave it to be read as it is worked on.

    That is an Arrow stream which is too long, or of unknown length; and long .npy arrays, where `once` says, of an
    upload that has its fields alone, that they need to be gone through but once.
    Raises: what `receive` raises, and reading the windows.
    """
    settings: Settings = request.state.settings
    media = _media(request)
    if passes(media, request, settings):
        known = roles()
        given, _ = query.split(request.scope["query_string"], known)
        return Upload(query=given, windows=Windows(request, settings, known))
    if media != npy.FORMAT.media or not is_long(request):
        return await _received(request, media)
    given, order = query.split(request.scope["query_string"], roles())
    upload = Upload(query=given)
    held = await Held.of(request, settings, order) if once(upload) else None
    if held is None or not await held.begin():
        return await _received(request, media, held)
    upload.windows = held
    return upload


Received = Annotated[Upload, Depends(receive)]


def refuse_many(upload: Upload, limit: int) -> None:
    if upload.numbers > limit:
        raise TooLarge("The arrays together, in numbers,", limit, "max_elements", "Send fewer in one request.")


async def off_loop(decode: Callable[[], Upload], size: int) -> Upload:
    """Return what `decode` returns; off the event loop where so many bytes may keep it busy."""
    if size <= INLINE_BYTES:
        return decode()
    record, reserve = current(), current().reserve
    record.reserve = lambda more: from_thread.run_sync(reserve, more)
    return await to_thread.run_sync(decode)


def _from_json(body: bytearray) -> Upload:
    if len(body) > SHORT_JSON:
        try:
            return Upload(*json_simd.members(body, roles()))
        except json_simd.Unaccounted:
            pass
    members = parsed(body)
    booleans = b"true" in body or b"false" in body
    known = roles()
    tensors = {
        role: numbers.from_lists(role, members.pop(role), booleans=booleans)
        for role in known
        if members.get(role) is not None
    }
    return Upload({name: value for name, value in members.items() if name not in known}, tensors)


def _from_body(media: str, body: Buffer, order: tuple[str, ...], settings: Settings) -> Upload:
    entry = formats.formats()[media]
    known = roles()
    tensors = formats.many(entry, body, settings.max_decoded_bytes, order)
    for name in tensors:
        if name not in known:
            raise UnknownInput(known, near(name, known))
    return Upload(roles=tensors)


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
    tensors = {
        name: formats.one(name, data, settings.max_decoded_bytes)
        for name, data in parts.items()
        if name != "request" and data
    }
    return Upload(fields, tensors)
