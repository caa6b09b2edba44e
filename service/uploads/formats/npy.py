"""The .npy format; a body holds one or several arrays. Numbers are viewed in place where possible.

Source: numpy.lib.format, versions 1.0 to 3.0.
"""

import io
from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor

from losses.text import Text
from service.problems import BadRequest
from service.uploads.formats import npy_stream
from service.uploads.formats.npy_header import MAGIC, npy_header
from service.uploads.formats.registry import ArrayFormat, Arrays, BodyStream, Buffer, DecodingLimit, magic
from service.uploads.names import in_chinese
from service.uploads.unsigned import signed


def decode(role: str, data: Buffer) -> Tensor:
    """Return the array of one .npy file as a tensor that shares its memory where the byte order allows.

    Raises: UnsupportedFormat for object arrays, BadRequest for anything else that is no plain array of numbers.
    """
    tensor, end = _array(role, memoryview(data))
    if end != len(data):
        raise BadRequest(
            Text(
                f"{role}: {len(data) - end} bytes follow after the numbers that the header declares.",
                f"{in_chinese(role)}:文件头声明的数值之后还有 {len(data) - end} 字节。",
            ),
            role=role,
        )
    return tensor


def _decode(name: str, data: Buffer, _: DecodingLimit) -> Arrays:
    """Yield the arrays of a body of .npy files, without names."""
    view = memoryview(data)
    while view:
        tensor, end = _array(name, view)
        yield None, tensor
        view = view[end:]


def encode(tensor: Tensor) -> bytes:
    """Return the .npy file of a tensor; bfloat16, which numpy lacks, as float32."""
    buffer = io.BytesIO()
    array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).cpu().numpy()
    np.lib.format.write_array(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _encode(arrays: Mapping[str, Tensor], _: bytes) -> bytes:
    """Return the .npy file of the only array of an answer.

    Raises: BadRequest where there are several.
    """
    if len(arrays) != 1:
        raise BadRequest(
            Text(
                f"The answer holds {len(arrays)} arrays ({', '.join(arrays)}); a .npy holds one, .npz several.",
                f"回答有 {len(arrays)} 个数组({', '.join(arrays)});.npy 只容纳一个,.npz 可容纳多个。",
            )
        )
    return encode(*arrays.values())


STREAM = BodyStream(
    needed=lambda _body, _settings: False, worthwhile=npy_stream.worthwhile, windows=npy_stream.array_windows
)
FORMAT = ArrayFormat(
    suffix=".npy",
    media="application/x-npy",
    matches=magic(MAGIC),
    decode=_decode,
    encode=_encode,
    has_names=False,
    stream=STREAM,
)


def _array(role: str, view: memoryview) -> tuple[Tensor, int]:
    """Return the array that begins at the view's start, and the position after it."""
    head, start = npy_header(role, view)
    end = start + head.size
    if len(view) < end:
        raise BadRequest(
            Text(
                f"{role}: the header declares {head.numbers} numbers of {head.dtype.itemsize} bytes; "
                f"{len(view) - start} bytes follow.",
                f"{in_chinese(role)}:文件头声明 {head.numbers} 个 {head.dtype.itemsize} 字节的数;"
                f"其后有 {len(view) - start} 字节。",
            ),
            role=role,
        )
    array = np.frombuffer(view, head.dtype, head.numbers, start)
    if head.computed is not None:
        array = array.astype(head.computed)
    if len(head.shape) != 1:
        array = array.reshape(head.shape, order="F" if head.fortran else "C")
    if not array.flags.writeable:
        array = array.copy()
    tensor = torch.from_numpy(array)
    return (signed(role, tensor) if head.dtype.kind == "u" else tensor), end
