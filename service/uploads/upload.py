"""The upload of a request: its arrays by role and its fields, whatever the media type of its body.

A member of the JSON object, or a part of the multipart body, with the name of a role is a tensor; all others, and the
query parameters, are the fields of the request. An upload is either stored, or streamed: evaluated as it arrives.
"""

import time
from collections.abc import AsyncIterable, Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Annotated, Any, Protocol

import orjson
from anyio import from_thread
from fastapi import Depends, Request
from torch import Tensor

from losses.errors import MissingInput, ShapeMismatch
from losses.text import Text
from service.problems import BadRequest, Model, TooLarge, validated
from service.request_record import current
from service.scheduling import INLINE_BYTES, beside_the_loop, take_turn
from service.settings import Settings
from service.uploads import multipart, query
from service.uploads.bodies.body import Body, body_of
from service.uploads.contents import TARGET, Contents, from_file, from_json, from_parts
from service.uploads.formats import registry as formats
from service.uploads.formats.registry import DecodingLimit, Format, TableFormat, Window
from service.uploads.media_type import JSON, MULTIPART, OCTETS, require
from service.uploads.query import NOTHING, Beside, Texts
from service.uploads.roles import known_roles, near_role, unknown_input
from service.uploads.tables.inputs import Assumed

DATASET = "dataset"  # the field that names one
SHORT_FIELDS = 1 << 9  # bytes, of which the models are kept, since the same few come again and again


class DatasetContents(Protocol):
    """Gives access to the stored datasets."""

    def contents(self, identifier: str, owner: str, beside: Beside, limit: DecodingLimit) -> Contents:
        """Return the arrays of a dataset by role."""


@dataclass
class Upload:
    """The fields of a request, a tensor for each role, and how long it took to receive them."""

    fields: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Tensor] = field(default_factory=dict)
    timing_ms: dict[str, float] = field(default_factory=dict)
    form: Texts = ()  # fields that are parts of their own
    query: Texts = ()
    reserved_bytes: int = 0  # for computing, beside the body itself
    assumed: Assumed = field(default_factory=dict)  # of files whose columns have names of the user's own
    sent_before: bool = False  # whether arrays of a dataset, or in shared memory, are among them
    windows: AsyncIterable[Window] | None = None  # in place of roles, where the body is read as it is evaluated

    @property
    def items(self) -> int:
        """The number of items of the first array, such as predictions."""
        for tensor in self.roles.values():
            return tensor.shape[0]
        return 0

    @property
    def numbers(self) -> int:
        """The count of numbers in all arrays."""
        return sum(map(Tensor.numel, self.roles.values()))

    def read(self, model: type[Model]) -> Model:
        """Return the fields as a model.

        Raises: BadRequest.
        """
        fields = self.fields
        if self.query or self.form:
            if not fields and not self.form:
                options: Model = _of_query(model, self.query)
                return options
            fields = query.merged_fields(model, fields, self.form, self.query)
        text = orjson.dumps(fields)
        return _of_text(model, text) if len(text) <= SHORT_FIELDS else validated(model, fields, nearest=_nearest)

    def take(self, name: str) -> Tensor | None:
        """Remove and return an input that is not a role of a loss, such as the weights; None where it was not sent."""
        return self.roles.pop(name, None)

    def only(self, *names: str) -> None:
        """Refuse inputs other than these.

        Raises: UnknownInput.
        """
        for role in self.roles:
            if role not in names:
                raise unknown_input(role, names)

    def need(self, name: str) -> Tensor:
        """Return an input that must be sent.

        Raises: MissingInput.
        """
        if name not in self.roles:
            raise MissingInput("This", name, [name])
        return self.roles[name]


@lru_cache(512)
def _of_query(model: type[Model], given: tuple[tuple[str, str], ...]) -> Model:
    """Return query parameters as a model; cached."""
    return validated(model, query.fields(model, given), nearest=_nearest)


@lru_cache(512)
def _of_text(model: type[Model], fields: bytes) -> Model:
    """Return the fields in a JSON text as a model; cached."""
    return validated(model, orjson.loads(fields), nearest=_nearest)


def _nearest(name: str, fields: Iterable[str]) -> str | None:
    """Return the field or role that a name most likely stands for."""
    return near_role(name, (*fields, *known_roles()))


async def receive(request: Request) -> Upload:
    """Read the whole body, and decode it.

    Raises: UnsupportedFormat before a byte is read, TooLarge at the limit, BadEnvelope, BadRequest, MissingInput,
    UnknownInput, and what reading a body raises.
    """
    return await _keep(request, _media(request))


async def receive_or_stream(request: Request, one_pass: Callable[[Upload], bool]) -> Upload:
    """Read the body, or leave it to be read while it is evaluated.

    A body is streamed where it cannot be stored, or where its format benefits and `one_pass`, called with the upload's
    fields, says that one pass over the items is enough.

    Raises: what `receive` raises.
    """
    media, body = _media(request), body_of(request)
    entry = formats.written().get(media)
    stream = entry.stream if entry else None
    if stream is not None:
        settings: Settings = request.scope["state"]["settings"]
        needed = stream.needed(body, settings)
        if needed or stream.worthwhile(body):
            beside = _beside(request, entry)
            upload = Upload(query=beside.fields)
            if not beside.requested and (needed or one_pass(upload)):
                upload.windows = await stream.windows(body, beside.order, settings)
            if upload.windows is not None:
                return upload
    return await _keep(request, media)


Received = Annotated[Upload, Depends(receive)]


def _media(request: Request) -> str:
    """Return the media type of a request."""
    return require(request, *_accepted())


