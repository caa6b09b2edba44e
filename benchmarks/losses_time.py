"""What every loss of the catalogue costs beside its own formula: make bench-losses prints and writes it, worst last.

`evaluate`: value, checks and standard error as the service gives them by default. `formula`: the loss function called
once on the whole inputs, then the mean; `compiled`: that as torch.compile makes it. `evaluate, kernel`: as the service
evaluates where it has kernels (LOSSARY_KERNELS, LOSSARY_COMPILE). `copy`: the same inputs copied. One thread, float32,
about a million numbers in the largest input (or the largest temporary). They take turns and the least of each counts,
since the machine is shared: read the ratios.
"""

import argparse
import math
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from rich.console import Console
from rich.table import Table
from torch import Tensor

from losses.contract.domains import Domain
from losses.contract.expression import Objective
from losses.contract.loss import BoundLoss, Items, Loss, Sums
from losses.contract.registry import catalogue
from losses.contract.shapes import Axes
from losses.evaluation.evaluate import evaluate
from losses.evaluation.kernels.build import build
from losses.evaluation.kernels.library import Kernels
from losses.evaluation.layout import CHUNK_ELEMENTS, layout_of
from losses.evaluation.passes import Options
from service.server.server import settle_memory

TABLE = Path(__file__).with_suffix(".md")
NUMBERS = 1 << 20
MOST = 3.0  # what the answer may cost, in formulas
LENGTHS = {"C": 8, "D": 64, "K": 8, "L": 32, "T": 128, "S": 16}
PIXELS = (32, 32)
COPY, FORMULA, EVALUATE, COMPILED, KERNEL = "copy", "formula", "evaluate", "compiled", "evaluate, kernel"


@dataclass(frozen=True)
class Row:
    """The seconds of one loss, by what was done."""

    loss: str
    shape: str
    numbers: int
    seconds: dict[str, float]

    def ratio(self, way: str) -> float:
        """What an answer costs beside the cheapest way to the bare mean."""
        return self.seconds[way] / min(self.seconds.get(name, math.inf) for name in (FORMULA, COMPILED))

    @property
    def cells(self) -> list[str]:
        """The columns after the name."""
        times = [f"{1e9 * each / self.numbers:.2f}" for each in self.seconds.values()]
        ratios = [f"{self.ratio(way):.2f}" for way in (EVALUATE, KERNEL) if way in self.seconds]
        return [self.shape, *times, *ratios]


