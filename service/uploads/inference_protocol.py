"""Tensors of the Open Inference Protocol: numbers in the JSON, or binary data after it.

Source: the Open Inference Protocol, HTTP/REST, and its binary tensor data extension.
"""

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Any

import numpy as np
import torch
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field
from torch import Tensor

from losses.errors import shown
from losses.text import Text
from service.problems import BadEnvelope, BadRequest
from service.uploads.json_bodies import lists as json_lists
from service.uploads.json_bodies import simd as json_simd
from service.uploads.json_bodies.pieces import cut
from service.uploads.json_bodies.text import parsed
from service.uploads.unsigned import signed

MOST_AXES = 8
MOST_TENSORS = 64
DATATYPES: dict[str, torch.dtype] = {
    "BOOL": torch.bool,
    "UINT8": torch.uint8,
    "UINT16": torch.uint16,
    "UINT32": torch.uint32,
    "UINT64": torch.uint64,
    "INT8": torch.int8,
    "INT16": torch.int16,
    "INT32": torch.int32,
    "INT64": torch.int64,
    "FP16": torch.float16,
    "BF16": torch.bfloat16,
    "FP32": torch.float32,
    "FP64": torch.float64,
}
WIDER = {torch.uint16: torch.int32, torch.uint32: torch.int64, torch.uint64: torch.int64}  # torch computes with none
_NAMES = {dtype: name for name, dtype in DATATYPES.items()}
Length = Annotated[int, Field(ge=0, lt=1 << 48)]


Parameters = Annotated[dict[str, Any], BeforeValidator(lambda value: {} if value is None else value)]
INPUTS, DATA = "inputs", "data"
SHORT_JSON = 1 << 12  # bytes, of which lists are made as fast


class InputTensor(BaseModel):
    """One tensor of a request."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=100)]
    shape: Annotated[list[Length], Field(max_length=MOST_AXES)]
    datatype: Annotated[str, Field(json_schema_extra={"enum": [*DATATYPES]})]
    parameters: Parameters = {}
    data: Any = None


class OutputWanted(BaseModel):
    """One tensor that the answer should hold."""

    model_config = ConfigDict(extra="forbid", strict=True)

    name: Annotated[str, Field(max_length=100)]
    parameters: Parameters = {}


class OutputTensor(BaseModel):
    """One tensor of an answer; its numbers are in `data`, or where its parameters say."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int | str] | None = None
    data: list[Any] | None = None


def request_members(text: bytes | bytearray) -> dict[str, Any]:
    """Return the JSON of a request; long lists of numbers are parsed as tensors.

    Raises: BadEnvelope, BadRequest.
    """
    kept, arrays = cut(text)
    if len(text) > SHORT_JSON:
        try:
            return json_simd.read_members_of_entries(kept, INPUTS, DATA, MOST_TENSORS, arrays)
        except json_simd.Unaccounted:
            pass
    with arrays.faults():
        members = parsed(kept)
    inputs = members.get(INPUTS)
    for entry in inputs if isinstance(inputs, list) else []:
        if isinstance(entry, dict) and entry.get(DATA) in arrays:
            entry[DATA] = arrays.tensor("An input", entry[DATA])
    return members


def size(sent: InputTensor) -> int:
    """Return the bytes of an input, by its shape and datatype.

    Raises: BadRequest for a datatype that is not read.
    """
    if sent.datatype not in DATATYPES:
        raise BadRequest(
            Text(
                f"{shown(sent.name)} has a datatype that is not read; those read are {', '.join(DATATYPES)}.",
                f"{shown(sent.name)} 的 datatype 不支持;支持的有 {', '.join(DATATYPES)}。",
            )
        )
    return math.prod(sent.shape) * DATATYPES[sent.datatype].itemsize


