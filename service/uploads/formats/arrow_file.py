"""The Arrow IPC file format (Feather version 2), uncompressed or with lz4 or zstd.

Source: https://arrow.apache.org/docs/format/Columnar.html#ipc-file-format.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from losses.text import Text
from service.problems import UnsupportedFormat
from service.uploads.arrow.body_sizes import unpacked_bytes
from service.uploads.formats.registry import Buffer, DecodingLimit, TableFormat, magic
from service.uploads.names import in_chinese
from service.uploads.tables.decoder import DECODER, MemoryFile
from service.uploads.tables.table import Table, readable, refuse_wide, reserve

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC, FEATHER_1 = b"ARROW1", b"FEA1"
MEDIA = "application/vnd.apache.arrow.file"
WAY_OUT = Text(
    "pyarrow.feather.write_feather and polars' write_ipc write one.",
    "pyarrow.feather.write_feather 和 polars 的 write_ipc 会写出。",
)


@dataclass(frozen=True)
class _ArrowFile:
    """One file whose footer has been read."""

    name: str
    data: Buffer
    file: MemoryFile
    limit: DecodingLimit
    names: list[str]
    named = True

    @property
    def assumed(self) -> dict[str, str]:
        """Always empty: nothing is assumed."""
        return {}

    def read(self, names: Sequence[str]) -> "pa.Table":
        """Return these columns.

        Raises: BadRequest, TooLarge, TemporaryReducedCapacity.
        """
        with readable(self.name, Text("an Arrow file", "Arrow 文件"), WAY_OUT):
            size = unpacked_bytes(memoryview(self.data)) + len(self.data)
        reserve(self.name, size, self.limit)
        with readable(self.name, Text("an Arrow file", "Arrow 文件"), WAY_OUT):
            return DECODER.read("feather", self.file, names, self.limit.max_bytes)


def _open(name: str, data: Buffer, limit: DecodingLimit) -> Table:
    """Return the table of a file.

    Raises: BadRequest, UnsupportedFormat.
    """
    if bytes(data[:4]) == FEATHER_1:
        raise UnsupportedFormat(
            Text(
                f"{name} is of Feather's first version; write it anew: {WAY_OUT.en}",
                f"{in_chinese(name)} 是 Feather 的第一版;请重新写出:{WAY_OUT.zh}",
            ),
            [MEDIA],
        )
    file = MemoryFile(data)
    with readable(name, Text("an Arrow file", "Arrow 文件"), WAY_OUT):
        names, _ = DECODER.columns("feather", file, limit.max_bytes)
    refuse_wide(name, len(names))
    return _ArrowFile(name, data, file, limit, names)


FORMAT = TableFormat(suffix=".feather", media=MEDIA, matches=magic(MAGIC, FEATHER_1), open=_open)