def axes(loss: Loss, numbers: int) -> Axes:
    """Return a length for every axis, so that the largest input or temporary has about so many numbers."""
    patterns = [loss.pattern(role) for role in loss.roles]
    corners = {
        pattern.names[1] for role, pattern in zip(loss.roles, patterns, strict=True) if loss.domains[role].corners
    }
    item_axes = {pattern.item_axis for pattern in patterns if pattern.item_axis}
    lengths: Axes = dict.fromkeys(item_axes, (1,))
    for name in {name for pattern in patterns for name in pattern.names} - {
        *item_axes,
        *(f"*{item_axis}" for item_axis in item_axes),
    }:
        bare = name.lstrip("*")
        lengths[bare] = PIXELS if name.startswith("*") else (4 if name in corners else LENGTHS[bare],)
    largest = max(math.prod(pattern.lengths(lengths)) for pattern in patterns)
    length = max(1, numbers // largest)
    if loss.work.holds:
        power = sum(name in item_axes for name in loss.work.holds.split())
        length = (
            min(length, round((numbers / loss.work.peak_numbers(lengths, loss.bind().params)[0]) ** (1 / power)))
            if power
            else length
        )
    return lengths | dict.fromkeys(item_axes, (length,))


def drawn(domain: Domain, shape: tuple[int, ...], lengths: Axes, rng: torch.Generator) -> Tensor:
    """Return numbers well inside a domain."""
    if domain.whole:
        axis = domain.below or domain.up_to
        high = lengths[axis][0] if axis else 2 if domain.high == 1 else 5
        return torch.randint(high, shape, generator=rng)
    normal = torch.randn(shape, generator=rng)
    if domain.signs:
        return normal.sign()
    if domain.simplex:
        return normal.softmax(1)
    if domain.corners:
        return torch.cat([normal[:, :2], normal[:, :2] + 0.2 + normal[:, 2:].abs()], 1)
    low = domain.above if domain.low is None else domain.low
    high = domain.under if domain.high is None else domain.high
    if low is None or high is None:
        return normal if low is None else low + 0.3 + 2 * torch.rand(shape, generator=rng)
    return low + (0.02 + 0.96 * torch.rand(shape, generator=rng)) * (high - low)


def mean(term: BoundLoss, inputs: dict[str, Tensor]) -> Tensor:
    """Return what the formula says of everything at once."""
    out = term(inputs)
    if isinstance(out, Sums):
        out = out.finish({item_axis: part.sum(0) for item_axis, part in out.parts.items()})
    return out.numerator.sum() / out.counts.sum() if isinstance(out, Items) else out.mean()


def least(ways: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Return the least seconds of each way; they take turns."""
    seconds = dict.fromkeys(ways, math.inf)
    for _ in range(rounds):
        for name, way in ways.items():
            started = time.perf_counter()
            way()
            seconds[name] = min(seconds[name], time.perf_counter() - started)
    return seconds


@cache
def folder() -> Path:
    """Return where kernels are compiled."""
    return Path(tempfile.mkdtemp(prefix="kernels-"))


def kernel_folder(objective: Objective, inputs: dict[str, Tensor]) -> Path:
    """Return where the kernel of an objective lies, if it can have one."""
    form = layout_of(objective, inputs, None, CHUNK_ELEMENTS).form
    if form is not None and Kernels([folder()]).find(form, 0) is None:
        try:
            build(form, folder())
        except Exception as error:  # noqa: BLE001 - whatever torch raises: then the plain way is timed
            Console(stderr=True).print(f"{objective} has no kernel: {str(error).splitlines()[:1]}")
    return folder()


def measured(loss: Loss, numbers: int, rounds: int, *, compiled: bool) -> Row:
    """Return the times of one loss under its defaults."""
    term, lengths, rng = loss.bind(), axes(loss, numbers), torch.Generator().manual_seed(0)
    inputs = {
        role: drawn(term.domain(role), loss.pattern(role).lengths(lengths), lengths, rng) for role in loss.required
    }
    objective = Objective(((1.0, term),))
    if compiled:
        torch._dynamo.reset()  # noqa: SLF001 - else it gives up after some losses, and the rest is not compiled
    fused = torch.compile(mean) if compiled else mean
    ways: dict[str, Callable[[], object]] = {
        COPY: lambda: [tensor.clone() for tensor in inputs.values()],
        FORMULA: lambda: mean(term, inputs),
        EVALUATE: lambda: evaluate(objective, inputs),
    }
    if compiled:
        ways[COMPILED] = lambda: fused(term, inputs)
        with_kernels = Options(kernels=Kernels([kernel_folder(objective, inputs)]))
        ways[KERNEL] = lambda: evaluate(objective, inputs, options=with_kernels)
    with torch.inference_mode():
        seconds = least(ways, rounds)
    largest = max(inputs.values(), key=torch.numel)
    return Row(loss.id, "x".join(map(str, largest.shape)), numbers, seconds)


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("losses", nargs="*", help="ids; none: the whole catalogue")
    parser.add_argument("--numbers", type=int, default=NUMBERS)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--compile", action="store_true", help="torch.compile(formula) as well; takes a C++ compiler")
    asked = parser.parse_args()
    settle_memory()
    torch.set_num_threads(1)
    wanted = [loss for loss in catalogue().values() if not asked.losses or loss.id in asked.losses]
    rows = []
    for loss in wanted:
        rows.append(measured(loss, asked.numbers, asked.rounds, compiled=asked.compile))
        sys.stderr.write(f"{loss.id} {' '.join(rows[-1].cells)}\n")
    rows.sort(key=lambda row: row.ratio(EVALUATE))
    ways = [way for way in (EVALUATE, KERNEL) if way in rows[0].seconds]
    names = ["loss", "largest input", *rows[0].seconds, *(f"{way} / least formula" for way in ways)]
    said = [
        f"{way}: {sum(row.ratio(way) > MOST for row in rows)} of {len(rows)} cost more than {MOST:g} formulas."
        for way in ways
    ]
    table = Table(*names, title="Nanoseconds a number, on one thread")
    for row in rows:
        table.add_row(row.loss, *row.cells)
    Console(width=150).print(table, *said, sep="\n")
    if not asked.losses:
        TABLE.write_text("\n".join(_table(names, rows, said)) + "\n")


def _table(names: list[str], rows: list[Row], said: list[str]) -> Iterator[str]:
    """Yield the lines of the table as Markdown."""
    yield "# What every loss costs\n"
    yield "Nanoseconds a number on one thread, as `make bench-losses` measured them; `losses_time.py` says what of.\n"
    yield from (f"- {line}" for line in said)
    yield f"\n| {' | '.join(names)} |"
    yield f"|{'---|' * len(names)}"
    for row in rows:
        yield f"| `{row.loss}` | {' | '.join(row.cells)} |"


if __name__ == "__main__":
    main()
