"""The index of datasets: a table in SQLite, or in the PostgreSQL of LOSSARY_DATABASE_URL, which replicas share."""

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite

from service.database import Database

SCHEMA_VERSION = 1
METADATA = sql.MetaData()
DATASETS = sql.Table(
    "datasets",
    METADATA,
    sql.Column("id", sql.String(40), primary_key=True),
    sql.Column("owner", sql.String(200), primary_key=True),  # the name of the key; "" where keys are off
    sql.Column("media", sql.String(100), nullable=False),
    sql.Column("bytes", sql.BigInteger, nullable=False),
    sql.Column("created", sql.Float, nullable=False),  # seconds since 1970, UTC
    sql.Column("expires", sql.Float, nullable=False),
    sql.Column("described", sql.JSON, nullable=False),
)
VERSIONS = sql.Table("schema_versions", METADATA, sql.Column("version", sql.Integer, primary_key=True))


@dataclass(frozen=True)
class DatasetRow:
    """One dataset of one owner. Times are seconds since 1970."""

    id: str
    owner: str
    media: str
    bytes: int
    created: float
    expires: float
    described: dict[str, Any]


class Index(Database):
    """The table of datasets. Its methods block on the database, so they run in a thread."""

    metadata, versions, schema_version = METADATA, VERSIONS, SCHEMA_VERSION

    def put(self, row: DatasetRow) -> None:
        """Insert a dataset; where the owner has it already, update only its expiry."""
        insert = (postgresql if self._engine.dialect.name == "postgresql" else sqlite).insert(DATASETS)
        kept = insert.values(**vars(row)).on_conflict_do_update(
            index_elements=["id", "owner"], set_={"expires": row.expires}
        )
        with self._engine.begin() as connection:
            connection.execute(kept)

    def get(self, identifier: str, owner: str) -> DatasetRow | None:
        """Return a dataset of an owner; None where it does not exist or has expired."""
        condition = (DATASETS.c.id == identifier) & (DATASETS.c.owner == owner) & (DATASETS.c.expires > self.clock())
        with self._engine.connect() as connection:
            row = connection.execute(DATASETS.select().where(condition)).mappings().first()
        return DatasetRow(**row) if row else None

    def of_owner(self, owner: str) -> list[DatasetRow]:
        """Return the datasets of an owner that have not expired, newest first."""
        condition = (DATASETS.c.owner == owner) & (DATASETS.c.expires > self.clock())
        with self._engine.connect() as connection:
            rows = connection.execute(DATASETS.select().where(condition).order_by(DATASETS.c.created.desc())).mappings()
            return [DatasetRow(**row) for row in rows]

    def remove(self, identifier: str, owner: str) -> bool:
        """Delete a dataset of an owner; return whether another owner still has the same file."""
        with self._engine.begin() as connection:
            connection.execute(DATASETS.delete().where((DATASETS.c.id == identifier) & (DATASETS.c.owner == owner)))
            return connection.execute(sql.select(DATASETS.c.id).where(DATASETS.c.id == identifier)).first() is not None

    def remove_expired(self) -> list[str]:
        """Delete expired datasets; return the ids that no owner has any more."""
        with self._engine.begin() as connection:
            late = DATASETS.c.expires <= self.clock()
            ids = {row.id for row in connection.execute(sql.select(DATASETS.c.id).where(late))}
            if not ids:
                return []
            connection.execute(DATASETS.delete().where(late))
            left = {row.id for row in connection.execute(sql.select(DATASETS.c.id).where(DATASETS.c.id.in_(ids)))}
        return sorted(ids - left)

    def total_bytes(self) -> int:
        """Return the bytes of all files, each counted once."""
        sizes = sql.select(DATASETS.c.id, DATASETS.c.bytes).distinct().subquery()
        with self._engine.connect() as connection:
            return int(connection.execute(sql.select(sql.func.coalesce(sql.func.sum(sizes.c.bytes), 0))).scalar_one())
