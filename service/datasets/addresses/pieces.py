"""The pieces that the files of a listing are read in: whole files, or row groups of a long Parquet file.

A piece is the position of its file, its bytes, and its row groups, from one up to another that it does not have; None
for the whole file.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Piece = list[Any]  # as JSON has it
PIECE_BYTES = 256 << 20  # of a Parquet file as it lies there: some seconds of work


def pieces_of(listing: Mapping[str, Any]) -> list[Piece]:
    """Return the pieces of a listing; one that was stored without them is read by whole files."""
    stored: list[Piece] | None = listing.get("pieces")
    return stored or [[place, size, None] for place, (_, size, _) in enumerate(listing["files"])]


def cut(place: int, size: int, groups: Sequence[int], least_bytes: int) -> Iterator[Piece]:
    """Yield the pieces of a file: consecutive row groups until they are long enough; `groups`: the bytes of each."""
    if size <= least_bytes or len(groups) < 2:  # noqa: PLR2004 - nothing to cut
        yield [place, size, None]
        return
    first = total = 0
    for position, length in enumerate(groups, 1):
        total += length
        if total >= least_bytes or position == len(groups):
            yield [place, total, [first, position]]
            first, total = position, 0
