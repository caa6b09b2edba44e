"""What is fuzzed: one small function a decoder, found in HARNESSES. A new format is in it unasked.

A harness takes bytes and returns, or raises a Refusal, where the decoder keeps its word. It raises Finding where the
decoder took what an independent reader takes differently; whatever else comes out of it is a finding too.
"""

import email
import io
import json
import math
import posixpath
import re
import resource
import struct
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import import_module
from importlib.util import find_spec
from random import Random
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import safetensors
import safetensors.numpy
import torch
from starlette.requests import Request
from torch import Tensor

from losses.contract import registry
from losses.contract.expression import parse
from losses.errors import Refusal
from recommender import recommend
from recommender.profile import Goal, Profile
from recommender.tasks import Task
from service.datasets.addresses.allowed import allowed
from service.datasets.addresses.reader import glob_pattern
from service.problems import validated
from service.routes.advise.schema import AdviseRequest
from service.routes.batch import KINDS, split_line
from service.routes.evaluate import EvaluateRequest
from service.routes.inference.request import InferRequest, json_length
from service.routes.profile import ProfileRequest
from service.routes.recommend import RecommendRequest
from service.uploads import contents, inference_protocol, json_lists, media_type, multipart, query, upload
from service.uploads.codings import SHORT_PIECE, Unpacker
from service.uploads.formats import registry as formats
from service.uploads.formats.registry import ArrayFormat, DecodingLimit, Format, TableFormat
from service.uploads.json_pieces import PIECE
from service.uploads.json_text import parsed
from service.uploads.roles import known_roles
from service.uploads.tables.inputs import TableInputs
from tests.fuzz.mutations import MENDERS, as_they_are
from tests.service.packing import PACKERS, UNPACKERS

LIMIT = 1 << 20  # bytes that a compressed body may become
GROWTH = 8  # the most bytes of a tensor for a byte of its body: a byte of bool or float8 as float64
SLOW_S = 1.0  # of CPU, for a body of a few KiB; the median is under a millisecond
MEMORY = 64 << 20  # bytes by which a body of a few KiB may raise the peak; the first run of a harness loads much
PYARROW: Any = import_module("pyarrow") if find_spec("pyarrow") else None  # in .venv-fuzz alone; its wheel is 55 MB
Decoder = Callable[[bytes], object]
Read = dict[str, np.ndarray]


class Finding(Exception):  # noqa: N818 - it is what fuzzing looks for
    """A decoder did not keep its word."""


@dataclass(frozen=True)
class Harness:
    """A decoder that is fuzzed: bytes that it reads, to begin with, and how to mend bytes that were broken."""

    name: str
    decode: Decoder
    seeds: tuple[bytes, ...]
    mend: Callable[[bytes, Random], bytes] = as_they_are
    words: tuple[bytes, ...] = ()
    share: int = 10  # of the runs; python_multipart and pydantic take a millisecond where the rest takes 50 us

    def run(self, data: bytes) -> bool:
        """Return whether the bytes were read, and not refused.

        Raises: whatever is neither an answer nor a refusal, and Finding.
        """
        started, peak = time.process_time(), _peak()
        try:
            self.decode(data)
        except Refusal as refusal:
            _kept_small(refusal)
            return False
        finally:
            taken = time.process_time() - started
            if taken > SLOW_S:
                raise Finding(f"{len(data)} bytes took {taken:.1f} s.")
            if _peak() - peak > MEMORY:
                raise Finding(f"{len(data)} bytes took {_peak() - peak} bytes of memory.")
        return True


HARNESSES: dict[str, Harness] = {}


def harness(*seeds: bytes, **how: Any) -> Callable[[Decoder], Decoder]:  # noqa: ANN401 - as Harness has them
    """Register a function as the harness of its own name."""

    def register(decode: Decoder) -> Decoder:
        name = decode.__name__
        HARNESSES[name] = Harness(name, decode, seeds, **how)
        return decode

    return register


def _peak() -> int:
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def _kept_small(refusal: Refusal) -> None:
    if len(refusal.message) > 3000:  # a problem is at most 4 KiB
        raise Finding(f"A refusal of {len(refusal.message)} characters.")


def _same(ours: Tensor, theirs: np.ndarray) -> bool:
    """Say whether two readers found the same; ours may hold the numbers in something wider."""
    mine = ours.to(torch.float64) if ours.dtype == torch.bfloat16 else ours
    array = mine.numpy()
    return array.shape == theirs.shape and np.array_equal(array, theirs, equal_nan=theirs.dtype.kind == "f")


