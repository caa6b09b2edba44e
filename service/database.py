"""Tables in SQLite, or in the PostgreSQL of LOSSARY_DATABASE_URL, created where they are missing."""

import time
from collections.abc import Callable
from functools import cached_property
from typing import ClassVar

import sqlalchemy as sql


class Database:
    """The connections to the tables of one schema. Its methods block on the database, so they run in a thread."""

    metadata: ClassVar[sql.MetaData]
    versions: ClassVar[sql.Table]  # with one column, `version`
    schema_version: ClassVar[int]

    def __init__(self, url: str, clock: Callable[[], float] = time.time) -> None:
        self._url, self.clock = url, clock

    def close(self) -> None:
        """Close the database connections."""
        if "_engine" in vars(self):
            self._engine.dispose()

    @cached_property
    def _engine(self) -> sql.Engine:
        """The database engine; the tables are created where they are missing.

        Raises: ValueError where a newer version of the service made them.
        """
        url = sql.make_url(self._url)
        engine = sql.create_engine(url, connect_args={"timeout": 30} if url.get_backend_name() == "sqlite" else {})
        self.metadata.create_all(engine)
        with engine.begin() as connection:
            version = connection.execute(sql.select(sql.func.max(self.versions.c.version))).scalar()
            if version is None:
                connection.execute(self.versions.insert().values(version=self.schema_version))
            elif version > self.schema_version:
                raise ValueError(f"LOSSARY_DATABASE_URL: the tables are of version {version}, newer than this service.")
        return engine
