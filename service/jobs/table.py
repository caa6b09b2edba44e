"""The table of jobs: owner, question, progress and result of each.

It is in SQLite beside the datasets, or in the PostgreSQL of LOSSARY_DATABASE_URL, which replicas share. The steps of a
job and the queue belong to the jobs library (see worker.py); routes show this table.
"""

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sql
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError

from service.database import Database

Status = Literal["queued", "running", "succeeded", "failed", "cancelled"]
ENDED: tuple[Status, ...] = ("succeeded", "failed", "cancelled")
SCHEMA_VERSION = 1
LEASE = "worker"
METADATA = sql.MetaData()
JOBS = sql.Table(
    "experiments",  # of the time when there were no other jobs
    METADATA,
    sql.Column("id", sql.String(40), primary_key=True),
    sql.Column("owner", sql.String(200), nullable=False, index=True),  # the name of the key; "" where keys are off
    sql.Column("idempotency_key", sql.String(200)),
    sql.Column("body_hash", sql.String(64), nullable=False),
    sql.Column("question", sql.JSON, nullable=False),
    sql.Column("language", sql.String(10), nullable=False),
    sql.Column("status", sql.String(20), nullable=False, index=True),
    sql.Column("done", sql.Integer, nullable=False),
    sql.Column("total", sql.Integer, nullable=False),
    sql.Column("created", sql.Float, nullable=False),  # seconds since 1970, UTC
    sql.Column("started", sql.Float),
    sql.Column("ended", sql.Float),
    sql.Column("expires", sql.Float, nullable=False),
    sql.Column("found", sql.JSON),  # the report so far
    sql.Column("problem", sql.JSON),
    sql.UniqueConstraint("owner", "idempotency_key"),
)
LEASES = sql.Table(
    "job_leases",
    METADATA,
    sql.Column("name", sql.String(40), primary_key=True),
    sql.Column("holder", sql.String(80), nullable=False),
    sql.Column("until", sql.Float, nullable=False),
)
VERSIONS = sql.Table("job_schema_versions", METADATA, sql.Column("version", sql.Integer, primary_key=True))


@dataclass(frozen=True)
class JobRow:
    """One job of one owner; its id begins with its kind. Times are seconds since 1970.

    `done` and `total` count models that are trained, or pieces of files that are evaluated.
    """

    id: str
    owner: str
    idempotency_key: str | None
    body_hash: str
    question: dict[str, Any]
    language: str
    status: Status
    done: int
    total: int
    created: float
    expires: float
    started: float | None = None
    ended: float | None = None
    found: dict[str, Any] | None = None
    problem: dict[str, Any] | None = None