def _bounded(tensors: dict[str, Tensor], size: int) -> None:
    grown = sum(tensor.numel() * tensor.element_size() for tensor in tensors.values())
    if grown > GROWTH * size + LIMIT:
        raise Finding(f"{size} bytes became {grown}.")


# Formats: every one that service/uploads/formats has, held to an independent reader where there is one.


def _numpy(data: bytes) -> Read:
    """Return what numpy reads: one file, or several one after the other."""
    stream = io.BytesIO(data)
    arrays: Read = {}
    while stream.tell() < len(data):
        arrays[str(len(arrays))] = np.lib.format.read_array(stream, allow_pickle=False)
    return arrays


def _numpy_archive(data: bytes) -> Read:
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return {name: file[name] for name in file.files}


def _pyarrow(data: bytes) -> Read:
    table = PYARROW.ipc.open_stream(PYARROW.BufferReader(data)).read_all()
    table.validate(full=True)
    return {name: _column(table.column(place)) for place, name in enumerate(table.column_names)}


def _column(chunks: Any) -> np.ndarray:  # noqa: ANN401 - pyarrow has no types
    kind = chunks.type
    if isinstance(kind, PYARROW.FixedShapeTensorType):
        parts = [chunk.to_numpy_ndarray() for chunk in chunks.chunks if len(chunk)]
        axes = kind.shape if kind.permutation is None else [kind.shape[axis] for axis in kind.permutation]
        return np.concatenate(parts) if parts else np.empty((0, *axes))
    array, shape = chunks.combine_chunks(), [len(chunks)]
    while PYARROW.types.is_fixed_size_list(kind):
        shape.append(kind.list_size)
        array, kind = array.flatten(), kind.value_type
    return np.asarray(array.to_numpy(zero_copy_only=False)).reshape(shape)


READERS: dict[str, Callable[[bytes], Read]] = {
    ".npy": _numpy,
    ".npz": _numpy_archive,
    ".safetensors": safetensors.numpy.load,
    **({".arrows": _pyarrow} if PYARROW else {}),
}
STRICT = {".npy", ".npz", ".safetensors"}  # pyarrow verifies offsets and padding that nothing here follows


def _format(entry: ArrayFormat) -> Harness:
    reader = READERS.get(entry.suffix)

    def decode(data: bytes) -> None:
        arrays = list(entry.decode("The body", bytearray(data), DecodingLimit(LIMIT)))
        named = {str(place) if name is None else name: tensor for place, (name, tensor) in enumerate(arrays)}
        if len(named) < len(arrays):
            raise Finding("Two arrays of one name.")
        _bounded(named, len(data))
        _comes_back(entry, named)
        if reader is None:
            return
        try:
            theirs = reader(data)
        except Exception as error:
            if entry.suffix not in STRICT or _lacking(error):
                return
            raise Finding(f"Read here, and refused by the independent reader: {type(error).__name__}.") from error
        if named.keys() != theirs.keys() or not all(_same(named[name], theirs[name]) for name in named):
            raise Finding("The independent reader found something else.")

    seeds = tuple(_written(entry))
    return Harness(f"format{entry.suffix}", decode, seeds, MENDERS.get(entry.suffix, as_they_are), _words(entry))


def _comes_back(entry: ArrayFormat, named: Mapping[str, Tensor]) -> None:
    """Hold what was read to what becomes of it when it is written and read again."""
    if not named:  # no answer has none
        return
    try:
        again = list(entry.decode("The body", bytearray(entry.encode(named, b"{}")), DecodingLimit(LIMIT)))
    except Refusal:  # an array too many for a .npy, or the answer among the inputs
        return
    read_again = {str(place) if name is None else name: tensor for place, (name, tensor) in enumerate(again)}
    if read_again.keys() != named.keys() or not all(_equal(read_again[name], named[name]) for name in named):
        raise Finding("Arrays are written as others.")


