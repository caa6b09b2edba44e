"""Reads Arrow IPC streams: a schema, then record batches; each column is an input, and axis 0 is the item.

Numbers are viewed in place. The reader is our own and checks every offset before following it: a hostile stream can
crash the process of a library that trusts it.

Source: https://arrow.apache.org/docs/format/Columnar.html, "Serialization and IPC"; format/Message.fbs.
"""

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal, NamedTuple

import numpy as np
import torch

from losses.errors import pointer
from losses.text import Text
from service.problems import BadRequest, UnsupportedFormat
from service.uploads.arrow.columns import BYTE, LONG, SHORT, ArrowColumn, column
from service.uploads.arrow.flatbuffer import FlatTable, Malformed
from service.uploads.formats.foreign import foreign
from service.uploads.formats.registry import Arrays
from service.uploads.names import in_chinese
from service.uploads.unsigned import signed

MEDIA = "application/vnd.apache.arrow.stream"
MARK = b"\xff\xff\xff\xff"  # before every message, since Arrow 0.15
PREFIX = 8  # bytes: the mark, and the length of the metadata
LONGEST_SCHEMA, LONGEST_METADATA = 1 << 20, 1 << 16
MOST_COLUMNS = 64
SCHEMA, DICTIONARY, BATCH = 1, 2, 3  # kinds of a message
V4 = 3  # of the metadata; came with Arrow 0.8
ANY: Literal["unsafe"] = "unsafe"  # of casts: uint64 becomes int64, looked through afterwards
PAIR = struct.Struct("<qq")  # a node: length, nulls; a buffer: offset, length


class Message(NamedTuple):
    """One message: its kind, end position, metadata table and body."""

    kind: int
    end: int
    table: FlatTable
    body: memoryview


class RecordBatch(NamedTuple):
    """One record batch: the number of items, and a view of the numbers of each column."""

    items: int
    numbers: list[memoryview]


