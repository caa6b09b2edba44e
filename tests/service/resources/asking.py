"""Requests to evaluate, drawn from what there is: every loss, parameter, format, input and option."""

import io
import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, get_args
from urllib.parse import urlencode

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import torch
from torch import Tensor

from losses.contract.expression import MOST_TERMS
from losses.contract.loss import Loss
from losses.errors import Refusal
from service.routes.evaluate import MOST_LOSSES
from service.routes.evaluation_schema import EvaluateOptions
from service.server.connection import LONGEST_URL
from service.uploads.formats import registry as formats
from service.uploads.formats.registry import ArrayFormat, TableFormat
from service.uploads.inference_protocol import DATATYPES
from service.uploads.media_type import JSON
from tests.losses.draw import Batch
from tests.losses.draw_anything import constant, draw_batch, draw_parameters, to_dtype
from tests.service.packing import PACKERS

LONGEST = 1_000_000  # bytes of a body
MOST_NUMBERS = 120_000  # in a megabyte of float64
PACKED_NUMBERS = 1_000_000  # of which all are equal
FLOATS = [torch.float16, torch.float32, torch.float64]
OPTION_GIVEN = 0.25  # most losses have no class_axis, and refuse it
NAMES = {dtype: name for name, dtype in DATATYPES.items()}
Arrays = dict[str, Tensor]


@dataclass
class Asked:
    """One request; `decoded_bytes` are those of its inputs as they are read."""

    path: str
    content: bytes
    headers: dict[str, str]
    what: str  # for whoever looks for a request that was too much
    decoded_bytes: int


@dataclass(frozen=True)
class Wanted:
    """What is asked, before it is written in a format."""

    losses: list[str]
    arrays: Arrays
    options: dict[str, Any]

    @property
    def query(self) -> list[tuple[str, str]]:
        """What stands in a query beside a body of arrays alone."""
        options = [(name, json.dumps(value).strip('"')) for name, value in self.options.items()]
        return [("loss", text) for text in self.losses] + options


