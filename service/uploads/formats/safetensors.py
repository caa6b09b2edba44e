"""The .safetensors format: a JSON header of limited length, then contiguous numbers, viewed in place.

Source: https://huggingface.co/docs/safetensors, "Format".
"""

import math
import struct
from collections.abc import Mapping
from typing import Any, NamedTuple

import orjson
import torch
from torch import Tensor

from losses.errors import pointer
from losses.text import Text
from service.problems import BadRequest
from service.uploads.formats.registry import ArrayFormat, Arrays, Buffer, DecodingLimit
from service.uploads.json_bodies.text import refuse_twice
from service.uploads.names import in_chinese
from service.uploads.unsigned import signed

LONGEST_HEADER = 1 << 20  # bytes; the library's own cap is 100 MB
MOST_AXES = 8
PREFIX = 8  # bytes of the header's length
DTYPES: dict[str, torch.dtype] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "F8_E4M3": torch.float8_e4m3fn,
    "F8_E5M2": torch.float8_e5m2,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "U16": torch.uint16,
    "U32": torch.uint32,
    "U64": torch.uint64,
    "BOOL": torch.bool,
}
# torch computes with none of these: to what holds all their numbers
WIDER = {
    torch.float8_e4m3fn: torch.float32,
    torch.float8_e5m2: torch.float32,
    torch.uint16: torch.int32,
    torch.uint32: torch.int64,
    torch.uint64: torch.int64,
}


class Entry(NamedTuple):
    """One tensor in the header."""

    name: str
    dtype: torch.dtype
    shape: list[int]
    begin: int
    end: int


def _matches(data: Buffer, _filename: str, _media: str) -> bool:
    """Return whether a file starts like a .safetensors file."""
    return len(data) > PREFIX and data[PREFIX] == ord("{")


def _decode(name: str, data: Buffer, limit: DecodingLimit) -> Arrays:
    """Yield the tensors of the file, viewed in place."""
    view = memoryview(data)
    entries, start = _header(name, view, limit)
    position = 0
    for entry in entries:
        size = math.prod(entry.shape) * entry.dtype.itemsize
        if entry.begin != position or entry.end - entry.begin != size:
            message = Text(
                f"{name}: the offsets of {pointer(entry.name)} overlap others, leave a hole or lie.",
                f"{in_chinese(name)}:{pointer(entry.name)} 的偏移与其他重叠、留有空隙或不实。",
            )
            raise BadRequest(message, pointer=pointer(entry.name))
        position = entry.end
    if start + position != len(view):
        raise BadRequest(
            Text(
                f"{name}: the header declares {position} bytes of numbers; {len(view) - start} follow.",
                f"{in_chinese(name)}:文件头声明 {position} 字节的数;其后有 {len(view) - start} 字节。",
            )
        )
    for entry in entries:
        yield entry.name, _tensor(view[start + entry.begin : start + entry.end], entry)


def _encode(arrays: Mapping[str, Tensor], answer: bytes) -> bytes:
    """Return arrays as a .safetensors file; the rest of the answer goes into its metadata."""
    names = {dtype: name for name, dtype in DTYPES.items()}
    header: dict[str, Any] = {"__metadata__": {"answer": answer.decode()}}
    numbers = []
    position = 0
    for name, tensor in sorted(arrays.items(), key=lambda item: -item[1].element_size()):
        data = tensor.detach().cpu().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
        end = position + len(data)
        header[name] = {"dtype": names[tensor.dtype], "shape": [*tensor.shape], "data_offsets": [position, end]}
        numbers.append(data)
        position = end
    text = orjson.dumps(header)
    text += b" " * (-len(text) % PREFIX)
    return b"".join([struct.pack("<Q", len(text)), text, *numbers])


FORMAT = ArrayFormat(
    suffix=".safetensors", media="application/x-safetensors", matches=_matches, decode=_decode, encode=_encode
)


