"""The pieces in which the files of a listing are read: whole files, or row groups of a long Parquet file.

A piece is the position of its file in the listing, its size in bytes, and a half-open range of row groups, None for the
whole file.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Piece = list[Any]  # as JSON has it
PIECE_BYTES = 256 << 20  # of a Parquet file as it lies there: some seconds of work


def pieces_of(listing: Mapping[str, Any]) -> list[Piece]:
    """Return the pieces of a listing; the whole files where it was stored without pieces."""
    stored: list[Piece] | None = listing.get("pieces")
    return stored or [[place, size, None] for place, (_, size, _) in enumerate(listing["files"])]


def cut(place: int, size: int, groups: Sequence[int], least_bytes: int) -> Iterator[Piece]:
    """Yield the pieces of a file: consecutive row groups with at least `least_bytes` bytes together.

    Args:
        place: The position of the file.
        size: The bytes of the file.
        groups: The bytes of each row group.
        least_bytes: The least bytes of a piece.
    """
    if size <= least_bytes or len(groups) < 2:  # noqa: PLR2004 - nothing to cut
        yield [place, size, None]
        return
    first = total = 0
    for position, length in enumerate(groups, 1):
        total += length
        if total >= least_bytes or position == len(groups):
            yield [place, total, [first, position]]
            first, total = position, 0