def draw(random: Random, losses: list[Loss] | None = None, packed: float = 0.1) -> Asked:
    """Return a request of at most LONGEST bytes, for one of these losses or any.

    `packed`: how often it is one of many equal numbers, which packs to little.
    """
    numbers = int(math.exp(random.uniform(0, math.log(MOST_NUMBERS))))
    many = random.random() < packed
    while True:
        batch = to_dtype(draw_batch(PACKED_NUMBERS if many else numbers, random, losses), random, FLOATS)
        batch = constant(batch) if many else batch
        name, write = random.choice(list(WAYS.items()))
        asked = write(_wanted(batch, random), random)
        if asked is None or len(asked.path) > LONGEST_URL:
            continue
        if random.random() < (1 if many else 0.3):
            coding, pack = random.choice(list(PACKERS.items()))
            asked.content, asked.headers["content-encoding"] = pack(asked.content), coding
        if random.random() < 0.3:
            asked.headers["accept"] = random.choice(list(formats.written()))
        asked.what = f"{name} {asked.what} of {len(asked.content)} bytes, {asked.headers}, {batch.subject}"
        if len(asked.content) <= LONGEST:
            return asked
        numbers, many = max(1, numbers // 2), False


def one_of_each() -> list[Asked]:
    """Return a small request in every format."""
    wanted = Wanted(["mse"], {role: torch.zeros(3) for role in ("predictions", "targets")}, {})
    listed = [write(wanted, Random(0)) for write in WAYS.values()]
    return [asked for asked in listed if asked is not None]


def _wanted(batch: Batch, random: Random) -> Wanted:
    arrays = dict(batch.inputs)
    for beside in ("weights", "mask"):
        if random.random() < 0.3 and batch.shape:
            shape = batch.shape[: random.randint(1, len(batch.shape))]
            arrays[beside] = torch.rand(shape) if beside == "weights" else torch.rand(shape) < 0.8
    texts, loss = [str(batch.subject.term)], batch.subject.loss
    if random.random() < 0.3:
        count = int(math.exp(random.uniform(0, math.log(MOST_LOSSES))))
        texts += [str(draw_parameters(loss, random)) for _ in range(count - 1)]
    if random.random() < 0.2:
        texts = ["+".join(texts[:MOST_TERMS])]
    options = {
        name: random.choice(_choices(info.annotation))
        for name, info in EvaluateOptions.model_fields.items()
        if random.random() < OPTION_GIVEN
    }
    return Wanted(texts, arrays, {name: value for name, value in options.items() if value is not None})


def _choices(annotation: Any) -> list[Any]:  # noqa: ANN401 - the type of an option
    if annotation is bool:
        return [True, False]
    inner = [get_args(each) or (each,) for each in get_args(annotation)]
    return [value for values in inner for value in values if value is not type(None)]


def _bytes(arrays: Mapping[str, Tensor], each: int | None = None) -> int:
    return sum(tensor.numel() * (each or tensor.element_size()) for tensor in arrays.values())


def _lists(arrays: Mapping[str, Tensor], random: Random) -> dict[str, list[Any]]:
    """Return arrays as JSON has them: sometimes with few digits, so that more numbers fit a body."""
    digits = random.choice([2, 6, 17])
    return {
        role: torch.nan_to_num(tensor.double(), posinf=1e30, neginf=-1e30).numpy().round(digits).tolist()
        if tensor.is_floating_point()
        else tensor.tolist()
        for role, tensor in arrays.items()
    }


def _json(wanted: Wanted, random: Random) -> Asked:
    body = {"loss": wanted.losses, "options": wanted.options, **_lists(wanted.arrays, random)}
    text = json.dumps(body).encode()
    return Asked("/v1/evaluate", text, {"content-type": JSON}, _shapes(wanted), _bytes(wanted.arrays, 8))


def _multipart(wanted: Wanted, _: Random) -> Asked:
    request = json.dumps({"loss": wanted.losses, "options": wanted.options})
    files: dict[str, tuple[str | None, bytes | str]] = {"request": (None, request)}
    files |= {role: (f"{role}.npy", _npy([tensor])) for role, tensor in wanted.arrays.items()}
    sent = httpx.Request("POST", "http://x/", files=files)
    headers = {"content-type": sent.headers["content-type"]}
    return Asked("/v1/evaluate", sent.read(), headers, _shapes(wanted), _bytes(wanted.arrays))


def _npy(arrays: list[Tensor]) -> bytes:
    buffer = io.BytesIO()
    for tensor in arrays:
        np.save(buffer, tensor.numpy())
    return buffer.getvalue()


def _npz(arrays: Mapping[str, Tensor]) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **{role: tensor.numpy() for role, tensor in arrays.items()})  # type: ignore[arg-type] # none is called allow_pickle
    return buffer.getvalue()


# Of how a file is written that is sent, where its own format writes answers otherwise, or one array alone.
OWN: dict[str, Callable[[Mapping[str, Tensor]], bytes]] = {
    ".npy": lambda arrays: _npy(list(arrays.values())),
    ".npz": _npz,
}


def _file(entry: ArrayFormat) -> Callable[[Wanted, Random], Asked | None]:
    def write(wanted: Wanted, _: Random) -> Asked | None:
        roles = [] if entry.has_names else [("roles", ",".join(wanted.arrays))]
        own = OWN.get(entry.suffix)
        try:
            content = own(wanted.arrays) if own else entry.encode(wanted.arrays, b"{}")
        except Refusal:  # a stream of records has one length
            return None
        path = f"/v1/evaluate?{urlencode([*wanted.query, *roles])}"
        return Asked(path, content, {"content-type": entry.media}, _shapes(wanted), _bytes(wanted.arrays))

    return write


