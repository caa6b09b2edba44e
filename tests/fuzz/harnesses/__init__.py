"""What is fuzzed: one small function a decoder, found in HARNESSES. A new format is in it unasked.

A harness takes bytes and returns, or raises a Refusal, where the decoder keeps its word. It raises Finding where the
decoder took what an independent reader takes differently; whatever else comes out of it is a finding too.
"""

from service.uploads import contents, multipart, query
from service.uploads.formats import registry as formats
from service.uploads.formats.registry import DecodingLimit, TableFormat
from tests.fuzz.harnesses import heads, json_bodies, requests  # noqa: F401 - they register their harnesses
from tests.fuzz.harnesses.array_formats import harness_of_arrays
from tests.fuzz.harnesses.harness import HARNESSES, LIMIT, Harness, bounded
from tests.fuzz.harnesses.multipart_bodies import SMALL
from tests.fuzz.harnesses.table_formats import harness_of_tables

__all__ = ["HARNESSES", "LIMIT", "Harness"]


def _any_file(data: bytes) -> None:
    """A file of one part, whatever it is."""
    parts = {"predictions": multipart.Part(bytearray(data))}
    bounded(contents.from_parts(parts, SMALL, DecodingLimit(LIMIT), query.NOTHING).roles, len(data))  # type: ignore[arg-type] # the one limit that it asks for


def _collect() -> None:
    per_format = [harness_of_arrays(entry) for entry in formats.written().values()]
    per_format += [harness_of_tables(entry) for entry in formats.formats().values() if isinstance(entry, TableFormat)]
    for entry in per_format:
        HARNESSES[entry.name] = entry
    mixed = tuple(seed for entry in per_format for seed in entry.seeds[::5])
    HARNESSES["any_file"] = Harness("any_file", _any_file, mixed)


_collect()
