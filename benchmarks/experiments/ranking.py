"""python -m benchmarks.experiments.ranking [train]: what choosing a loss of lists by experiment costs in nDCG.

The service's own experiments of ranking on the tables of lists of the regret benchmark, judged by held-out queries.
"""

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from benchmarks.experiments.measure import HERE, Job, read, rows_of, write
from benchmarks.experiments.report import calls, count, policies, short
from benchmarks.experiments.score import MetricQuestion, Scored, scored
from benchmarks.experiments.tables import Fresh
from benchmarks.regret.cells import HALVES
from benchmarks.regret.tables import Array
from benchmarks.regret.tables.lists import Lists, tables
from recommender.experiment import ExperimentQuestion

RESULTS = HERE / "ranking.jsonl.gz"
QUESTION = {"target": "y", "query": "query", "task": "ranking", "goal": {"metric": "ndcg"}, "held_out": "held"}
HEAD = """\
# Is choosing a loss of lists by experiment worth it?

The tables of lists of the regret benchmark: at most 160 queries of 4 to 16 rows each, relevance from 0 to 4. Every
experiment is the service's own (five folds, one repeat) and sees half of the queries; the other half judges what it
chose, by nDCG at 10, as the mean of the models of the folds. **Regret** is the distance to the candidate that was best
in the *other* half, in hundredths of nDCG. Every table's origin counts the same; intervals resample origins 4000 times.
The best constant is the single loss of least mean regret on the other origins. `linear, solved` is the experiment that
a request to advise can run.

The rules of ranking were chosen on these tables, and the learning rates of experiments were not. The article has no
rule for lists: its column repeats the evidence book's.
"""


@dataclass(frozen=True)
class Ranked(Fresh):
    """One table with the query of every row, numbered in random order. Shapes: queries (n)."""

    queries: Array


def main() -> None:
    """Run the experiments if told to, then report."""
    if "train" in sys.argv[1:]:
        with ProcessPoolExecutor(2) as pool:
            write([row for rows in pool.map(of_table, map(flat, tables())) for row in rows], RESULTS)
    text = markdown(scored(read(RESULTS)))
    (HERE / "ranking.md").write_text(text, encoding="utf-8")
    print(text)


def flat(lists: Lists) -> Ranked:
    """Return a table of lists as rows."""
    queries = np.arange(len(lists.taken))[:, None].repeat(lists.taken.shape[1], 1)
    taken = lists.taken
    return Ranked(lists.name, lists.cluster, lists.features[taken], lists.targets[taken], "ranking", queries[taken])


def of_table(table: Ranked) -> list[dict[str, Any]]:
    """Return the rows of both halves: every other query is held out, then the others."""
    torch.set_num_threads(1)
    return [row for half in HALVES for row in _of_half(table, half)]


def _of_half(table: Ranked, half: str) -> Iterator[dict[str, Any]]:
    features = {f"x{place}": column for place, column in enumerate(table.features.T)}
    beside = {"y": table.targets, "query": table.queries, "held": table.queries % 2 == HALVES.index(half)}
    question = ExperimentQuestion.model_validate({**QUESTION, "repeats": 1})
    return rows_of(Job(table, "native"), half, {**features, **beside}, [question])


def markdown(asked: dict[MetricQuestion, Scored]) -> str:
    """Return the report."""
    parts = [HEAD, "## In short", short(asked), "## Verdicts", calls(asked)]
    for question, one in asked.items():
        parts += [f"## {question.model}", count(one), policies(one)]
    return "\n\n".join(part.strip() for part in parts) + "\n"


if __name__ == "__main__":
    main()
