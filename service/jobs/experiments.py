"""The steps of an experiment job: its units are trained one after another, then judged together."""

import time
from collections.abc import Callable
from functools import lru_cache
from typing import Any

import numpy as np

from service.jobs import library
from service.jobs.steps import Steps, ending, ending_where_full
from service.jobs.table import JobTable
from service.settings import Settings


class ExperimentSteps(Steps):
    """The steps of experiment jobs. Each can be repeated, and stores its output in the job's folder for the next."""

    def __init__(self, settings: Settings, table: JobTable) -> None:
        super().__init__(settings, table)
        self._plan = lru_cache(maxsize=1)(self._planned)

    def begin(self, identifier: str) -> list[dict[str, Any]]:
        """Return the units of the experiment."""
        plan = self._plan(identifier)
        total = plan.fits_a_unit * len(plan.units)
        self._table.update(identifier, status="running", started=self._table.clock(), total=total)
        return [{"model": unit.model, "repeat": unit.repeat} for unit in plan.units]

    def run(self, identifier: str, place: int) -> dict[str, Any]:
        """Train one unit, and store the standings so far."""
        from recommender.experiment import run_unit  # noqa: PLC0415 - once the lease is held

        plan, started = self._plan(identifier), time.monotonic()
        outputs = run_unit(plan, plan.units[place], alive=self.alive(identifier))
        folder = library.artefacts_of(self._settings, identifier)
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{place}.part"
        with part.open("wb") as file:
            np.savez(
                file,
                predictions=outputs.predictions,
                diverged=outputs.diverged,
                rates=outputs.rates,
                steps=outputs.steps,
            )
        part.replace(folder / f"{place}.npz")
        report = self._report(identifier, place + 1)
        self._table.update(identifier, done=plan.fits_a_unit * (place + 1), found=report)
        return {
            "seconds": time.monotonic() - started,
            "done": plan.fits_a_unit * (place + 1),
            "standings": report["standings"],
        }

    def finish(self, identifier: str, units: int) -> dict[str, Any]:
        """Store the verdict."""
        report = self._report(identifier, units)
        done = self._plan(identifier).fits_a_unit * units
        self.succeed(identifier, report, done)
        return {"verdict": report["verdict"]}

    def _planned(self, identifier: str) -> Any:  # noqa: ANN401 - of a module that is imported late
        """Return the plan of an experiment, recreated from its question and its dataset."""
        from recommender.experiment import ExperimentQuestion, plan  # noqa: PLC0415 - once the lease is held
        from service.datasets.store import Datasets  # noqa: PLC0415 - as above
        from service.jobs.columns import columns_of  # noqa: PLC0415 - as above
        from service.uploads.formats.registry import DecodingLimit  # noqa: PLC0415 - as above

        row = self.row(identifier)
        datasets = Datasets(self._settings)
        dataset = datasets.get(str(row.question["dataset"]), row.owner)
        columns = columns_of(datasets.path(dataset.id), dataset.media, DecodingLimit(self._settings.max_decoded_bytes))
        datasets.close()
        return plan(ExperimentQuestion(**row.question), columns)

    def _report(self, identifier: str, units: int) -> dict[str, Any]:
        """Return the report on the units that are trained so far."""
        from recommender.experiment import OutOfFold, verdict  # noqa: PLC0415 - once the lease is held

        plan, folder = self._plan(identifier), library.artefacts_of(self._settings, identifier)
        outputs = []
        for place, unit in enumerate(plan.units[:units]):
            with np.load(folder / f"{place}.npz", allow_pickle=False) as kept:
                outputs.append(
                    OutOfFold(
                        unit=unit,
                        predictions=kept["predictions"],
                        diverged=kept["diverged"],
                        fold_of_row=plan.partitions[unit.repeat],
                        rates=tuple(kept["rates"].tolist()),
                        steps=tuple(kept["steps"].tolist()),
                    )
                )
        language: Any = self.row(identifier).language
        return verdict(plan, outputs, language).model_dump(mode="json")


def register(experiments: ExperimentSteps) -> Callable[[str], None]:
    """Register the workflow and its steps with the jobs library; return the workflow."""
    from dbos import DBOS  # noqa: PLC0415 - 0.2 s and 25 MB

    @DBOS.step(name="begin")
    def begin(identifier: str) -> list[dict[str, Any]]:
        """Return the units of the experiment, as a step of the jobs library."""
        with ending_where_full():
            return experiments.begin(identifier)

    @DBOS.step(name="run")
    def run(identifier: str, place: int) -> dict[str, Any]:
        """Train one unit, as a step of the jobs library."""
        with ending_where_full():
            return experiments.run(identifier, place)

    @DBOS.step(name="finish")
    def finish(identifier: str, units: int) -> dict[str, Any]:
        """Store the verdict, as a step of the jobs library."""
        with ending_where_full():
            return experiments.finish(identifier, units)

    @DBOS.workflow(name=library.WORKFLOWS["ex"])
    def experiment(identifier: str) -> None:
        """Run an experiment: each unit, then the verdict; a workflow of the jobs library."""
        with ending(experiments, identifier):
            question = experiments.row(identifier).question
            units, spent, done = begin(identifier), 0.0, 0
            first = len(question["models"])  # every model is trained once, whatever the budget
            for place in range(len(units)):
                if place >= first and spent >= question["budget_seconds"] and place % first == 0:
                    break
                step = run(identifier, place)
                spent, done = spent + step.pop("seconds"), place + 1
                DBOS.write_stream(library.EVENTS, {"event": "progress", **step})
            DBOS.write_stream(library.EVENTS, {"event": "verdict", **finish(identifier, done)})

    workflow: Callable[[str], None] = experiment
    return workflow
