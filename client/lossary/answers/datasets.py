# Generated from the OpenAPI document by make docs-tables: do not edit.
"""The answers of the operations with the tag datasets."""

from __future__ import annotations

from collections.abc import Mapping

from lossary import result


class Column(result.Result):
    """A column of a table."""

    __slots__ = ()

    name: str
    type: str
    missing: int | None


class Dataset(result.Result):
    """A stored file and what it contains: columns or arrays."""

    __slots__ = ()

    id: str
    media: str
    bytes: int
    created: str
    expires: str
    rows: int | None
    columns: list[Column] | None
    arrays: list[StoredArray] | None
    uri: str | None
    files: int | None
    roles: Mapping[str, list[str]] | None


class DatasetList(result.Result):
    """The datasets of the key that asks, the newest first."""

    __slots__ = ()

    datasets: list[Dataset]


class StoredArray(result.Result):
    """An array of a file; .npy has no name for it."""

    __slots__ = ()

    name: str | None
    dtype: str
    shape: list[int]
