"""The interface of table formats: column names, and the values of the requested columns."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from losses.text import Text, both
from service.problems import BadRequest, TooLarge
from service.uploads.names import in_chinese

if TYPE_CHECKING:
    import pyarrow as pa

    from service.uploads.formats.registry import Buffer, DecodingLimit

MOST_COLUMNS = 10_000
PIECE = 1 << 20  # bytes that are counted at once


class Table(Protocol):
    """One opened table, of which only the header has been read."""

    @property
    def names(self) -> list[str]:
        """The columns in the order of the file; "1", "2", ... where the file does not name them."""

    @property
    def named(self) -> bool:
        """Whether the file names its columns."""

    @property
    def assumed(self) -> dict[str, str]:
        """What was assumed in order to read the file, such as the decimal separator."""

    def read(self, names: Sequence[str]) -> "pa.Table":
        """Return these columns.

        Raises: BadRequest, TooLarge, TemporaryReducedCapacity.
        """


@dataclass(frozen=True)
class InMemory:
    """A table whose columns are in memory."""

    table: "pa.Table"
    named = True

    @property
    def names(self) -> list[str]:
        """The columns, in order."""
        return list(self.table.column_names)

    @property
    def assumed(self) -> dict[str, str]:
        """Always empty: nothing is assumed."""
        return {}

    def read(self, names: Sequence[str]) -> "pa.Table":
        """Return these columns."""
        return self.table.select(list(names))


def arrow() -> Any:  # noqa: ANN401 - pyarrow ships no types
    """Return pyarrow, imported on first use since it takes 0.2 s and 40 MB."""
    import pyarrow as pa  # noqa: PLC0415 - see above
    import pyarrow.compute  # noqa: PLC0415 - as above
    import pyarrow.ipc  # noqa: PLC0415 - as above

    return pa


@contextmanager
def readable(name: str, subject: str | Text, way_out: Text) -> Iterator[None]:
    """Turn pyarrow's errors on a damaged file into a refusal; `name` is that of the file, `subject` its format.

    Raises: BadRequest.
    """
    kind = both(subject)
    try:
        yield
    except (arrow().ArrowException, OSError, ValueError, MemoryError, EOFError, UnicodeDecodeError):
        raise BadRequest(
            Text(
                f"{name} cannot be read as {kind.en}: it is damaged, or cut short. {way_out.en}",
                f"{in_chinese(name)} 无法作为 {kind.zh} 读取:已损坏或不完整。{way_out.zh}",
            )
        ) from None


def count_of(text: "Buffer", byte: int) -> int:
    """Return how often a byte occurs in a text, without copying it."""
    numbers = np.frombuffer(text, np.uint8)
    return sum(int(np.count_nonzero(numbers[at : at + PIECE] == byte)) for at in range(0, len(numbers), PIECE))


def reserve(name: str, size: int, limit: "DecodingLimit", reserved: int = 0) -> None:
    """Reserve memory for the decoded columns and one copy of them, beyond the `reserved` bytes.

    Raises: TooLarge where they exceed the limit, TemporaryReducedCapacity.
    """
    if size > limit.max_bytes:
        subject = Text(f"{name}, decoded,", f"{in_chinese(name)} 解码后的大小")
        raise TooLarge(
            subject, limit.max_bytes, "max_decoded_bytes", Text("Send fewer rows or columns.", "请减少行或列。")
        )
    limit.reserve(2 * (size - reserved))


def refuse_wide(name: str, columns: int) -> None:
    """Refuse a table with more columns than the limit.

    Raises: BadRequest.
    """
    if columns > MOST_COLUMNS:
        raise BadRequest(
            Text(
                f"{name} has {columns} columns; at most {MOST_COLUMNS} are read.",
                f"{in_chinese(name)} 有 {columns} 列;最多读取 {MOST_COLUMNS} 列。",
            ),
            limit=MOST_COLUMNS,
        )
