"""The store of datasets: files in one folder, named by a hash of their content, and their index."""

import hashlib
import os
import tempfile
from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from service.datasets.addresses.allowed import allowed
from service.datasets.description import file_format, mapped
from service.datasets.full_disk import full_disk_refused
from service.problems import InsufficientStorage, UnknownDataset
from service.settings import Settings
from service.uploads.contents import Contents, from_file
from service.uploads.formats.registry import DecodingLimit
from service.uploads.query import Beside

if TYPE_CHECKING:
    from service.datasets.index import DatasetRow, Index

INCOMING = "incoming"  # a folder of uploads that are not whole yet
DIGITS = 32  # of SHA-256, in the id
SEPARATOR = b"\0"  # between the media type and the bytes, of both of which the id is made


def identifier(media: str, data: bytes) -> str:
    """Return the dataset id of a file of this media type."""
    return f"ds_{hashlib.sha256(media.encode() + SEPARATOR + data).hexdigest()[:DIGITS]}"


@dataclass(frozen=True)
class Incoming:
    """A file that was received completely, but not yet stored under its id."""

    path: Path
    digest: str
    bytes: int


class Datasets:
    """All datasets of this service; nothing is created or opened before the first one."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def receive(self, media: str, chunks: AsyncIterator[bytes]) -> Incoming:
        """Write an upload to a temporary file, and return it.

        Raises: InsufficientStorage where the disk or the quota is full, and what `chunks` raises; the file is then
        removed.
        """
        digest = hashlib.sha256(media.encode() + SEPARATOR)
        with full_disk_refused("datasets"):
            descriptor, name = tempfile.mkstemp(dir=self._folder / INCOMING)
        size, path, quota = 0, Path(name), self._settings.max_dataset_bytes
        try:
            with os.fdopen(descriptor, "wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    digest.update(chunk)
                    _refuse_past(quota, size)
                    with full_disk_refused("datasets"):
                        await to_thread.run_sync(file.write, chunk)
                with full_disk_refused("datasets"):
                    file.flush()
                    await to_thread.run_sync(os.fsync, file.fileno())
        except BaseException:
            await to_thread.run_sync(lambda: path.unlink(missing_ok=True))
            raise
        return Incoming(path, digest.hexdigest()[:DIGITS], size)

    def keep(self, incoming: Incoming, owner: str, media: str, described: dict[str, Any]) -> "tuple[DatasetRow, bool]":
        """Store a received file; return the dataset, and whether it is new to this owner.

        Raises: InsufficientStorage.
        """
        with full_disk_refused("datasets"):
            return self._kept(incoming, owner, media, described)

    def _kept(self, incoming: Incoming, owner: str, media: str, described: dict[str, Any]) -> "tuple[DatasetRow, bool]":
        """Move a received file to its final name and insert its row; runs in a thread."""
        from service.datasets.index import DatasetRow  # noqa: PLC0415 - SQLAlchemy takes 0.2 s and 20 MB

        self.remove_expired()
        identifier, now = f"ds_{incoming.digest}", self.index.clock()
        before = self.index.get(identifier, owner)
        quota = self._settings.max_dataset_bytes
        if before is None:
            _refuse_past(quota, self.index.total_bytes() + incoming.bytes)
        row = DatasetRow(
            identifier,
            owner,
            media,
            incoming.bytes,
            before.created if before else now,
            now + self._settings.dataset_seconds,
            described,
        )
        incoming.path.replace(self._folder / identifier)
        self.index.put(row)
        return row, before is None

    def get(self, identifier: str, owner: str) -> "DatasetRow":
        """Return a dataset.

        Raises: UnknownDataset; AddressNotAllowed where its address may no longer be read.
        """
        row = self.index.get(identifier, owner)
        if row is None or not self.path(row.id).exists():
            raise UnknownDataset
        if "uri" in row.described:
            allowed(row.described["uri"], self._settings.sources, self._settings.private_hosts)
        return row

    def contents(self, identifier: str, owner: str, beside: Beside, limit: DecodingLimit) -> Contents:
        """Return the arrays of a dataset by role, decoded like a request body of its media type.

        Raises: UnknownDataset, and what decoding raises.
        """
        row = self.get(identifier, owner)
        return from_file(file_format(row.media), mapped(str(self.path(row.id))), beside, limit)

    def listed(self, owner: str) -> "list[DatasetRow]":
        """Return the datasets of an owner, newest first."""
        self.remove_expired()
        return self.index.of_owner(owner)

    def remove(self, identifier: str, owner: str) -> None:
        """Delete a dataset.

        Raises: UnknownDataset.
        """
        self.get(identifier, owner)
        if not self.index.remove(identifier, owner):
            self.path(identifier).unlink(missing_ok=True)

    def remove_expired(self) -> None:
        """Delete the datasets that have expired."""
        for identifier in self.index.remove_expired():
            self.path(identifier).unlink(missing_ok=True)

    def stored_bytes(self) -> int:
        """Return the bytes of all files; 0 where there are none, without creating anything."""
        if self._settings.database_url is None and not (self._settings.data / "lossary.sqlite").exists():
            return 0
        return self.index.total_bytes()

    def path(self, identifier: str) -> Path:
        """Return the path of a dataset's file."""
        return self._folder / identifier

    def close(self) -> None:
        """Close the database."""
        if "index" in vars(self):
            self.index.close()

    @cached_property
    def index(self) -> "Index":
        """The index, opened on first use."""
        from service.datasets.index import Index  # noqa: PLC0415 - SQLAlchemy takes 0.2 s and 20 MB

        folder = self._folder
        return Index(self._settings.database_url or f"sqlite:///{folder.parent / 'lossary.sqlite'}")

    @cached_property
    def _folder(self) -> Path:
        """Return the folder of the files, created where it is missing."""
        folder = self._settings.data / "datasets"
        with full_disk_refused("datasets"):
            (folder / INCOMING).mkdir(parents=True, exist_ok=True)
        return folder


def _refuse_past(quota: int, size: int) -> None:
    """Refuse bytes beyond the quota of all datasets.

    Raises: InsufficientStorage.
    """
    if size > quota:
        raise InsufficientStorage(quota, "datasets")