def _tensor(view: memoryview, entry: Entry) -> Tensor:
    """Return a tensor of the file, copied only where its position is not aligned."""
    if not len(view):
        return torch.empty(entry.shape, dtype=WIDER.get(entry.dtype, entry.dtype))
    flat = torch.frombuffer(view, dtype=torch.uint8)
    aligned = flat if flat.data_ptr() % entry.dtype.itemsize == 0 else flat.clone()
    tensor = aligned.view(entry.dtype).reshape(entry.shape)
    if entry.dtype == torch.uint64:
        return signed(entry.name, tensor)
    return tensor.to(WIDER.get(entry.dtype, entry.dtype))


def _header(name: str, view: memoryview, limit: DecodingLimit) -> tuple[list[Entry], int]:
    """Return the tensors in storage order, and the position of the first."""
    length = int.from_bytes(view[:PREFIX], "little")
    start = PREFIX + length
    if length > LONGEST_HEADER or len(view) < start:
        raise BadRequest(
            Text(
                f"{name}: the .safetensors header is cut short or longer than {LONGEST_HEADER} bytes.",
                f"{in_chinese(name)}:.safetensors 文件头不完整,或超过 {LONGEST_HEADER} 字节。",
            )
        )
    try:
        header = orjson.loads(view[PREFIX:start])
    except orjson.JSONDecodeError:
        raise BadRequest(
            Text(f"{name}: the .safetensors header is no JSON.", f"{in_chinese(name)}:.safetensors 文件头不是 JSON。")
        ) from None
    if not isinstance(header, dict):
        raise BadRequest(
            Text(
                f"{name}: the .safetensors header is no JSON object.",
                f"{in_chinese(name)}:.safetensors 文件头不是 JSON 对象。",
            )
        )
    refuse_twice(view[PREFIX:start], header)
    metadata = header.pop("__metadata__", {})
    if not isinstance(metadata, dict) or not all(isinstance(text, str) for text in metadata.values()):
        raise BadRequest(
            Text(
                f"{name}: __metadata__ of the .safetensors header must be an object of texts.",
                f"{in_chinese(name)}:.safetensors 文件头的 __metadata__ 必须是由文本组成的对象。",
            )
        )
    limit.judge(list(header))
    entries = [_entry(name, *item) for item in header.items()]
    return sorted(entries, key=lambda entry: (entry.begin, entry.end)), start


def _entry(name: str, tensor: str, header: Any) -> Entry:  # noqa: ANN401 - any JSON
    """Return one tensor of the header, checked."""
    header = header if isinstance(header, dict) else {}
    shape, offsets, dtype = header.get("shape"), header.get("data_offsets"), header.get("dtype")
    if not isinstance(dtype, str) or dtype not in DTYPES:
        message = Text(
            f"{name}: {pointer(tensor)} has a dtype that is not read; those read are {', '.join(DTYPES)}.",
            f"{in_chinese(name)}:{pointer(tensor)} 的 dtype 不支持;支持的有 {', '.join(DTYPES)}。",
        )
        raise BadRequest(message, pointer=pointer(tensor))
    if not _whole(shape) or len(shape) > MOST_AXES or not _whole(offsets) or len(offsets) != 2:  # noqa: PLR2004 - begin, end
        message = Text(
            f"{name}: {pointer(tensor)} must have a shape of at most {MOST_AXES} whole numbers, and two data_offsets.",
            f"{in_chinese(name)}:{pointer(tensor)} 必须有最多 {MOST_AXES} 个整数的 shape,以及两个 data_offsets。",
        )
        raise BadRequest(message, pointer=pointer(tensor))
    return Entry(tensor, DTYPES[dtype], shape, *offsets)


def _whole(values: object) -> bool:
    """Return whether a value is a list of non-negative whole numbers."""
    return isinstance(values, list) and all(type(value) is int and 0 <= value < 1 << 48 for value in values)
