"""Arrow streams whose metadata was composed by hand: what lies in them is refused."""

import struct

import pyarrow as pa
import pytest

from losses.errors import Refusal
from service.uploads.arrow.columns import BYTE, INT, LONG, SHORT
from service.uploads.arrow.flatbuffer import Number, Slots, StructRows, encoded
from service.uploads.arrow.reader import PAIR
from service.uploads.formats.arrow import read_batches
from tests.service.uploads.arrow_streams import read, table


def composed(columns: list[Slots], *batches: Slots, body: bytes = b"", kind: int = 3, big: int = 0) -> bytes:
    """Return a stream whose metadata says anything."""

    def framed(kind: int, header: Slots, body: bytes = b"") -> bytes:
        slots = {0: Number(SHORT, 4), 1: Number(BYTE, kind), 2: header, 3: Number(LONG, len(body))}
        metadata = encoded(slots)
        return b"\xff\xff\xff\xff" + struct.pack("<i", len(metadata)) + metadata + body

    schema = framed(1, {0: Number(SHORT, big), 1: columns})
    return schema + b"".join(framed(kind, batch, body) for batch in batches)


def batch(items: int, nodes: list[tuple[int, int]], buffers: list[tuple[int, int]], **more: object) -> Slots:
    return {
        0: Number(LONG, items),
        1: StructRows(PAIR, [*nodes]),
        2: StructRows(PAIR, [*buffers]),
        **({3: {}} if more else {}),
    }


def column(kind: int = 3, type_: Slots | None = None, **slots: object) -> Slots:
    said = {0: Number(SHORT, 1)} if type_ is None else type_
    return {0: "predictions", 2: Number(BYTE, kind), 3: said, 5: slots.get("children", [])}


EIGHT = struct.pack("<2f", 1, 2)
GOOD = [(2, 0)], [(0, 0), (0, 8)]
FLOAT_LIST = column(16, {0: Number(INT, 2)}, children=[column()])
COMPOSED = [
    ("big-endian", composed([column()], big=1), "big-endian"),
    ("a batch of dictionary", composed([column()], batch(2, *GOOD), body=EIGHT, kind=2), "dictionary"),
    ("a tensor message", composed([column()], batch(2, *GOOD), body=EIGHT, kind=4), "record batches"),
    ("compressed", composed([column()], batch(2, *GOOD, compressed=True), body=EIGHT), "compressed"),
    ("a node too few", composed([column()], batch(2, [], GOOD[1]), body=EIGHT), "damaged"),
    ("a buffer too few", composed([column()], batch(2, GOOD[0], [(0, 0)]), body=EIGHT), "damaged"),
    ("a buffer too many", composed([column()] * 1, batch(2, GOOD[0], [*GOOD[1], (8, 0)]), body=EIGHT), "damaged"),
    ("a node of another length", composed([column()], batch(2, [(3, 0)], GOOD[1]), body=EIGHT), "damaged"),
    ("fewer items than none", composed([column()], batch(-1, *GOOD), body=EIGHT), "damaged"),
    ("a buffer before the body", composed([column()], batch(2, GOOD[0], [(0, 0), (-8, 8)]), body=EIGHT), "damaged"),
    ("a buffer after the body", composed([column()], batch(2, GOOD[0], [(0, 0), (1, 8)]), body=EIGHT), "damaged"),
    ("a length less than none", composed([column()], batch(2, GOOD[0], [(0, 0), (0, -1)]), body=EIGHT), "damaged"),
    ("2^63", composed([column()], batch(2, GOOD[0], [(0, 0), (2**63 - 1, 8)]), body=EIGHT), "damaged"),
    ("a short buffer", composed([column()], batch(2, GOOD[0], [(0, 0), (0, 7)]), body=EIGHT), "take 8 bytes"),
    ("a short bitmap", composed([column()], batch(9, [(9, 0)], [(0, 1), (0, 0)]), body=b"\xff" * 40), "damaged"),
    (
        "one buffer for all",
        composed([FLOAT_LIST], batch(1, [(1, 0), (2, 0)], [(0, 0), (0, 1), (0, 8)]), body=EIGHT),
        "damaged",
    ),
    ("int24", composed([column(2, {0: Number(INT, 24), 1: Number(BYTE, 1)})]), "width"),
    ("float of no width", composed([column(3, {0: Number(SHORT, 9)})]), "width"),
    ("a type of the future", composed([column(120)]), "a type"),
    ("a list of nothing at all", composed([column(16, {0: Number(INT, 2)})]), "damaged"),
    ("a list of -1", composed([column(16, {0: Number(INT, -1)}, children=[column()])]), "at least 1"),
    ("a type left out", composed([{0: "predictions", 2: Number(BYTE, 3)}]), "damaged"),
    ("an old version", b"\xff\xff\xff\xff" + struct.pack("<i", 24) + encoded({1: Number(BYTE, 1)})[:24], "damaged|cut"),
    ("no mark", struct.pack("<i", 64) + b"\0" * 64, "older than Arrow 0.15"),
]


@pytest.mark.parametrize(("data", "says"), [row[1:] for row in COMPOSED], ids=[row[0] for row in COMPOSED])
def test_metadata_that_lie_are_refused(data: bytes, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        read(data)


def test_what_is_composed_is_read_where_it_does_not_lie() -> None:
    assert read(composed([column()], batch(2, *GOOD), body=EIGHT))["predictions"].tolist() == [1, 2]


def test_the_batches_of_a_body_that_is_kept_are_counted() -> None:
    three, four = (memoryview(table(1, predictions=pa.array([0.0] * count))) for count in (3, 4))

    assert len(read_batches("The body", three, most=3)[1]) == 3
    with pytest.raises(Refusal, match="more than 3 record batches"):
        read_batches("The body", four, most=3)


def test_metadata_of_a_batch_may_be_64_kib() -> None:
    many = StructRows(PAIR, [(0, 0)] * 5000)

    with pytest.raises(Refusal, match="record batch are longer"):
        read(composed([column()], {0: Number(LONG, 0), 1: many}))
