"""Query, expressions, headers, codings, and addresses of datasets."""

import posixpath
import re
from urllib.parse import urlsplit

from starlette.requests import Request

from losses.contract import registry
from losses.contract.expression import parse
from service.datasets.addresses.allowed import allowed
from service.datasets.addresses.reader import glob_pattern
from service.routes.inference.request import json_length
from service.uploads import media_type, query, upload
from service.uploads.bodies.codings import SHORT_PIECE, Unpacker
from service.uploads.formats import registry as formats
from service.uploads.roles import known_roles
from tests.fuzz.harnesses.harness import LIMIT, Finding, harness
from tests.fuzz.harnesses.json_bodies import models
from tests.service.packing import PACKERS, UNPACKERS


@harness(
    b"loss=mse&reduction=sum&gradient=full",
    b"loss=dice+bce&loss=focal(gamma%3D2)&roles=predictions,targets,mask&dtype=float32",
    b'task=binary&profile={"n":3}&goal={"false_negative_cost":2}&features=3&standard_error=true&per_class=null',
    words=(b"roles=", b"&loss=", b"options=", b"%00", b"%ff", b"=[", b"={", b"profile=", b"thresholds=", b"1e999"),
    share=1,
)
def query_parameters(data: bytes) -> None:
    """The fields of a body that is arrays alone."""
    known = known_roles()
    beside = query.split(data)
    if not {*beside.order, *(role for role, _ in beside.requested)} <= set(known):
        raise Finding("A role that no loss has.")
    models(upload.Upload(query=beside.fields))


OBJECTIVES = (
    "mse",
    "dice + 0.5*bce(pos_weight=3)",
    "huber(delta=1.5e0)+2*mae",
    "quantile(quantile=0.25)",
    "focal(alpha=none, gamma=-2)",
    "smooth_l1(beta='x')",
)


@harness(
    *(text.encode() for text in OBJECTIVES),
    words=(
        *(f"{name}(".encode() for name in registry.catalogue()),
        *(b" + ", b"*", b"=", b"none", b"True", b"1e400", b"-", b"'", b'"', b"**", b"0x", b"1j", b"\\N{"),
    ),
)
def expression(data: bytes) -> None:
    """An objective; as it is shown, it reads as itself."""
    objective = parse(data.decode("utf-8", "replace"))
    shown = str(objective)
    if str(parse(shown)) != shown or parse(shown).terms != objective.terms:
        raise Finding("An objective is shown as what it is not.")


@harness(
    b"application/json; charset=utf-8\napplication/x-npy, */*;q=0.1\n12",
    b"multipart/form-data; boundary=x\n*/*\n-1",
    words=(b"application/x-npz", b"application/x-safetensors", b";q=", b",", b"\xb2", b"+1"),
)
def headers(data: bytes) -> None:
    """Content-Type, Accept and lengths."""
    lines = [*data.split(b"\n", 2), b"", b""]
    head = Request({"type": "http", "headers": [(b"content-type", lines[0]), (b"content-length", lines[2])]})
    accept = lines[1].decode("latin-1")
    entry = formats.accepted(accept)
    if entry and entry.media not in accept.lower() and "*" not in accept:
        raise Finding("A format that was not asked for.")
    json_length(lines[2].decode("latin-1"), 1 << 20)
    media_type.require(head, media_type.JSON, media_type.MULTIPART, *formats.formats())


@harness(
    *(name[:1].encode() + pack(b'{"loss": "mse"}' * 9) for name, pack in PACKERS.items()),
    words=(b"\x1f\x8b\x08\0", b"\x78\x9c", b"\x28\xb5\x2f\xfd", b"\x50\x2a\x4d\x18"),
)
def packed_body(data: bytes) -> None:
    """Content-Encoding."""
    coding = next((name for name in PACKERS if name.encode().startswith(data[:1])), "gzip")
    unpacker, unpacked = Unpacker(coding), b""
    unpacker.feed(data[1:])
    while piece := unpacker.piece(SHORT_PIECE):
        unpacked += piece
        if len(piece) > SHORT_PIECE:
            raise Finding("A piece that is longer than was asked for.")
        if len(unpacked) > LIMIT:  # whoever reads stops here
            return
    unpacker.finish()
    if data[1:] and coding in UNPACKERS and unpacked != UNPACKERS[coding](data[1:]):
        raise Finding("Python's own module unpacks something else.")


SOURCES = ("file:///data/tables", "s3://bucket/tables/", "https://example.com/files", "http://10.0.0.1:9000/a/")


@harness(
    b"file:///data/tables/part-*.parquet",
    b"s3://bucket/tables/2024/**/x[0-9].csv",
    b"https://example.com/files/a.feather",
    b"http://10.0.0.1:9000/a/b.arrow",
    words=(
        b"..",
        b"/./",
        b"//",
        b"%2e",
        b"@",
        b"\\",
        b"#",
        b"?",
        b"**",
        b"[!a]",
        b"file://",
        *(s.encode() for s in SOURCES),
    ),
)
def dataset_address(data: bytes) -> None:
    """The address of a dataset: below its prefix however it is read, and a glob that names nothing outside."""
    address = allowed(data.decode("utf-8", "replace"), SOURCES, ())
    parts = urlsplit(address.uri.replace("?", "_"))  # a question mark is of a glob
    prefix = urlsplit(address.prefix)
    below = posixpath.normpath(prefix.path) + "/"
    if (parts.scheme, parts.netloc) != (prefix.scheme, prefix.netloc) or parts.username or parts.fragment:
        raise Finding("Another reader of addresses finds another place.")
    if not posixpath.normpath(parts.path).startswith(below) or address.root != prefix.path:
        raise Finding("An address leaves its prefix.")
    try:
        pattern = glob_pattern(address.path)
    except re.error as error:
        raise Finding("A glob is no pattern.") from error
    for path in (address.path, f"{below}{'a' * 200}/{'b/' * 50}c.csv", "/etc/passwd"):
        if pattern.fullmatch(path) and not path.startswith(below):
            raise Finding("A glob names what is outside of its prefix.")
