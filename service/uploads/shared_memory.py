"""Shared memory: clients register regions of files that contain inputs and receive outputs.

Files are read and written, not mapped. A client may shorten its file at any time, and touching a mapped page beyond the
end, or one that the file system has no space for, would kill the process (SIGBUS). The copy also stays unchanged while
it is checked and computed with. A file is opened anew for every use, so that no deleted file is kept, and none closed
while it is read.

Source: Triton's system shared memory extension of the Open Inference Protocol.
"""

import os
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from losses.text import Text
from service.problems import BadRegion, RegionExists, TooLarge, UnknownRegion
from service.scheduling import beside_the_loop
from service.settings import Settings
from service.uploads.bodies.body import Body
from service.uploads.bodies.buffers import PAGES
from service.uploads.inference_protocol import Length

MOST_REGIONS = 256  # listed in under 128 KiB
OFF = Text(
    "Shared memory is not served here: LOSSARY_SHARED_MEMORY names its directory when the service "
    "starts. Send the numbers as data, or behind the JSON with binary_data_size.",
    "此处不提供共享内存:服务启动时由 LOSSARY_SHARED_MEMORY 指明其目录。请以 data 发送数值,"
    "或用 binary_data_size 放在 JSON 之后。",
)
# No link is followed, no pipe waited for, no terminal taken.
CAREFULLY = os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC
RegionName = Annotated[str, Field(max_length=100, pattern=r"^[A-Za-z0-9_.:-]+$")]


class Extent(BaseModel):
    """The part of a file that a region covers."""

    model_config = ConfigDict(extra="forbid", strict=True)

    key: Annotated[
        str,
        Field(
            max_length=200,
            pattern=r"^/?[A-Za-z0-9_][A-Za-z0-9_.-]*$",
            description="The name of a file of the directory, as shm_open takes it.",
        ),
    ]
    offset: Length = 0
    byte_size: Annotated[Length, Field(ge=1)]


class Region(BaseModel):
    """A registered part of a file."""

    name: str
    key: str
    offset: int
    byte_size: int


class Place(BaseModel):
    """The position of a tensor in shared memory, in the parameters of an input or an output."""

    model_config = ConfigDict(extra="ignore", strict=True)

    shared_memory_region: RegionName
    shared_memory_byte_size: Length
    shared_memory_offset: Length = 0


@dataclass(frozen=True)
class Span:
    """The bytes of a file that one tensor occupies."""

    place: Place
    file: Path
    start: int

    @property
    def size(self) -> int:
        """The size in bytes."""
        return self.place.shared_memory_byte_size

    def parameters(self, size: int) -> dict[str, int | str]:
        """Return the parameters of an output of which `size` bytes were written."""
        return {**self.place.model_dump(), "shared_memory_byte_size": size}


