"""What the quick experiment of advise chose in every cell of a linear model, as a policy."""

import gzip
import json
from collections.abc import Mapping
from functools import cache

from benchmarks.regret.cells import RESULTS, Cell
from benchmarks.regret.policies import Matrix, canonical
from losses.contract.expression import parse

FAMILY = "regression"
CHOICES = RESULTS / f"{FAMILY}.advised.json.gz"
MODEL = "linear"


@cache
def chosen() -> dict[str, str]:
    """Return the chosen objectives, by what `key_of` names."""
    with gzip.open(CHOICES, "rt") as file:
        return dict(json.load(file))


def key_of(cell: Cell, metric: str) -> str:
    """Return the name of a question asked in a cell."""
    return f"{cell.key}|{metric}"


def _trained_as(objective: str, trained: Mapping[str, str]) -> str | None:
    """Return the candidate, of those trained by their objectives, that is the same loss with other parameters.

    The experiment measures its scales about a pilot of its own, so that they differ by a few per cent.
    """
    if canonical(objective) in trained:
        return trained[canonical(objective)]
    (_, wanted), *_ = parse(objective).terms
    alike = [name for text, name in trained.items() if parse(text).terms[0][1].loss.id == wanted.loss.id]
    return next((name for name in alike if name.endswith("computed")), alike[0] if alike else None)


def advised(matrix: Matrix, book: list[str]) -> list[str]:
    """Return the candidate chosen in each cell: the verdict's for a linear model, elsewhere that of the book."""
    return [
        _of_verdict(matrix, cell) if cell.model == MODEL else otherwise
        for cell, otherwise in zip(matrix.cells, book, strict=True)
    ]


def _of_verdict(matrix: Matrix, cell: Cell) -> str:
    objective = chosen()[key_of(cell, matrix.metric.name)]
    return _trained_as(objective, matrix.objectives[cell]) or matrix.candidate(cell, objective)
