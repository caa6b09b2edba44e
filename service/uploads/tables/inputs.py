"""The inputs of one upload, taken from the columns of its tables."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from service.uploads.roles import MEANT, plain_name
from service.uploads.tables.column_roles import ROW_NUMBERS, Assignment, RequestedColumns, assign, by_place
from service.uploads.tables.convert import tensors
from service.uploads.tables.table import Table

if TYPE_CHECKING:
    import pyarrow as pa

Assumed = dict[str, Any]


@dataclass
class TableInputs:
    """Collects the columns of each role, so that a class name has the same id in all of them."""

    columns: dict[str, list["pa.ChunkedArray"]] = field(default_factory=dict)
    names: dict[str, list[str]] = field(default_factory=dict)
    assumed: Assumed = field(default_factory=dict)

    def add(self, table: Table, order: Sequence[str], requested: RequestedColumns) -> None:
        """Add the inputs of one table.

        `order`: the roles of columns without names. `requested`: what `roles=` says.
        Raises: BadRequest, TooLarge, TemporaryReducedCapacity.
        """
        names = table.names
        assignment = assign(names, requested) if table.named else by_place(names, order, requested)
        read = table.read(list(dict.fromkeys(name for chosen in assignment.columns.values() for name in chosen)))
        for role, chosen in assignment.columns.items():
            self._keep(role, read, chosen)
        self._note(table, assignment)

    def add_role(self, role: str, table: Table) -> None:
        """Add a table that holds one input: its column of that name, or all columns as one array.

        Raises: BadRequest, TooLarge, TemporaryReducedCapacity.
        """
        names = [name for name in table.names if not table.named or name not in ROW_NUMBERS]
        own = [name for name in names if name == role] or [
            name for name in names if MEANT.get(plain_name(name)) == role
        ]
        chosen = own if len(own) == 1 else names
        assignment = assign(names, tuple((role, name) for name in chosen))
        self._keep(role, table.read(chosen), chosen)
        self._note(table, assignment)

    def arrays(self) -> tuple[dict[str, Tensor], Assumed]:
        """Return a tensor for each role, and what was assumed.

        Raises: BadRequest.
        """
        arrays, labels = tensors(self.columns, self.names)
        return arrays, self.assumed | ({"labels": labels} if labels else {})

    def _keep(self, role: str, table: "pa.Table", chosen: list[str]) -> None:
        """Store the columns of a role."""
        self.columns[role] = [table.column(table.column_names.index(name)) for name in chosen]
        self.names[role] = chosen

    def _note(self, table: Table, assignment: Assignment) -> None:
        """Record what was assumed about a table."""
        if assignment.assumed:
            self.assumed.setdefault("roles", {}).update(assignment.assumed)
        if assignment.ignored:
            self.assumed.setdefault("ignored", []).extend(assignment.ignored)
        self.assumed |= table.assumed


def renamed(arrays: Mapping[str, Tensor], requested: RequestedColumns) -> tuple[dict[str, Tensor], Assumed]:
    """Return arrays by role from arrays with the user's own names, and what was assumed.

    Several of a role as (n, names).

    Raises: BadRequest.
    """
    assignment = assign(list(arrays), requested)
    by_role = {
        role: arrays[chosen[0]] if len(chosen) == 1 else torch.stack([arrays[name] for name in chosen], dim=1)
        for role, chosen in assignment.columns.items()
    }
    assumed: Assumed = {"roles": assignment.assumed} if assignment.assumed else {}
    return by_role, assumed | ({"ignored": assignment.ignored} if assignment.ignored else {})