class Regions:
    """The regions of one process, shared by all of its clients."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._kept: dict[str, Region] = {}

    def register(self, name: str, extent: Extent) -> None:
        """Register a region.

        Raises: RegionExists, BadRegion where there are too many, or the file does not have it.
        """
        if name in self._kept:
            raise RegionExists
        if len(self._kept) >= MOST_REGIONS:
            many = Text(
                f"{MOST_REGIONS} regions are registered; unregister one first.",
                f"已登记 {MOST_REGIONS} 个区域;请先注销一个。",
            )
            raise BadRegion(many, limit=MOST_REGIONS)
        with _opened(self._file(extent.key), os.O_RDONLY, extent.offset + extent.byte_size):
            self._kept[name] = Region(name=name, **extent.model_dump())

    def unregister(self, name: str) -> None:
        """Remove a region; one that does not exist is not an error, as in Triton."""
        self._kept.pop(name, None)

    def unregister_all(self) -> None:
        """Remove all regions."""
        self._kept.clear()

    def listed(self) -> list[Region]:
        """Return all regions."""
        return list(self._kept.values())

    def named(self, name: str) -> Region:
        """Return a region by name.

        Raises: UnknownRegion.
        """
        if name not in self._kept:
            raise UnknownRegion
        return self._kept[name]

    def span(self, place: Place) -> Span:
        """Return the file and the byte range of a tensor.

        Raises: UnknownRegion, BadRegion where they are not all within the region.
        """
        region = self.named(place.shared_memory_region)
        end = place.shared_memory_offset + place.shared_memory_byte_size
        if end > region.byte_size:
            raise BadRegion(
                Text(
                    f"The region has {region.byte_size} bytes; shared_memory_offset and shared_memory_byte_size "
                    f"reach to {end}.",
                    f"区域有 {region.byte_size} 字节;shared_memory_offset 和 shared_memory_byte_size 延伸到 {end}。",
                ),
                expected=region.byte_size,
                got=end,
            )
        return Span(place, self._file(region.key), region.offset + place.shared_memory_offset)

    def _file(self, key: str) -> Path:
        """Return the path of the file with this key."""
        return self._directory / key.removeprefix("/")  # one name: a key has no other slash, and begins with no dot


@contextmanager
def _opened(path: Path, access: int, end: int) -> Iterator[int]:
    """Open a regular file of at least `end` bytes that has no other hard link.

    Raises: BadRegion, also in place of any OSError inside.
    """
    try:
        file = os.open(path, access | CAREFULLY)
        try:
            status = os.fstat(file)
            if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1:
                raise _unusable()
            if status.st_size < end:
                raise _short(end, status.st_size)
            yield file
        finally:
            os.close(file)
    except OSError:
        raise _unusable() from None


def _unusable() -> BadRegion:
    """Return the refusal of a file that cannot be used."""
    return BadRegion(
        Text(
            "In the directory of LOSSARY_SHARED_MEMORY is no regular file of this key that can be used so.",
            "LOSSARY_SHARED_MEMORY 目录中没有可如此使用的、该键对应的普通文件。",
        )
    )


def _short(expected: int, got: int) -> BadRegion:
    """Return the refusal of a file that is shorter than its region."""
    text = Text(
        f"The file has {got} bytes, and the region reaches to {expected}.",
        f"文件有 {got} 字节,而区域延伸到 {expected}。",
    )
    return BadRegion(text, expected=expected, got=got)


async def read_spans(spans: Mapping[int, Span], limit: int, body: Body) -> dict[int, memoryview]:
    """Return the content of spans, in pooled memory that was reserved with the body.

    Raises: TooLarge, TemporaryReducedCapacity, BadRegion.
    """
    total = sum(span.size for span in spans.values())
    if total > limit:
        way_out = Text(
            "Send less in one request, or raise LOSSARY_MAX_BODY_BYTES.",
            "请减少每个请求的数据量,或调高 LOSSARY_MAX_BODY_BYTES。",
        )
        subject = Text("What lies in shared memory, in bytes,", "共享内存中的数据(字节)")
        raise TooLarge(subject, limit, "max_body_bytes", way_out)
    body.reserve(total)
    copies = {key: _memory(span.size, body) for key, span in spans.items()}

    def fill() -> None:
        """Read every span; runs in a thread."""
        for key, span in spans.items():
            _read(span, copies[key])

    await beside_the_loop(fill, total)
    return copies


async def write(filled: Iterable[tuple[Span, bytes]]) -> None:
    """Write every output where it belongs.

    Raises: BadRegion.
    """
    outputs = [*filled]

    def fill() -> None:
        """Write every output; runs in a thread."""
        for span, data in outputs:
            _write(span, data)

    await beside_the_loop(fill, sum(len(data) for _, data in outputs))


def _memory(size: int, body: Body) -> memoryview:
    """Return memory for a copy, pooled where it is large."""
    return memoryview(bytearray(size)) if size < PAGES else body.lend(size)


def _read(span: Span, view: memoryview) -> None:
    """Fill a view with the bytes of a span.

    Raises: BadRegion.
    """
    with _opened(span.file, os.O_RDONLY, span.start + span.size) as file:
        done = 0
        while done < span.size:
            came = os.preadv(file, [view[done:]], span.start + done)
            if not came:  # shortened since it was opened
                raise _short(span.start + span.size, span.start + done)
            done += came


def _write(span: Span, data: bytes) -> None:
    """Write data to a span.

    Raises: BadRegion.
    """
    # A file that its owner shortens between the look at its size and the writing is as long again, and no longer.
    with _opened(span.file, os.O_WRONLY, span.start + span.size) as file:
        done = 0
        while done < len(data):
            done += os.pwrite(file, memoryview(data)[done:], span.start + done)


def regions_of(settings: Settings) -> Regions | None:
    """Return the registry of regions; None where shared memory is off.

    Raises: ValueError, in one line, where the directory does not exist, or with several workers, since a region would
    be known only to the worker that registered it.
    """
    if settings.shared_memory is None:
        return None
    if settings.workers > 1:
        raise ValueError("LOSSARY_SHARED_MEMORY: regions are known to one worker alone; set LOSSARY_WORKERS=1.")
    if not settings.shared_memory.is_dir():
        raise ValueError("LOSSARY_SHARED_MEMORY: there is no such directory.")
    return Regions(settings.shared_memory)
