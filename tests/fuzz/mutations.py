"""How bytes are broken, and then mended: what is broken inside a body should not hide behind a wrong length."""

import io
import json
import re
import struct
import zipfile
from collections.abc import Callable, Sequence
from random import Random

NUMBERS = (
    *("0", "1", "-1", "2", "7", "8", "9", "255", "256", "65535", "65536", "2147483648", "4294967295", "4294967296"),
    *("140737488355328", "281474976710655", "281474976710656", "9223372036854775807", "9223372036854775808"),
    *("18446744073709551616", "1e308", "1e400", "-0.0", "0.5", "True", "1" * 50, "1" * 5000),
)
WORDS = (
    *(b"'<f8'", b"'>f2'", b"'|b1'", b"'|u1'", b"'=i4'", b"'|O'", b"'<u4'", b"'>u2'", b"'<U0'", b"'<<f8'", b"'f8'"),
    *(b'"F32"', b'"BF16"', b'"F8_E4M3"', b'"U32"', b'"BOOL"', b'"I64"', b'"F64"', b'"shape"', b'"__metadata__"'),
    *(b"[]", b"()", b"{}", b"[0]", b"(0,)", b"null", b"None", b"True", b"false", b"\0", b"\xff\xff\xff\xff", b"NaN"),
)
_NUMBER = re.compile(rb"-?\d+")
_QUOTED = re.compile(rb"'[^']*'|\"[^\"]*\"")
Mend = Callable[[bytes, Random], bytes]


def mutated(data: bytes, random: Random, words: Sequence[bytes] = (), mend: Mend | None = None) -> bytes:
    """Return bytes broken in a few places, and mended three times of four."""
    for _ in range(random.choice((1, 1, 1, 2, 3, 5))):
        data = random.choice(_STEPS)(data, random, words)
    return mend(data, random) if mend and random.random() < 0.75 else data  # so that lies are sent too


def _replaced(pattern: re.Pattern[bytes], data: bytes, random: Random, by: bytes) -> bytes:
    matches = list(pattern.finditer(data))
    if not matches:
        return data
    place = random.choice(matches)
    return data[: place.start()] + by + data[place.end() :]


def _other_number(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    return _replaced(_NUMBER, data, random, random.choice(NUMBERS).encode())


def _other_text(data: bytes, random: Random, words: Sequence[bytes]) -> bytes:
    return _replaced(_QUOTED, data, random, random.choice((*WORDS, *words)))


def _another_of_its_own(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    words = [*_QUOTED.findall(data), *_NUMBER.findall(data)] or [b""]
    return _replaced(random.choice((_QUOTED, _NUMBER)), data, random, random.choice(words))


def _word(data: bytes, random: Random, words: Sequence[bytes]) -> bytes:
    place = random.randrange(len(data) + 1)
    return data[:place] + random.choice((*WORDS, *words)) + data[place:]


def _byte(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    if not data:
        return b"{"
    place = random.randrange(len(data))
    return data[:place] + bytes([random.choice((0, 1, 127, 128, 255, random.randrange(256)))]) + data[place + 1 :]


def _cut(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    start, end = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
    return data[:start] + data[end:] if random.random() < 0.5 else data[:end]


def _again(data: bytes, random: Random, _: Sequence[bytes]) -> bytes:
    start, end = sorted((random.randrange(len(data) + 1), random.randrange(len(data) + 1)))
    return data[:end] + data[start:end] + data[end:]


_STEPS = (_other_number, _other_number, _other_text, _another_of_its_own, _word, _byte, _byte, _cut, _again)


def as_they_are(data: bytes, _: Random) -> bytes:
    """Return the bytes."""
    return data


def _npy(data: bytes, random: Random) -> bytes:
    """The header's length, and as many bytes of numbers as it declares, where that can be known."""
    start = data.find(b"{")
    end = data.rfind(b"}") + 1
    if start < 0 or end <= start:
        return data
    text = data[start:end] + b"\n"
    rest = data[end:].lstrip(b" \n") if random.random() < 0.5 else data[end + 1 :]
    version = random.choice((1, 1, 2, 3))
    width = "<H" if version == 1 else "<I"
    if len(text) > 65535:  # what version 1 can say
        return data
    size = 1
    shape = re.search(rb"'shape': *\(([\d, ]*)\)", text)
    for length in _NUMBER.findall(shape.group(1))[:9] if shape else ():
        size *= int(length) if len(length) < 6 else 0  # no body is that long
    item = re.search(rb"'descr': *'[<>|=]*[a-z](\d)'", text)
    wanted = min(size * (int(item.group(1)) if item else 1), 1 << 12)
    rest = (rest + bytes(wanted))[:wanted]
    return b"\x93NUMPY" + bytes([version, 0]) + struct.pack(width, len(text)) + text + rest


def _npz(data: bytes, random: Random) -> bytes:
    """A member mutated, and packed again with its checksum."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = {member.filename: archive.read(member) for member in archive.infolist()[:4]}
    except Exception:  # noqa: BLE001 - zipfile raises many things, and what is no zip is not mended
        return data
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", random.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED))) as archive:
        for name, member in members.items():
            broken = mutated(member, random, (), _npy) if random.random() < 0.5 else member
            archive.writestr(name or "x.npy", broken)
    return buffer.getvalue()


def _safetensors(data: bytes, random: Random) -> bytes:
    """The header's length, the offsets of some, and as many bytes of numbers as they end at."""
    end = data.rfind(b"}") + 1
    if end <= 8:  # where the header begins
        return data
    text = data[8:end]
    wanted = len(data) - end
    try:
        said = json.loads(text)
        wanted = max((entry["data_offsets"][1] for entry in said.values() if "data_offsets" in entry), default=0)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError, RecursionError):
        pass
    wanted = min(wanted, 1 << 12) if isinstance(wanted, int) and wanted >= 0 else 0
    text += b" " * random.choice((0, -len(text) % 8))
    return struct.pack("<Q", len(text)) + text + (data[end:] + bytes(wanted))[:wanted]


def _oip(data: bytes, random: Random) -> bytes:
    """The length in the head, and as many bytes behind the JSON as its inputs announce."""
    end = data.rfind(b"}") + 1
    text = data.partition(b"\n")[2][: end - data.find(b"\n") - 1]
    wanted = sum(int(size) for size in re.findall(rb'"binary_data_size": (\d{1,3})\b', text))
    behind = (data[end:] + bytes([random.choice((0, 1, 255))]) * wanted)[:wanted]
    return str(len(text)).encode() + b"\n" + text + behind


MENDERS: dict[str, Mend] = {".npy": _npy, ".npz": _npz, ".safetensors": _safetensors, "oip": _oip}
