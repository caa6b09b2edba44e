"""The decoded content of a body: its fields, and its arrays by role."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from torch import Tensor

from losses.errors import pointer
from losses.text import Text
from service.problems import BadRequest, TooLarge
from service.settings import Settings
from service.uploads import multipart
from service.uploads.formats import registry as formats
from service.uploads.formats.ndjson import records
from service.uploads.formats.registry import ArrayFormat, Buffer, DecodingLimit, Format, TableFormat
from service.uploads.json_bodies import lists as numbers
from service.uploads.json_bodies import simd as json_simd
from service.uploads.json_bodies.pieces import PIECE, LongArrays, cut
from service.uploads.json_bodies.text import parsed
from service.uploads.query import NOTHING, Beside
from service.uploads.roles import MEANT, is_fact, known_roles, refuse_unknown, unknown_input
from service.uploads.tables.column_roles import RequestedColumns
from service.uploads.tables.inputs import Assumed, TableInputs, renamed
from service.uploads.tables.table import Table

SHORT_JSON = 1 << 12  # bytes, of which lists are made as fast
TARGET = "target"  # the field that names the column of a dataset that is to be predicted
LEADING = 64  # bytes, within which the first that is no space stands


@dataclass
class Contents:
    """The fields and arrays of a body; `assumed` describes how the user's own column names were interpreted."""

    fields: dict[str, Any] = field(default_factory=dict)
    roles: dict[str, Tensor] = field(default_factory=dict)
    assumed: Assumed = field(default_factory=dict)


def from_json(body: bytearray, requested: RequestedColumns = (), piece: int = PIECE) -> Contents:
    """Return the content of a JSON text: an object of arrays and fields, or an array of rows.

    `piece`: the bytes of an array that are parsed at once.
    Raises: BadEnvelope, BadRequest, UnknownInput, TooLarge.
    """
    if body[:LEADING].lstrip()[:1] == b"[":
        return _from_table(records(body), NOTHING._replace(requested=requested))
    text, arrays = cut(body, piece)
    upload = _members(text, tuple(name for _, name in requested) if requested else known_roles(), arrays)
    meant = [] if requested else [name for name, value in upload.fields.items() if _is_meant(name, value, arrays)]
    if requested or meant:
        for name in meant:
            upload.roles[name] = _tensor(name, upload.fields.pop(name), arrays, booleans=True)
        upload.roles, upload.assumed = renamed(upload.roles, requested)
    for name, value in upload.fields.items():
        if value in arrays:
            raise unknown_input(name, known_roles())
        if arrays.entries and arrays.stand_within(value):
            raise BadRequest(
                Text(
                    f"{pointer(name)} holds a long list of numbers, and is no input.",
                    f"{pointer(name)} 含有一个很长的数字列表,但它不是输入。",
                ),
                pointer=pointer(name),
            )
    return upload


def _is_meant(name: str, value: object, arrays: LongArrays) -> bool:
    """Return whether a field is an array under a role's name, rather than the name of a dataset's column."""
    return name in MEANT and not (name == TARGET and isinstance(value, str) and value not in arrays)


def _members(text: bytes | bytearray, known: tuple[str, ...], arrays: LongArrays) -> Contents:
    """Return the arrays of these names in a JSON object, and its other members."""
    if len(text) > SHORT_JSON or arrays.entries:
        try:
            return Contents(*json_simd.read_members(text, known, arrays))
        except json_simd.Unaccounted:
            pass
    with arrays.faults():
        members = parsed(text)
    booleans = b"true" in text or b"false" in text
    known = tuple(role for role in known if not is_fact(role, members.get(role)))
    tensors = {
        role: _tensor(role, members.pop(role), arrays, booleans=booleans)
        for role in known
        if members.get(role) is not None
    }
    return Contents({name: value for name, value in members.items() if name not in known}, tensors)


def _tensor(role: str, value: Any, arrays: LongArrays, *, booleans: bool) -> Tensor:  # noqa: ANN401 - any JSON
    """Return a value as a tensor; long arrays were cut out of the text before."""
    return arrays.tensor(role, value) if value in arrays else numbers.from_lists(role, value, booleans=booleans)


