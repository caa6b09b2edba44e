"""The registry of formats: every module of this folder that defines FORMAT."""

import pkgutil
from collections.abc import AsyncIterable, Awaitable, Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any, Protocol

from pydantic import BaseModel
from torch import Tensor

import service.uploads.formats
from losses.errors import MissingInput
from losses.text import Text, listed
from service.problems import BadRequest, UnsupportedFormat
from service.scheduling import INLINE_BYTES
from service.settings import Settings
from service.uploads.bodies.body import Body
from service.uploads.formats.foreign import TEXTS, foreign
from service.uploads.media_type import JSON
from service.uploads.names import in_chinese
from service.uploads.preferences import preferred
from service.uploads.tables.table import Table

Buffer = bytearray | memoryview
Arrays = Iterator[tuple[str | None, Tensor]]


@dataclass(frozen=True)
class DecodingLimit:
    """The most bytes that the arrays of one file may become, and what reserves memory for those beyond the file's own.

    `reserve` raises TemporaryReducedCapacity where there is none; it is called before the memory is allocated. `judge`
    takes the names of all arrays before anything is said of their numbers, and raises UnknownInput for one too many.
    """

    max_bytes: int
    reserve: Callable[[int], object] = lambda _: None
    judge: Callable[[Sequence[str]], object] = lambda _: None


class Window(Protocol):
    """Some items of every array of a body that is evaluated as it arrives."""

    @property
    def numbers(self) -> int:
        """How many numbers these items have."""

    @property
    def arrays(self) -> Hashable:
        """The name, the dtype and the shape of an item of every array."""

    def roles(self) -> dict[str, Tensor]:
        """Return the arrays of these items by role, valid until the window after the next is asked for."""


def kinds_of(roles: Mapping[str, Tensor]) -> Hashable:
    """Return the role, the dtype and the shape of an item of every array."""
    return tuple([(role, tensor.dtype, tensor.shape[1:]) for role, tensor in roles.items()])


@dataclass(frozen=True)
class BodyStream:
    """How a body of one format is read as it is evaluated.

    `needed` says of a body that it cannot be kept; one that may be kept is streamed where one pass over its items is
    all that was asked for, and `worthwhile` says so. `windows` takes the body, the roles of arrays without names, in
    order, and the settings; it returns None, with nothing of the body lost, where the body has to be kept after all.
    """

    needed: Callable[[Body, Settings], bool]
    worthwhile: Callable[[Body], bool]
    windows: Callable[[Body, tuple[str, ...], Settings], Awaitable[AsyncIterable[Window] | None]]


@dataclass(frozen=True, kw_only=True)
class Format:
    """One way to write arrays down: the one name that a file of this folder has to define, as FORMAT.

    `matches` takes the first bytes, the filename and the media type of a part, each of which may say nothing.
    """

    suffix: str
    media: str
    matches: Callable[[Buffer, str, str], bool]
    inflates: int = 1  # the most bytes that one byte may become
    has_names: bool = True  # whether its arrays have names


@dataclass(frozen=True, kw_only=True)
class ArrayFormat(Format):
    """A file of arrays, whose names are roles.

    `decode` takes what the bytes are called in a refusal, the bytes, and a limit that it checks before it allocates; it
    yields arrays with their names, where the format has names. `encode` takes arrays by name and the JSON of the answer
    that they belong to.
    """

    decode: Callable[[str, Buffer, DecodingLimit], Arrays]
    encode: Callable[[Mapping[str, Tensor], bytes], bytes]
    stream: BodyStream | None = None


@dataclass(frozen=True, kw_only=True)
class TableFormat(Format):
    """A file of columns, which have names of the user's own.

    `open` takes what `decode` takes, and reads no more than the header.
    """

    open: Callable[[str, Buffer, DecodingLimit], Table]


def magic(*beginnings: bytes) -> Callable[[Buffer, str, str], bool]:
    """Return the `matches` of a format whose files begin in one of these ways."""
    longest = max(map(len, beginnings))
    return lambda data, _filename, _media: bytes(data[:longest]).startswith(beginnings)


@cache
def formats() -> dict[str, Format]:
    """Return every format by the media type of its body."""
    names = [module.name for module in pkgutil.iter_modules(service.uploads.formats.__path__)]
    modules = [import_module(f"{service.uploads.formats.__name__}.{name}") for name in names if name != "registry"]
    entries: list[Format] = [module.FORMAT for module in modules if hasattr(module, "FORMAT")]
    return {entry.media: entry for entry in sorted(entries, key=lambda entry: entry.suffix)}


