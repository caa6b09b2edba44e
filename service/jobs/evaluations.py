"""The steps of an evaluation job: sums over groups of files, then the results of all sums."""

from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import orjson

from losses.evaluation.partial_sums import PartialSums, joined, result_of_sums
from service.datasets.addresses.pieces import pieces_of
from service.datasets.addresses.table import MEDIA as ADDRESSED
from service.datasets.store import Datasets
from service.jobs import library
from service.jobs.executors import executor_of
from service.jobs.shards import groups_of, objectives_of, options_of, sums_of_arrays
from service.jobs.steps import Steps, ending, ending_where_full
from service.jobs.table import JobTable
from service.settings import Settings
from service.uploads.formats.registry import DecodingLimit
from service.uploads.query import NOTHING, read_names


class EvaluationSteps(Steps):
    """The steps of evaluation jobs; each returns sums, which the jobs library stores."""

    def __init__(self, settings: Settings, table: JobTable) -> None:
        super().__init__(settings, table)
        self._executor = executor_of(settings)
        self._listing = lru_cache(maxsize=1)(self._listed)

    def begin(self, identifier: str) -> list[list[int]]:
        """Return the positions of the pieces of each step; one empty group for an uploaded dataset."""
        listing = self._listing(identifier)
        pieces = pieces_of(listing) if listing else []
        self._table.update(identifier, status="running", started=self._table.clock(), total=max(1, len(pieces)))
        sizes = [size for _, size, _ in pieces]
        return list(groups_of(sizes, self._executor.step_bytes, self._executor.step_files)) or [[]]

    def run(self, identifier: str, places: list[int]) -> list[PartialSums]:
        """Return the sums over the pieces at these positions."""
        row, listing = self.row(identifier), self._listing(identifier)
        if listing is None:
            return sums_of_arrays(self._arrays(identifier), row.question)
        sums = self._executor.sums(listing, row.question, places, self.alive(identifier))
        self._table.update(identifier, done=places[-1] + 1)
        return sums

    def finish(self, identifier: str, parts: list[list[PartialSums]]) -> dict[str, Any]:
        """Store the results."""
        row = self.row(identifier)
        options = options_of(row.question)
        results = [
            result_of_sums(objective, options, joined([part[place] for part in parts]))
            for place, objective in enumerate(objectives_of(row.question))
        ]
        answer = {
            "results": [orjson.loads(orjson.dumps(result.described())) for result in results],
            "items": sum(part[0]["items"] for part in parts),
            "dtype": str(results[0].dtype).removeprefix("torch."),
        }
        self.succeed(identifier, answer, row.total)
        return answer

    def _listed(self, identifier: str) -> dict[str, Any] | None:
        """Return the listed files of a dataset at an address; None for an uploaded file."""
        path, media = self._file(identifier)
        listing: dict[str, Any] | None = orjson.loads(path.read_bytes()) if media == ADDRESSED else None
        return listing

    def _file(self, identifier: str) -> tuple[Path, str]:
        """Return the path and the media type of the dataset's file."""
        row, datasets = self.row(identifier), Datasets(self._settings)
        try:
            dataset = datasets.get(str(row.question["dataset"]), row.owner)
            return datasets.path(dataset.id), dataset.media
        finally:
            datasets.close()

    def _arrays(self, identifier: str) -> dict[str, Any]:
        """Return the arrays of an uploaded dataset by role."""
        row, datasets = self.row(identifier), Datasets(self._settings)
        roles = row.question["roles"]
        beside = NOTHING._replace(requested=read_names(roles)) if roles else NOTHING
        limit = DecodingLimit(self._settings.max_decoded_bytes)
        try:
            return datasets.contents(str(row.question["dataset"]), row.owner, beside, limit).roles
        finally:
            datasets.close()


def register(evaluations: EvaluationSteps) -> Callable[[str], None]:
    """Register the workflow and its steps with the jobs library; return the workflow."""
    from dbos import DBOS  # noqa: PLC0415 - 0.2 s and 25 MB

    @DBOS.step(name="begin evaluation")
    def begin(identifier: str) -> list[list[int]]:
        """Return the pieces of each step, as a step of the jobs library."""
        with ending_where_full():
            return evaluations.begin(identifier)

    @DBOS.step(name="sums")
    def sums(identifier: str, places: list[int]) -> list[PartialSums]:
        """Return the sums of one step, as a step of the jobs library."""
        with ending_where_full():
            return evaluations.run(identifier, places)

    @DBOS.step(name="finish evaluation")
    def finish(identifier: str, parts: list[list[PartialSums]]) -> dict[str, Any]:
        """Store the results, as a step of the jobs library."""
        with ending_where_full():
            return evaluations.finish(identifier, parts)

    @DBOS.workflow(name=library.WORKFLOWS["ev"])
    def evaluation(identifier: str) -> None:
        """Run an evaluation: the sums of each group of files, then the results; a workflow of the jobs library."""
        with ending(evaluations, identifier):
            parts: list[list[PartialSums]] = []
            for places in begin(identifier):
                parts.append(sums(identifier, places))
                items = sum(part[0]["items"] for part in parts)
                DBOS.write_stream(
                    library.EVENTS, {"event": "progress", "done": max(places, default=0) + 1, "items": items}
                )
            DBOS.write_stream(library.EVENTS, {"event": "result", **finish(identifier, parts)})

    workflow: Callable[[str], None] = evaluation
    return workflow
