"""Computes the decompressed size of an Arrow file from its metadata, before anything is decompressed.

Source: https://arrow.apache.org/docs/format/Columnar.html; format/File.fbs, Message.fbs (BodyCompression).
"""

import struct

from service.uploads.arrow.columns import BYTE, INT, LONG
from service.uploads.arrow.flatbuffer import FlatTable, Malformed

BLOCK = struct.Struct("<qixxxxq")  # of the footer: offset, length of the metadata, length of the body
PAIR = struct.Struct("<qq")
END = b"ARROW1"
MARK = b"\xff\xff\xff\xff"  # before the metadata, since Arrow 0.15
MOST_BLOCKS, MOST_BUFFERS = 1 << 16, 1 << 20
DICTIONARY_BATCH = 2  # a kind of message, whose batch stands inside
DICTIONARIES, BATCHES = 2, 3  # slots of the footer


def unpacked_bytes(file: memoryview) -> int:
    """Return the decompressed size of all compressed buffers of a file; 0 where none is compressed.

    Raises: Malformed where the footer or a message leads outside of the file.
    """
    (length,) = _at(INT, file, len(file) - len(END) - INT.size)
    footer = file[len(file) - len(END) - INT.size - length : len(file) - len(END) - INT.size]
    if length <= 0 or len(footer) < length:
        raise Malformed
    table = FlatTable.root(footer)
    blocks = [block for slot in (DICTIONARIES, BATCHES) for block in table.structs(slot, BLOCK, MOST_BLOCKS)]
    return sum(_of_block(file, offset, metadata, body) for offset, metadata, body in blocks)


def _of_block(file: memoryview, offset: int, metadata: int, body: int) -> int:
    """Return the decompressed size of the buffers of one block of the file."""
    if min(offset, metadata, body) < 0 or offset + metadata + body > len(file):
        raise Malformed
    head = file[offset : offset + metadata]
    message = FlatTable.root(head[8:] if bytes(head[:4]) == MARK else head[4:])
    batch = message.need(2)
    if message.scalar(1, BYTE) == DICTIONARY_BATCH:
        batch = batch.need(1)
    if batch.table(3) is None:
        return 0
    numbers = file[offset + metadata : offset + metadata + body]
    sizes = [_at(LONG, numbers, start)[0] for start, size in batch.structs(2, PAIR, MOST_BUFFERS) if size]
    return sum(max(size, 0) for size in sizes)  # -1: this one is not compressed


def _at(kind: struct.Struct, data: memoryview, place: int) -> tuple[int, ...]:
    """Return the numbers of a struct at a position.

    Raises: Malformed where it reaches beyond the data.
    """
    if place < 0 or place + kind.size > len(data):
        raise Malformed
    return kind.unpack_from(data, place)
