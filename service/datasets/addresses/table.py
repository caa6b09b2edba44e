"""Files at an address: listed, and read in batches, by a separate process that decodes them."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from losses.text import Text
from service.datasets.addresses.allowed import Address
from service.datasets.addresses.pieces import PIECE_BYTES
from service.datasets.addresses.process import READERS
from service.problems import BadRequest, TooLarge
from service.uploads.formats.registry import Buffer, DecodingLimit, TableFormat
from service.uploads.tables.table import Table, arrow

if TYPE_CHECKING:
    import pyarrow as pa

MEDIA = "application/vnd.lossary.files+json"  # of the list of files that such a dataset keeps


def list_files(address: Address, max_bytes: int, piece_bytes: int = PIECE_BYTES) -> dict[str, Any]:
    """Return the files of an address with their contents, and the pieces in which they are read.

    Raises: BadRequest, AddressNotAllowed.
    """
    request = {"do": "list", "address": {**asdict(address), "root": address.root}, "max_bytes": max_bytes}
    request["piece_bytes"] = piece_bytes
    with READERS.asked(request) as out:
        listing: dict[str, Any] = json.loads(out.readline() or b"{}")
    return listing


def batches(
    listing: dict[str, Any], names: Sequence[str], places: Sequence[int] | None
) -> "Iterator[tuple[int, pa.RecordBatch]]":
    """Yield batches of columns from the pieces at `places` of a listing, all for None.

    Each batch comes with the position of its piece.

    Raises: BadRequest, AddressNotAllowed.
    """
    request = {"do": "scan", "listing": listing, "names": list(names), "places": places and list(places)}
    with READERS.asked(request) as out:
        try:
            with arrow().ipc.open_stream(out) as reader:
                while True:
                    batch, metadata = reader.read_next_batch_with_custom_metadata()
                    yield int(metadata["place"]), batch
        except (StopIteration, arrow().ArrowInvalid, OSError):  # the end; where it is cut short the process says why
            return


@dataclass(frozen=True)
class AddressedTable:
    """The files of a listing as one table."""

    listing: dict[str, Any]
    limit: DecodingLimit
    named = True

    @property
    def names(self) -> list[str]:
        """The columns, in the order of the first file."""
        return [column["name"] for column in self.listing["columns"]]

    @property
    def assumed(self) -> dict[str, str]:
        """Always empty: nothing is assumed."""
        return {}

    def read(self, names: Sequence[str]) -> "pa.Table":
        """Return these columns.

        Raises: BadRequest, AddressNotAllowed, TooLarge, TemporaryReducedCapacity.
        """
        kept, size = [], 0
        for _, batch in batches(self.listing, names, None):
            size += batch.nbytes
            if size > self.limit.max_bytes:
                way_out = "Evaluate it as POST /v1/evaluations, in constant memory."
                raise TooLarge("The dataset, decoded,", self.limit.max_bytes, "max_decoded_bytes", way_out)
            self.limit.reserve(2 * batch.nbytes)
            kept.append(batch)
        if not kept:
            raise BadRequest(Text("The dataset has no row.", "数据集没有行。"))
        return arrow().Table.from_batches(kept)


def _open(_: str, data: Buffer, limit: DecodingLimit) -> Table:
    """Return the table of a listing that was stored as JSON."""
    return AddressedTable(json.loads(bytes(data)), limit)


FORMAT = TableFormat(suffix=".files", media=MEDIA, matches=lambda *_: True, open=_open)