def from_file(entry: Format, data: Buffer, beside: Beside, limit: DecodingLimit) -> Contents:
    """Return the content of a file that is the whole body.

    Raises: UnknownInput, MissingInput, and what the format raises.
    """
    formats.refuse_other("The body", data, entry)
    if isinstance(entry, TableFormat):
        return _from_table(entry.open("The body", data, limit), beside)
    read = formats.written()[entry.media]
    if read.has_names and not beside.requested:
        limit = replace(limit, judge=_refuse_nameless)
    tensors = formats.many(read, data, limit, beside.order)
    assumed: Assumed = {}
    if beside.requested or not MEANT.keys().isdisjoint(tensors):
        tensors, assumed = renamed(tensors, beside.requested)
    return Contents(roles=tensors, assumed=assumed)


def _refuse_nameless(names: Sequence[str]) -> None:
    """Refuse an array that is no input; with the user's own names (`roles=`), others are ignored instead.

    Raises: UnknownInput.
    """
    if MEANT.keys().isdisjoint(names):
        refuse_unknown(names, known_roles())


def _from_table(table: Table, beside: Beside) -> Contents:
    """Return the content of a table."""
    inputs = TableInputs()
    inputs.add(table, beside.order, beside.requested)
    roles, assumed = inputs.arrays()
    return Contents(roles=roles, assumed=assumed)


def from_parts(
    parts: Mapping[str, multipart.Part], settings: Settings, limit: DecodingLimit, beside: Beside
) -> Contents:
    """Return the content of the files of a multipart form.

    Raises: UnsupportedFormat, UnknownInput, BadRequest, TooLarge, and what the formats raise.
    """
    known = known_roles()
    fields = {}
    for name, part in parts.items():
        if name == multipart.REQUEST:
            if len(part.data) > settings.max_json_bytes:
                subject, way_out = (
                    Text("The request part", "request 部分"),
                    Text("Send arrays as files.", "请以文件发送数组。"),
                )
                raise TooLarge(subject, settings.max_json_bytes, "max_json_bytes", way_out)
            fields = parsed(part.data)
        elif name not in known and name != multipart.TABLE:
            raise unknown_input(name, [multipart.REQUEST, *known])
    clash = [name for name, value in fields.items() if name in known and not is_fact(name, value)]
    if clash:
        raise BadRequest(
            Text(
                "In multipart each role is a file part; the request part holds the other members.",
                "multipart 中每个输入是一个文件部分;其他成员放在 request 部分。",
            ),
            roles=clash,
        )
    files = {name: part for name, part in parts.items() if name != multipart.REQUEST and part.data}
    tensors, assumed = _arrays(files, limit, beside)
    return Contents(fields, tensors, assumed=assumed)


def _arrays(
    files: Mapping[str, multipart.Part], limit: DecodingLimit, beside: Beside
) -> tuple[dict[str, Tensor], Assumed]:
    """Return the arrays of the files of a form by role, and what was assumed."""
    tensors, inputs = {}, TableInputs()
    for name, part in files.items():
        entry = formats.known_format(name, part.data, part.format)
        formats.refuse_other(name, part.data, entry)
        if isinstance(entry, ArrayFormat):
            if name == multipart.TABLE:
                raise BadRequest(
                    Text(
                        f"The part {name} is a file of columns; other files stand in parts named for a role.",
                        f"部分 {name} 是带列的文件;其他文件放在以输入命名的部分中。",
                    )
                )
            tensors[name] = formats.one(name, part.data, limit, entry)
        elif isinstance(entry, TableFormat):
            table = entry.open(name, part.data, limit)
            if name == multipart.TABLE:
                inputs.add(table, beside.order, beside.requested)
            else:
                inputs.add_role(name, table)
    columns, assumed = inputs.arrays() if inputs.columns else ({}, {})
    return tensors | columns, assumed
