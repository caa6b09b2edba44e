"""The .npz format: a zip archive of .npy files named by role. Its directory is checked before decompression.

Source: APPNOTE.TXT 6.3.10; numpy.savez writes stored, numpy.savez_compressed deflated members.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from torch import Tensor

from losses.errors import pointer, shown
from losses.text import Text
from service.problems import BadRequest, TooLarge, UnsupportedFormat
from service.uploads.formats import npy
from service.uploads.formats.foreign import of_archive
from service.uploads.formats.registry import ArrayFormat, Arrays, Buffer, DecodingLimit, magic
from service.uploads.names import in_chinese

MOST_MEMBERS = 64
ENCRYPTED = 1  # bit of a member's flags
BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")  # of an archive, and of an empty one
DEFLATE = 1032  # to 1, at most: 258 bytes in two bits
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _decode(name: str, data: Buffer, limit: DecodingLimit) -> Arrays:
    """Yield the arrays of the archive, after checking its directory."""
    if not FORMAT.matches(data, "", ""):  # zipfile would look for an archive further back
        raise BadRequest(
            Text(
                f"{name}: the .npz file is damaged; numpy.savez writes one.",
                f"{in_chinese(name)}:.npz 文件已损坏;numpy.savez 会写出完好的文件。",
            )
        )
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _judge(name, members, limit)
            for member in members:
                role = member.filename.removesuffix(".npy")
                yield role, npy.decode(shown(role), bytearray(archive.read(member)))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error, NotImplementedError):
        raise BadRequest(
            Text(
                f"{name}: the .npz file is damaged; numpy.savez writes one.",
                f"{in_chinese(name)}:.npz 文件已损坏;numpy.savez 会写出完好的文件。",
            )
        ) from None


def _judge(name: str, members: list[zipfile.ZipInfo], limit: DecodingLimit) -> None:
    """Refuse an archive by what its directory states, before anything is decompressed."""
    files = [member.filename for member in members]
    kind = of_archive(files)
    if kind is not None:
        raise UnsupportedFormat(kind.said_of(name), [FORMAT.suffix])
    if len(members) > MOST_MEMBERS:
        raise BadRequest(
            Text(
                f"{name}: the .npz file has {len(members)} members; at most {MOST_MEMBERS} are read.",
                f"{in_chinese(name)}:.npz 文件有 {len(members)} 个成员;最多读取 {MOST_MEMBERS} 个。",
            )
        )
    for place, file in enumerate(files):
        if not file.endswith(".npy") or not file.removesuffix(".npy").isidentifier():
            message = Text(
                f"{name}: the member {pointer(file)} of the .npz file is not named like predictions.npy.",
                f"{in_chinese(name)}:.npz 文件的成员 {pointer(file)} 的名称不像 predictions.npy 那样。",
            )
            raise BadRequest(message, pointer=pointer(file))
        if file in files[:place]:
            message = Text(
                f"{name}: two members of the .npz file have the same name, {pointer(file)}.",
                f"{in_chinese(name)}:.npz 文件有两个同名成员 {pointer(file)}。",
            )
            raise BadRequest(message, pointer=pointer(file))
    limit.judge([file.removesuffix(".npy") for file in files])
    for member in members:
        if member.flag_bits & ENCRYPTED or member.compress_type not in METHODS:
            file = shown(member.filename)
            raise BadRequest(
                Text(
                    f"{name}: {file} is encrypted or compressed by a method that numpy does not write.",
                    f"{in_chinese(name)}:{file} 已加密,或使用了 numpy 不会写出的压缩方法。",
                )
            )
    unpacked = sum(member.file_size for member in members)
    if unpacked > limit.max_bytes:
        subject = Text(f"{name}, unpacked,", f"{in_chinese(name)} 解包后的大小")
        raise TooLarge(
            subject, limit.max_bytes, "max_decoded_bytes", Text("Send less in one request.", "请减少每个请求的数据量。")
        )
    limit.reserve(max(0, unpacked - sum(member.compress_size for member in members)))


def _encode(arrays: Mapping[str, Tensor], answer: bytes) -> bytes:
    """Return arrays as an .npz archive, with the rest of the answer as answer.json."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("answer.json", answer)
        for name, tensor in arrays.items():
            archive.writestr(f"{name}.npy", npy.encode(tensor))
    return buffer.getvalue()


FORMAT = ArrayFormat(
    suffix=".npz",
    media="application/x-npz",
    matches=magic(*BEGINNINGS),
    decode=_decode,
    encode=_encode,
    inflates=DEFLATE,
)
