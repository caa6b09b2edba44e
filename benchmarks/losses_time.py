"""What every loss of the catalogue costs beside its own formula: make bench-losses prints it, the worst last.

`evaluate`: value, checks and standard error as the service gives them by default. `formula`: the loss function called
once on the whole inputs, then the mean. `copy`: the same inputs copied. One thread, float32, about a million numbers in
the largest input (or in the largest temporary). The three take turns and the least of each counts, since the machine
is shared: read the ratios.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from losses.domains import Domain
from losses.evaluate import evaluate
from losses.expression import Objective
from losses.registry import catalogue
from losses.shapes import Axes
from losses.spec import BoundLoss, Items, Loss, Sums

NUMBERS = 1 << 20
MOST = 3.0  # what the answer may cost, in formulas
LENGTHS = {"C": 8, "D": 64, "K": 8, "L": 32, "T": 128, "S": 16}
PIXELS = (32, 32)
COPY, FORMULA, EVALUATE, COMPILED = "copy", "formula", "evaluate", "compiled"


@dataclass(frozen=True)
class Row:
    """The seconds of one loss, by what was done."""

    loss: str
    shape: str
    numbers: int
    seconds: dict[str, float]

    @property
    def ratio(self) -> float:
        """What the answer costs beside the cheapest way to the bare mean."""
        return self.seconds[EVALUATE] / min(self.seconds.get(name, math.inf) for name in (FORMULA, COMPILED))

    def __str__(self) -> str:
        cells = [f"{1e9 * each / self.numbers:9.2f}" for each in self.seconds.values()]
        return f"{self.loss:32}{self.shape:>16}{''.join(cells)}{self.ratio:8.2f}"


def axes(loss: Loss, numbers: int) -> Axes:
    """Return a length for every axis, so that the largest input or temporary has about so many numbers."""
    patterns = [loss.pattern(role) for role in loss.roles]
    corners = {
        pattern.names[1] for role, pattern in zip(loss.roles, patterns, strict=True) if loss.domains[role].corners
    }
    leads = {pattern.lead for pattern in patterns if pattern.lead}
    found: Axes = dict.fromkeys(leads, (1,))
    for name in {name for pattern in patterns for name in pattern.names} - {*leads, *(f"*{lead}" for lead in leads)}:
        bare = name.lstrip("*")
        found[bare] = PIXELS if name.startswith("*") else (4 if name in corners else LENGTHS[bare],)
    largest = max(math.prod(pattern.lengths(found)) for pattern in patterns)
    length = max(1, numbers // largest)
    if loss.work is not None:
        power = sum(name in leads for name in loss.work.names)
        length = min(length, round((numbers / math.prod(loss.work.lengths(found))) ** (1 / power))) if power else length
    return found | dict.fromkeys(leads, (length,))


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
        out = out.finish({lead: part.sum(0) for lead, part in out.parts.items()})
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


def measured(loss: Loss, numbers: int, rounds: int, *, compiled: bool) -> Row:
    """Return the times of one loss under its defaults."""
    term, lengths, rng = loss.bind(), axes(loss, numbers), torch.Generator().manual_seed(0)
    inputs = {
        role: drawn(term.domain(role), loss.pattern(role).lengths(lengths), lengths, rng) for role in loss.required
    }
    objective = Objective(((1.0, term),))
    fused = torch.compile(mean) if compiled else mean
    ways: dict[str, Callable[[], object]] = {
        COPY: lambda: [tensor.clone() for tensor in inputs.values()],
        FORMULA: lambda: mean(term, inputs),
        EVALUATE: lambda: evaluate(objective, inputs),
    }
    if compiled:
        ways[COMPILED] = lambda: fused(term, inputs)
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
    torch.set_num_threads(1)
    wanted = [loss for loss in catalogue().values() if not asked.losses or loss.id in asked.losses]
    rows = [measured(loss, asked.numbers, asked.rounds, compiled=asked.compile) for loss in wanted]
    print(f"{'ns a number':32}{'largest input':>16}{''.join(f'{name:>9}' for name in rows[0].seconds)}{'ratio':>8}")
    for row in sorted(rows, key=lambda row: row.ratio):
        print(row)
    print(f"{sum(row.ratio > MOST for row in rows)} of {len(rows)} cost more than {MOST:g} formulas.")


if __name__ == "__main__":
    main()
