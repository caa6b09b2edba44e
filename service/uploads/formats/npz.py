"""The .npz format: a zip of .npy files, each named for its role. The directory is judged before anything is unpacked.

Source: APPNOTE.TXT 6.3.10; numpy.savez writes stored, numpy.savez_compressed deflated members.
"""

import io
import struct
import zipfile
import zlib
from collections.abc import Mapping

from torch import Tensor

from service.problems import BadRequest, TooLarge
from service.uploads.formats import npy
from service.uploads.formats.registry import ArrayFormat, Arrays, Buffer, DecodingLimit, magic

MOST_MEMBERS = 64
ENCRYPTED = 1  # bit of a member's flags
BEGINNINGS = (b"PK\x03\x04", b"PK\x05\x06")  # of an archive, and of an empty one
DEFLATE = 1032  # to 1, at most: 258 bytes in two bits
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def _decode(name: str, data: Buffer, limit: DecodingLimit) -> Arrays:
    if not FORMAT.matches(data, "", ""):  # zipfile would look for an archive further back
        raise BadRequest(f"{name}: the .npz file is damaged; numpy.savez writes one.")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            _judge(name, members, limit)
            for member in members:
                role = member.filename.removesuffix(".npy")
                yield role, npy.decode(role, bytearray(archive.read(member)))
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, struct.error, NotImplementedError):
        raise BadRequest(f"{name}: the .npz file is damaged; numpy.savez writes one.") from None


def _judge(name: str, members: list[zipfile.ZipInfo], limit: DecodingLimit) -> None:
    """Refuse by what the directory says, before anything is unpacked."""
    if len(members) > MOST_MEMBERS:
        raise BadRequest(f"{name}: the .npz file has {len(members)} members; at most {MOST_MEMBERS} are read.")
    for member in members:
        stem = member.filename.removesuffix(".npy")
        if not stem.isidentifier() or stem == member.filename:
            raise BadRequest(f"{name}: a member of the .npz file is not named like predictions.npy.")
        if member.flag_bits & ENCRYPTED or member.compress_type not in METHODS:
            raise BadRequest(f"{name}: {stem} is encrypted or compressed by a method that numpy does not write.")
    if len({member.filename for member in members}) < len(members):
        raise BadRequest(f"{name}: two members of the .npz file have the same name.")
    unpacked = sum(member.file_size for member in members)
    if unpacked > limit.max_bytes:
        raise TooLarge(f"{name}, unpacked,", limit.max_bytes, "max_decoded_bytes", "Send less in one request.")
    limit.reserve(max(0, unpacked - sum(member.compress_size for member in members)))


def _encode(arrays: Mapping[str, Tensor], answer: bytes) -> bytes:
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
