"""Run the service's own experiments on fresh tables, the training part contaminated or not, judged by clean rows."""

import gzip
import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.experiments.tables import Fresh, tables
from benchmarks.regret.cells import HALVES, seed_of
from benchmarks.regret.strata import STRATA, contaminated
from recommender.experiment import ExperimentQuestion, ExperimentReport, OutOfFold, Plan, plan, run_unit, verdict
from recommender.experiment.candidates import Candidate
from recommender.experiment.run import solve_unit

HERE = Path(__file__).parent
RESULTS = HERE / "results.jsonl.gz"
TRAINED, JUDGED = 1_200, 1_800  # rows of a half, where a table has as many
OF_NUMBERS = ("natural", "one-sided 20 %", "subtle 10 %", "leverage 5 %", "symmetric 20 %")
STRATA_OF = {
    "regression": OF_NUMBERS,
    "count": ("natural",),
    "binary": ("natural", "10 % of labels flipped"),
    "multiclass": ("natural", "10 % of labels flipped"),
}
FLIPPED = 0.1
REPEATS = 1  # of 5 folds; the service asks for 3, which takes three times as long
METRICS = {
    "regression": ("rmse", "mae"),
    "count": ("poisson_deviance", "rmse"),
    "binary": ("log_loss", "auc", "balanced_accuracy"),
    "multiclass": ("log_loss", "balanced_accuracy"),
}
MODELS = 3  # trained, linear and mlp, and solved
SOLVED = "linear, solved"  # the experiment that advise runs within a request
COMPUTED = re.compile(r"\b(c|beta|scale|prior|pos_weight|power|alpha|class_weights?)=[^,()]*[1-9][^,()]*")


@dataclass(frozen=True)
class Job:
    """One table under one stratum; both halves and all models follow from it."""

    table: Fresh
    stratum: str


@dataclass(frozen=True)
class Asked:
    """One question, as it is planned."""

    metric: str
    outliers: str
    plan: Plan


def main(workers: int = 2) -> None:
    """Run the experiments without stored results; print a line for each question and model."""
    rows = read()
    stored = Counter((row["table"], row["stratum"]) for row in rows)
    jobs = [job for job in every_job() if stored[job.table.name, job.stratum] < _rows_of(job)]
    with ProcessPoolExecutor(workers) as pool:
        for done, (job, more) in enumerate(zip(jobs, pool.map(of_job, jobs), strict=True), 1):
            own = (job.table.name, job.stratum)
            rows = [row for row in rows if (row["table"], row["stratum"]) != own] + more
            write(rows)
            print(f"{done}/{len(jobs)} {job.table.name}, {job.stratum}", flush=True)


def _rows_of(job: Job) -> int:
    """Return the number of rows of a job: for each half, kind of model, metric and interpretation of outliers."""
    return len(HALVES) * MODELS * len(METRICS[job.table.task]) * len(outliers_of(job))


def every_job() -> list[Job]:
    """Return every table under every stratum of its task, ordered so that a prefix has some of each."""
    jobs = [(place % 2, Job(table, name)) for place, table in enumerate(tables()) for name in STRATA_OF[table.task]]
    return [
        job
        for _, job in sorted(jobs, key=lambda entry: (entry[0], STRATA_OF[entry[1].table.task].index(entry[1].stratum)))
    ]


def write(rows: list[dict[str, Any]], path: Path = RESULTS) -> None:
    """Write rows in the order of what they are about."""
    by = ("task", "table", "stratum", "half", "model", "metric", "outliers")
    ordered = sorted(rows, key=lambda row: [str(row[name]) for name in by])
    with gzip.GzipFile(path, "wb", mtime=0) as packed:
        packed.write("".join(json.dumps(row, separators=(",", ":")) + "\n" for row in ordered).encode())


def read(path: Path = RESULTS) -> list[dict[str, Any]]:
    """Return the rows that were written; none where there is no such file."""
    if not path.exists():
        return []
    with gzip.open(path, "rt") as file:
        return [json.loads(line) for line in file]


def of_job(job: Job) -> list[dict[str, Any]]:
    """Return the rows of both halves."""
    torch.set_num_threads(1)
    return [row for half in HALVES for row in _of_half(job, half)]


def _of_half(job: Job, half: str) -> Iterator[dict[str, Any]]:
    task = job.table.task
    questions = [question_of(task, metric, outliers) for metric in METRICS[task] for outliers in outliers_of(job)]
    return rows_of(job, half, columns_of(job, half), questions)


