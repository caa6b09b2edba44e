"""The answer about any job: its status, its progress, and the paths of further requests."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from service.jobs.library import IdPrefix

if TYPE_CHECKING:
    from service.jobs.table import JobRow


NextPage = Annotated[float | None, Field(description="To be sent as `before` for the next page; null at the end.")]


class Progress(BaseModel):
    """How much is done, in models (learning rates apart) or pieces of files, and the estimated remaining time."""

    done: int
    total: int
    seconds_left: float | None = None


class JobLinks(BaseModel):
    """The paths of further requests."""

    self: str
    events: str
    cancel: str


class JobState(BaseModel):
    """The state of a job."""

    id: str
    status: Annotated[str, Field(description="queued, running, succeeded, failed or cancelled.")]
    created: datetime
    expires: datetime
    progress: Progress
    links: JobLinks
    question: Annotated[dict[str, Any], Field(description="As it was asked, defaults filled in.")]
    problem: Annotated[dict[str, Any] | None, Field(description="Why it failed.")] = None


@dataclass(frozen=True)
class JobKind:
    """A kind of job that has routes: experiments, evaluations.

    Attributes:
        plural: The last part of its path, and the member of a list of such jobs.
        list_results: Whether a list includes their results.
    """

    prefix: IdPrefix
    name: str
    state: type[JobState]
    links: type[JobLinks]
    listing: type[BaseModel]
    list_results: bool = True

    @property
    def plural(self) -> str:
        """The plural name of the kind."""
        return f"{self.name}s"

    def shown(self, row: "JobRow", root: str, *, results: bool = True) -> JobState:
        """Return a job as it is answered, with or without results; `root` is the prefix of our paths."""
        place = f"{root}/v1/{self.plural}/{row.id}"
        links = {name: place if name == "self" else f"{place}/{name}" for name in self.links.model_fields}
        return self.state(
            id=row.id,
            status=row.status,
            created=datetime.fromtimestamp(row.created, UTC),
            expires=datetime.fromtimestamp(row.expires, UTC),
            progress=_progress_of(row),
            links=self.links(**links),
            question=row.question,
            problem=row.problem,
            **((row.found or {}) if results else {}),
        )

    def listed(self, rows: "list[JobRow]", root: str, limit: int) -> BaseModel:
        """Return one page of jobs; a full page says where the next one begins."""
        jobs = [self.shown(row, root, results=self.list_results) for row in rows]
        members: dict[str, Any] = {self.plural: jobs, "next": rows[-1].created if len(rows) == limit else None}
        return self.listing(**members)


def _progress_of(row: "JobRow") -> Progress:
    """Return the progress of a job, with the remaining time estimated from its pace so far."""
    left = None
    if row.status == "running" and row.done and row.started is not None:
        elapsed = max(0.0, datetime.now(UTC).timestamp() - row.started)
        left = round(elapsed / row.done * (row.total - row.done), 1)
    return Progress(done=row.done, total=row.total, seconds_left=left)
