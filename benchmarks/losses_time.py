"""What every loss of the catalogue costs beside its own formula: make bench-losses writes losses_time.md.

`plain` and `kernel`: value, checks and standard error as the service gives them by default, without a kernel and with
one (LOSSARY_KERNELS, LOSSARY_COMPILE). `formula`: the loss function called once on the whole inputs, then the mean, as
torch takes it or as torch.compile makes it, whichever is faster. One thread, float32, about a million numbers in the
largest input (or the largest temporary). The ways take turns, and the median of the rounds counts.

First everything is compiled, by as many processes as there are cores; then each loss is timed alone. Both are kept in
a folder, so that a run which was cut short goes on where it was.
"""

import argparse
import json
import logging
import multiprocessing
import os
import random
import statistics
import sys
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from benchmarks.losses_inputs import inputs_of
from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss, Items, Sums
from losses.contract.registry import catalogue
from losses.evaluation.evaluate import evaluate
from losses.evaluation.kernels.build import build
from losses.evaluation.kernels.form import sources
from losses.evaluation.kernels.library import Kernels
from losses.evaluation.layout import CHUNK_ELEMENTS, layout_of
from losses.evaluation.passes import Options
from service.server.server import settle_memory

TABLE = Path(__file__).with_suffix(".md")
NUMBERS = 1 << 20
MOST = 3.0  # what the answer may cost, in formulas
ROUNDS, LEAST_ROUNDS, ENOUGH_S = 25, 7, 2.0  # rounds end after so many seconds, but not before so many
PLAIN, KERNEL, EAGER, COMPILED = "plain", "kernel", "eager", "torch.compile"
FOLDER = Path(".losses-time")
COMMONEST = {
    *("mse", "mae", "huber", "smooth_l1", "quantile"),
    *("bce", "categorical_ce", "sparse_categorical_ce", "focal", "dice"),
}
Ways = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class Row:
    """The seconds of every round of one loss, by what was done; the ways take turns, so rounds belong together."""

    loss: str
    shape: str
    numbers: int
    seconds: dict[str, list[float]]

    def median(self, way: str) -> float:
        """Return the seconds of one way."""
        return statistics.median(self.seconds[way])

    @property
    def formula(self) -> str:
        """The faster way to the bare mean."""
        return min((way for way in (EAGER, COMPILED) if way in self.seconds), key=self.median)

    @property
    def answer(self) -> str:
        """How the service answers where it has kernels."""
        return KERNEL if KERNEL in self.seconds else PLAIN

    def ratios(self, way: str) -> list[float]:
        """Return what an answer costs beside the formula, in the order of size: quartiles and median."""
        pairs = zip(self.seconds[way], self.seconds[self.formula], strict=True)
        return statistics.quantiles((own / formula for own, formula in pairs), n=4)

    @property
    def ratio(self) -> float:
        """What the answer costs beside the formula, in the median."""
        return self.ratios(self.answer)[1]

    @property
    def cells(self) -> list[str]:
        """The columns."""
        times = [self._time(way) for way in (PLAIN, KERNEL, self.formula)]
        low, middle, high = self.ratios(self.answer)
        plain = f"{self.ratios(PLAIN)[1]:.2f}"
        return [self.loss, self.shape, *times, self.formula, plain, f"{middle:.2f}", f"{low:.2f} to {high:.2f}"]

    def _time(self, way: str) -> str:
        return f"{1e9 * self.median(way) / self.numbers:.2f}" if way in self.seconds else "none"


COLUMNS = [
    *("loss", "largest input", PLAIN, KERNEL, "formula", "formula by"),
    *("plain / formula", "answer / formula", "quartiles"),
]


@dataclass(frozen=True)
class Job:
    """One loss to be timed: how many numbers, and where what is compiled lies; nowhere: nothing is compiled."""

    loss: str
    numbers: int
    folder: Path | None

    @property
    def term(self) -> BoundLoss:
        """The loss under its defaults."""
        return catalogue()[self.loss].bind()

    def compile_all(self) -> str:
        """Compile the formula and the kernel into the folder; return why there is no kernel, empty where there is one.

        It is called in a process of its own, whose memory goes with it.
        """
        torch.set_num_threads(1)
        warnings.simplefilter("ignore")  # torch's, of torch
        logging.getLogger("torch._dynamo").setLevel(logging.ERROR)  # which formulas are no one function
        inputs = inputs_of(self.term, self.numbers)
        form = layout_of(Objective(((1.0, self.term),)), inputs, None, CHUNK_ELEMENTS).form
        try:
            with torch.inference_mode():
                torch.compile(mean)(self.term, inputs)
            if form is None or self.folder is None:
                return "none is made of it"
            if Kernels([self.folder]).find(form, 0) is None:
                build(form, self.folder)
        except Exception as error:  # noqa: BLE001 - whatever torch raises: then what there is is timed
            return str(error).strip().split("\n", 1)[0]
        return ""

    def ways(self, inputs: dict[str, Tensor]) -> Ways:
        """Return every way to compute the loss, what is compiled loaded from the folder."""
        term = self.term
        objective = Objective(((1.0, term),))
        ways: dict[str, Callable[[], object]] = {
            PLAIN: lambda: evaluate(objective, inputs),
            EAGER: lambda: mean(term, inputs),
        }
        if self.folder is None:
            return ways
        torch._dynamo.reset()  # noqa: SLF001 - else it gives up after some losses, and the rest is not compiled
        fused = torch.compile(mean)
        ways[COMPILED] = lambda: fused(term, inputs)
        kernels = Kernels([self.folder])
        form = layout_of(objective, inputs, None, CHUNK_ELEMENTS).form
        if form is not None and kernels.find(form, 0) is not None:
            options = Options(kernels=kernels)
            ways[KERNEL] = lambda: evaluate(objective, inputs, options=options)
        return ways


