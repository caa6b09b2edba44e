"""What is answered of any job: its status, its progress, and the paths of what can be asked next."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, Field

from service.jobs.library import IdPrefix

if TYPE_CHECKING:
    from service.jobs.table import JobRow


NextPage = Annotated[float | None, Field(description="To be sent as `before` for the next page; null at the end.")]


class Progress(BaseModel):
    """How much is done, of models (learning rates apart) or pieces of files, and how long the rest takes."""

    done: int
    total: int
    seconds_left: float | None = None


class JobLinks(BaseModel):
    """Where the rest is."""

    self: str
    events: str
    cancel: str


class JobState(BaseModel):
    """How far a job is."""

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

    `plural`: the last part of its path, and the member of a list of them. `list_results`: whether that list has their
    results too.
    """

    prefix: IdPrefix
    name: str
    state: type[JobState]
    links: type[JobLinks]
    listing: type[BaseModel]
    list_results: bool = True

    @property
    def plural(self) -> str:
        """Return the name of several."""
        return f"{self.name}s"

    def shown(self, row: "JobRow", root: str, *, results: bool = True) -> JobState:
        """Return a job as it is answered, with its results or without. `root`: the path in front of ours."""
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
        """Return one page of jobs; where it is full, with where the next begins."""
        jobs = [self.shown(row, root, results=self.list_results) for row in rows]
        members: dict[str, Any] = {self.plural: jobs, "next": rows[-1].created if len(rows) == limit else None}
        return self.listing(**members)


def _progress_of(row: "JobRow") -> Progress:
    """Return how far a job is, and how long the rest will take at the pace so far, where something is known of it."""
    left = None
    if row.status == "running" and row.done and row.started is not None:
        elapsed = max(0.0, datetime.now(UTC).timestamp() - row.started)
        left = round(elapsed / row.done * (row.total - row.done), 1)
    return Progress(done=row.done, total=row.total, seconds_left=left)