class JobTable(Database):
    """The table of jobs. Its methods block on the database, so they run in a thread."""

    metadata, versions, schema_version = METADATA, VERSIONS, SCHEMA_VERSION

    def add(self, row: JobRow) -> JobRow:
        """Insert a new job; return it, or the existing one with the same idempotency key."""
        try:
            with self._engine.begin() as connection:
                connection.execute(JOBS.insert().values(**vars(row)))
        except IntegrityError:
            known = self.of_key(row.owner, row.idempotency_key or "")
            if known is None:
                raise
            return known
        return row

    def of_key(self, owner: str, key: str) -> JobRow | None:
        """Return the job that an owner created with this idempotency key."""
        condition = (JOBS.c.owner == owner) & (JOBS.c.idempotency_key == key)
        with self._engine.connect() as connection:
            row = connection.execute(JOBS.select().where(condition)).mappings().first()
        return JobRow(**row) if row else None

    def get(self, identifier: str, owner: str | None = None) -> JobRow | None:
        """Return a job, of this owner where one is given; None where it does not exist or has expired."""
        condition = (JOBS.c.id == identifier) & (JOBS.c.expires > self.clock())
        if owner is not None:
            condition &= JOBS.c.owner == owner
        with self._engine.connect() as connection:
            row = connection.execute(JOBS.select().where(condition)).mappings().first()
        return JobRow(**row) if row else None

    def of_owner(self, kind: str, owner: str, before: float | None, limit: int, status: str | None) -> list[JobRow]:
        """Return at most `limit` jobs of one kind that belong to an owner and have not expired, newest first.

        With `before` (seconds since 1970) only those created earlier, with `status` only those in that state.
        """
        condition = (JOBS.c.owner == owner) & (JOBS.c.expires > self.clock())
        condition &= JOBS.c.id.startswith(f"{kind}_", autoescape=True)
        if before is not None:
            condition &= JOBS.c.created < before
        if status is not None:
            condition &= JOBS.c.status == status
        chosen = JOBS.select().where(condition).order_by(JOBS.c.created.desc()).limit(limit)
        with self._engine.connect() as connection:
            return [JobRow(**row) for row in connection.execute(chosen).mappings()]

    def update(self, identifier: str, *, unless_ended: bool = True, **values: object) -> bool:
        """Update a job; return whether it was updated. A job that has ended is not changed."""
        condition = JOBS.c.id == identifier
        if unless_ended:
            condition &= JOBS.c.status.not_in(ENDED)
        with self._engine.begin() as connection:
            return connection.execute(JOBS.update().where(condition).values(**values)).rowcount > 0

    def remove(self, identifier: str) -> None:
        """Delete a job."""
        with self._engine.begin() as connection:
            connection.execute(JOBS.delete().where(JOBS.c.id == identifier))

    def expired(self) -> list[str]:
        """Return the jobs that have expired and are not running."""
        late = (JOBS.c.expires <= self.clock()) & JOBS.c.status.in_(ENDED)
        with self._engine.connect() as connection:
            return [row.id for row in connection.execute(sql.select(JOBS.c.id).where(late))]

    def waiting(self) -> int:
        """Return how many jobs have not ended."""
        count = sql.select(sql.func.count()).where(JOBS.c.status.not_in(ENDED))
        with self._engine.connect() as connection:
            return int(connection.execute(count).scalar_one())

    def done(self) -> int:
        """Return how many models are trained and files evaluated, in all jobs together."""
        total = sql.select(sql.func.coalesce(sql.func.sum(JOBS.c.done), 0))
        with self._engine.connect() as connection:
            return int(connection.execute(total).scalar_one())

    def oldest(self) -> float:
        """Return the age in seconds of the oldest job that has not ended; 0 where all have."""
        first = sql.select(sql.func.min(JOBS.c.created)).where(JOBS.c.status.not_in(ENDED))
        with self._engine.connect() as connection:
            created = connection.execute(first).scalar()
        return 0.0 if created is None else max(0.0, self.clock() - created)

    def found_bytes(self) -> int:
        """Return the bytes of all results."""
        size = sql.func.sum(sql.func.length(sql.cast(JOBS.c.found, sql.Text)))
        with self._engine.connect() as connection:
            return int(connection.execute(sql.select(sql.func.coalesce(size, 0))).scalar_one())

    def unended(self) -> list[str]:
        """Return the jobs that have not ended, oldest first."""
        chosen = sql.select(JOBS.c.id).where(JOBS.c.status.not_in(ENDED)).order_by(JOBS.c.created)
        with self._engine.connect() as connection:
            return list(connection.execute(chosen).scalars())

    def queued(self) -> list[str]:
        """Return the jobs that no worker has begun, oldest first."""
        chosen = sql.select(JOBS.c.id).where(JOBS.c.status == "queued").order_by(JOBS.c.created)
        with self._engine.connect() as connection:
            return list(connection.execute(chosen).scalars())

    def is_leased(self) -> bool:
        """Return whether some worker holds the lease now."""
        lease = sql.select(LEASES.c.holder).where((LEASES.c.name == LEASE) & (LEASES.c.until >= self.clock()))
        with self._engine.connect() as connection:
            return connection.execute(lease).first() is not None

    def take_lease(self, holder: str, seconds: float) -> bool:
        """Acquire or renew the lease; return whether this holder has it now."""
        now = self.clock()
        mine = {"holder": holder, "until": now + seconds}
        insert = (postgresql if self._engine.dialect.name == "postgresql" else sqlite).insert(LEASES)
        taken = insert.values(name=LEASE, **mine).on_conflict_do_update(
            index_elements=[LEASES.c.name], set_=mine, where=(LEASES.c.until < now) | (LEASES.c.holder == holder)
        )
        with self._engine.begin() as connection:
            return connection.execute(taken.returning(LEASES.c.holder)).first() is not None

    def release_lease(self, process: str) -> None:
        """Release the lease of a process that has died."""
        with self._engine.begin() as connection:
            connection.execute(LEASES.delete().where(LEASES.c.holder.startswith(f"{process}/", autoescape=True)))