def rows_of(
    job: Job, half: str, columns: dict[str, np.ndarray], questions: Sequence[ExperimentQuestion]
) -> Iterator[dict[str, Any]]:
    """Yield what the experiments of one half say: a row a question and kind of model."""
    asked = [
        Asked(question.goal.metric or "", question.goal.outliers or "", plan(question, columns))
        for question in questions
    ]
    union = {candidate.objective: candidate for one in asked for candidate in one.plan.candidates}
    everything = replace(asked[0].plan, candidates=tuple(union.values()))
    places = {objective: place for place, objective in enumerate(union)}
    by_model: dict[str, list[OutOfFold]] = {
        name: [run_unit(everything, unit) for unit in everything.units if unit.model == name]
        for name in everything.question.models
    }
    by_model[SOLVED] = [solve_unit(everything, everything.units[0])]
    for model, outputs in by_model.items():
        for one in asked:
            own = [
                _only(output, [places[candidate.objective] for candidate in one.plan.candidates]) for output in outputs
            ]
            yield _row(job, half, model, one, verdict(one.plan, own))


def columns_of(job: Job, half: str) -> dict[str, np.ndarray]:
    """Return the columns of one half; `held` marks the rows that judge and are not used otherwise."""
    table, n = job.table, len(job.table.targets)
    order = np.random.default_rng(seed_of(table.name)).permutation(n)
    size = min(JUDGED, max(n // 4, (n - TRAINED) // 2))
    test = order[: 2 * size].reshape(2, size)[HALVES.index(half)]
    seed = seed_of(table.name, job.stratum, half)
    seen = np.random.default_rng(seed).permutation(np.setdiff1d(order, test))[:TRAINED]
    if table.task in ("regression", "count"):
        table = contaminated(table, seen, seen, STRATA[job.stratum], seed)
    elif job.stratum != "natural":
        table = _flipped(table, seen, seed)
    rows = np.concatenate([seen, test])
    columns = {f"x{place}": column for place, column in enumerate(table.features[rows].T)}
    held = np.arange(len(rows)) >= len(seen)
    targets = table.targets[rows]
    return {**columns, "y": targets if table.task == "regression" else targets.astype(int), "held": held}


def _flipped(table: Fresh, seen: np.ndarray, seed: int) -> Fresh:
    """Return the table with a tenth of the visible labels redrawn in proportion to the classes."""
    rng, targets = np.random.default_rng(seed), table.targets.copy()
    hit = rng.choice(seen, round(FLIPPED * len(seen)), replace=False)
    targets[hit] = rng.choice(table.targets[seen], len(hit))
    return replace(table, targets=targets)


def outliers_of(job: Job) -> tuple[str, ...]:
    """Return the statements about outliers to try: what they are, and none."""
    if job.table.task != "regression":
        return ("",)
    return ("signal" if job.stratum == "natural" else "errors", "unknown")


def question_of(task: str, metric: str, outliers: str) -> ExperimentQuestion:
    goal = {"metric": metric, **({"outliers": outliers} if outliers else {})}
    return ExperimentQuestion.model_validate(
        {"target": "y", "task": task, "goal": goal, "held_out": "held", "repeats": REPEATS}
    )


def _only(output: OutOfFold, places: Sequence[int]) -> OutOfFold:
    return replace(output, predictions=output.predictions[places], diverged=output.diverged[places])


def _row(job: Job, half: str, model: str, one: Asked, report: ExperimentReport) -> dict[str, Any]:
    name = partial(_name, _names(one.plan.candidates))
    return {
        "task": job.table.task,
        "table": job.table.name,
        "cluster": job.table.cluster,
        "stratum": job.stratum,
        "half": half,
        "model": model,
        "metric": one.metric,
        "outliers": one.outliers,
        "chosen": name(report.verdict.objective),
        "alone": {
            outliers: name(told.objective)
            for outliers, told in (
                ("errors", report.verdict.if_outliers_are_errors),
                ("signal", report.verdict.if_outliers_are_signal),
            )
            if told
        },
        "better": report.verdict.better,
        "lead": report.verdict.lead,
        "books": {
            book: name(answer.objective) for book, answer in report.verdict.books.items() if answer.regret is not None
        },
        "incumbent": name(report.verdict.incumbent),
        "standings": {
            name(standing.objective): [standing.value, standing.held_out, standing.tied, standing.p_worse]
            for standing in report.standings
        },
    }


def _names(candidates: Sequence[Candidate]) -> dict[str, str]:
    """Return a name for each objective that is the same in both halves: computed parameters are named, not told."""
    names: dict[str, str] = {}
    for candidate in candidates:
        name = COMPUTED.sub(r"\1 computed", candidate.objective)
        names[candidate.objective] = name if name not in names.values() else f"{name} again"
    return names


def _name(names: dict[str, str], objective: str) -> str:
    return names[objective]
