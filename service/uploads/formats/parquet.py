"""Parquet: reads the wanted columns; their size is checked in the footer before they are decoded.

Source: https://parquet.apache.org/docs/file-format/.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from losses.text import Text
from service.problems import BadRequest
from service.uploads.formats.registry import Buffer, DecodingLimit, TableFormat, magic
from service.uploads.names import in_chinese
from service.uploads.tables.decoder import DECODER, MemoryFile
from service.uploads.tables.table import Table, readable, refuse_wide, reserve

if TYPE_CHECKING:
    import pyarrow as pa

MAGIC, ENCRYPTED = b"PAR1", b"PARE"
WAY_OUT = Text(
    "pyarrow.parquet.write_table and pandas' to_parquet write one.",
    "pyarrow.parquet.write_table 和 pandas 的 to_parquet 会写出。",
)


@dataclass(frozen=True)
class _Parquet:
    """One file whose footer has been read."""

    name: str
    file: MemoryFile
    limit: DecodingLimit
    names: list[str]
    sizes: dict[str, int]
    named = True

    @property
    def assumed(self) -> dict[str, str]:
        """Always empty: nothing is assumed."""
        return {}

    def read(self, names: Sequence[str]) -> "pa.Table":
        """Return these columns.

        Raises: BadRequest, TooLarge, TemporaryReducedCapacity.
        """
        reserve(self.name, sum(self.sizes.get(name, 0) for name in names), self.limit)
        with readable(self.name, "Parquet", WAY_OUT):
            return DECODER.read("parquet", self.file, names, self.limit.max_bytes)


def _open(name: str, data: Buffer, limit: DecodingLimit) -> Table:
    """Return the table of a file.

    Raises: BadRequest.
    """
    if bytes(data[-4:]) == ENCRYPTED:
        raise BadRequest(
            Text(
                f"{name} is encrypted Parquet; write it without encryption.",
                f"{in_chinese(name)} 是加密的 Parquet;请不加密写出。",
            )
        )
    file = MemoryFile(data)
    with readable(name, "Parquet", WAY_OUT):
        names, sizes = DECODER.columns("parquet", file, limit.max_bytes)
    refuse_wide(name, len(names))
    return _Parquet(name, file, limit, names, sizes)


FORMAT = TableFormat(suffix=".parquet", media="application/vnd.apache.parquet", matches=magic(MAGIC), open=_open)
