"""Files of arrays: .npy, .npz, .safetensors, and what is never opened."""

import zipfile

import numpy as np

from tests.service.faults.fault import (
    NPZ,
    PICKLE,
    SAFETENSORS,
    as_file,
    npy,
    npy_like,
    npz,
    safetensors,
)

ONE = npy([1.0])
ZEROS = npy(np.zeros(1 << 24))
BOMB = npz({"predictions": ZEROS, "targets": ZEROS}, zipfile.ZIP_DEFLATED)  # 256 MiB in 260 KB


def entry(begin: int = 0, end: int = 8, shape: tuple[int, ...] = (2,), dtype: str = "F32") -> dict[str, object]:
    """Return what a .safetensors header says of one tensor."""
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


FAULTS = (
    as_file("D01", "an object array", npy_like("'|O'", numbers=PICKLE), 415, says="never opened"),
    as_file("D02", "a pickle", PICKLE, 415, says="never opened"),
    as_file("D02", "a .pt file", npz({"data": PICKLE}), 415),
    as_file("D02", "a TorchScript module", npz({"code/__torch__": PICKLE, "constants": PICKLE}), 415),
    as_file("D02", "a joblib dump", b"\x80\x05\x95" + PICKLE, 415),
    as_file("D03", "a 30 MB header", npy_like(version=2, padding=30_000_000), 422, says="header"),
    as_file(
        "D04", "a header of 4 GiB in 200 bytes", b"\x93NUMPY\x02\x00\xff\xff\xff\xff" + b" " * 190, 422, says="header"
    ),
    as_file("D05", "10^12 numbers in 200 bytes", npy_like(shape="(1000000000000,)"), 422, says="declares"),
    as_file("D05", "2^31 numbers in 200 bytes", npy_like(shape=f"({2**31},)"), 422, says="declares"),
    as_file("D06", "2^62 times 4", npy_like(shape=f"({2**62}, 4)"), 422),
    as_file("D07", "a negative length", npy_like(shape="(-1,)"), 422),
    as_file("D08", "true for a length", npy_like(shape="(True,)"), 422),
    as_file("D09", "65 axes", npy_like(shape=str((1,) * 65)), 422),
    as_file("D10", "no items, 10^18 wide", npy_like(shape=f"(0, {10**18})", numbers=b"") * 2, 422),
    as_file("D11", "text", npy_like("'<U0'", "(1000000000000,)"), 422, says="dtype"),
    as_file("D12", "complex numbers", npy(np.array([1j])) + ONE, 422, says="dtype"),
    as_file("D12", "dates", npy(np.array(["2026-01-01"], "M8[D]")) + ONE, 422, says="dtype"),
    as_file("D12", "a structure", npy_like("[('a', '<f8')]"), 422, says="dtype"),
    as_file("D13", "3,000 nested parentheses", b"\x93NUMPY\x01\x00\xb8\x0b" + b"(" * 3000, 422),
    as_file("D14", "one number short", npy_like(shape="(2,)"), 422, says="declares"),
    as_file("D18", "a bomb", BOMB, 413, media=NPZ, kind="too-large"),
    as_file("D21", "members of other names", npz({"x": ONE, "y": ONE}), 422, media=NPZ),
    as_file("D22", "a member that climbs", npz({"../x": ONE}), 422, media=NPZ, says="named"),
    as_file("D22", "LZMA", npz({"predictions": ONE}, zipfile.ZIP_LZMA), 422, media=NPZ),
    as_file("D22", "cut short", npz({"predictions": ONE, "targets": ONE})[:-30], 422, media=NPZ, says="damaged"),
    as_file("D23", "version 9", b"\x93NUMPY\x09\x09" + b"\0" * 64, 422, says="version"),
    as_file("E01", "a header of 2^63", safetensors(b"{}", length=2**63), 422, media=SAFETENSORS, says="header"),
    as_file("E02", "a 30 MB header of spaces", safetensors(b"{" + b" " * 30_000_000 + b"}"), 422, media=SAFETENSORS),
    as_file(
        "E03",
        "tensors that overlap",
        safetensors({"predictions": entry(), "targets": entry()}, b"\0" * 8),
        422,
        media=SAFETENSORS,
    ),
    as_file("E03", "a hole", safetensors({"predictions": entry(8, 16)}, b"\0" * 16), 422, media=SAFETENSORS),
    as_file("E03", "bytes that follow", safetensors({"predictions": entry()}, b"\0" * 9), 422, media=SAFETENSORS),
    as_file(
        "E04", "2^32 times 2^32", safetensors({"a": entry(shape=(2**32, 2**32))}, b"\0" * 8), 422, media=SAFETENSORS
    ),
    as_file(
        "E06",
        "an input that is missing",
        safetensors({"predictions": entry()}, b"\0" * 8),
        422,
        media=SAFETENSORS,
        says="targets",
    ),
    as_file("G03", "nothing", b"", 422),
    as_file("G03", "seven bytes", b"\0" * 7, 415, instead="numbers without a header are a format that is not read"),
)