def mean(term: BoundLoss, inputs: dict[str, Tensor]) -> Tensor:
    """Return what the formula says of everything at once."""
    out = term(inputs)
    if isinstance(out, Sums):
        out = out.finish({item_axis: part.sum(0) for item_axis, part in out.parts.items()})
    return out.numerator.sum() / out.counts.sum() if isinstance(out, Items) else out.mean()


def timed(job: Job, rounds: int) -> Row:
    """Return the times of one loss; its ways take turns."""
    inputs = inputs_of(job.term, job.numbers)
    with torch.inference_mode():
        ways = job.ways(inputs)
        for name, way in list(ways.items()):
            try:
                way()
            except Exception:
                if name != COMPILED:
                    raise
                del ways[name]  # torch cannot compile the formula
        seconds: dict[str, list[float]] = {name: [] for name in ways}
        started, drawn = time.perf_counter(), random.Random(0)  # noqa: S311 - an order
        for k in range(rounds):
            if k >= LEAST_ROUNDS and time.perf_counter() - started > ENOUGH_S:
                break
            for name, way in drawn.sample(list(ways.items()), len(ways)):  # what runs after much memory is slowed by it
                before = time.perf_counter()
                way()
                seconds[name].append(time.perf_counter() - before)
    largest = max(inputs.values(), key=torch.numel)
    return Row(job.loss, "x".join(map(str, largest.shape)), job.numbers, seconds)


def _compiled(job: Job) -> tuple[str, str]:
    """Return the name of a loss that was compiled, and why it has no kernel."""
    return job.loss, job.compile_all()


def measured(jobs: Sequence[Job], rounds: int, kept: Path | None) -> Iterator[Row]:
    """Yield the rows of the losses, those that are kept from a run before among them."""
    known = {} if kept is None or not kept.exists() else json.loads(kept.read_text())
    rest = [job for job in jobs if job.loss not in known]
    compiled = [job for job in rest if job.folder is not None]
    with multiprocessing.get_context("spawn").Pool(maxtasksperchild=16) as pool:
        for k, (loss, without) in enumerate(pool.imap_unordered(_compiled, compiled), 1):
            note = f", without a kernel: {without}" if without else ""
            sys.stderr.write(f"compiled {k} of {len(compiled)}: {loss}{note}\n")
    for job in jobs:
        if job.loss not in known:
            row = timed(job, rounds)
            known[job.loss] = asdict(row)
            if kept is not None:
                kept.write_text(json.dumps(known))
            sys.stderr.write(f"{' | '.join(row.cells)}\n")
        yield Row(**known[job.loss])


def main() -> None:
    """Measure, and print the table; that of the whole catalogue is written, too."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("losses", nargs="*", help="ids; none: the whole catalogue")
    parser.add_argument("--numbers", type=int, default=NUMBERS)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    parser.add_argument("--compile", action="store_true", help="kernels and torch.compile too; takes a C++ compiler")
    parser.add_argument("--folder", type=Path, default=FOLDER, help="where kernels and times are kept; %(default)s")
    asked = parser.parse_args()
    unknown = set(asked.losses) - set(catalogue())
    if unknown:
        parser.error(f"no losses: {', '.join(sorted(unknown))}")
    settle_memory()
    torch.set_num_threads(1)
    folder = (asked.folder / sources()[:16]).absolute() if asked.compile else None  # with other code, all is made anew
    if folder is not None:
        folder.mkdir(parents=True, exist_ok=True)
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(folder / "fused")
    names = asked.losses or list(catalogue())
    kept = None if folder is None else folder / f"{asked.numbers}.json"
    rows = list(measured([Job(name, asked.numbers, folder) for name in names], asked.rounds, kept))
    rows.sort(key=lambda row: row.ratio)
    table = Table(*COLUMNS, title="Nanoseconds a number, on one thread")
    for row in rows:
        table.add_row(*row.cells)
    Console(width=160).print(table, *summary(rows), sep="\n")
    if not asked.losses and asked.compile:
        TABLE.write_text("\n".join(markdown(rows)) + "\n")


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Yield what the table says as a whole."""
    plain = sum(row.ratios(PLAIN)[1] > MOST for row in rows)
    yield f"Without kernels {plain} of {len(rows)} losses cost more than {MOST:g} formulas."
    if any(KERNEL in row.seconds for row in rows):
        slow = [row.loss for row in rows if row.ratio > MOST]
        yield f"With kernels {len(slow)} of {len(rows)} do{': ' if slow else ''}{', '.join(slow)}."
        middle = statistics.median(row.ratio for row in rows)
        yield f"In the median of the losses an answer with kernels costs {middle:.2f} formulas."
        common = ", ".join(f"{row.ratio:.2f} (`{row.loss}`)" for row in rows if row.loss in COMMONEST)
        yield f"Of the ten commonest: {common}."
        without = [f"`{row.loss}`" for row in rows if KERNEL not in row.seconds]
        yield f"{len(without)} have no kernel: {', '.join(without)}."


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """Yield the lines of the page."""
    yield "# What every loss costs\n"
    yield "Nanoseconds a number on one thread, as `make bench-losses` measured them; `losses_time.py` says what of."
    yield "The ways take turns; times are medians of the rounds, and ratios medians of those in each round.\n"
    yield from (f"- {line}" for line in summary(rows))
    yield f"\n| {' | '.join(COLUMNS)} |"
    yield f"|---|---|{'---:|' * 3}---|{'---:|' * 3}"
    for row in rows:
        name, *cells = row.cells
        yield f"| `{name}` | {' | '.join(cells)} |"


if __name__ == "__main__":
    main()
