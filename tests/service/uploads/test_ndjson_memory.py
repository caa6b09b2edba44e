"""What is reserved for the columns of an NDJSON file follows from its commas and lines, and from its columns."""

import pytest

from service.problems import TooLarge
from service.uploads.formats.ndjson import FORMAT
from service.uploads.formats.registry import DecodingLimit

MIB = 1 << 20


def reserved_for(text: bytes, most: int = 1 << 30) -> int:
    """Return how much memory is reserved for the columns of a file, beside its own."""
    reserved: list[int] = []
    FORMAT.open("The body", memoryview(text), DecodingLimit(most, reserved.append))
    return sum(reserved)


def test_names_of_members_take_no_memory_in_columns() -> None:
    rows = b'{"prediction_of_the_model": 0.123456789, "measured_target": -1.5}\n' * 1000

    assert reserved_for(rows) == pytest.approx(2 * 2 * 8 * 1000, rel=0.01)


def test_members_that_are_missing_in_most_lines_take_as_much_as_the_others() -> None:
    first = b"{%s}\n" % b",".join(b'"c%d":1' % place for place in range(50))

    assert reserved_for(first + b"{}\n" * 5000) >= 2 * 50 * 8 * 5000


def test_texts_take_their_characters() -> None:
    assert reserved_for(b'{"text": "%s"}\n' % (b"x" * MIB)) >= 2 * MIB


def test_what_becomes_too_long_is_refused_by_what_it_becomes() -> None:
    rows = b'{"prediction_of_the_model": 0.123456789}\n' * 10_000

    assert reserved_for(rows, most=90_000) < len(rows)
    with pytest.raises(TooLarge):
        reserved_for(rows, most=79_000)