@dataclass(frozen=True)
class Reader:
    """Reads the record batches of one schema."""

    name: str
    columns: list[ArrowColumn]

    @classmethod
    def of(cls, name: str, message: Message | int | None) -> "Reader":
        """Return the reader of a stream with this schema message.

        Raises: BadRequest.
        """
        if not isinstance(message, Message) or message.kind != SCHEMA:
            raise BadRequest(
                Text(
                    f"{name}: an Arrow stream begins with its schema; pyarrow.ipc.new_stream writes one.",
                    f"{in_chinese(name)}:Arrow 流应以 schema 开头;pyarrow.ipc.new_stream 会写出。",
                )
            )
        with _wellformed(name):
            if message.table.scalar(0, SHORT):
                raise BadRequest(
                    Text(
                        f"{name}: the numbers are big-endian. Write them on a little-endian machine.",
                        f"{in_chinese(name)}:数值是大端序。请在小端序的机器上写出。",
                    )
                )
            columns = [column(name, entry) for entry in message.table.tables(1, MOST_COLUMNS)]
        names = [entry.name for entry in columns]
        twice = next((entry for place, entry in enumerate(names) if entry in names[:place]), None)
        if twice is not None:
            raise BadRequest(
                Text(
                    f"{name}: two columns have the same name, {pointer(twice)}.",
                    f"{in_chinese(name)}:有两列同名 {pointer(twice)}。",
                ),
                pointer=pointer(twice),
            )
        return cls(name, columns)

    def batch(self, message: Message) -> RecordBatch:
        """Return a record batch, after checking the length of each of its buffers.

        Raises: BadRequest.
        """
        if message.kind != BATCH:
            raise BadRequest(
                Text(
                    f"{self.name}: after the schema of an Arrow stream only record batches are read.",
                    f"{in_chinese(self.name)}:Arrow 流的 schema 之后只读取记录批。",
                )
            )
        with _wellformed(self.name):
            return self._batch(message)

    def decoded(self, batches: list[RecordBatch]) -> int:
        """Return how many bytes the arrays of these batches take."""
        items = sum(batch.items for batch in batches)
        return sum(entry.decoded(items) for entry in self.columns)

    def arrays(self, batches: list[RecordBatch]) -> Arrays:
        """Yield every column; a single batch is viewed in place, without a copy."""
        for place, entry in enumerate(self.columns):
            parts = [_viewed(entry, batch.items, batch.numbers[place]) for batch in batches if batch.items]
            one = len(parts) == 1
            array = (
                parts[0] if one else np.concatenate([np.empty(0, entry.wide), *parts], dtype=entry.wide, casting=ANY)
            )
            if array.dtype != entry.wide or not (array.flags.aligned and array.flags.writeable):
                array = array.astype(entry.wide)
            numbers = torch.from_numpy(array)
            items = (signed(entry.name, numbers) if entry.dtype == "u8" else numbers).reshape(-1, *entry.shape)
            yield entry.name, items.permute(0, *(1 + axis for axis in entry.order))

    def _batch(self, message: Message) -> RecordBatch:
        """Return the record batch of a message, its buffers checked."""
        table = message.table
        if table.table(3):
            raise BadRequest(
                Text(
                    f"{self.name}: the buffers are compressed. Write them as they are: "
                    "pyarrow.ipc.IpcWriteOptions(compression=None).",
                    f"{in_chinese(self.name)}:缓冲区是压缩的。请原样写出:pyarrow.ipc.IpcWriteOptions(compression=None)。",
                )
            )
        items = table.scalar(0, LONG)
        levels = sum(1 + len(entry.lists) for entry in self.columns)
        nodes = iter(table.structs(1, PAIR, levels))
        buffers = iter(_buffers(table, levels + len(self.columns), message.body))
        if not 0 <= items < 1 << 48:
            raise Malformed
        try:
            numbers = [self._column(entry, items, nodes, buffers) for entry in self.columns]
        except StopIteration:
            raise Malformed from None
        if next(nodes, None) or next(buffers, None) is not None:
            raise Malformed
        return RecordBatch(items, numbers)

    def _column(
        self, entry: ArrowColumn, items: int, nodes: Iterator[tuple[int, ...]], buffers: Iterator[memoryview]
    ) -> memoryview:
        """Return the numbers of one column of a batch, as a view of its buffer."""
        length = items
        for inside in (*entry.lists, 1):
            valid, (said, _) = next(buffers), next(nodes)
            if said != length or 0 < len(valid) < -(-length // 8):
                raise Malformed
            self._refuse_nulls(entry, valid, length)
            length *= inside
        numbers = next(buffers)
        size = entry.encoded(items)
        if len(numbers) < size:
            raise BadRequest(
                Text(
                    f"{entry.called}: {items} items take {size} bytes; the batch has {len(numbers)}.",
                    f"{entry.called}:{items} 项需要 {size} 字节;该批有 {len(numbers)} 字节。",
                ),
                role=entry.called,
            )
        return numbers[:size]

    def _refuse_nulls(self, entry: ArrowColumn, valid: memoryview, length: int) -> None:
        """Refuse missing values by the validity bits; the stated count could be wrong."""
        if not len(valid):
            return
        bits = np.frombuffer(valid, np.uint8, -(-length // 8))
        nulls = length - int(np.bitwise_count(bits[: length // 8]).sum(dtype=np.int64))
        if length % 8:
            nulls -= (int(bits[-1]) & ((1 << length % 8) - 1)).bit_count()
        if nulls:
            raise BadRequest(
                Text(
                    f"{entry.called} has {nulls} nulls. Fill them with any number and send a bool column named "
                    "mask, false where an item does not count.",
                    f"{entry.called} 有 {nulls} 个空值。请用任意数填充,并发送名为 mask 的布尔列,不计入的项为 false。",
                ),
                role=entry.called,
                nulls=nulls,
            )


def message(name: str, view: memoryview) -> Message | int | None:
    """Return the message at a position, or how many more bytes are needed; None at the end-of-stream mark.

    Raises: BadRequest, UnsupportedFormat.
    """
    if len(view) < PREFIX:
        return PREFIX
    if view[:4] != MARK:
        raise _no_stream(name, view)
    length = int.from_bytes(view[4:PREFIX], "little")
    if not length:
        return None
    if length > LONGEST_SCHEMA:
        raise BadRequest(
            Text(
                f"{name}: the metadata of an Arrow message are longer than {LONGEST_SCHEMA} bytes.",
                f"{in_chinese(name)}:Arrow 消息的元数据超过 {LONGEST_SCHEMA} 字节。",
            )
        )
    if len(view) < PREFIX + length:
        return PREFIX + length
    with _wellformed(name):
        metadata = FlatTable.root(view[PREFIX : PREFIX + length])
        kind, body = metadata.scalar(1, BYTE), metadata.scalar(3, LONG)
        end = PREFIX + length + body
        table = metadata.table(2)
        if table is None or not 0 <= body < 1 << 48 or metadata.scalar(0, SHORT) < V4:
            raise Malformed
    if kind == DICTIONARY:
        raise BadRequest(
            Text(
                f"{name}: a column is dictionary-encoded. Decode it: column.dictionary_decode().",
                f"{in_chinese(name)}:有一列是字典编码的。请解码:column.dictionary_decode()。",
            )
        )
    if kind != SCHEMA and length > LONGEST_METADATA:
        raise BadRequest(
            Text(
                f"{name}: the metadata of a record batch are longer than {LONGEST_METADATA} bytes.",
                f"{in_chinese(name)}:记录批的元数据超过 {LONGEST_METADATA} 字节。",
            )
        )
    return Message(kind, end, table, view[PREFIX + length : end]) if len(view) >= end else end


@contextmanager
def _wellformed(name: str) -> Iterator[None]:
    """Refuse the stream where the block meets malformed metadata."""
    try:
        yield
    except Malformed:
        raise BadRequest(
            Text(
                f"{name}: the metadata of the Arrow stream are damaged, or older than Arrow 0.15.",
                f"{in_chinese(name)}:Arrow 流的元数据已损坏,或早于 Arrow 0.15。",
            )
        ) from None


def _no_stream(name: str, view: memoryview) -> UnsupportedFormat:
    """Return the refusal of data that is not an Arrow stream."""
    if known := foreign(view):
        message = known.said_of(name)
    else:
        message = Text(
            f"{name} is no Arrow stream, or one older than Arrow 0.15; pyarrow.ipc.new_stream writes one.",
            f"{in_chinese(name)} 不是 Arrow 流,或早于 Arrow 0.15;pyarrow.ipc.new_stream 会写出。",
        )
    return UnsupportedFormat(message, [MEDIA])


def _buffers(table: FlatTable, most: int, body: memoryview) -> Iterator[memoryview]:
    """Return the buffers of a record batch.

    Raises: Malformed where they lie outside of the body, or overlap.
    """
    rows = table.structs(2, PAIR, most)
    if any(offset < 0 or size < 0 or offset + size > len(body) for offset, size in rows):
        raise Malformed
    if sum(size for _, size in rows) > len(body):  # they overlap, and would become more than came
        raise Malformed
    return (body[offset : offset + size] for offset, size in rows)


def _viewed(entry: ArrowColumn, items: int, numbers: memoryview) -> np.ndarray:
    """Return the numbers of a column as an array; booleans, which are bits, are unpacked."""
    if entry.dtype == "?":
        return np.unpackbits(np.frombuffer(numbers, np.uint8), count=items * entry.numbers, bitorder="little").view("?")
    return np.frombuffer(numbers, f"<{entry.dtype}")
