"""The sums of losses over the files of a dataset, computed by every executor, on any machine.

Files are read in batches, so that memory does not grow with their length. Each file has sums of its own, which are
added in the order of the files, so that the result does not depend on where they were computed.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from losses.contract.expression import Objective, parse
from losses.errors import Refusal, shown
from losses.evaluation.partial_sums import PartialSums, joined, sums_of
from losses.evaluation.passes import Options
from losses.evaluation.stream import Stream
from losses.text import Text
from service.datasets.addresses.pieces import pieces_of
from service.datasets.addresses.table import batches
from service.problems import BadRequest
from service.uploads.query import read_names
from service.uploads.roles import OPTIONAL
from service.uploads.tables.column_roles import Assignment, assign
from service.uploads.tables.convert import tensors
from service.uploads.tables.table import arrow

if TYPE_CHECKING:
    import pyarrow as pa

JobQuestion = dict[str, Any]  # loss: the objectives; roles: which column is which, as in a query; options
Arrays = dict[str, Tensor]


def objectives_of(question: JobQuestion) -> list[Objective]:
    """Return the objectives of a question, parsed."""
    return [parse(text) for text in question["loss"]]


def options_of(question: JobQuestion) -> Options:
    """Return the options of a question in the form that losses take."""
    options = dict(question["options"])
    dtype = options.pop("dtype", None)
    return Options(**options, dtype=getattr(torch, dtype) if dtype else None)


def assignment_of(names: Sequence[str], question: JobQuestion) -> Assignment:
    """Return which columns are read as which inputs of the objectives.

    Raises: BadRequest.
    """
    assignment = assign(names, read_names(question["roles"]) if question["roles"] else ())
    wanted = {role for objective in objectives_of(question) for role in objective.roles} | set(OPTIONAL)
    columns = {role: chosen for role, chosen in assignment.columns.items() if role in wanted}
    return Assignment(columns, assignment.assumed, [])


def sums_of_files(
    listing: dict[str, Any], question: JobQuestion, places: Sequence[int], alive: Callable[[], None] = lambda: None
) -> list[PartialSums]:
    """Return the sums of each objective over the pieces at these positions; `alive` raises where the job was cancelled.

    Raises: BadRequest, AddressNotAllowed, and what evaluating raises, with the number of the file as the fact `file`.
    """
    assignment = assignment_of([column["name"] for column in listing["columns"]], question)
    names = list(dict.fromkeys(name for chosen in assignment.columns.values() for name in chosen))
    sums = _Sums(question)
    for place, batch in batches(listing, names, places):
        alive()
        try:
            sums.add(place, _arrays(batch, assignment))
        except Refusal as refusal:
            refusal.facts["file"] = pieces_of(listing)[place][0] + 1
            raise
    return sums.finish()


def sums_of_arrays(arrays: Arrays, question: JobQuestion) -> list[PartialSums]:
    """Return the sums of each objective over arrays in memory.

    Raises: what evaluating raises.
    """
    sums = _Sums(question)
    sums.add(0, arrays)
    return sums.finish()


class _Sums:
    """The sums of each objective, accumulated file by file."""

    def __init__(self, question: JobQuestion) -> None:
        self._objectives, self._options = objectives_of(question), options_of(question)
        self._parts: list[list[PartialSums]] = [[] for _ in self._objectives]
        self._streams: list[Stream] = []
        self._place, self._first = -1, {}  # type: int, Arrays

    def add(self, place: int, arrays: Arrays) -> None:
        """Add items of the file at a position."""
        if place != self._place:
            self._end_file()
            self._place = place
            self._streams = [Stream(objective, self._options) for objective in self._objectives]
            self._first = {role: tensor[:1].clone() for role, tensor in arrays.items()}
        weights, mask = arrays.pop("weights", None), arrays.pop("mask", None)
        for stream in self._streams:
            stream.add(arrays, weights, mask)

    def finish(self) -> list[PartialSums]:
        """Return the sums of each objective over all files.

        Raises: BadRequest where there was no item.
        """
        self._end_file()
        if not self._parts[0]:
            raise BadRequest(Text("The files hold no row.", "文件中没有行。"))
        return [joined(parts) for parts in self._parts]

    def _end_file(self) -> None:
        """Store the sums of the file that was read."""
        for parts, stream in zip(self._parts, self._streams, strict=False):
            parts.append(sums_of(stream, self._first))


def _arrays(batch: "pa.RecordBatch", assignment: Assignment) -> Arrays:
    """Return the inputs of one batch.

    Raises: BadRequest.
    """
    types = arrow().types
    for field in batch.schema:
        if types.is_string(field.type) or types.is_large_string(field.type) or types.is_dictionary(field.type):
            raise BadRequest(
                Text(
                    f"{shown(field.name)} holds texts; write class ids, which are the same in every file.",
                    f"{shown(field.name)} 是文本;请写成在每个文件中都相同的类别编号。",
                )
            )
    columns = {
        role: [arrow().chunked_array([batch.column(name)]) for name in chosen]
        for role, chosen in assignment.columns.items()
    }
    arrays, _ = tensors(columns, assignment.columns)
    return arrays


def groups_of(sizes: Sequence[int], least_bytes: int, most_files: int) -> Iterator[list[int]]:
    """Yield groups of file positions that make up one step: consecutive files, until they are large enough."""
    group: list[int] = []
    total = 0
    for place, size in enumerate(sizes):
        group.append(place)
        total += size
        if total >= least_bytes or len(group) >= most_files:
            yield group
            group, total = [], 0
    if group:
        yield group