def accepted(accept: str) -> ArrayFormat | None:
    """Return the format that an Accept header prefers over JSON; None where JSON is preferred."""
    if not accept or accept == "*/*":
        return None
    return written().get(preferred(accept, (JSON, *written())) or JSON)


@cache
def written() -> dict[str, ArrayFormat]:
    """Return the formats that answers can be written in, by media type."""
    return {media: entry for media, entry in formats().items() if isinstance(entry, ArrayFormat)}


def answered(model: type[BaseModel]) -> dict[int | str, dict[str, Any]]:
    """Return the OpenAPI response of an answer that is JSON of this model, or arrays."""
    files = {media: {"schema": {"type": "string", "format": "binary"}} for media in written()}
    return {200: {"model": model, "description": "The results in the order asked.", "content": files}}


def format_of(data: Buffer, filename: str = "", media: str = "") -> Format | None:
    """Return the format of a file; None where it is not supported."""
    return next((entry for entry in formats().values() if entry.matches(data, filename, media)), None)


def decoded_size(data: Buffer, entry: Format | None) -> int:
    """Return the most bytes that a file of this format may become; of a table enough for it to be read in a thread."""
    size = len(data) * (entry.inflates if entry else 1)
    return max(size, INLINE_BYTES + 1) if isinstance(entry, TableFormat) else size


def known_format(role: str, data: Buffer, entry: Format | None) -> Format:
    """Return the format of a file that was sent as this role.

    Raises: UnsupportedFormat where it is none that is read here, with what it is.
    """
    if entry is None:
        suffixes = [each.suffix for each in formats().values()]
        known = foreign(data)
        names = listed(suffixes)
        none = Text(
            f"{role} is none of {names.en}. Write one with numpy.save; pickles are never opened.",
            f"{in_chinese(role)} 不是 {names.zh} 中的任何一种。请用 numpy.save 写出;从不打开 pickle。",
        )
        raise UnsupportedFormat(known.said_of(role) if known else none, suffixes)
    return entry


def told_format(name: str, data: Buffer) -> Format:
    """Return the format of a body that is recognised by its bytes alone.

    Raises: UnsupportedFormat where it is none that is read here, with what it is.
    """
    entry = format_of(data)
    text = foreign(data) if entry is None else None
    return known_format(name, data, entry or formats().get(text.read_as if text else ""))


def refuse_other(name: str, data: Buffer, entry: Format) -> None:
    """Refuse a file that is recognised as another format than the stated one.

    Arrays that are told by their name or media type alone may be text of any kind, so that is no reason to refuse them.

    Raises: UnsupportedFormat, with what it is.
    """
    known = None if entry.matches(data, "", "") else foreign(data)
    if known in TEXTS and isinstance(entry, ArrayFormat) and entry.matches(bytearray(), entry.suffix, entry.media):
        return
    if known is not None and known.read_as != entry.media:
        raise UnsupportedFormat(known.said_of(name), [entry.suffix])


def one(role: str, data: Buffer, limit: DecodingLimit, entry: ArrayFormat) -> Tensor:
    """Return the array of a file that was sent for one role; of several arrays, the one named after the role.

    Raises: what the format raises.
    """
    arrays = list(entry.decode(role, data, limit))
    if len(arrays) == 1:
        return arrays[0][1]
    named = dict(arrays)
    if role not in named:
        raise BadRequest(
            Text(
                f"{role}: the file holds {len(arrays)} arrays and none is called {role}.",
                f"{in_chinese(role)}:文件有 {len(arrays)} 个数组,没有一个叫 {role}。",
            ),
            role=role,
        )
    return named[role]


def many(entry: ArrayFormat, data: Buffer, limit: DecodingLimit, order: tuple[str, ...]) -> dict[str, Tensor]:
    """Return the arrays of a whole body by role; unnamed arrays take the roles of `order` in turn.

    Raises: MissingInput where fewer come than `order` names, BadRequest where more do.
    """
    arrays = list(entry.decode("The body", data, limit))
    named = {name: tensor for name, tensor in arrays if name is not None}
    if named:
        return named
    if len(arrays) > len(order):
        wanted = ", ".join(order)
        raise BadRequest(
            Text(
                f"The body holds {len(arrays)} arrays for {wanted}; name them with roles=, in order.",
                f"请求体有 {len(arrays)} 个数组,对应 {wanted};请用 roles= 按顺序写明。",
            )
        )
    if len(arrays) < len(order):
        raise MissingInput("This", order[len(arrays)], order)
    return {role: tensor for role, (_, tensor) in zip(order, arrays, strict=True)}