def input_tensors(
    inputs: list[InputTensor], behind: memoryview, shared: Mapping[int, memoryview] = MappingProxyType({})
) -> dict[str, Tensor]:
    """Return the tensors by name. `behind`: the bytes after the JSON. `shared`: bytes from shared memory by position.

    Raises: BadRequest where shape, datatype and bytes contradict one another, BadEnvelope where bytes are left over.
    """
    tensors: dict[str, Tensor] = {}
    position = 0
    for index, sent in enumerate(inputs):
        wanted = size(sent)
        if sent.name in tensors:
            raise BadRequest(
                Text(
                    f"Two inputs are called {shown(sent.name)}; each role is sent once.",
                    f"有两个输入叫 {shown(sent.name)};每个输入只发送一次。",
                )
            )
        if index in shared:
            tensors[sent.name] = _tensor(shared[index], sent)
            continue
        announced = sent.parameters.get("binary_data_size")
        if announced is None:
            tensors[sent.name] = _listed(sent)
            continue
        if type(announced) is not int or announced != wanted or len(behind) - position < wanted:
            raise BadRequest(
                Text(
                    f"{shown(sent.name)}, of {wanted} bytes by shape and datatype must have them behind the JSON, and "
                    f"binary_data_size={wanted}.",
                    f"{shown(sent.name)} 按形状和类型为 {wanted} 字节,必须放在 JSON 之后,并有 "
                    f"binary_data_size={wanted}。",
                )
            )
        tensors[sent.name] = _tensor(behind[position : position + wanted], sent)
        position += wanted
    if position != len(behind):
        raise BadEnvelope(
            Text(
                f"{len(behind) - position} bytes follow the JSON that no input has announced.",
                f"JSON 之后有 {len(behind) - position} 字节,没有输入声明过。",
            )
        )
    return tensors


def _tensor(data: memoryview, sent: InputTensor) -> Tensor:
    """Return a tensor from its bytes, copied only where they are not aligned."""
    dtype = DATATYPES[sent.datatype]
    if not data:
        return torch.empty(sent.shape, dtype=WIDER.get(dtype, dtype))
    flat = torch.frombuffer(data, dtype=torch.uint8)
    aligned = flat if flat.data_ptr() % dtype.itemsize == 0 else flat.clone()
    tensor = aligned.view(dtype).reshape(sent.shape)
    return signed(sent.name, tensor) if dtype == torch.uint64 else tensor.to(WIDER.get(dtype, dtype))


def _listed(sent: InputTensor) -> Tensor:
    """Return numbers from the JSON: a flat list, or one nested to the depth of the shape."""
    listed = sent.data
    tensor = listed if isinstance(listed, Tensor) else json_lists.from_lists(shown(sent.name), listed, booleans=True)
    count = math.prod(sent.shape)
    if tensor.numel() != count:
        raise BadRequest(
            Text(
                f"{shown(sent.name)}, of shape {sent.shape}, has {count} numbers; {tensor.numel()} were sent.",
                f"形状为 {sent.shape} 的 {shown(sent.name)} 有 {count} 个数;实际发送了 {tensor.numel()} 个。",
            )
        )
    dtype = DATATYPES[sent.datatype]
    converted = tensor.to(torch.int64 if dtype == torch.uint64 else dtype)
    fits = converted.isfinite() if dtype.is_floating_point else converted.to(tensor.dtype) == tensor
    if not (fits & (converted >= 0) if dtype == torch.uint64 else fits).all():
        raise BadRequest(
            Text(
                f"{shown(sent.name)} has a number that {sent.datatype} cannot hold.",
                f"{shown(sent.name)} 有 {sent.datatype} 无法表示的数。",
            )
        )
    return converted.reshape(sent.shape).to(WIDER.get(dtype, dtype))


def output_bytes(name: str, tensor: Tensor, *, binary: bool) -> tuple[OutputTensor, bytes]:
    """Return an output, and its bytes where it is binary; non-finite numbers are null in JSON."""
    shape, datatype = [*tensor.shape], _NAMES[tensor.dtype]
    flat = tensor.detach().cpu().contiguous().reshape(-1)
    if binary:
        data = np.ascontiguousarray(flat.view(torch.uint8).numpy()).tobytes()
        return OutputTensor(name=name, datatype=datatype, shape=shape, parameters={"binary_data_size": len(data)}), data
    return OutputTensor(name=name, datatype=datatype, shape=shape, data=json_lists.to_lists(flat)), b""
