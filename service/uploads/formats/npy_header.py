"""Reads the header of an .npy file, under a limit on its length.

Source: numpy.lib.format, versions 1.0 to 3.0.
"""

import ast
import math
import re
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from losses.text import Text
from service.problems import BadRequest, UnsupportedFormat
from service.uploads.names import in_chinese

MAGIC = b"\x93NUMPY"
LONGEST_HEADER = 10_000  # bytes, as numpy has it; it writes 118 for an ordinary array
MOST_AXES = 8
MEMBERS = 3  # of the header: descr, fortran_order, shape
ORDERS = ("<", ">", "|", "=")  # of bytes
DTYPES = ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
# All that numpy reads as one of them, though it writes none of it: float64, double, d.
NAMES = {
    str(name): kind
    for name, scalar in (
        *np.sctypeDict.items(),
        *((name, np.dtype(name).type) for name in (*DTYPES, *"?bBhHiIlLqQpPefd")),
    )
    if (kind := np.dtype(scalar).str[1:]) in DTYPES
}
WIDER = {"u2": "i4", "u4": "i8", "u8": "i8"}  # torch computes with no unsigned whole numbers of these sizes
PYTHON_2 = re.compile(r"(?<=\d)L\b")  # which wrote its long numbers so: (3L, 4L)


class Header(NamedTuple):
    """The dtype and the shape that a header states; `computed` is the dtype that replaces one that torch lacks."""

    dtype: np.dtype
    shape: tuple[int, ...]
    fortran: bool  # the first axis runs fastest
    numbers: int
    size: int  # bytes
    computed: np.dtype | None


def npy_header(role: str, view: memoryview) -> tuple[Header, int]:
    """Return the header, and where the numbers begin.

    Raises: UnsupportedFormat, BadRequest.
    """
    prefix = bytes(view[:12])
    if not prefix.startswith(MAGIC):
        raise UnsupportedFormat(
            Text(
                f"{role} is no .npy file. Write one with numpy.save; pickles and .pt files are never opened.",
                f"{in_chinese(role)} 不是 .npy 文件。请用 numpy.save 写出;从不打开 pickle 和 .pt 文件。",
            ),
            [".npy"],
        )
    end = 10 if prefix[6:7] == b"\x01" else 12
    start = end + int.from_bytes(prefix[8:end], "little")
    return _header(role, bytes(view[: min(start, end + LONGEST_HEADER)])), start


@lru_cache(1024)  # the same few come again and again, and parsing one takes 50 us
def _header(role: str, view: bytes) -> Header:
    """Return the header that exactly these bytes hold."""
    version = view[6] if len(view) > 6 else 0  # noqa: PLR2004 - the byte after the magic
    width = 2 if version == 1 else 4
    if version not in (1, 2, 3) or len(view) < 8 + width or view[7]:
        raise BadRequest(
            Text(
                f"{role}: this version of the .npy format is not read; numpy.save writes 1.0.",
                f"{in_chinese(role)}:不支持这个版本的 .npy 格式;numpy.save 写出 1.0。",
            ),
            role=role,
        )
    length = int.from_bytes(view[8 : 8 + width], "little")
    if length > LONGEST_HEADER or len(view) < 8 + width + length:
        raise BadRequest(
            Text(
                f"{role}: the .npy header is cut short or longer than {LONGEST_HEADER} bytes.",
                f"{in_chinese(role)}:.npy 文件头不完整,或超过 {LONGEST_HEADER} 字节。",
            ),
            role=role,
        )
    encoding = "utf-8" if version == 3 else "latin-1"  # noqa: PLR2004 - the version of the format
    return _described(role, view[8 + width :], encoding)


def _described(role: str, text: bytes, encoding: str) -> Header:
    """Return the header that a dictionary literal describes, checked member by member."""
    try:
        members = ast.literal_eval(PYTHON_2.sub("", text.decode(encoding)))
        descr, fortran, shape = members["descr"], members["fortran_order"], members["shape"]
    except (ValueError, SyntaxError, KeyError, TypeError, RecursionError, MemoryError):
        raise BadRequest(
            Text(
                f"{role}: the .npy header is not the dictionary that numpy.save writes.",
                f"{in_chinese(role)}:.npy 文件头不是 numpy.save 所写的字典。",
            ),
            role=role,
        ) from None
    if len(members) != MEMBERS:
        raise BadRequest(
            Text(
                f"{role}: the .npy header has more than descr, fortran_order and shape.",
                f"{in_chinese(role)}:.npy 文件头除 descr、fortran_order 和 shape 外还有其他内容。",
            ),
            role=role,
        )
    if isinstance(descr, list):
        raise BadRequest(
            Text(
                f"{role} is a structured array. Send one field of it: array[array.dtype.names[0]].",
                f"{in_chinese(role)} 是结构化数组。请发送其中一个字段:array[array.dtype.names[0]]。",
            ),
            role=role,
        )
    order = descr[:1] if isinstance(descr, str) and descr[:1] in ORDERS else ""
    kind = descr[len(order) :] if isinstance(descr, str) else ""
    if kind[:1] == "O":
        raise UnsupportedFormat(
            Text(
                f"{role} is an object array, which is a pickle and never opened. Save its numbers: "
                "numpy.save(file, array.astype(float)), or numpy.stack(array) where each entry is an array.",
                f"{in_chinese(role)} 是对象数组,即 pickle,从不打开。请保存其中的数:numpy.save(file,"
                " array.astype(float)),若每个元素都是数组则用 numpy.stack(array)。",
            ),
            [".npy"],
        )
    if kind not in NAMES:
        raise BadRequest(
            Text(
                f"{role}: this dtype is not read; convert with astype to one of {', '.join(DTYPES)}.",
                f"{in_chinese(role)}:不支持这种 dtype;请用 astype 转换为 {', '.join(DTYPES)} 之一。",
            ),
            role=role,
        )
    kind = NAMES[kind]
    if not _plain(shape) or not isinstance(fortran, bool):
        raise BadRequest(
            Text(
                f"{role}: the shape must be at most {MOST_AXES} whole numbers of at least 0.",
                f"{in_chinese(role)}:形状最多为 {MOST_AXES} 个不小于 0 的整数。",
            ),
            role=role,
        )
    dtype, numbers, wider = np.dtype(order + kind), math.prod(shape), WIDER.get(kind)
    computed = np.dtype(wider) if wider else None if dtype.isnative else dtype.newbyteorder("=")
    return Header(dtype, shape, fortran, numbers, numbers * dtype.itemsize, computed)


def _plain(shape: object) -> bool:
    """Return whether a shape is a tuple of valid lengths within the limits."""
    return (
        isinstance(shape, tuple)
        and len(shape) <= MOST_AXES
        and all(type(length) is int and length >= 0 for length in shape)
        and math.prod(max(1, length) for length in shape) < 1 << 48  # though one of them be 0; numpy overflows
    )
