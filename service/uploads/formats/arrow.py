"""The Arrow IPC stream format."""

import struct
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from losses.text import Text
from service.problems import BadRequest, TooLarge
from service.uploads.arrow import windows as arrow_windows
from service.uploads.arrow.columns import BYTE, LONG, SHORT, field
from service.uploads.arrow.flatbuffer import Number, Slots, StructRows, encoded
from service.uploads.arrow.reader import (
    BATCH,
    MARK,
    MEDIA,
    PAIR,
    PREFIX,
    SCHEMA,
    Message,
    Reader,
    RecordBatch,
    message,
)
from service.uploads.formats.registry import ArrayFormat, Arrays, BodyStream, Buffer, DecodingLimit, magic
from service.uploads.names import in_chinese

MOST_BATCHES = 1 << 16  # of a body that is kept: 3 s of reading metadata
V5 = 4  # of the metadata; came with Arrow 1.0


def _decode(name: str, data: Buffer, limit: DecodingLimit) -> Arrays:
    """Yield the arrays of a stream."""
    reader, batches = read_batches(name, memoryview(data), limit.judge)
    judge(name, reader, batches, limit, len(data))
    yield from reader.arrays(batches)


def read_batches(
    name: str,
    view: memoryview,
    judge_names: Callable[[Sequence[str]], object] = lambda _: None,
    most: int = MOST_BATCHES,
) -> tuple[Reader, list[RecordBatch]]:
    """Return the reader of a complete stream, and its record batches, at most `most`.

    `judge_names` is called with the names of the columns before their numbers are read.

    Raises: BadRequest, UnsupportedFormat, and what `judge_names` raises.
    """
    first = message(name, view)
    reader = Reader.of(name, first)
    judge_names([column.name for column in reader.columns])
    position = first.end if isinstance(first, Message) else 0
    batches: list[RecordBatch] = []
    while position < len(view):
        batch = message(name, view[position:])
        if batch is None:
            position += PREFIX
            break
        if isinstance(batch, int):
            raise BadRequest(Text(f"{name}: the Arrow stream is cut short.", f"{in_chinese(name)}:Arrow 流不完整。"))
        batches.append(reader.batch(batch))
        position += batch.end
        if len(batches) > most:
            raise BadRequest(
                Text(
                    f"{name}: more than {most} record batches. Write longer ones: max_chunksize=65536.",
                    f"{in_chinese(name)}:记录批超过 {most} 个。请写出更长的记录批:max_chunksize=65536。",
                )
            )
    if position < len(view):
        raise BadRequest(
            Text(
                f"{name}: bytes follow after the end of the Arrow stream.",
                f"{in_chinese(name)}:Arrow 流结束之后还有字节。",
            )
        )
    return reader, batches


def judge(name: str, reader: Reader, batches: list[RecordBatch], limit: DecodingLimit, received: int) -> None:
    """Refuse a body that would become too large, and reserve its decoded size, before anything is allocated.

    Raises: TooLarge, TemporaryReducedCapacity.
    """
    decoded = reader.decoded(batches)
    if decoded > limit.max_bytes:
        subject = Text(f"{name}, decoded,", f"{in_chinese(name)} 解码后的大小")
        raise TooLarge(
            subject, limit.max_bytes, "max_decoded_bytes", Text("Send less in one request.", "请减少每个请求的数据量。")
        )
    limit.reserve(max(0, decoded - received))


def _encode(arrays: Mapping[str, Tensor], answer: bytes) -> bytes:
    """Return arrays as an Arrow IPC stream; the rest of the answer goes into the schema's metadata."""
    lengths = {tensor.shape[:1] for tensor in arrays.values()}
    if len(lengths) > 1 or () in lengths:
        raise BadRequest(
            Text(
                "The arrays of the answer differ in length; an Arrow stream has none such, .npz has.",
                "回答中的数组长度不同;Arrow 流不支持,.npz 支持。",
            )
        )
    fields, parts, position = [], [], 0
    nodes: list[tuple[int, ...]] = []
    buffers: list[tuple[int, ...]] = []
    for name, tensor in arrays.items():
        array = (tensor.float() if tensor.dtype == torch.bfloat16 else tensor).detach().cpu().contiguous().numpy()
        fields.append(field(name, array))
        lists = [array.shape[0]] if array.ndim > 1 else []
        for length in (*lists, array.size):
            nodes.append((length, 0))
            buffers.append((position, 0))
        numbers = (np.packbits(array, bitorder="little") if array.dtype == bool else array).tobytes()
        buffers.append((position, len(numbers)))
        parts.append(numbers + bytes(-len(numbers) % 8))
        position += len(parts[-1])
    items = next(iter(lengths))[0]
    schema = {1: fields, 2: [{0: "answer", 1: answer.decode()}]}
    batch = {0: Number(LONG, items), 1: StructRows(PAIR, nodes), 2: StructRows(PAIR, buffers)}
    return b"".join([_framed(SCHEMA, schema, 0), _framed(BATCH, batch, position), *parts, MARK, bytes(4)])


STREAM = BodyStream(
    needed=arrow_windows.needed, worthwhile=arrow_windows.worthwhile, windows=arrow_windows.batch_windows
)
FORMAT = ArrayFormat(
    suffix=".arrows",
    media=MEDIA,
    matches=magic(MARK),
    decode=_decode,
    encode=_encode,
    inflates=8,
    stream=STREAM,
)


def _framed(kind: int, table: Slots, body: int) -> bytes:
    """Return a message of an Arrow stream: its mark, length and metadata."""
    metadata = encoded({0: Number(SHORT, V5), 1: Number(BYTE, kind), 2: table, 3: Number(LONG, body)})
    return MARK + struct.pack("<i", len(metadata)) + metadata
