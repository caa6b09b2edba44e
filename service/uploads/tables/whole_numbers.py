"""Detects whole numbers that a reader rounded to float64, where two different ids may have become equal."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from service.uploads.json_bodies.text import MOST_DIGITS, rounded
from service.uploads.tables.table import arrow

if TYPE_CHECKING:
    import pyarrow as pa

EXACT = 2.0**53  # up to which float64 holds every whole number
WHOLE = r"^\s*[+-]?[0-9]{16,}\s*$"


def is_rounded(digits: str | bytes) -> bool:
    """Return whether this whole number cannot be represented as a float64."""
    return len(digits) > MOST_DIGITS or int(float(digits)) != int(digits)


def rounded_columns(table: "pa.Table") -> list[int]:
    """Return the positions of float columns that may hold rounded whole numbers, judged by their size alone."""
    compute = arrow().compute
    return [
        place
        for place, column in enumerate(table.columns)
        if arrow().types.is_floating(column.type)
        and compute.any(
            compute.and_(compute.greater_equal(compute.abs(column), EXACT), compute.is_finite(column))
        ).as_py()
    ]


def refuse_rounded(table: "pa.Table", as_texts: Callable[[Sequence[int]], "pa.Table"]) -> "pa.Table":
    """Return the table, if its whole numbers are exactly those of the file.

    `as_texts` reads the columns at some positions again, as written in the file.

    Raises: BadRequest where a number is rounded.
    """
    suspects = rounded_columns(table)
    for column in as_texts(suspects).columns if suspects else ():
        whole = column.filter(arrow().compute.match_substring_regex(column, WHOLE))
        if any(map(is_rounded, whole.unique().to_pylist())):
            raise rounded()
    return table
