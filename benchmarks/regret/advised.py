"""python -m benchmarks.regret.advised: what `POST /v1/advise?experiment=quick` chooses on every training part.

Its experiment is of a linear model, so that it is run for the cells of linear models alone. It compares the losses that
were trained here: `msle` and `log_cosh`, which were not, are left out of its candidates.
"""

import gzip
import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import torch

from benchmarks.regret.cells import HALVES, Cell, everywhere
from benchmarks.regret.policies import MISTAKES, canonical
from benchmarks.regret.protocol import Metric, protocol
from benchmarks.regret.quick_experiment import CHOICES, FAMILY, MODEL, key_of
from benchmarks.regret.regression import seen_part
from benchmarks.regret.strata import STRATA
from benchmarks.regret.tables import Table
from benchmarks.regret.tables.regression import tables
from recommender.experiment import ExperimentQuestion, plan, verdict
from recommender.experiment.run import solve_unit

UNTRAINED = ("msle", "log_cosh")


class Choice(NamedTuple):
    """The choice in a cell for a metric, with the interpretation of outliers stated."""

    key: str
    objective: str


def main(workers: int = 1) -> None:
    """Run every experiment, and write the choices."""
    chosen: dict[str, str] = {}
    for choice in everywhere(of_table, list(tables()), workers):
        chosen[choice.key] = choice.objective
    with gzip.GzipFile(CHOICES, "wb", mtime=0) as packed:
        packed.write(json.dumps(chosen, sort_keys=True, indent=0).encode())


def of_table(table: Table) -> list[Choice]:
    """Return the choices in every cell of one table."""
    torch.set_num_threads(1)
    return list(_choices(table))


def _choices(table: Table) -> Iterator[Choice]:
    for stratum in STRATA:
        for half in HALVES:
            cell = Cell(FAMILY, table.name, table.cluster, stratum, MODEL, half)
            part = seen_part(table, cell)
            columns = {f"x{place}": column for place, column in enumerate(part.features.T)} | {"y": part.targets}
            for metric in protocol().families[FAMILY].metrics:
                yield Choice(key_of(cell, metric.name), _quick(columns, metric, cell))


def _quick(columns: Mapping[str, np.ndarray], metric: Metric, cell: Cell) -> str:
    """Return the verdict's objective, as `recommender.experiment.quick` reaches it."""
    outliers = "errors" if cell.stratum.startswith(MISTAKES) else "signal"
    question = ExperimentQuestion.model_validate(
        {
            "target": "y",
            "task": "regression",
            "goal": {"metric": metric.name, "outliers": outliers},
            "models": [MODEL],
            "repeats": 1,
        }
    )
    planned = plan(question, dict(columns))
    kept = tuple(one for one in planned.candidates if not canonical(one.objective).startswith(UNTRAINED))
    planned = replace(planned, candidates=kept)
    return verdict(planned, [solve_unit(planned, unit) for unit in planned.units]).verdict.objective


if __name__ == "__main__":
    main()