def _table(entry: TableFormat) -> Callable[[Wanted, Random], Asked | None]:
    def write(wanted: Wanted, random: Random) -> Asked | None:
        lengths = {tensor.shape[0] for tensor in wanted.arrays.values() if tensor.ndim}
        flat = all(tensor.ndim == 1 for tensor in wanted.arrays.values())
        if len(lengths) != 1 or not all(1 <= tensor.ndim <= 2 for tensor in wanted.arrays.values()):
            return None  # columns are of one length
        if entry.suffix == ".csv" and not flat:
            return None
        columns = {
            role: pa.array(tensor.numpy())
            if tensor.ndim == 1
            else pa.FixedSizeListArray.from_arrays(pa.array(tensor.flatten().numpy()), tensor.shape[1])
            for role, tensor in wanted.arrays.items()
        }
        content = TABLES[entry.suffix](pa.table(columns), random)
        path = f"/v1/evaluate?{urlencode(wanted.query)}"
        return Asked(path, content, {"content-type": entry.media}, _shapes(wanted), _bytes(wanted.arrays, 8))

    return write


def _feather(table: pa.Table, random: Random) -> bytes:
    buffer = io.BytesIO()
    options = pa.ipc.IpcWriteOptions(compression=random.choice([None, "lz4", "zstd"]))
    with pa.ipc.new_file(buffer, table.schema, options=options) as writer:
        writer.write_table(table)
    return buffer.getvalue()


def _parquet(table: pa.Table, random: Random) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(table, buffer, compression=random.choice(["none", "snappy", "zstd"]))
    return buffer.getvalue()


def _csv(table: pa.Table, _: Random) -> bytes:
    buffer = io.BytesIO()
    pyarrow.csv.write_csv(table, buffer)
    return buffer.getvalue()


def _ndjson(table: pa.Table, _: Random) -> bytes:
    return b"".join(json.dumps(row).encode() + b"\n" for row in table.to_pylist())


TABLES: dict[str, Callable[[pa.Table, Random], bytes]] = {
    ".csv": _csv,
    ".feather": _feather,
    ".ndjson": _ndjson,
    ".parquet": _parquet,
}


def _open_inference(*, binary: bool) -> Callable[[Wanted, Random], Asked | None]:
    def write(wanted: Wanted, random: Random) -> Asked | None:
        listed, behind, lists = [], b"", {} if binary else _lists(wanted.arrays, random)
        for role, tensor in wanted.arrays.items():
            sent: dict[str, Any] = {"name": role, "shape": [*tensor.shape], "datatype": NAMES[tensor.dtype]}
            data = tensor.numpy().tobytes()
            listed.append(sent | ({"parameters": {"binary_data_size": len(data)}} if binary else {"data": lists[role]}))
            behind += data if binary else b""
        parameters = {**wanted.options, "loss": wanted.losses[0]}
        text = json.dumps({"inputs": listed, "parameters": parameters}).encode()
        headers = {"content-type": "application/octet-stream", "inference-header-content-length": str(len(text))}
        path = "/v2/models/objective/infer" if random.random() < 0.5 else "/v2/models/objective/versions/1/infer"
        return Asked(
            path,
            text + behind,
            headers if binary else {"content-type": JSON},
            _shapes(wanted),
            _bytes(wanted.arrays, None if binary else 8),
        )

    return write


def _shapes(wanted: Wanted) -> str:
    shapes = {role: f"{[*tensor.shape]} {tensor.dtype}" for role, tensor in wanted.arrays.items()}
    return f"{wanted.losses[:2]}{'...' * (len(wanted.losses) > 2)} {wanted.options} {shapes}"


WAYS: dict[str, Callable[[Wanted, Random], Asked | None]] = {
    "JSON": _json,
    "multipart": _multipart,
    "/v2 JSON": _open_inference(binary=False),
    "/v2 bytes": _open_inference(binary=True),
    **{entry.suffix: _file(entry) for entry in formats.written().values()},
    **{entry.suffix: _table(entry) for entry in formats.formats().values() if isinstance(entry, TableFormat)},
}