def _equal(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and one.float().allclose(other.float(), 0, 0, equal_nan=True)


def _lacking(error: Exception) -> bool:
    """Say whether the other reader lacks a dtype that ours has: numpy has no bfloat16 and no float8."""
    return isinstance(error, KeyError | TypeError | AttributeError) or "bfloat16" in str(error)


def _archive(arrays: Mapping[str, Tensor], _: bytes) -> bytes:
    buffer = io.BytesIO()
    named: dict[str, Any] = {name: tensor.numpy() for name, tensor in arrays.items()}
    np.savez_compressed(buffer, **named)
    return buffer.getvalue()


WRITERS = {".npz": _archive}  # ours adds the answer, which is no input


def _written(entry: ArrayFormat) -> Iterator[bytes]:
    """Yield bodies as the format itself writes them."""
    write = WRITERS.get(entry.suffix, entry.encode)
    for dtype in (torch.float32, torch.float64, torch.int64, torch.uint8, torch.bool, torch.float16):
        for shape in ((2, 3), (4,), (0, 2), (1, 1, 2)):
            array = torch.arange(math.prod(shape)).reshape(shape).to(dtype)
            try:
                yield write({"predictions": array}, b"{}")
                yield write({"predictions": array, "targets": array}, b"{}")
            except Refusal:  # a .npy holds one, and a format may write fewer dtypes than it reads
                continue


def _table(entry: TableFormat) -> Harness:
    def decode(data: bytes) -> None:
        reserved = 0

        def reserve(more: int) -> None:
            nonlocal reserved
            reserved += more

        table = entry.open("The body", bytearray(data), DecodingLimit(LIMIT, reserve))
        names = [name for name in table.names if name]
        inputs = TableInputs()
        inputs.add(
            table, ("predictions",), tuple((role, name) for role, name in zip(known_roles(), names, strict=False))
        )
        arrays, _ = inputs.arrays()
        if sum(tensor.nbytes for tensor in arrays.values()) > max(reserved, len(data)):
            raise Finding("Arrays take more than was reserved for them.")

    return Harness(
        f"format{entry.suffix}", decode, tuple(_tables(entry.suffix)), as_they_are, (b"predictions", b"y_true")
    )


def _tables(suffix: str) -> Iterator[bytes]:
    """Yield files of columns as pyarrow writes them."""
    table = pa.table(
        {
            "y_pred": [1.5, -2.0, 3e300, 0.0],
            "label": ["a", "b", "a", "c"],
            "number": [1, 2, 3, 4],
            "flag": [True, False, True, True],
            "p": pa.array([[0.1, 0.9]] * 4, pa.list_(pa.float32())),
        }
    )
    for compression in ("none", "lz4", "zstd"):
        buffer = io.BytesIO()
        if suffix == ".parquet":
            pyarrow.parquet.write_table(table, buffer, compression=compression)
        elif suffix == ".feather":
            options = pa.ipc.IpcWriteOptions(compression=None if compression == "none" else compression)
            with pa.ipc.new_file(buffer, table.schema, options=options) as writer:
                writer.write_table(table)
        elif suffix == ".csv":
            delimiter = {"none": ",", "lz4": ";", "zstd": "\t"}[compression]
            flat = table.drop_columns(["p"])
            pyarrow.csv.write_csv(flat, buffer, pyarrow.csv.WriteOptions(delimiter=delimiter))
        else:
            buffer.write(b"".join(json.dumps(row).encode() + b"\n" for row in table.to_pylist()))
        yield buffer.getvalue()


def _words(entry: Format) -> tuple[bytes, ...]:
    return (entry.suffix.encode(), b"predictions", b"targets", b"weights", b"mask")


# Bodies and heads.


BODIES = (
    b'{"loss": "mse", "predictions": [1.0, 2.5], "targets": [0, 1]}',
    b'{"loss": ["bce", "dice"], "predictions": [[0.1], [-3e5]], "targets": [[true], [false]], "mask": null}',
    b'{"loss": "mse", "options": {"reduction": "sum", "gradient": "full"}, "weights": [], "targets": [[[1]]]}',
    b'{"task": "binary", "profile": {"n": 3}, "goal": {"false_negative_cost": 2.0}, "targets": [18446744073709551615]}',
)
MARKS = (
    b"null",
    b"true",
    b"1e308",
    b"-0.0",
    b"\\u0000",
    b"\\ud800",
    b"9223372036854775808",
    b"[",
    b"]",
    b"{",
    b"}",
    b'"',
)


@harness(*BODIES, words=MARKS)
def json_body(data: bytes) -> None:
    """The JSON of an upload, held to Python's own parser, and its arrays to numpy."""
    text = bytearray(data)
    members = parsed(text)
    if members != json.loads(data, parse_int=_whole):
        raise Finding("Python's parser found something else.")
    content = contents.from_json(text)
    sent = upload.Upload(content.fields, content.roles)
    for role, tensor in sent.roles.items():
        if role in members and not _same(tensor, np.array(members[role])):
            raise Finding("numpy makes another array of the same numbers.")
        if tensor.numel():
            json_lists.to_lists(tensor)
    _models(sent)


@harness(*BODIES, words=MARKS, share=5)
def long_json_body(data: bytes) -> None:
    """The JSON of a long upload, held to what a short one of the same text becomes."""
    short = _outcome(data)
    long = _outcome(data + b" " * (contents.SHORT_JSON + 1))
    if isinstance(short, Refusal) and isinstance(long, Refusal):
        raise short
    if isinstance(short, Refusal) or isinstance(long, Refusal):
        raise Finding("A body is read at one length and refused at another.")
    if short.fields != long.fields or short.roles.keys() != long.roles.keys():
        raise Finding("A long body has other fields than a short one.")
    for role, tensor in long.roles.items():
        if tensor.dtype != short.roles[role].dtype or not torch.equal(tensor, short.roles[role]):
            raise Finding("A long body has other numbers than a short one.")


@harness(*BODIES, words=MARKS, share=5)
def json_in_pieces(data: bytes) -> None:
    """JSON whose arrays are parsed in pieces, held to the same as a whole."""
    whole = _outcome(data)
    pieces = _outcome(data, 1 + len(data) // 16)
    if isinstance(pieces, Refusal):  # it may be stricter: about large whole numbers, and arrays that are no inputs
        raise pieces
    if isinstance(whole, Refusal):
        raise Finding("A body is read in pieces and refused as a whole.")
    if whole.fields != pieces.fields or whole.roles.keys() != pieces.roles.keys():
        raise Finding("A body has other fields in pieces than as a whole.")
    for role, tensor in pieces.roles.items():
        if tensor.dtype != whole.roles[role].dtype or not torch.equal(tensor, whole.roles[role]):
            raise Finding("A body has other numbers in pieces than as a whole.")


def _outcome(text: bytes, piece: int = PIECE) -> contents.Contents | Refusal:
    try:
        return contents.from_json(bytearray(text), piece=piece)
    except Refusal as refusal:
        return refusal


@harness(
    b'[{"predictions": 1.5, "targets": 1}, {"predictions": -2e3, "targets": 0}]',
    b'[{"y_pred": [0.1, 0.9], "label": "a", "id": 1}, {"y_pred": [0.5, 0.5], "label": "b", "id": 2}]',
    b'[{"predictions": true, "targets": 9007199254740993, "weights": null}]',
    words=(*MARKS, b"y_true", b"[[", b"}, {"),
)
def json_records(data: bytes) -> None:
    """Rows as a JSON array of objects, the numbers held to numpy's of Python's own parser."""
    if not data.lstrip().startswith(b"["):
        return
    held = contents.from_json(bytearray(data))
    rows = json.loads(data, parse_int=_whole)
    for role, tensor in held.roles.items():
        if all(isinstance(row.get(role), int | float) for row in rows) and not _same(
            tensor, np.array([row[role] for row in rows])
        ):
            raise Finding("numpy makes another column of the same numbers.")


def _whole(digits: str) -> float:
    """Return a number of JSON: past 64 bits it is a double."""
    number = int(digits)
    return number if -(1 << 63) <= number < 1 << 64 else float(number)


def _models(sent: upload.Upload) -> None:
    for model in (EvaluateRequest, AdviseRequest, ProfileRequest):
        try:
            asked = sent.read(model)
            if isinstance(asked, EvaluateRequest):
                assert asked.options.bound
                assert asked.objectives
        except Refusal as refusal:  # of one model; the next may take the same fields
            _kept_small(refusal)


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
    _models(upload.Upload(query=beside.fields))


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


def _form(*parts: tuple[str, bytes], boundary: str = "b", head: str = "") -> bytes:
    lines = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{head}\r\n\r\n'.encode() + data + b"\r\n"
        for name, data in parts
    ]
    return b"".join(lines) + f"--{boundary}--\r\n".encode()


FORM = "multipart/form-data; boundary=b"


def _with_type(media: str, *bodies: bytes) -> tuple[bytes, ...]:
    return tuple(media.encode() + b"\n" + data for data in bodies)


@harness(
    *_with_type(
        FORM,
        _form(("request", b'{"loss": "mse"}'), ("predictions", b"1\r\n2"), ("targets", b"")),
        _form(("request", b"{}"), head='; filename="a.npy"\r\nContent-Type: application/json'),
        _form(("request", b"--b"), ('x\\"y', b"\r\n--"), head="; filename*=utf-8''%e2%82%ac"),
    ),
    *_with_type('multipart/form-data; charset=x; boundary="a b"', _form(("mask", b"\0" * 9), boundary="a b")),
    words=(b"--b", b"--b--", b"\r\n", b"\r\n\r\n", b"name=", b'name="', b"filename", b"boundary=", b"name*=utf-8''%ff"),
    share=1,
)
def multipart_body(data: bytes) -> None:
    """A form, whole and in pieces, under any Content-Type; held to Python's email parser where the parts have names."""
    media, _, form = data.partition(b"\n")
    content_type = media.decode("latin-1")
    whole = multipart.Parts(content_type)
    whole.write(form)
    parts, fields = whole.finish()
    pieces = multipart.Parts(content_type)
    for place in range(0, len(form), 7):
        pieces.write(form[place : place + 7])
    if pieces.finish() != (parts, fields):
        raise Finding("In pieces the form is another one.")
    if sum(len(part.data) for part in parts.values()) + sum(len(text) for _, text in fields) > len(form):
        raise Finding("A form became longer.")
    try:
        contents.from_parts(parts, _SMALL, DecodingLimit(LIMIT), query.NOTHING)  # type: ignore[arg-type] # the one limit that it asks for
    except Refusal as refusal:
        _kept_small(refusal)


@dataclass(frozen=True)
class _Limits:
    max_json_bytes: int = LIMIT


_SMALL = _Limits()


@harness(b"abcdef", b"\r\n--edg\0\xff", b"", share=1)
def multipart_built(data: bytes) -> None:
    """A form that is built out of the bytes comes back as it was, and as Python's email parser has it."""
    random = Random(data)
    names = [f"p{place}" for place in range(random.randrange(1, 5))]
    cuts = sorted(random.randrange(len(data) + 1) for _ in names[1:])
    sent = {n: data[a:b] for n, a, b in zip(names, [0, *cuts], [*cuts, len(data)], strict=True)}
    boundary = f"edge{random.randrange(10)}"
    if boundary.encode() in data:
        return
    form = _form(*sent.items(), boundary=boundary, head='; filename="a"')
    parser = multipart.Parts(f"multipart/form-data; boundary={boundary}")
    step = random.randrange(1, 40)
    for place in range(0, len(form), step):
        parser.write(form[place : place + step])
    if {name: part.data for name, part in parser.finish()[0].items()} != sent:
        raise Finding("A form came back as another.")
    if all(32 <= byte < 127 for byte in data):  # printable; email would turn the rest into text
        head = f"Content-Type: multipart/form-data; boundary={boundary}\r\n\r\n".encode()
        theirs = [bytes(part.get_payload(decode=True) or b"") for part in email.message_from_bytes(head + form).walk()][
            1:
        ]
        if theirs != list(sent.values()):
            raise Finding("Python's email parser found something else.")


def _framed(said: dict[str, Any], behind: bytes = b"") -> bytes:
    text = json.dumps(said).encode()
    return str(len(text)).encode() + b"\n" + text + behind


def _input(name: str, datatype: str, shape: list[int], **more: object) -> dict[str, object]:
    return {"name": name, "datatype": datatype, "shape": shape, **more}


def _sized(size: int) -> dict[str, int]:
    return {"binary_data_size": size}


@harness(
    _framed(
        {"inputs": [_input("predictions", "FP32", [2], data=[1, 2.5]), _input("targets", "BOOL", [1], data=[True])]}
    ),
    _framed({"inputs": [_input("predictions", "FP64", [2], parameters=_sized(16))]}, struct.pack("<2d", 1, 2)),
    _framed({"inputs": [_input(n, "UINT16", [1, 1], parameters=_sized(2)) for n in "ab"]}, b"\1\0\xff\xff"),
    _framed(
        {
            "parameters": {"binary_data_output": True, "gradient": "full"},
            "inputs": [_input(n, "FP32", [2], parameters=_sized(8)) for n in ("predictions", "targets")],
        },
        struct.pack("<4f", 1, 2, 0.5, 0),
    ),
    _framed({"id": "1", "parameters": {"loss": "mse"}, "outputs": [{"name": "value"}], "inputs": []}, b""),
    _framed({"inputs": [_input("p", d, [1], data=[3]) for d in inference_protocol.DATATYPES]}),
    _framed({"inputs": [_input("p", "BF16", [0, 9], parameters=_sized(0))]}),
    mend=MENDERS["oip"],
    words=(
        *(f'"{name}"'.encode() for name in inference_protocol.DATATYPES),
        b"binary_data_size",
        b"shape",
        b"1e400",
        b"-1",
    ),
)
def open_inference(data: bytes) -> None:
    """A request of the Open Inference Protocol: its length, its JSON, the bytes behind; held to numpy."""
    header, _, sent = data.partition(b"\n")
    buffer = memoryview(bytearray(sent))
    length = json_length(header.decode("latin-1") if header else None, len(buffer))
    asked = validated(InferRequest, parsed(bytes(buffer[:length])))
    arrays = inference_protocol.input_tensors(asked.inputs, buffer[length:])
    _bounded(arrays, len(sent))
    place = length
    for entry in asked.inputs:
        size = entry.parameters.get("binary_data_size")
        tensor = arrays[entry.name]
        if list(tensor.shape) != entry.shape:
            raise Finding("A tensor has another shape than was declared.")
        if entry.datatype == "BF16" or (size is None and not tensor.numel()):
            place += size or 0
            continue
        kind = np.dtype({"BOOL": "?"}.get(entry.datatype, entry.datatype.lower().replace("fp", "float")))
        if size is None:
            theirs = np.array(entry.data).reshape(entry.shape)
            if kind.kind == "f":
                with np.errstate(over="ignore"):  # Finding would be an infinity, which JSON cannot send
                    theirs = theirs.astype(kind)
                if not np.isfinite(theirs).all():
                    raise Finding("A number that was sent became infinite.")
        else:
            theirs = np.frombuffer(sent, kind, math.prod(entry.shape), place).reshape(entry.shape)
        if not _same(tensor, theirs):
            raise Finding("numpy reads other numbers.")
        place += size or 0
        shown, behind = inference_protocol.output_bytes(entry.name, tensor, binary=True)
        if shown.shape != entry.shape or len(behind) != tensor.numel() * tensor.element_size():
            raise Finding("A tensor is written as another.")
        inference_protocol.output_bytes(entry.name, tensor, binary=False)


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


@harness(
    *(b'{"evaluate": %b}' % body for body in BODIES[:3]),
    b'{"profile": {"task": "binary", "predictions": [0.5], "targets": [1]}}',
    b'{"recommend": {"task": "binary", "profile": {"class_imbalance": 12}, "goal": {"decision": "balanced"}}}',
    b'{"recommend": {"scenario": "salaries", "profile": {"outlier_rate": {"value": 0.1, "interval": [0, 0.2]}}}}',
    b'{"recommend": {"task": "regression", "thresholds": {"outliers.some": 0.1}, "rulebook": "evidence"}}',
    words=(*MARKS, *(b'"%b"' % name.encode() for name in (*KINDS, *Task, *Profile.model_fields, *Goal.model_fields))),
)
def batch_line(data: bytes) -> None:
    """A line of a batch: which question it is, held to Python's parser, and the answer to a recommend."""
    line = data.split(b"\n", 1)[0]
    name, text = split_line(bytearray(line))
    members = parsed(text)
    if json.loads(line, parse_int=_whole) != {name: members}:
        raise Finding("Python's parser found another question.")
    if name != "recommend":
        held = contents.from_json(text)
        _models(upload.Upload(held.fields, held.roles))
        return
    asked = validated(RecommendRequest, members)
    answer = recommend(
        asked.task,
        asked.scenario,
        asked.profile,
        asked.goal,
        thresholds=asked.thresholds,
        rulebook=asked.rulebook or "article",
    )
    json.loads(answer.model_dump_json(), parse_constant=_no_constant)


def _no_constant(name: str) -> None:
    raise Finding(f"An answer has {name}.")


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


def _any_file(data: bytes) -> None:
    """A file of one part, whatever it is."""
    parts = {"predictions": multipart.Part(bytearray(data))}
    _bounded(contents.from_parts(parts, _SMALL, DecodingLimit(LIMIT), query.NOTHING).roles, len(data))  # type: ignore[arg-type] # the one limit that it asks for


def _collect() -> None:
    per_format = [_format(entry) for entry in formats.written().values()]
    per_format += [_table(entry) for entry in formats.formats().values() if isinstance(entry, TableFormat)]
    for entry in per_format:
        HARNESSES[entry.name] = entry
    mixed = tuple(seed for entry in per_format for seed in entry.seeds[::5])
    HARNESSES["any_file"] = Harness("any_file", _any_file, mixed)


_collect()