@cache
def _accepted() -> tuple[str, ...]:
    """Return the media types that are accepted."""
    return JSON, MULTIPART, OCTETS, *formats.formats()


def _beside(request: Request, entry: Format | None) -> Beside:
    """Return the fields and roles of the query, for a body of this format, or in JSON or parts.

    Raises: BadRequest.
    """
    text = request.scope["query_string"]
    if entry is not None and (not entry.has_names or isinstance(entry, TableFormat)):
        beside = query.split(text)
        if beside.requested and not entry.has_names:
            raise BadRequest(
                Text(
                    f"The arrays of a {entry.suffix} have no names; say their roles in order: roles=a,b.",
                    f"{entry.suffix} 中的数组没有名称;请按顺序写明输入:roles=a,b。",
                )
            )
        return beside
    return query.named(text) if text else NOTHING


async def _keep(request: Request, media: str) -> Upload:
    """Read the body, decode it by its media type, and combine it with the query."""
    settings: Settings = request.scope["state"]["settings"]
    body, started = body_of(request), time.perf_counter()
    entry = formats.formats().get(media)
    beside = NOTHING if media == OCTETS else _beside(request, entry)  # what it means depends on the format
    if media == JSON:
        text = await body.read(settings.max_json_bytes, "max_json_bytes")
        received = time.perf_counter()
        upload = await _decoded(lambda _: from_json(text, beside.requested), len(text), body, settings)
    elif media == MULTIPART:
        parts = multipart.Parts(request.headers["content-type"])
        async for chunk in body.chunks(settings.max_body_bytes, "max_body_bytes"):
            parts.write(chunk)
        received = time.perf_counter()
        files, form = parts.finish()
        beside, form = query.with_form(beside, form)
        size = sum(formats.decoded_size(part.data, part.format) for part in files.values())
        upload = await _decoded(lambda limit: from_parts(files, settings, limit, beside), size, body, settings)
        upload.form = form
    else:
        data = await body.borrow(settings.max_body_bytes, "max_body_bytes")
        received = time.perf_counter()
        if entry is None:
            entry = formats.told_format("The body", data)
            beside = _beside(request, entry)
        size = formats.decoded_size(data, entry)
        upload = await _decoded(lambda limit: from_file(entry, data, beside, limit), size, body, settings)
    upload.query = beside.fields
    if _named(upload, DATASET) is not None:
        await _add_dataset(request, upload, beside, body)
    refuse_unfit(upload, settings.max_elements)
    upload.reserved_bytes = body.reserved_beside
    upload.timing_ms = {"receive": 1e3 * (received - started), "decode": 1e3 * (time.perf_counter() - received)}
    return upload


async def _add_dataset(request: Request, upload: Upload, beside: Beside, body: Body) -> None:
    """Add the arrays of the dataset that a request names.

    Raises: UnknownDataset, BadRequest where arrays of the same roles were sent, too, and what decoding raises.
    """
    identifier = str(_named(upload, DATASET))
    roles = upload.fields.pop(query.ROLES, None)
    if roles is not None:
        beside = beside._replace(requested=query.read_names(str(roles)))
    target = _named(upload, TARGET)
    if target is not None and not beside.requested:
        beside = beside._replace(requested=(("targets", target),))
    datasets: DatasetContents = request.scope["state"]["datasets"]
    settings: Settings = request.scope["state"]["settings"]
    owner = current().key or ""
    kept = await _decoded(
        lambda limit: datasets.contents(identifier, owner, beside, limit), INLINE_BYTES + 1, body, settings
    )
    twice = sorted(set(kept.roles) & set(upload.roles))
    if twice:
        raise BadRequest(
            Text(
                f"{twice[0]} is in the dataset, and in the request too. Send it once.",
                f"{twice[0]} 既在数据集中,也在请求中。请只发送一次。",
            ),
            roles=twice,
        )
    upload.roles |= kept.roles
    upload.sent_before = True
    upload.assumed = {**kept.assumed, **upload.assumed}


def _named(upload: Upload, field_name: str) -> str | None:
    """Return a field that is in the body or in the query; None where it is in neither."""
    for name, value in (*upload.query, *upload.form):
        if name == field_name:
            return value
    return upload.fields.get(field_name)


def refuse_unfit(upload: Upload, limit: int) -> None:
    """Refuse an upload of more numbers than `limit`, and an array without axes.

    Raises: TooLarge, ShapeMismatch.
    """
    for role, tensor in upload.roles.items():
        if not tensor.ndim:
            raise ShapeMismatch(
                role,
                "n, ...",
                [],
                Text(
                    "It is a single number; send an array with one entry an item.",
                    "它是单个数;请发送每项一个元素的数组。",
                ),
            )
    if upload.numbers > limit:
        subject = Text("The arrays together, in numbers,", "所有数组合计的数值个数")
        way_out = Text("Send fewer in one request.", "请减少每个请求的数据量。")
        raise TooLarge(subject, limit, "max_elements", way_out)


async def _decoded(decode: Callable[[DecodingLimit], Contents], size: int, body: Body, settings: Settings) -> Upload:
    """Return the upload that `decode` makes; more than `INLINE_BYTES` are decoded in a thread."""

    def reserve(more: int) -> None:
        """Reserve further memory, from the thread where decoding runs in one."""
        if size <= INLINE_BYTES:
            body.reserve(more)
        else:
            from_thread.run_sync(body.reserve, more)

    await take_turn()
    limit = DecodingLimit(settings.max_decoded_bytes, reserve)
    contents = await beside_the_loop(lambda: decode(limit), size)
    return Upload(contents.fields, contents.roles, assumed=contents.assumed)
